"""Makes what arrived whole part of the cases: open, prove, judge, apply, and only then let custody go.

Law: content is durable in hub.db and objects/ before its bundle is taken; a bundle that cannot be applied
is put aside with its reason and stops nothing behind it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from protocol.errors import AuthorityRefused, BaseMissing, BundleRefused, ProtocolError, UnknownKey
from protocol.sealing import Sealer
from protocol.small_seal import read_message
from sync.ports import Clock, ReceivedBundle
from sync.stores.connection import Connection
from sync.stores.database import Database
from sync.stores.errors import StoreError
from sync.stores.sqlite import SqlitePairStore, SqliteStore

from ..keystore import KeyStore
from ..storage.objects import ObjectStore
from ..storage.quarantine import begin_opening, end_opening, put_aside
from ..storage.sites import Pair
from .applying import Applying, OfNoUse
from .changes import Changes
from .opening import RefusedEntry
from .sites import Sites

PAGE: Final = 4
"""Bundles of one pair in memory at once: each may have 16 MiB."""
FAILURES_MAX: Final = 2
"""Times that opening a bundle may fail for a reason nobody foresaw before it is put aside."""
DEATHS_MAX: Final = 8
"""Times that the process may end while a bundle is being opened; power cuts hit good ones too."""
RETRY_AFTER_S: Final = 5.0
"""After the disk refused; nothing is lost meanwhile, custody keeps it."""

_log = logging.getLogger(__name__)


class _OpeningFailed(Exception):
    """A bundle that our own code stumbles over; the message is the reason it is put aside."""


class Ingest:
    """One task that serves every pair in turn."""

    def __init__(
        self,
        database: Database,
        custody: SqliteStore,
        sites: Sites,
        keys: KeyStore,
        sealer: Sealer,
        objects: ObjectStore,
        changes: Changes,
        clock: Clock,
        keys_stated: Callable[[Pair], None] = lambda pair: None,
    ) -> None:
        self._database = database
        self._custody = custody
        self._sites = sites
        self._keys = keys
        self._sealer = sealer
        self._clock = clock
        self._applying = Applying(
            database, sites, keys, sealer, objects, changes, clock, keys_stated=keys_stated
        )
        self._waiting: dict[int, None] = {}
        self._woken = asyncio.Event()
        self.trouble = ""
        """Why ingest is halted, in the store's words; empty while it runs."""

    def wake(self, pair: Pair) -> None:
        """Something of this pair may have arrived whole."""
        self._waiting[pair.number] = None
        self._woken.set()

    async def run(self) -> None:
        """Serve until cancelled; begins with whatever an earlier process left."""
        for pair in self._sites.directory.pairs:
            self.wake(pair)
        while True:
            await self._woken.wait()
            self._woken.clear()
            while self._waiting:
                number = next(iter(self._waiting))
                del self._waiting[number]
                if known := self._sites.directory.pair_numbered(number):
                    await self._serve(known)

    async def drain(self, pair: Pair) -> int:
        """Apply everything of one pair that is here now; how many bundles."""
        count = 0
        while served := await self._page(pair):
            count += served
        return count

    async def receive_message(self, data: bytes) -> None:
        """Apply what a link that carries single messages has brought, outside any session. `ProtocolError`
        says why it cannot be, and leaves everything as it was; repeating it changes nothing."""
        message = read_message(data)
        pair = self._sites.directory.pair_of(message.origin)
        if pair is None or pair.revoked:
            raise AuthorityRefused("the message is not from a device that is enrolled here")
        envelope = self._sites.incoming(pair)
        try:
            bundle_id, content = envelope.open_message(data, sealer=self._sealer)
        except BaseMissing as missing:
            try:
                base = await self._applying.note_corrected(pair, missing.base_id)
            except OfNoUse as error:
                raise BundleRefused(str(error) or "its case was erased here") from error
            bundle_id, content = envelope.open_message(data, sealer=self._sealer, base=base)
        await self._applying.apply_micro(pair, bundle_id, message.priority, content)

    async def _serve(self, pair: Pair) -> None:
        """One page, so that a pair with much to say does not keep the others waiting."""
        try:
            if await self._page(pair) == PAGE:
                self.wake(pair)
            self.trouble = ""
        except (StoreError, OSError) as error:
            # Not the bundle's fault: it stays in custody and is tried again when the disk may have recovered.
            self.trouble = str(error)
            _log.error("ingest halted: %s", error)
            self.wake(pair)
            await asyncio.sleep(RETRY_AFTER_S)

    async def _page(self, pair: Pair) -> int:
        custody = await self._custody.pair(pair.pseudonym)
        bundles = await custody.received_after(0, PAGE)
        for bundle in bundles:
            await self._ingest(pair, custody, bundle)
        if bundles:
            await self._custody.note_applied(self._database)
        return len(bundles)

    async def _ingest(self, pair: Pair, custody: SqlitePairStore, bundle: ReceivedBundle) -> None:
        """Apply one bundle or put it aside, whatever is inside."""
        bundle_id = bundle.offer.bundle_id
        # Counted before it is touched: a bundle that ends the process must not do so for ever.
        deaths = await self._database.note(lambda c: begin_opening(c, pair.number, bundle_id)) - 1
        if deaths >= DEATHS_MAX:
            await self._put_aside(pair, custody, bundle, f"the hub ended {deaths} times while opening it")
            return
        try:
            refused = await self._apply_or_retry(pair, bundle)
        except (StoreError, OSError):
            await self._database.note(lambda c: end_opening(c, pair.number, bundle_id))
            raise
        except UnknownKey as error:
            await self._ask_again(pair, custody, bundle, f"{error}: the site is asked to seal it again")
        except BaseMissing as error:
            await self._ask_whole(pair, custody, bundle, error)
        except OfNoUse as error:
            await self._pass_over(pair, custody, bundle, str(error))
        except (ProtocolError, _OpeningFailed) as error:
            await self._put_aside(pair, custody, bundle, str(error))
        else:
            await self._let_go(custody, bundle, refused)

    async def _apply_or_retry(self, pair: Pair, bundle: ReceivedBundle) -> tuple[RefusedEntry, ...]:
        """A fault of ours that this bundle has found is recorded, and never stops the others."""
        for attempt in range(1, FAILURES_MAX + 1):
            try:
                return await self._applying.apply(pair, bundle)
            except (ProtocolError, StoreError, OSError, OfNoUse):
                raise
            except Exception as error:  # noqa: BLE001 - recorded with its trace, and again as the reason.
                _log.exception("opening bundle %s failed", bundle.offer.bundle_id.hex())
                reason = f"opening it failed {attempt} times: {type(error).__name__}"
        raise _OpeningFailed(reason)

    async def _let_go(
        self, custody: SqlitePairStore, bundle: ReceivedBundle, refused: tuple[RefusedEntry, ...]
    ) -> None:
        """Custody keeps the sealed bytes of anything that was not applied in full."""
        if refused:
            await custody.quarantine(bundle.row, f"{len(refused)} of its entries: {refused[0].reason}")
        else:
            await custody.take(bundle.row)

    async def _put_aside(
        self, pair: Pair, custody: SqlitePairStore, bundle: ReceivedBundle, reason: str
    ) -> None:
        await self._note_aside(pair, bundle, reason)
        await custody.quarantine(bundle.row, reason)

    async def _ask_again(
        self, pair: Pair, custody: SqlitePairStore, bundle: ReceivedBundle, reason: str
    ) -> None:
        """Its key is gone, its content is not: the site has it and seals it for the key we give out now."""
        await self._note_aside(pair, bundle, reason)
        await custody.ask_rekey(bundle.row, self._keys.newest_id, reason)

    async def _ask_whole(
        self, pair: Pair, custody: SqlitePairStore, bundle: ReceivedBundle, missing: BaseMissing
    ) -> None:
        """What it changes was lost here, since the site knew us to hold it: the site seals all of it, for
        the key that this one did open with."""
        await self._note_aside(pair, bundle, str(missing), base=missing.base_id)
        await custody.ask_rekey(bundle.row, bundle.offer.recipient_key, str(missing))

    async def _pass_over(
        self, pair: Pair, custody: SqlitePairStore, bundle: ReceivedBundle, reason: str
    ) -> None:
        """Nothing would ever be made of its bytes, and nobody could tell of which case they are."""
        if reason:
            await self._note_aside(pair, bundle, reason)
        else:
            await self._database.note(lambda c: end_opening(c, pair.number, bundle.offer.bundle_id))
        await custody.take(bundle.row)

    async def _note_aside(
        self, pair: Pair, bundle: ReceivedBundle, reason: str, *, base: bytes = b""
    ) -> None:
        def work(connection: Connection) -> None:
            put_aside(
                connection,
                pair=pair.number,
                bundle_id=bundle.offer.bundle_id,
                entry_id=b"",
                base=base,
                reason=reason,
                now_s=self._clock.wall_s(),
            )
            end_opening(connection, pair.number, bundle.offer.bundle_id)

        await self._database.write(work)
