"""Seals what was written here for the sites that wait for it, and learns when they hold it.

Law: an entry and its outbox row are saved together; sealing may be cut off and done again, custody knows the
bundle by its id.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from protocol.ahead import HASTY, micro_ahead_of
from protocol.bundle import BundleContent, EntryBundle, LayerBundle
from protocol.clinical import Layer
from protocol.entry import SignedEntry
from protocol.header import Priority
from protocol.ids import CaseId
from protocol.micro import MicroBundle
from protocol.prekeys import KnownKey, newest_of
from protocol.sealing import Prekey, Sealer
from sync.envelope import SealedContent
from sync.ports import AskedRekey, Clock, Rank
from sync.stores.case_keys import key_of
from sync.stores.connection import Connection
from sync.stores.database import Database
from sync.stores.errors import CaseErased, StoreError
from sync.stores.sqlite import SqlitePairStore, SqliteStore

from ..domain.reply_headline import reply_headline_of
from ..errors import NotFound, ObjectDamaged
from ..storage.bases import base_for
from ..storage.cases import forget_row
from ..storage.entries import entry_by_id
from ..storage.keys import keys_of, note_gone, recipient_of
from ..storage.objects import ObjectStore
from ..storage.outbox import (
    GIVEN_BACK,
    OutboxRow,
    drop_row,
    mark_sealed,
    mark_stored,
    mark_unopened,
    not_stored,
    sent_as,
    unsealed,
)
from ..storage.sites import Pair
from .changes import Changes
from .sites import Sites

PAGE: Final = 64
DWELL_CODE: Final = 21
"""A relay may keep it for 2**21 s (24 days); nothing of ours is ever dropped by its origin."""
RETRY_AFTER_S: Final = 5.0
_LAYER_RANKS: Final = {
    Layer.PREVIEW: Rank.PREVIEW,
    Layer.REGION: Rank.REQUESTED,
    Layer.STANDARD: Rank.STANDARD,
    Layer.FULL: Rank.FULL,
}
_NOBODY: Final = Prekey(bytes(32))
"""The small profile is sealed for the other end of a pair, and not for a prekey."""

_log = logging.getLogger(__name__)


class Outbox:
    """One task for all pairs."""

    def __init__(
        self,
        database: Database,
        custody: SqliteStore,
        sites: Sites,
        sealer: Sealer,
        objects: ObjectStore,
        changes: Changes,
        clock: Clock,
    ) -> None:
        self._database = database
        self._custody = custody
        self._sites = sites
        self._objects = objects
        self._sealer = sealer
        self._changes = changes
        self._clock = clock
        self._to_check: set[int] = set()
        self._checked: dict[int, object | None] = {}
        """By pair, the state of custody after whose word nothing was left to note."""
        self._woken = asyncio.Event()
        self._may_wait = True
        """Something may have been written since it was found that nothing waits to be sealed."""
        self.trouble = ""
        """Why sealing is halted, in the store's words; empty while it runs."""

    def wake(self) -> None:
        """Something was written."""
        self._may_wait = True
        self._woken.set()

    def check(self, pair: Pair) -> None:
        """The site may have said that it holds something."""
        self._to_check.add(pair.number)
        self._woken.set()

    def check_and_seal(self, pair: Pair) -> None:
        """The same, and something was written for it."""
        self._to_check.add(pair.number)
        self.wake()

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

    async def message_ahead(self, row: OutboxRow) -> bytes | None:
        """What a link that carries single messages takes ahead of this row's bundle: the first orders of a
        reply, or a coded question; None when there is none or it can wait.

        The bundle still goes the usual way: only there is it signed.
        """
        pair = self._sites.directory.pair_numbered(row.pair)
        if pair is None or pair.revoked or row.priority not in HASTY or row.layer is not None:
            return None
        stored = await self._database.read(lambda connection: entry_by_id(connection, row.entry_id))
        if row.headline:
            micro: MicroBundle | None = await asyncio.to_thread(reply_headline_of, stored.signed)
        else:
            micro = micro_ahead_of(stored.signed)
        if micro is None:
            return None
        envelope = self._sites.outgoing(pair)
        sealed = envelope.seal(micro, priority=row.priority, recipient=_NOBODY, sealer=self._sealer)
        return envelope.message_of(sealed, row.priority)

    async def flush(self) -> None:
        """Seal what waits, and note what has arrived."""
        while self._may_wait:
            self._may_wait = False  # Before the look: what is written during it is looked for again.
            try:
                await self._seal_waiting()
            except BaseException:
                self._may_wait = True
                raise
        while self._to_check:
            pair = self._sites.directory.pair_numbered(self._to_check.pop())
            if pair is not None:
                await self._seal_again(pair)
                await self._note_stored(pair)

    async def _seal_waiting(self) -> None:
        while rows := await self._database.read(lambda connection: unsealed(connection, PAGE)):
            for row in rows:
                await self._seal(row)
            await self._custody.note_applied(self._database)

    async def _seal(self, row: OutboxRow) -> None:
        pair = self._sites.directory.pair_numbered(row.pair)
        if pair is None:
            await self._sites.reload()
            return
        custody = await self._custody.pair(pair.pseudonym)
        try:
            sealed = await self._into_custody(pair, custody, row)
        except (NotFound, ObjectDamaged, CaseErased):
            if row.layer is None:
                raise
            # A picture that was to be given back is not here any more; nothing else waits for it.
            await self._database.write(lambda connection: drop_row(connection, row.number))
            return
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
        recipient = await self._database.read(lambda connection: recipient_of(connection, pair))
        base = await self._database.read(lambda connection: _base(connection, pair, row))
        sealed = await self._seal_for(pair, row, recipient, base)
        await custody.add(
            bundle_id=sealed.bundle_id,
            priority=row.priority,
            rank=_rank(row),
            recipient_key=sealed.recipient_key,
            dwell_code=DWELL_CODE,
            sealed=sealed.sealed,
        )
        return sealed

    async def _seal_for(
        self, pair: Pair, row: OutboxRow, recipient: Prekey, base: SignedEntry | None = None
    ) -> SealedContent:
        """Whole, or as a difference from `base`, which the site holds as far as is known here."""
        content = await self._content(row)
        return self._sites.outgoing(pair).seal(
            content, priority=row.priority, recipient=recipient, sealer=self._sealer, base=base
        )

    async def _content(self, row: OutboxRow) -> BundleContent:
        if row.layer is not None:
            key = await self._database.read(lambda connection: key_of(connection, row.case_id))
            data = await asyncio.to_thread(self._objects.get, key, row.blob)
            return LayerBundle(row.case_id, row.layer, data)
        stored = await self._database.read(lambda connection: entry_by_id(connection, row.entry_id))
        if row.headline:
            # Fitting it to its message tries many versions, each of which is compressed.
            return await asyncio.to_thread(reply_headline_of, stored.signed)
        return EntryBundle((stored.signed,))

    async def _seal_again(self, pair: Pair) -> None:
        """What the site holds and cannot open goes out once more, whole, for the key that it names, if its
        signing key has vouched for that one; until then the bundle waits."""
        custody = await self._custody.pair(pair.pseudonym)
        for asked in await custody.rekeys():
            await self._seal_one_again(pair, custody, asked)

    async def _seal_one_again(self, pair: Pair, custody: SqlitePairStore, asked: AskedRekey) -> None:
        row, key = await self._database.read(lambda connection: _asked(connection, pair, asked))
        if row is None:
            return
        await self._database.write(lambda connection: _note(connection, pair, asked, row, key))
        if key is not None and not pair.revoked:
            recipient = Prekey(key.public_key)
            sealed = await self._seal_for(pair, row, recipient)
            await custody.reseal(
                bundle_id=asked.bundle_id, recipient_key=recipient.short_id, sealed=sealed.sealed
            )
        self._changes.publish({row.case_id})

    async def _note_stored(self, pair: Pair) -> None:
        """What the site has said of our bundles, custody knows; what is damaged there is sealed once more."""
        custody = await self._custody.pair(pair.pseudonym)
        heard = custody.state
        if heard is not None and self._checked.get(pair.number) is heard:
            return  # A contact that found nothing new costs no look at the rows.
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
        else:
            self._checked[pair.number] = heard

    async def _mark_stored(self, row: OutboxRow) -> None:
        now_s = self._clock.wall_s()
        await self._database.write(lambda connection: mark_stored(connection, row.number, now_s))


