"""The way into the vault: bundles that are whole in custody are opened and applied, once the vault is open.

Law: a bundle leaves custody only when the casebook has made its content durable. One that cannot be opened is
kept aside with its reason and stops nothing behind it. What a hub sent is opened with the keys of the pair
that it came under, whatever became of that pair since.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol.bundle import BundleContent
from protocol.errors import BaseMissing, BundleRefused, ProtocolError, UnknownKey
from protocol.header import Priority, Suite
from protocol.ids import Mailbox, Pseudonym
from protocol.sealing import Sealer
from protocol.small_seal import Direction, SmallKey
from sfnode.domain.moments import elapsed_s
from sfnode.domain.notice_words import FOREIGN_CASE
from sfnode.errors import NotEnrolled, VaultLocked
from sfnode.spool.pairing import Pairing
from sfnode.spool.spool import Spool
from sfnode.vault.arrived import has_come
from sfnode.vault.hubs import Hub
from sfnode.vault.outbox import given_to_custody, has_gone, queue_lost
from sfnode.views import AlarmView
from sync.envelope import Envelope
from sync.ports import ReceivedBundle
from sync.stores.errors import StoreClosed, StoreError, StoreFull
from sync.stores.sqlite import SqlitePairStore

from .casebook import Ingested
from .clock import SiteClock, moment_of
from .happenings import CaseNotHere, ForeignCase
from .hub_names import told_of
from .vault_access import VaultAccess

BATCH: Final = 16
SEALED_COUNT_MAX: Final = 64
"""Beyond it "64 replies wait" is as good as any number."""
CASELESS_MAX: Final = 64
"""Pictures and first orders that may wait for their case: more come only from a hub that is not well."""
CASELESS_WAIT_S: Final = 7 * 24 * 3600.0
"""By then a site that was restored has got back what it had lost."""
RETRY_S: Final = 60.0


_ASKED_AGAIN: Final = (
    "A message from the hub was sealed for a key that this site no longer has. It is not lost: the hub is "
    "asked to seal it again."
)


@dataclass(frozen=True, slots=True)
class _Sender:
    """One hub, and how what it has sent under one pair is opened."""

    hub: Hub
    """As it was under that pair."""
    custody: SqlitePairStore
    envelope: Envelope


class Inbox:
    """Opens what has come, whenever something has and the vault is open."""

    def __init__(
        self,
        vault: VaultAccess,
        spool: Spool,
        *,
        sealer: Sealer,
        clock: SiteClock,
        keep_alarms: Callable[[Iterable[AlarmView]], Awaitable[None]],
        trouble: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        self._vault = vault
        self._spool = spool
        self._sealer = sealer
        self._clock = clock
        self._keep_alarms = keep_alarms
        self._trouble = trouble
        self._turn = asyncio.Lock()
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """A bundle is whole, or the vault was opened."""
        self._woken.set()

    async def run(self) -> None:
        """Open until cancelled."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                await self.open_waiting()
            except StoreFull as error:
                self._trouble(str(error))
                asyncio.get_running_loop().call_later(RETRY_S, self.wake)

    async def recover(self) -> None:
        """The vault was opened: one that was restored alone gets again what the hub had sent it,
        and what it had written itself. Of a spool that was restored alone, what it had to send is sealed
        once more."""
        async with self._turn:
            if await self._spool.is_behind(self._vault.vault.database):
                for pairing in await self._spool.pairings.all():
                    await self._queue_lost(pairing)
            await self._spool.recover_applied(self._vault.vault.database, came=has_come, went=has_gone)

    async def _queue_lost(self, pairing: Pairing) -> None:
        vault, hub = self._vault.vault.database, pairing.hub
        given = await vault.read(lambda connection: given_to_custody(connection, hub))
        states = await (await self._spool.custody(pairing)).sent_states(given)
        lost = [bundle_id for bundle_id, state in states.items() if state is None]
        await vault.write(lambda connection: queue_lost(connection, hub, lost))

    async def open_waiting(self) -> int:
        """Open all that is whole; how many bundles that was. Nothing when locked or not enrolled."""
        async with self._turn:
            try:
                return await self._open_all()
            except (VaultLocked, NotEnrolled, StoreClosed):
                return 0

    async def sealed_urgent(self) -> int:
        """Bundles of class 0 and 1 that nobody has opened: what a locked node can tell of its replies. First
        orders and the reply that they go ahead of are one."""
        return sum([await self._sealed_urgent(pair) for pair in await self._spool.pairs()])

    async def _sealed_urgent(self, pair: Pseudonym) -> int:
        custody = await self._spool.custody_of(pair)
        waiting = await custody.received_after(0, SEALED_COUNT_MAX)
        urgent = [bundle for bundle in waiting if bundle.offer.priority <= Priority.URGENT]
        first_orders = sum(bundle.sealed[0] == Suite.SMALL for bundle in urgent)
        return max(first_orders, len(urgent) - first_orders)

    async def receive_message(self, data: bytes, hub: Mailbox) -> None:
        """Apply what a link that carries single messages has brought from that hub. `ProtocolError` says why
        it cannot be, and leaves everything as it was; repeating it changes nothing. Raises `VaultLocked`,
        `NotEnrolled`."""
        _, content = _envelope(await self._vault.hub(hub)).open_message(data, sealer=self._sealer)
        ingested = await self._vault.casebook.ingest(content, hub)
        await self._keep_alarms(ingested.alarms)

    async def _open_all(self) -> int:
        count = 0
        # Not only of the hubs of now: what came before one was left, or joined anew, nobody sends again.
        for pair in await self._spool.pairs():
            custody = await self._spool.custody_of(pair)
            if not await custody.received_after(0, 1):
                continue
            hub = await self._vault.directory.hub_of_pair(pair)
            if hub is not None:
                count += await self._open_of(_Sender(hub, custody, _envelope(hub)))
        if count:
            await self._spool.note_applied(self._vault.vault.database)
        return count

    async def _open_of(self, sender: _Sender) -> int:
        count = 0
        # What was left because its case was not here is tried again once something else was opened.
        while opened := await self._open_each(sender):
            count += opened
        return count

    async def _open_each(self, sender: _Sender) -> int:
        """Each bundle once, in order of arrival; how many were opened or kept aside."""
        row = count = left = 0
        while waiting := await sender.custody.received_after(row, BATCH):
            for bundle in waiting:
                if await self._open(bundle, sender, may_wait=left < CASELESS_MAX):
                    count += 1
                else:
                    left += 1
                row = bundle.row
        return count

    async def _open(self, bundle: ReceivedBundle, sender: _Sender, *, may_wait: bool) -> bool:
        """False when it was left for later."""
        arrived = await self._spool.transfers.arrived(sender.hub.pseudonym, bundle.offer.bundle_id)
        waited_s = None if arrived is None else elapsed_s(arrived, moment_of(self._clock))
        try:
            await self._make_ours(bundle, sender, waited_s)
        except CaseNotHere as error:
            if may_wait and waited_s is not None and waited_s < CASELESS_WAIT_S:
                return False
            await self._keep_aside(bundle, sender, error)
        return True

    async def _make_ours(self, bundle: ReceivedBundle, sender: _Sender, waited_s: float | None) -> None:
        custody = sender.custody
        try:
            ingested = await self._apply(bundle, sender, waited_s)
        except UnknownKey as error:
            await self._ask_again(bundle, custody, error)
            return
        except BaseMissing as error:
            # Lost here, since the hub knew it to be here. Asked for the key that this one did open with.
            await custody.ask_rekey(bundle.row, bundle.offer.recipient_key, str(error))
            return
        except CaseNotHere:
            raise
        except ProtocolError as error:
            await self._keep_aside(bundle, sender, error)
            return
        await self._keep_alarms(ingested.alarms)
        if any(each.is_foreign for each in ingested.quarantined):
            await self._tell_foreign(sender)
        await custody.take(bundle.row)
        await self._spool.transfers.forget_arrival(sender.hub.pseudonym, bundle.offer.bundle_id)

    async def _tell_foreign(self, sender: _Sender) -> None:
        """Whatever a hub says in another's case concerns people, although it changes nothing."""
        notice = told_of(FOREIGN_CASE, sender.hub.pseudonym, await self._spool.pairings.all())
        await self._spool.notices.add(notice, now_s=self._clock.wall_s())

    async def _keep_aside(self, bundle: ReceivedBundle, sender: _Sender, error: ProtocolError) -> None:
        await sender.custody.quarantine(bundle.row, str(error))
        if isinstance(error, ForeignCase):
            await self._tell_foreign(sender)
        self._trouble(f"A message from the hub cannot be opened and was kept aside: {error}")

    async def _ask_again(self, bundle: ReceivedBundle, custody: SqlitePairStore, error: UnknownKey) -> None:
        """Its key is gone, its content is not: the hub has it and seals it for the key we give out now."""
        identity = await self._vault.identity()
        await custody.ask_rekey(bundle.row, identity.ring.newest.short_id, str(error))
        self._trouble(_ASKED_AGAIN)

    async def _apply(self, bundle: ReceivedBundle, sender: _Sender, waited_s: float | None) -> Ingested:
        identity = await self._vault.identity()
        try:
            content = await self._opened(bundle, sender, identity.opening_keys)
            return await self._vault.casebook.ingest(
                content,
                sender.hub.hub,
                waited_s=waited_s,
                came_as=(sender.hub.pseudonym, bundle.offer.bundle_id),
            )
        except (ProtocolError, StoreError, VaultLocked):
            raise
        except Exception as error:
            # A message that breaks the reader must not block those behind it.
            raise ProtocolError(
                f"reading it failed ({type(error).__name__}: {error}): update or call"
            ) from error

    async def _opened(
        self, bundle: ReceivedBundle, sender: _Sender, keys: Mapping[bytes, X25519PrivateKey]
    ) -> BundleContent:
        """What the bundle holds; if it is a difference from an entry, with that entry looked up."""
        envelope = sender.envelope
        try:
            return envelope.open(bundle.offer, bundle.sealed, keys=keys, sealer=self._sealer)
        except BaseMissing as missing:
            if bundle.sealed[0] == Suite.SMALL:
                raise BundleRefused("what the hub says unsigned is never a difference") from missing
            base = await self._vault.casebook.entry_starting(sender.hub, missing.base_id)
            return envelope.open(bundle.offer, bundle.sealed, keys=keys, sealer=self._sealer, base=base)


def _envelope(hub: Hub) -> Envelope:
    return Envelope(
        destination=hub.site,
        origin=hub.pseudonym,
        pair_secret=hub.bundle_secret,
        small=SmallKey(secret=hub.small_secret, direction=Direction.TO_SITE),
    )
