"""Calls about backups: make, check, list; and what the hub's status says of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

from ..app import Hub
from ..domain.backup_words import backup_sentence
from ..storage.backup_folder import Backup, list_backups
from .params import Params

Operation = Callable[[Hub, Params], Awaitable[object]]

LISTED_MAX: Final = 500


async def backup_status(hub: Hub) -> dict[str, object]:
    """The last verified backup, and the sentence that every surface says of it."""
    latest = await hub.backups.latest()
    made_s = None if latest is None else latest.made_s
    return {
        "made_s": made_s,
        "verified_s": None if latest is None else latest.verified_s,
        "folder": None if latest is None else latest.folder,
        "text": backup_sentence(made_s, now_s=hub.clock.wall_s()),
    }


async def _status(hub: Hub, _: Params) -> object:
    return await backup_status(hub)


async def _create(hub: Hub, params: Params) -> object:
    row = await hub.backups.create(Path(params.text("into")))
    return {
        "folder": row.folder,
        "made_s": row.made_s,
        "verified_s": row.verified_s,
        "size_bytes": row.size_bytes,
    }


async def _verify(hub: Hub, params: Params) -> object:
    return _shown(await hub.backups.verify(Path(params.text("place"))))


async def _list(_: Hub, params: Params) -> object:
    listed = await asyncio.to_thread(list_backups, Path(params.text("into")))
    return [_shown(backup) for backup in listed[-LISTED_MAX:]]


async def _doing(hub: Hub, _: Params) -> object:
    doing = hub.backups.doing
    return None if doing is None else {"what": doing.what, "done": doing.done, "total": doing.total}


def _shown(backup: Backup) -> dict[str, object]:
    return {
        "folder": str(backup.folder),
        "hub": backup.manifest.hub,
        "made_s": backup.manifest.made_s,
        "size_bytes": backup.manifest.size_bytes,
        "files": len(backup.manifest.files),
    }


BACKUP_OPERATIONS: Final[Mapping[str, Operation]] = {
    "backup_create": _create,
    "backup_verify": _verify,
    "backup_list": _list,
    "backup_status": _status,
    "backup_doing": _doing,
}
