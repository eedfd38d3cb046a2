"""Seals what was written here for the sites that wait for it, and learns when they hold it.

Law: an entry and its outbox row are saved together; sealing may be cut off and done again, custody knows the
bundle by its id.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from protocol.bundle import EntryBundle
from protocol.ids import CaseId
from protocol.sealing import Prekey, Sealer
from sync.envelope import SealedContent
from sync.ports import Clock, Rank
from sync.stores.connection import Connection
from sync.stores.database import Database
from sync.stores.errors import StoreError
from sync.stores.sqlite import SqlitePairStore, SqliteStore

from ..storage.cases import forget_row
from ..storage.entries import entry_by_id
from ..storage.outbox import OutboxRow, mark_sealed, mark_stored, not_stored, unsealed
from ..storage.sites import Pair
from .changes import Changes
from .sites import Sites

PAGE: Final = 64
DWELL_CODE: Final = 21
"""A relay may keep it for 2**21 s (24 days); nothing of ours is ever dropped by its origin."""
RETRY_AFTER_S: Final = 5.0

_log = logging.getLogger(__name__)


class Outbox:
    """One task for all pairs."""

    def __init__(
        self,
        database: Database,
        custody: SqliteStore,
        sites: Sites,
        sealer: Sealer,
        changes: Changes,
        clock: Clock,
    ) -> None:
        self._database = database
        self._custody = custody
        self._sites = sites
        self._sealer = sealer
        self._changes = changes
        self._clock = clock
        self._to_check: set[int] = set()
        self._woken = asyncio.Event()
        self.trouble = ""
        """Why sealing is halted, in the store's words; empty while it runs."""

    def wake(self) -> None:
        """Something was written."""
        self._woken.set()

    def check(self, pair: Pair) -> None:
        """The site may have said that it holds something."""
        self._to_check.add(pair.number)
        self._woken.set()

    async def run(self) -> None:
        """Serve until cancelled; begins with whatever an earlier process left."""
        self._to_check.update(pair.number for pair in self._sites.directory.pairs)
        self._woken.set()
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                await self.flush()
                self.trouble = ""
            except (StoreError, OSError) as error:
                self.trouble = str(error)
                _log.error("sealing halted: %s", error)
                self._woken.set()
                await asyncio.sleep(RETRY_AFTER_S)

    async def flush(self) -> None:
        """Seal what waits, and note what has arrived."""
        while rows := await self._database.read(lambda connection: unsealed(connection, PAGE)):
            for row in rows:
                await self._seal(row)
        while self._to_check:
            pair = self._sites.directory.pair_numbered(self._to_check.pop())
            if pair is not None:
                await self._note_stored(pair)

    async def _seal(self, row: OutboxRow) -> None:
        pair = self._sites.directory.pair_numbered(row.pair)
        if pair is None:
            await self._sites.reload()
            return
        custody = await self._custody.pair(pair.pseudonym)
        sealed = await self._into_custody(pair, custody, row)
        now_s = self._clock.wall_s()

        def work(connection: Connection) -> None:
            mark_sealed(
                connection,
                row.number,
                bundle_id=sealed.bundle_id,
                size_bytes=len(sealed.sealed),
                now_s=now_s,
            )
            forget_row(connection, row.case_id)

        await self._database.write(work)
        self._changes.publish({row.case_id})

    async def _into_custody(self, pair: Pair, custody: SqlitePairStore, row: OutboxRow) -> SealedContent:
        stored = await self._database.read(lambda connection: entry_by_id(connection, row.entry_id))
        sealed = self._sites.outgoing(pair).seal(
            EntryBundle((stored.signed,)),
            priority=row.priority,
            recipient=Prekey(pair.opening_key),
            sealer=self._sealer,
        )
        await custody.add(
            bundle_id=sealed.bundle_id,
            priority=row.priority,
            rank=Rank.TEXT,
            recipient_key=sealed.recipient_key,
            dwell_code=DWELL_CODE,
            sealed=sealed.sealed,
        )
        return sealed

    async def _note_stored(self, pair: Pair) -> None:
        """What the site has said of our bundles, custody knows; what is damaged there is sealed once more."""
        custody = await self._custody.pair(pair.pseudonym)
        rows = await self._database.read(lambda connection: not_stored(connection, pair.number, PAGE))
        changed: set[CaseId] = set()
        for row in rows:
            state = await custody.sent_state(row.bundle_id)
            if state is None or state.damaged:
                await self._into_custody(pair, custody, row)
            elif state.stored:
                await self._mark_stored(row)
                changed.add(row.case_id)
        if changed:
            self._changes.publish(changed)
        if len(rows) == PAGE and changed:
            self.check(pair)

    async def _mark_stored(self, row: OutboxRow) -> None:
        now_s = self._clock.wall_s()
        await self._database.write(lambda connection: mark_stored(connection, row.number, now_s))
