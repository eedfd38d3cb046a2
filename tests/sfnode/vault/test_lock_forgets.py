"""What was packed and read while the vault was open is not kept in memory once it is locked."""

from __future__ import annotations

from pathlib import Path

from protocol import compress, entry
from protocol.clinical import Note
from sfnode.services.casebook import CaseBook
from sfnode.services.clock import SetClock
from sfnode.services.vault_access import VaultAccess
from tests.protocol.cases import MEDIC
from tests.sfnode.services.station import NOW_S, PASSPHRASE, open_station


async def test_locking_forgets_text_that_was_packed_or_read(tmp_path: Path) -> None:
    station = await open_station(tmp_path)
    await station.vault.close()
    access = VaultAccess(tmp_path, lambda vault: CaseBook(vault, clock=SetClock(wall_s=NOW_S)))
    await access.unlock(PASSPHRASE)
    compress.compress(b"Pain in the chest since two hours.")
    MEDIC.write(Note(language="en", text="Pain in the chest."), counter=1)
    assert compress._alone.cache_info().currsize > 0
    assert entry._known.cache_info().currsize > 0
    await access.lock()
    assert compress._alone.cache_info().currsize == 0
    assert entry._known.cache_info().currsize == 0
