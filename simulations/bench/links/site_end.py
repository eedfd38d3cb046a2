"""The site's end of a measured link: takes bundles into custody, dials until they are stored, tells when.

Run as a program: `python -m simulations.bench.links.site_end SPEC`; each line on its input begins a round,
and it ends with its input.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from protocol.ids import BundleId
from sfhub.clock import SystemClock
from sync.core import BundleReceived, BundleSent, Ending, Event, LinkMemory, SessionTerms
from sync.driver import Setting, dial_session
from sync.ports import Dialer, LinkError
from sync.signal import Signal
from sync.stores.database import Database
from sync.stores.sqlite import CUSTODY_SCHEMA, SqlitePairStore, SqliteStore

from .spec import LINK_SECRET, PAIR, ParcelSpec, SiteSpec, add, read_site_spec, tell, words

REDIAL_S: Final = 1.0
"""Between two calls, as a node that wants its answer would wait at first."""


class SiteEnd:
    """One store, and one dialer that keeps what it learns of the link from round to round."""

    def __init__(self, spec: SiteSpec, store: SqlitePairStore) -> None:
        self._spec = spec
        self._store = store
        self._dialer = dialer_of(spec)
        self._memory = LinkMemory()
        self._missing: set[BundleId] = set()
        self._is_answered = not spec.awaits_reply
        self._parting = Signal()
        self._has_all = False

    async def carry(self, parcels: Sequence[ParcelSpec], *, is_last: bool) -> None:
        """One round: from the first call until nothing is left to wait for."""
        late = [parcel for parcel in parcels if parcel.after_s]
        awaits_reply = is_last and self._spec.awaits_reply
        self._missing = {parcel.bundle_id for parcel in parcels}
        self._parting = Signal()
        self._has_all = False
        setting = Setting(
            store=self._store,
            clock=SystemClock(),
            terms=SessionTerms(stays_open=bool(late) or awaits_reply),
            observer=self._observe,
            parting=self._parting,
        )
        tell("began")
        async with asyncio.TaskGroup() as group:
            for parcel in late:
                group.create_task(self._add_late(parcel))
            await self._call(setting)
            while not self._has_all:
                await asyncio.sleep(REDIAL_S)
                await self._call(setting)
        tell("finished")

    async def _call(self, setting: Setting) -> None:
        """One session, and whether anything is left to wait for after it."""
        try:
            connection = await self._dialer.dial()
        except LinkError as error:
            tell("unreached", reason=str(error))
            return
        report = await dial_session(
            connection,
            link_secret=LINK_SECRET,
            pseudonym=PAIR,
            setting=replace(setting, memory=self._memory),
        )
        self._memory = report.memory
        tell("called", ending=report.ending.value, reason=report.reason)
        # What an earlier life of this process sent is told by nobody again: then the ending speaks for it.
        is_done = report.ending is Ending.DONE and self._is_answered
        self._has_all = is_done or self._parting.is_set()

    async def _add_late(self, parcel: ParcelSpec) -> None:
        await asyncio.sleep(parcel.after_s)
        await add(self._store, parcel)
        tell("queued", bundle=parcel.bundle_id.hex())

    def _observe(self, event: Event) -> None:
        match event:
            case BundleSent(offer):
                self._missing.discard(offer.bundle_id)
                tell("known", bundle=offer.bundle_id.hex())
            case BundleReceived(offer):
                self._is_answered = True
                tell("answered", bundle=offer.bundle_id.hex())
            case _:
                return
        if self._spec.awaits_reply and self._is_answered and not self._missing:
            self._parting.set()


def dialer_of(spec: SiteSpec) -> Dialer:
    """As a node makes it from the settings of its link."""
    told: dict[str, Any] = {"rate_bit_s": spec.rate_bit_s, "rtt_s": spec.rtt_s}
    told = {name: value for name, value in told.items() if value is not None}
    if spec.way == "http":
        from sync.links.http import HttpDialer

        return HttpDialer(f"http://{spec.host}:{spec.port}", **told)
    from sync.links.udp import UdpDialer

    return UdpDialer(spec.host, spec.port, pseudonym=PAIR, link_secret=LINK_SECRET, **told)


async def run(spec: SiteSpec) -> None:
    """All rounds, each at its word."""
    database = await Database.open(Path(spec.folder) / "site.db", [CUSTODY_SCHEMA])
    try:
        store = await SqliteStore(database).pair(PAIR)
        end = SiteEnd(spec, store)
        heard = await words()
        for number, parcels in enumerate(spec.rounds, 1):
            for parcel in parcels:
                if not parcel.after_s:
                    await add(store, parcel)
            tell("ready")
            if not await heard.readline():
                return
            await end.carry(parcels, is_last=number == len(spec.rounds))
        await heard.read()
    finally:
        await database.close()


if __name__ == "__main__":
    asyncio.run(run(read_site_spec(Path(sys.argv[1]))))
