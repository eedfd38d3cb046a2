"""What was packed while the vault was open is not kept in memory once it is locked."""

from __future__ import annotations

from pathlib import Path

from protocol import compress
from sfnode.services.casebook import CaseBook
from sfnode.services.clock import SetClock
from sfnode.services.vault_access import VaultAccess
from tests.sfnode.services.station import NOW_S, PASSPHRASE, open_station


async def test_locking_forgets_packed_text(tmp_path: Path) -> None:
    station = await open_station(tmp_path)
    await station.vault.close()
    access = VaultAccess(tmp_path, lambda vault: CaseBook(vault, clock=SetClock(wall_s=NOW_S)))
    await access.unlock(PASSPHRASE)
    compress.compress(b"Pain in the chest since two hours.")
    assert compress._alone.cache_info().currsize > 0
    await access.lock()
    assert compress._alone.cache_info().currsize == 0
