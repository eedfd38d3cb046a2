"""What can go wrong with a store, each with the sentence its user reads.

StoreError
├── StoreFull       no room: this change was not kept, everything before it was
├── StoreDamaged    the file, or a row in it, is not what was written
├── CaseErased      a person has erased this case: its key is gone
├── StoreBusy       another process owns the store, or too many changes wait for the disk
├── StoreTooNew     a newer version of the software wrote it
├── StoreClosed     it was closed before this call
└── StoreFailed     the disk or its permissions refused
    └── StoreHalted the disk did not confirm a change: nothing more is believed until a restart
"""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path
from typing import Final


class StoreError(Exception):
    """Root of what a store can raise; the message says what happened, what is safe and what to do."""


class StoreFull(StoreError):
    """No room left; the refused change left no trace."""


class StoreDamaged(StoreError):
    """Stored bytes are not those that were written, or the key does not fit."""


class CaseErased(StoreError):
    """A person has erased the case: nothing of it can be read, and nothing is added to it."""


class StoreBusy(StoreError):
    """Somebody else is using the store; nothing was changed."""


class StoreTooNew(StoreError):
    """Written by a newer version; nothing was changed."""


class StoreClosed(StoreError):
    """Used after it was closed; nothing was changed."""


class StoreFailed(StoreError):
    """The disk or its permissions refused; this change was not kept."""


class StoreHalted(StoreFailed):
    """The disk did not confirm a write, so nobody can know what it holds: stop, restart, check."""


_FULL: Final = (
    "The disk that holds {path} is full. This change was not saved; all earlier ones are safe. "
    "Free some space, then repeat it."
)
_DAMAGED: Final = (
    "{path} is damaged or its key does not fit ({cause}). Nothing was changed. "
    "Restore it from a backup, or let the other sites send again what they hold."
)
_BUSY: Final = (
    "{path} is in use by another program ({cause}). Nothing was changed. End the other one, then repeat this."
)
_FAILED: Final = (
    "The disk refused to read or write {path} ({cause}). This change was not saved; all earlier ones are "
    "safe. Check the disk, its mount and its permissions."
)
_HALTED: Final = (
    "The disk did not confirm a change to {path} ({cause}). Treat the last change as not saved; earlier ones "
    "are safe. Restart the program. If this comes again, replace the disk."
)

_KINDS: Final[dict[int | None, tuple[type[StoreError], str]]] = {
    sqlite3.SQLITE_FULL: (StoreFull, _FULL),
    sqlite3.SQLITE_CORRUPT: (StoreDamaged, _DAMAGED),
    sqlite3.SQLITE_NOTADB: (StoreDamaged, _DAMAGED),
    sqlite3.SQLITE_BUSY: (StoreBusy, _BUSY),
    sqlite3.SQLITE_LOCKED: (StoreBusy, _BUSY),
    sqlite3.SQLITE_IOERR: (StoreFailed, _FAILED),
    sqlite3.SQLITE_READONLY: (StoreFailed, _FAILED),
    sqlite3.SQLITE_CANTOPEN: (StoreFailed, _FAILED),
    sqlite3.SQLITE_PERM: (StoreFailed, _FAILED),
}
"""By primary result code (the low byte of an extended one): sqlcipher3 hands over no more."""


def store_error(error: Exception, path: Path) -> Exception:
    """The store's own error for one of the database library's; any other (our bug, or a refusal of the work
    itself) comes back as it is."""
    kind = _KINDS.get(_primary_code(error))
    return kind[0](kind[1].format(path=path, cause=error)) if kind else error


def commit_error(error: Exception, path: Path) -> Exception:
    """The same for an error of COMMIT. There an I/O error may be that of an fsync, after which the kernel may
    drop what it had to write and let the next fsync succeed: to try again would be to lie."""
    if _primary_code(error) == sqlite3.SQLITE_IOERR:
        return StoreHalted(_HALTED.format(path=path, cause=error))
    return store_error(error, path)


def disk_error(error: OSError, path: Path) -> StoreError:
    """The store's own error for one of the system's."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull(_FULL.format(path=path))
    return StoreFailed(_FAILED.format(path=path, cause=error.strerror or error))


def _primary_code(error: Exception) -> int | None:
    code = getattr(error, "sqlite_errorcode", None)
    return code & 0xFF if isinstance(code, int) else None
