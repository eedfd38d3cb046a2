"""The vault of a node: two encrypted databases under one data key."""

from __future__ import annotations

import asyncio
from importlib.resources import files
from pathlib import Path
from typing import Final

from protocol.actors import Actor, Role
from protocol.case_keys import MasterKey
from sfnode.errors import Refused, WrongPassphrase
from sync.stores.applied import APPLIED_SCHEMA
from sync.stores.ballast import Ballast
from sync.stores.case_keys import CASE_KEYS_SCHEMA, CaseKeyRing
from sync.stores.database import Database, Execution, ThreadFactory
from sync.stores.erasure_journal import JOURNAL_FILE, ErasureJournal
from sync.stores.migrations import Schema
from sync.stores.peer_keys import PEER_KEYS_SCHEMA

from .blobs import Blobs
from .directory import Directory, Identity, found_site
from .keyfile import KEY_FILE, Stretching, create_key, unwrap_key

ENTRIES_FILE: Final = "vault.db"
BLOBS_FILE: Final = "vault_blobs.db"


class Vault:
    """Open: entries, keys and photos can be read. `close` locks it."""

    def __init__(self, database: Database, blobs: Database, journal: ErasureJournal) -> None:
        self.database = database
        self.blobs = Blobs(blobs, database)
        self.journal = journal
        self.directory = Directory(database)
        self._blobs_database = blobs

    @classmethod
    async def create(
        cls,
        folder: Path,
        passphrase: bytes,
        *,
        site_name: str,
        person_name: str,
        role: Role,
        language: str = "en",
        stretching: Stretching | None = None,
        execution: Execution | ThreadFactory = Execution.THREADS,
    ) -> Vault:
        """A new vault in `folder` (made if need be, mode 0700) with fresh keys, open. `Refused` if one is
        there.

        Killed half-way, the same call finishes it.
        """
        person = Actor(name=person_name, role=role)
        identity = Identity.fresh(site_name=site_name, language=language, person=person)
        key = await asyncio.to_thread(_new_or_unfinished, folder, passphrase, stretching)
        vault = await cls._open(folder, key, execution)
        try:
            founded = await vault.database.write(lambda connection: found_site(connection, identity))
            if not founded:
                raise _is_there(folder)
        except BaseException:
            await vault.close()
            raise
        return vault

    @classmethod
    async def unlock(
        cls,
        folder: Path,
        passphrase: bytes,
        *,
        execution: Execution | ThreadFactory = Execution.THREADS,
        ballast: Ballast | None = None,
    ) -> Vault:
        """`WrongPassphrase`, `NotFound` (no vault here), `Refused` (damaged key file), or the store's
        errors. `ballast` is given up for entries, not for pictures, when the disk is full."""
        key = await asyncio.to_thread(unwrap_key, folder, passphrase)
        return await cls._open(folder, key, execution, ballast)

    async def close(self) -> None:
        """Lock: what was accepted is finished, both databases are closed, their key is let go; idempotent."""
        try:
            await self.database.close()
        finally:
            await self._blobs_database.close()

    @classmethod
    async def _open(
        cls,
        folder: Path,
        key: bytes,
        execution: Execution | ThreadFactory,
        ballast: Ballast | None = None,
    ) -> Vault:
        master = MasterKey(key)
        database = await Database.open(
            folder / ENTRIES_FILE,
            [_schema("vault"), CASE_KEYS_SCHEMA, PEER_KEYS_SCHEMA, APPLIED_SCHEMA],
            key,
            execution=execution,
            connect=CaseKeyRing(master).connect,
            ballast=ballast,
        )
        try:
            blobs = await Database.open(
                folder / BLOBS_FILE,
                [_schema("blobs")],
                key,
                execution=execution,
            )
        except BaseException:
            await database.close()
            raise
        return cls(database, blobs, ErasureJournal(folder / JOURNAL_FILE, master))


def _new_or_unfinished(folder: Path, passphrase: bytes, stretching: Stretching | None) -> bytes:
    """A new key, or that of a vault whose making was cut short: with the same passphrase it can be
    finished."""
    if not (folder / KEY_FILE).exists():
        return create_key(folder, passphrase, stretching=stretching)
    try:
        return unwrap_key(folder, passphrase)
    except WrongPassphrase as error:
        raise _is_there(folder) from error


def _is_there(folder: Path) -> Refused:
    return Refused(
        f"There is a vault in {folder} already. Nothing was changed. Unlock it, or choose another folder."
    )


def _schema(name: str) -> Schema:
    return Schema.of_folder(name, files("sfnode.vault").joinpath("sql"))
