"""Puts a verified backup in the place of a hub that was lost, as the beginning of a new life of its stores.

Law: nothing is touched before the backup was read from end to end, and a restoring that was cut off leaves no
hub that could be opened by mistake.
"""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from sync.ports import Clock
from sync.stores.case_keys import CASE_KEYS_SCHEMA, CaseKeyRing
from sync.stores.database import Database, Execution, ThreadFactory
from sync.stores.lock import StoreLock
from sync.stores.notices import NOTICES_SCHEMA
from sync.stores.peer_keys import PEER_KEYS_SCHEMA
from sync.stores.sqlite import CUSTODY_SCHEMA, SqliteStore

from ..config import HubFolder
from ..domain.words import moment
from ..errors import AlreadyInitialised, FolderUnusable, NotAllowed, NotFound
from ..keystore import KeyStore, load_keys
from ..storage import backup_folder as places
from ..storage.backup_folder import Backup, Progressed
from ..storage.codes import expire_open_codes
from ..storage.people import end_all_sessions
from ..storage.tables import HUB_SCHEMA
from .backup_check import check_backup

RESTORED: Final = "this hub was restored from its backup of {made}"
"""Why its stores begin a new incarnation."""
_REPLACED: Final = "replaced"
_PUTTING_ASIDE: Final = ".replacing"
"""Has its name of `_REPLACED` when everything is in it."""
_UNCHANGED: Final = (
    "What was there is unchanged, and the backup is unharmed. Make room or choose another disk, then repeat "
    "it."
)
_HALF_DONE: Final = (
    "The backup is unharmed, and so is what was there, some of it put aside. Mend the disk, then repeat it "
    "with --replace."
)
_BESIDE: Final = ("", "-wal", "-shm")
"""What SQLite keeps beside a database belongs to that one alone."""


async def restore_hub(
    folder: HubFolder,
    place: Path,
    *,
    replace: bool,
    clock: Clock,
    progressed: Progressed,
    execution: Execution | ThreadFactory = Execution.THREADS,
) -> Backup:
    """Restore the backup in `place`, or the newest in that folder. `folder` has its `keys/` already.

    What lies in the folder beside the keys is refused, or with `replace` put aside. `NotFound`,
    `BackupDamaged`, `FolderUnusable`, `NotAllowed`, `AlreadyInitialised` and `StoreBusy` change nothing.
    """
    folder = HubFolder(folder.root.absolute(), folder.identities)
    backup = await asyncio.to_thread(places.chosen_backup, place)
    keys = _keys_for(folder, backup)
    occupied = _present(folder)
    if occupied and not replace:
        raise AlreadyInitialised(
            f"{folder.root} already holds {', '.join(path.name for path in occupied)}. Nothing was changed. "
            "Restore with --replace to put them aside first."
        )
    with ExitStack() as owned:
        for path in (folder.database, folder.custody):
            owned.callback(StoreLock(path).release)
        await asyncio.to_thread(check_backup, backup, keys.storage, progressed=progressed)
        draft = HubFolder(folder.restoring)
        with _refused_by_disk(folder, _UNCHANGED):
            try:
                await asyncio.to_thread(_copy, backup, draft, progressed)
                await _begin_new_life(draft, backup, keys, execution)
            except BaseException:
                _clear(draft)
                raise
        with _refused_by_disk(folder, _HALF_DONE):
            await asyncio.to_thread(_put_in_place, folder, draft, int(clock.wall_s()))
    return backup


def _keys_for(folder: HubFolder, backup: Backup) -> KeyStore:
    try:
        keys = load_keys(folder.keys)
    except FolderUnusable as error:
        raise FolderUnusable(
            f"{error} A backup has no keys in it: put {folder.keys} back first, then repeat this."
        ) from error
    if keys.signing_id.hex() != backup.manifest.signing_key:
        raise NotAllowed(
            f"{folder.keys} holds other keys than those of the hub that was backed up, so nothing of it "
            "could be read. Nothing was changed. Put the right keys there, then repeat this."
        )
    return keys


def _parts(folder: HubFolder) -> tuple[Path, ...]:
    """What a restoring puts in place; the settings are the mark that a folder holds a hub."""
    return (folder.settings, folder.database, folder.custody, folder.objects)


