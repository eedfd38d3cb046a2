"""The spool of a node: one plain database with custody of sealed bundles and what ringing and dialling need.

It opens without a passphrase, so a node that restarts goes on sending, receiving and ringing by itself.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Final

from sync.stores.database import Database, Execution
from sync.stores.migrations import Schema
from sync.stores.sqlite import CUSTODY_SCHEMA, SqlitePairStore, SqliteStore

from .alarms import NeutralAlarms
from .diary import Diary
from .pairing import Pairing, Pairings
from .transfers import Transfers

NODE_SCHEMA: Final = Schema.of_folder("node", files("sfnode.spool") / "schema")


class Spool:
    """An open spool; its parts share one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._custody = SqliteStore(database)
        self.pairings = Pairings(database)
        self.diary = Diary(database)
        self.transfers = Transfers(database)
        self.alarms = NeutralAlarms(database)

    @classmethod
    async def open(cls, path: Path, *, execution: Execution = Execution.THREADS) -> Spool:
        """Raises the store's errors."""
        return cls(await Database.open(path, [CUSTODY_SCHEMA, NODE_SCHEMA], execution=execution))

    async def custody(self, pairing: Pairing) -> SqlitePairStore:
        """Custody towards the hub: the same object for every caller."""
        return await self._custody.pair(pairing.pseudonym)

    async def close(self) -> None:
        """Idempotent."""
        await self._database.close()
