"""The spool of a node: one plain database with custody of sealed bundles and what ringing and dialling need.

It opens without a passphrase, so a node that restarts goes on sending, receiving and ringing by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Final

from protocol.ids import Pseudonym
from sync.stores.applied import HasTrace
from sync.stores.ballast import Ballast
from sync.stores.database import Database, Execution, ThreadFactory
from sync.stores.identity import Sidecar
from sync.stores.migrations import Schema
from sync.stores.notices import NOTICES_SCHEMA, Notices
from sync.stores.sqlite import CUSTODY_SCHEMA, SqlitePairStore, SqliteStore, system_wall_s

from .alarms import NeutralAlarms
from .diary import Diary, Note
from .foretold import ForetoldRows
from .link_memory import LinkMemories
from .pairing import Pairing, Pairings
from .retries import Retries
from .spending import Spending
from .transfers import Transfer, Transfers

NODE_SCHEMA: Final = Schema.of_folder("node", files("sfnode.spool") / "schema")


class Spool:
    """An open spool; its parts share one database."""

    def __init__(self, database: Database, *, wall_s: Callable[[], float] = system_wall_s) -> None:
        self._database = database
        self._custody = SqliteStore(database, wall_s=wall_s)
        self._pairs: dict[Pseudonym, None] = {}
        self._has_all_pairs = False
        self.notices = Notices(database)
        self.transfers = Transfers(database)
        self.pairings = Pairings(database, self.transfers)
        self.diary = Diary(database)
        self.retries = Retries(database)
        self.spending = Spending(database)
        self.link_memories = LinkMemories(database)
        self.foretold = ForetoldRows(database)
        self.alarms = NeutralAlarms(database)

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        execution: Execution | ThreadFactory = Execution.THREADS,
        wall_s: Callable[[], float] = system_wall_s,
        sidecar: Sidecar | None = None,
        ballast: Ballast | None = None,
    ) -> Spool:
        """`wall_s` dates what the hub is heard to hold; in `sidecar` lies the note of the spool's identity;
        `ballast` is given up when the disk is full. Raises the store's errors."""
        schemas = [CUSTODY_SCHEMA, NODE_SCHEMA, NOTICES_SCHEMA]
        database = await Database.open(path, schemas, execution=execution, ballast=ballast)
        spool = cls(database, wall_s=wall_s)
        try:
            if sidecar is not None:
                await spool._custody.identify(sidecar)
            await spool.diary.close_left_open(max(0, int(wall_s())))
        except BaseException:
            await spool.close()
            raise
        return spool

    async def note(self, *notes: Note) -> None:
        """Write these down in one transaction: diary and spending agree with each other, and a card is
        spared. A power cut may undo the last second of them."""
        await self.spending.note(notes)

    async def custody(self, pairing: Pairing) -> SqlitePairStore:
        """Custody towards one hub: the same object for every caller."""
        return await self.custody_of(pairing.pseudonym)

    async def custody_of(self, pair: Pseudonym) -> SqlitePairStore:
        """The same by the pair's name, also of a hub that was left."""
        custody = await self._custody.pair(pair)
        self._pairs[pair] = None
        return custody

    async def withdraw(self, transfers: Sequence[Transfer]) -> None:
        """Nobody sends these any more, and their bytes make room; what has begun to go stays."""
        for each in transfers:
            await (await self.custody_of(each.pair)).withdraw(each.bundle_id)

    async def pairs(self) -> tuple[Pseudonym, ...]:
        """All that custody goes by, or ever did: also those of before a hub was joined again, or left."""
        if not self._has_all_pairs:
            found = await self._custody.pseudonyms()
            self._pairs = dict.fromkeys([*found, *self._pairs])
            self._has_all_pairs = True
        return tuple(self._pairs)

    async def is_used(self, pair: Pseudonym) -> bool:
        """Whether custody goes by this name already, or did."""
        return pair in await self.pairs()

    async def is_behind(self, vault: Database) -> bool:
        """As `SqliteStore.is_behind`."""
        return await self._custody.is_behind(vault)

    async def recover_applied(self, vault: Database, *, came: HasTrace, went: HasTrace) -> None:
        """As `SqliteStore.recover_applied`."""
        await self._custody.recover_applied(vault, came=came, went=went)

    async def note_applied(self, vault: Database) -> None:
        """As `SqliteStore.note_applied`."""
        await self._custody.note_applied(vault)

    async def cut_log(self) -> bool:
        """As `SqliteStore.cut_log`."""
        return await self._custody.cut_log()

    async def close(self) -> None:
        """Idempotent."""
        await self._custody.settle()
        await self._database.close()