def _present(folder: HubFolder) -> list[Path]:
    """Those parts that are there, each with what belongs to it."""
    parts = (path.with_name(path.name + end) for path in _parts(folder) for end in _BESIDE)
    return [part for part in parts if part.exists()]


def _copy(backup: Backup, draft: HubFolder, progressed: Progressed) -> None:
    _clear(draft)
    draft.objects.mkdir(mode=0o700, parents=True)
    files = backup.manifest.files
    for done, (name, mark) in enumerate(files.items()):
        progressed("restoring", done, len(files))
        target = draft.root / name
        target.parent.mkdir(mode=0o700, exist_ok=True)
        if places.copy_durably(backup.folder / name, target) != mark:
            raise NotFound(
                f"{backup.folder / name} changed while it was read. Nothing was changed. Repeat this."
            )


async def _begin_new_life(
    draft: HubFolder, backup: Backup, keys: KeyStore, execution: Execution | ThreadFactory
) -> None:
    """Numbers that the lost hub has used are not used again, and what was good once is not good twice."""
    reason = RESTORED.format(made=moment(backup.manifest.made_s))
    custody = await Database.open(draft.custody, [CUSTODY_SCHEMA], execution=execution)
    try:
        store = SqliteStore(custody)
        for pseudonym in await store.pseudonyms():
            await (await store.pair(pseudonym)).renew_incarnation(reason)
        await _into_one_file(custody)
    finally:
        await custody.close()
    records = await Database.open(
        draft.database,
        [HUB_SCHEMA, CASE_KEYS_SCHEMA, PEER_KEYS_SCHEMA, NOTICES_SCHEMA],
        execution=execution,
        connect=CaseKeyRing(keys.storage).connect,
    )
    try:
        await records.write(expire_open_codes)
        await records.write(end_all_sessions)
        await _into_one_file(records)
    finally:
        await records.close()


async def _into_one_file(database: Database) -> None:
    """A file is moved without its log."""
    if not await database.truncate_log():
        raise FolderUnusable(f"{database.path} is being read by another program. End it, then repeat this.")


def _put_in_place(folder: HubFolder, draft: HubFolder, now_s: int) -> None:
    """The old settings go first and the new ones come last: in between there is no hub."""
    _put_aside(folder, now_s)
    for old, new in zip(reversed(_parts(folder)), reversed(_parts(draft)), strict=True):
        places.sync_folder(folder.root)
        new.rename(old)
    for path in folder.objects.iterdir():
        places.sync_folder(path)
    places.sync_folder(folder.objects)
    places.sync_folder(folder.root)
    _clear(draft)


def _put_aside(folder: HubFolder, now_s: int) -> None:
    """All of the old hub into one folder, also if an earlier try has moved a part of it."""
    aside = folder.root / _PUTTING_ASIDE
    present = _present(folder)
    if any((aside / part.name).exists() for part in present):
        # What lies there already was another hub's: nothing is ever put over anything.
        aside.rename(_name_aside(folder, now_s))
    if present:
        aside.mkdir(mode=0o700, exist_ok=True)
    for part in present:
        part.rename(aside / part.name)
        places.sync_folder(aside)
        places.sync_folder(folder.root)
    if aside.exists():
        aside.rename(_name_aside(folder, now_s))


def _name_aside(folder: HubFolder, now_s: int) -> Path:
    """A name that nothing has yet."""
    while (named := folder.root / f"{_REPLACED}-{now_s}").exists():
        now_s += 1
    return named


def _clear(draft: HubFolder) -> None:
    """`ValueError` for any folder but a draft of a restoring: nothing else is ever deleted here."""
    if not draft.root.is_absolute() or draft.root != HubFolder(draft.root.parent).restoring:
        raise ValueError(f"{draft.root} is not a restoring under way")
    shutil.rmtree(draft.root, ignore_errors=True)


@contextmanager
def _refused_by_disk(folder: HubFolder, state: str) -> Iterator[None]:
    """In which `state` the folder is when its disk refuses."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        cause = "its disk is full" if full else os.strerror(error.errno or errno.EIO)
        raise FolderUnusable(f"Nothing could be restored into {folder.root} ({cause}). {state}") from error
