"""Gives sites back what they have lost and this hub holds: what they ask for, and a lost device's open cases.

Law: a promise is kept across restarts; custody lets go of it only when all that can be given back is queued.
What is given back is the original, under the signature of whoever wrote it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

from protocol.clinical import Layer
from protocol.ids import CaseId
from sync.ports import Clock, ToReturn
from sync.stores.connection import Connection
from sync.stores.database import Database
from sync.stores.errors import CaseErased as RowsErased
from sync.stores.errors import StoreDamaged, StoreError
from sync.stores.notices import add_notice
from sync.stores.sqlite import SqliteStore

from ..domain.case_file import site_case_id
from ..domain.notice_words import not_returned, site_enrolled_anew, site_replaced, site_restored
from ..errors import CaseErased, NotFound
from ..storage.arrived import ArrivedEntryRow, ArrivedLayerRow, came_in
from ..storage.cases import case_head
from ..storage.outbox import cases_waiting, give_back_entry, give_back_layer
from ..storage.sites import Pair, cases_of_site, had_device_before, mark_refilled, pairs_to_refill
from .case_files import load_case
from .outbox import Outbox
from .sites import Sites

PAGE: Final = 64
RETRY_AFTER_S: Final = 5.0

_log = logging.getLogger(__name__)


class Returning:
    """One task for all pairs."""

    def __init__(
        self, database: Database, custody: SqliteStore, sites: Sites, outbox: Outbox, clock: Clock
    ) -> None:
        self._database = database
        self._custody = custody
        self._sites = sites
        self._outbox = outbox
        self._clock = clock
        self._to_check: set[int] = set()
        self._woken = asyncio.Event()

    def check(self, pair: Pair) -> None:
        """The site may have asked for something."""
        self._to_check.add(pair.number)
        self._woken.set()

    def wake(self) -> None:
        """A device may have taken the place of another."""
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
            except (StoreError, OSError) as error:
                _log.error("giving back halted: %s", error)
                self._woken.set()
                await asyncio.sleep(RETRY_AFTER_S)

    async def flush(self) -> None:
        """Queue all that was promised. No pair waits for one that fails: the first failure is raised when all
        others are done, and what failed stays to be checked."""
        failed: dict[int, StoreError | OSError] = {}
        while self._to_check:
            number = self._to_check.pop()
            try:
                await self._for_pair(number, self._keep_promises)
            except (StoreError, OSError) as error:
                failed[number] = error
        self._to_check.update(failed)
        failures = [*failed.values()]
        for number in await self._database.read(pairs_to_refill):
            try:
                await self._for_pair(number, self._refill)
            except (StoreError, OSError) as error:
                failures.append(error)
        if failures:
            raise failures[0]

    async def _for_pair(self, number: int, work: Callable[[Pair], Awaitable[None]]) -> None:
        pair = self._sites.directory.pair_numbered(number)
        if pair is not None:
            await work(pair)

    async def _keep_promises(self, pair: Pair) -> None:
        custody = await self._custody.pair(pair.pseudonym)
        while wanted := await custody.to_return(PAGE):
            await self._database.write(partial(self._queue, pair=pair, wanted=wanted))
            await custody.mark_returned([each.row for each in wanted])
            self._outbox.wake()

    def _queue(self, connection: Connection, pair: Pair, wanted: Sequence[ToReturn]) -> None:
        now_s = self._clock.wall_s()
        missing = 0
        for each in wanted:
            rows = came_in(connection, pair.number, each.bundle_id)
            missing += not rows
            for row in rows:
                _give_back(connection, pair, row, now_s)
        add_notice(connection, site_restored(pair.site, pair.site_name), now_s=now_s)
        if missing:
            add_notice(connection, not_returned(pair.site, pair.site_name), now_s=now_s)

    async def _refill(self, pair: Pair) -> None:
        """The open cases of the site, for a device that came without its pair: one transaction for each case,
        so that clinicians never wait for all of them."""
        # An answer that waits is of use only where its case is, closed or not.
        waiting = await self._database.read(lambda connection: cases_waiting(connection, pair.number))
        cases = await self._database.read(lambda connection: cases_of_site(connection, pair.site))
        for case_id in (site_case_id(pair.site), *cases):
            work = partial(self._queue_case, pair=pair, case_id=case_id, closed_too=case_id in waiting)
            await self._database.write(work)

        def done(connection: Connection) -> None:
            mark_refilled(connection, pair.number)
            told = site_enrolled_anew if had_device_before(connection, pair.number) else site_replaced
            add_notice(connection, told(pair.site, pair.site_name), now_s=self._clock.wall_s())

        await self._database.write(done)
        self._outbox.wake()

    def _queue_case(self, connection: Connection, pair: Pair, case_id: CaseId, *, closed_too: bool) -> None:
        try:
            file = load_case(connection, case_id, self._sites.directory)
        except (CaseErased, NotFound, RowsErased, StoreDamaged):
            # Of a site that never spoke, or whose words went with the hub's disk, nothing is here.
            return
        if file.state.closed and file.is_consult and not closed_too:
            return
        now_s = self._clock.wall_s()
        for arrived in file.entries:
            entry = ArrivedEntryRow(case_id=case_id, entry_id=arrived.entry.entry_id)
            _give_back(connection, pair, entry, now_s)
        for layer in file.layers:
            # The larger ones stay readable here; over a thin link they would keep the texts waiting.
            if layer.layer is Layer.PREVIEW:
                picture = ArrivedLayerRow(case_id=case_id, layer=layer.layer, blob=layer.blob)
                _give_back(connection, pair, picture, now_s)


def _give_back(
    connection: Connection, pair: Pair, row: ArrivedEntryRow | ArrivedLayerRow, now_s: float
) -> None:
    head = case_head(connection, row.case_id)
    if head is None:
        return
    if isinstance(row, ArrivedEntryRow):
        give_back_entry(
            connection,
            pair=pair.number,
            case_id=row.case_id,
            entry_id=row.entry_id,
            priority=head.priority,
            now_s=now_s,
        )
    else:
        give_back_layer(
            connection,
            pair=pair.number,
            case_id=row.case_id,
            layer=row.layer,
            blob=row.blob,
            priority=head.priority,
            now_s=now_s,
        )
