"""Copies what a serving hub has into a folder, in an order that leaves nothing out."""

from __future__ import annotations

import threading
from pathlib import Path

from protocol.ids import CaseId
from sync.stores.connection import Connection
from sync.stores.snapshot import copy_database, custody_digests, row_counts

from ..config import HubFolder
from ..storage import backup_folder as places
from ..storage.backup_folder import FileMark
from .backup_check import picture_name, pictures_named


class GivenUp(Exception):
    """Whoever asked for the backup has gone."""


class Copying:
    """One backup being copied, in a thread of its own."""

    def __init__(self, source: HubFolder, folder: Path, tell: places.Progressed) -> None:
        """`folder` is one of `folder_in_the_making`."""
        self.folder = folder
        self.rows: dict[str, dict[str, int]] = {}
        self.digests: dict[str, int] = {}
        self.given_up = threading.Event()
        self._source = source
        self._tell = tell

    def copy_all(self) -> tuple[dict[str, FileMark], frozenset[CaseId]]:
        """Marks of all that was copied, and cases of which a picture was not there."""
        places.begin(self.folder)
        # In this order: custody that is older than the records is healed by itself, newer would lose what it
        # has handed over. Pictures last, since a record that names one is younger than its file.
        self._copy_database(self._source.custody, places.CUSTODY)
        self._copy_database(self._source.database, places.DATABASE)
        files = {name: places.mark_of(self.folder / name) for name in (places.CUSTODY, places.DATABASE)}
        files[places.SETTINGS] = places.copy_durably(self._source.settings, self.folder / places.SETTINGS)
        pictures, absent = self._copy_pictures(self.folder.parent)
        return files | pictures, absent

    def _copy_database(self, source: Path, name: str) -> None:
        def examine(connection: Connection) -> tuple[dict[str, int], dict[str, int]]:
            return row_counts(connection), custody_digests(connection)

        def progressed(done: int, total: int) -> None:
            self._progressed(f"copying {name}", done, total)

        self.rows[name], digests = copy_database(
            source, self.folder / name, examine=examine, progressed=progressed
        )
        self.digests |= digests

    def _copy_pictures(self, into: Path) -> tuple[dict[str, FileMark], frozenset[CaseId]]:
        with places.reading(self.folder / places.DATABASE) as records:
            named = pictures_named(records)
        earlier = next(reversed(places.list_backups(into)), None)
        marks: dict[str, FileMark] = {}
        absent: set[CaseId] = set()
        for done, (case_id, blob) in enumerate(named):
            self._progressed("copying pictures", done, len(named))
            name = picture_name(case_id, blob)
            (self.folder / name).parent.mkdir(mode=0o700, exist_ok=True)
            try:
                marks[name] = places.link_or_copy(self._source.root / name, self.folder / name, earlier, name)
            except FileNotFoundError:
                absent.add(case_id)
        return marks, frozenset(absent)

    def _progressed(self, what: str, done: int, total: int) -> None:
        if self.given_up.is_set():
            raise GivenUp
        self._tell(what, done, total)
