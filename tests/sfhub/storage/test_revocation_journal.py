"""Revocations beside the keys: whole lines or none, and of this hub alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from protocol.case_keys import MasterKey
from protocol.ids import KEY_ID_BYTES
from protocol.prekeys import Revocation, RevocationReason
from sfhub.app import open_hub
from sfhub.config import HubFolder
from sfhub.storage.revocation_journal import REVOCATIONS_FILE, RevocationJournal
from sync.stores.errors import StoreDamaged
from tests.sfhub.site import Site

ONE, OTHER = (
    Revocation(
        version=version, key_id=bytes(KEY_ID_BYTES), reason=RevocationReason.LOST, since=0, remark=remark
    )
    for version, remark in ((1, None), (2, "Found again."))
)


def journal(folder: Path, master: bytes = b"m" * 32) -> RevocationJournal:
    return RevocationJournal(folder / REVOCATIONS_FILE, MasterKey(master))


def test_it_gives_back_what_was_appended_once(tmp_path: Path) -> None:
    assert journal(tmp_path).read() == ()
    for revocation in (ONE, OTHER, ONE):
        journal(tmp_path).append(revocation)
    assert journal(tmp_path).read() == (ONE, OTHER)


def test_a_line_that_a_crash_cut_off_spoils_no_other(tmp_path: Path) -> None:
    journal(tmp_path).append(ONE)
    with (tmp_path / REVOCATIONS_FILE).open("ab") as file:
        file.write(b"0123")
    assert journal(tmp_path).read() == (ONE,)
    journal(tmp_path).append(OTHER)
    assert journal(tmp_path).read() == (ONE, OTHER)


def test_another_hubs_journal_is_refused(tmp_path: Path) -> None:
    journal(tmp_path).append(ONE)
    with pytest.raises(StoreDamaged, match="a revoked device could be let in again"):
        journal(tmp_path, b"n" * 32).read()


async def test_a_damaged_journal_is_told_and_stops_no_care(folder: HubFolder) -> None:
    (folder.keys / REVOCATIONS_FILE).write_bytes(b"not a line of ours\n")
    async with open_hub(folder) as hub:
        (trouble,) = hub.troubles
        assert "Restore this file from the backup of the keys" in trouble
        site = Site("MV ARGO", seed=1)
        await site.enrol(hub)
        revoked = await hub.revocations.revoke("MV ARGO", reason=RevocationReason.LOST)
        assert revoked.pair is not None
        assert hub.sites.directory.newest_pair(revoked.pair.site) is None


async def test_what_an_older_list_does_not_name_is_written_down_at_the_next_start(folder: HubFolder) -> None:
    async with open_hub(folder) as hub:
        await Site("MV ARGO", seed=1).enrol(hub)
        await hub.revocations.revoke("MV ARGO", reason=RevocationReason.LOST)
    (folder.keys / REVOCATIONS_FILE).unlink()
    async with open_hub(folder) as hub:
        assert hub.troubles == ()
        written = RevocationJournal(folder.keys / REVOCATIONS_FILE, hub.keys.storage).read()
        assert written == tuple(listed.revocation for listed in await hub.revocations.all())
