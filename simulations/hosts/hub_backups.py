"""What lies in the backups that a hub has made by its own command, read beside all programs."""

from __future__ import annotations

from pathlib import Path

from protocol.ids import BundleId
from sfhub.storage.backup_folder import CUSTODY, Backup, list_backups, mark_of
from sync.stores.snapshot import open_copy


class HubBackups:
    """All of one place; a backup never changes once it is listed."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._held: dict[str, frozenset[BundleId]] = {}

    def holds(self, bundle_id: BundleId) -> bool:
        """Whether a bundle of a site's lies in one of them."""
        for backup in list_backups(self._place):
            if backup.folder.name not in self._held:
                self._held[backup.folder.name] = _held_in(backup)
        return any(bundle_id in held for held in self._held.values())


def _held_in(backup: Backup) -> frozenset[BundleId]:
    """Nothing, if any of its files is not what was written."""
    if any(mark_of(backup.folder / name) != mark for name, mark in backup.manifest.files.items()):
        return frozenset()
    connection = open_copy(backup.folder / CUSTODY)
    try:
        rows = connection.execute("SELECT bundle_id FROM held").fetchall()
    finally:
        connection.close()
    return frozenset(BundleId(bundle_id) for (bundle_id,) in rows)