def _base(connection: Connection, pair: Pair, row: OutboxRow) -> SignedEntry | None:
    """None for an emergency, too: it never waits for what a restored site may have lost; nor is anything
    given back as a difference from what may be lost with it."""
    if row.headline or row.what == GIVEN_BACK or row.priority is Priority.EMERGENCY:
        return None
    return base_for(connection, pair, entry_by_id(connection, row.entry_id).signed)


def _rank(row: OutboxRow) -> Rank:
    if row.layer is not None:
        return _LAYER_RANKS[row.layer]
    return Rank.HEADLINE if row.headline else Rank.TEXT


def _asked(connection: Connection, pair: Pair, asked: AskedRekey) -> tuple[OutboxRow | None, KnownKey | None]:
    """What the bundle held, and the key the site names, as far as either is known here."""
    named = [key for key in keys_of(connection, pair) if key.short_id == asked.recipient_key]
    return sent_as(connection, pair.number, asked.bundle_id), newest_of(named)


def _note(
    connection: Connection, pair: Pair, asked: AskedRekey, row: OutboxRow, key: KnownKey | None
) -> None:
    """For people it is not at the site; and nothing more is sealed for the key that is not there."""
    mark_unopened(connection, row.number)
    forget_row(connection, row.case_id)
    if key is not None:
        note_gone(connection, pair, gone_key=asked.gone_key, asked=key)
