"""Backups of a serving hub: made, read back, and only then relied on.

Law: sites are told *safe* of what a verified backup holds, and of nothing else. A backup that was cut off is
never listed as one. Keys are in no backup: with them the rest could be read.
"""

from __future__ import annotations

import asyncio
import errno
import os
import secrets
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from protocol.ids import CaseId
from sync.ports import Clock, Moment
from sync.stores.connection import Connection
from sync.stores.database import Database
from sync.stores.erasures import is_erased
from sync.stores.errors import StoreError, StoreFailed, StoreFull
from sync.stores.sqlite import SqliteStore

from ..config import HubFolder, HubIdentity
from ..errors import BackupFailed, BadRequest, NotAllowed
from ..keystore import KeyStore
from ..storage import backup_folder as places
from ..storage.backup_folder import Backup, Manifest
from ..storage.backup_rows import BackupRow, add_backup, latest_backup
from .backup_check import check_backup
from .backup_copy import Copying, GivenUp


@dataclass(frozen=True, slots=True, kw_only=True)
class Doing:
    """How far the backup under way has come."""

    what: str
    done: int
    total: int


class Backups:
    """Makes one backup at a time."""

    def __init__(
        self,
        folder: HubFolder,
        identity: HubIdentity,
        keys: KeyStore,
        database: Database,
        custody: SqliteStore,
        clock: Clock,
    ) -> None:
        self._folder = folder
        self._identity = identity
        self._keys = keys
        self._database = database
        self._custody = custody
        self._clock = clock
        self._turn = asyncio.Lock()
        self.doing: Doing | None = None
        """None while no backup is made or read."""

    async def latest(self) -> BackupRow | None:
        """The last one that was verified."""
        return await self._database.read(latest_backup)

    async def create(self, into: Path) -> BackupRow:
        """A verified copy of this moment in a new folder inside `into`; sites are told what it makes safe.

        The hub goes on serving. `BackupFailed` leaves nothing behind; `BackupDamaged` leaves the copy for
        whoever wants to look, and nobody relies on it.
        """
        self._check_place(into)
        if self._turn.locked():
            raise NotAllowed("Another backup is being made. Nothing was changed. Wait until it is done.")
        async with self._turn:
            try:
                # Before anything is copied: the copies hold what was taken until now.
                moment = await self._custody.begin_backup()
                backup = await self._make(into)
                await self._read_back(backup)
            finally:
                self.doing = None
            return await self._rely_on(backup, moment)

    async def verify(self, place: Path) -> Backup:
        """Read the backup in `place`, or the newest in that folder, from end to end. `BackupDamaged`."""
        backup = await asyncio.to_thread(places.chosen_backup, place)
        if backup.manifest.signing_key != self._keys.signing_id.hex():
            raise NotAllowed(
                f"{backup.folder} is the backup of a hub with other keys; it can be read with those alone. "
                "Nothing was changed."
            )
        async with self._turn:
            try:
                await self._read_back(backup)
            finally:
                self.doing = None
        return backup

    async def _make(self, into: Path) -> Backup:
        backup_id, signing_key = secrets.token_hex(8), self._keys.signing_id.hex()
        folder = places.folder_in_the_making(into, backup_id, signing_key)
        making = Copying(self._folder, folder, self._tell)
        made_s = self._clock.wall_s()
        try:
            try:
                files, absent = await asyncio.to_thread(making.copy_all)
            except asyncio.CancelledError:
                making.given_up.set()
                raise
            manifest = Manifest(
                backup_id=backup_id,
                organisation=self._identity.organisation,
                hub=self._identity.name,
                signing_key=signing_key,
                made_s=made_s,
                files=files,
                rows=making.rows,
                custody=making.digests,
                erased=await self._erased_since(absent),
            )
            return await asyncio.to_thread(places.finish, making.folder, manifest, _name(manifest))
        except BaseException as error:
            await asyncio.to_thread(places.give_up, making.folder)
            if isinstance(error, OSError | StoreError):
                raise _failed(into, error) from error
            raise

    async def _erased_since(self, absent: frozenset[CaseId]) -> tuple[str, ...]:
        """Of the cases whose pictures were not there, those that somebody has erased meanwhile; of any other
        the check will say what is missing."""

        def work(connection: Connection) -> tuple[str, ...]:
            return tuple(case_id.hex() for case_id in sorted(absent) if is_erased(connection, case_id))

        return await self._database.read(work)

    async def _read_back(self, backup: Backup) -> None:
        given_up = threading.Event()

        def progressed(what: str, done: int, total: int) -> None:
            if given_up.is_set():
                raise GivenUp
            self._tell(what, done, total)

        try:
            await asyncio.to_thread(check_backup, backup, self._keys.storage, progressed=progressed)
        except asyncio.CancelledError:
            given_up.set()
            raise

    async def _rely_on(self, backup: Backup, moment: Moment) -> BackupRow:
        """The row first: a hub that dies in between has told the sites too little, never too much."""
        row = BackupRow(
            backup_id=backup.manifest.backup_id,
            folder=str(backup.folder),
            made_s=backup.manifest.made_s,
            verified_s=self._clock.wall_s(),
            size_bytes=backup.manifest.size_bytes,
        )
        await self._database.write(lambda connection: add_backup(connection, row))
        await self._custody.note_backup(moment)
        return row

    def _check_place(self, into: Path) -> None:
        """A backup inside the data folder would be lost with it."""
        if not into.is_absolute():
            raise BadRequest("The folder for backups is an absolute path.")
        if into.resolve().is_relative_to(self._folder.root.resolve()):
            raise BadRequest(
                f"{into} lies inside the hub's own folder and would be lost with it. Nothing was changed. "
                "Choose a folder on another disk."
            )

    def _tell(self, what: str, done: int, total: int) -> None:
        self.doing = Doing(what=what, done=done, total=total)


def _name(manifest: Manifest) -> str:
    """Sorts by time in any list of files."""
    moment = datetime.fromtimestamp(manifest.made_s, UTC)
    return f"{moment:%Y-%m-%dT%H%M%SZ}-{manifest.backup_id[:6]}"


def _failed(into: Path, error: OSError | StoreError) -> BackupFailed:
    return BackupFailed(
        f"No backup was made in {into} ({_cause(error)}). The hub and its earlier backups are unharmed; what "
        "was begun was removed. Make room there or choose another folder, then repeat it."
    )


def _cause(error: OSError | StoreError) -> str:
    """Without what a store says of changes to it: here nothing was changed."""
    origin = error.__cause__ if isinstance(error, StoreFailed) and error.__cause__ is not None else error
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    if full or isinstance(error, StoreFull):
        return "its disk is full"
    return os.strerror(origin.errno or errno.EIO) if isinstance(origin, OSError) else str(origin)
