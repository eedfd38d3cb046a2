"""A program that makes contacts on a small disk which is really full, and again when there is room.

Run with a folder on that disk; it fails where a promise is broken.
"""

from __future__ import annotations

import asyncio
import sys
from itertools import count
from pathlib import Path

from protocol.header import Priority
from sfnode.config import LinkSettings
from simulations.virtual.loop import run_virtual
from sync.stores.errors import StoreFull
from tests.sfnode.services.coast import PAIRING, open_coast
from tests.sync.stores.custodian import say

LINK = LinkSettings(hub_url="http://hub.example", name="lband", rate_bit_s=22_000, rtt_s=0.9, poll_s=600.0)
FILLER_BYTES = 1 << 12


def fill(folder: Path) -> Path:
    """A file that takes what is left of the disk."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for _ in count():
            try:
                if file.write(bytes(FILLER_BYTES)) < FILLER_BYTES:
                    return filler
            except OSError:
                return filler
    raise AssertionError("no disk is endless")


async def main(folder: Path) -> None:
    async with open_coast(folder, [LINK]) as coast:
        await coast.until_reached("lband")
        queued = [await coast.queue(Priority.EMERGENCY) for _ in range(3)]
        filler = fill(folder)
        try:
            while True:
                queued.append(await coast.queue(Priority.ROUTINE, 20_000))
        except StoreFull as error:
            say("queued", len(queued), error)
        await coast.hub_queues(Priority.ROUTINE, 60_000)
        await asyncio.sleep(3_600.0)
        say("full", await coast.outcomes(), coast.contacts.state.words)
        filler.unlink()
        for bundle_id in queued:
            await coast.until_at_hub(bundle_id)
        await asyncio.sleep(3_600.0)
        say("free", await coast.outcomes(), coast.contacts.state.words)
        custody = await coast.spool.custody(PAIRING)
        assert [len(each.sealed) for each in await custody.received_after(0, 10)] == [60_000]
        assert not await coast.spool.transfers.unstored(), "what the hub holds is known to be there"
        held = [each.offer.bundle_id for each in await coast.hub.received_after(0, 1_000)]
        assert sorted(held) == sorted(queued), "each once"
    say("went on", len(queued))


if __name__ == "__main__":
    run_virtual(main(Path(sys.argv[1])))
