"""The way out of the vault: what the casebook has queued is packed, sealed to its hub, and given to custody.

Law: nothing is sealed for a hub but what is for it, and custody has a bundle before the casebook lets go of
it. Killed in between, the bundle is sealed again under the same id, and custody keeps the first sealing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

from protocol.ahead import HASTY, micro_ahead_of
from protocol.bundle import EntryBundle
from protocol.entry import SignedEntry
from protocol.header import Priority
from protocol.ids import BundleId, Pseudonym
from protocol.micro import MicroBundle
from protocol.prekeys import newest_of
from protocol.sealing import Prekey, Sealer
from protocol.small_seal import Direction, SmallKey
from sfnode.domain.notice_words import CANNOT_RESEND
from sfnode.errors import NotEnrolled, VaultLocked
from sfnode.spool.pairing import Pairing
from sfnode.spool.spool import Spool
from sfnode.vault.hubs import Hub
from sync.envelope import Envelope, SealedContent
from sync.ports import Clock, Offer
from sync.stores.errors import StoreClosed, StoreFull
from sync.stores.sqlite import SqlitePairStore

from .giving_back import GIVEN_BACK
from .hub_names import told_of
from .outgoing import Outgoing
from .vault_access import VaultAccess

DWELL_CODE: Final = 23
"""2**23 s: relays may let a bundle wait for 97 days, longer than most voyages."""
LOST_MAX: Final = 256
"""Bundles sealed again in one go; those that cannot be read must not fill a page for ever."""
RETRY_S: Final = 60.0
"""After the disk had no room: by then somebody may have made some."""


_KEY_UNKNOWN: Final = (
    "The hub cannot open a message and asks for a key that is not known here yet. The message is kept here, "
    "and sealed again once the hub's key has come."
)
_NOBODY: Final = Prekey(bytes(32))
"""The small profile is sealed for the other end of a pair, and not for a prekey."""
_CONTENT_GONE: Final = (
    "The hub cannot open a message that cannot be read here any more either. Tell the operator of the hub."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _WayOut:
    """To one hub."""

    hub: Hub
    pairing: Pairing
    custody: SqlitePairStore
    envelope: Envelope
    recipient: Prekey


class Outbox:
    """Seals what waits, whenever there is something, the vault is open and the site has that hub."""

    def __init__(
        self,
        vault: VaultAccess,
        spool: Spool,
        *,
        sealer: Sealer,
        clock: Clock,
        queued: Callable[[Outgoing, SealedContent, Pseudonym], None] = lambda outgoing, sealed, pair: None,
        trouble: Callable[[str], None] = lambda sentence: None,
        foretell: Callable[[BundleId], Awaitable[None]] | None = None,
    ) -> None:
        self._vault = vault
        self._spool = spool
        self._sealer = sealer
        self._clock = clock
        self._queued = queued
        self._trouble = trouble
        self._foretell = foretell
        self._told_lost: set[BundleId] = set()
        self.turn: Final = asyncio.Lock()
        """Whoever holds it keeps anything from being sealed meanwhile."""
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Something was queued, the vault was opened, or the site was enrolled."""
        self._woken.set()

    async def run(self) -> None:
        """Seal until cancelled."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            await self.seal_waiting()

    async def seal_waiting(self) -> int:
        """Give custody all that waits; how many bundles that was.

        None when locked or not enrolled, nor when the disk is full: what waits is safe in the vault.
        """
        async with self.turn:
            try:
                return await self._seal_all()
            except (VaultLocked, NotEnrolled, StoreClosed):
                return 0
            except StoreFull as error:
                self._trouble(str(error))
                asyncio.get_running_loop().call_later(RETRY_S, self.wake)
                return 0

    async def message_ahead(self, outgoing: Outgoing) -> bytes | None:
        """What a link that carries single messages takes ahead of this bundle: the headline, a coded answer,
        or the correction of a note that the hub holds; None when there is none or it can wait.

        The bundle still goes the usual way: only there is it signed. Raises `VaultLocked` or `NotEnrolled`.
        """
        pairing = await self._spool.pairings.at(outgoing.hub)
        if pairing is None:
            return None
        envelope = _envelope(await self._vault.hub(outgoing.hub))
        base = await self._base(outgoing, await self._spool.custody(pairing))
        micro = _ahead(outgoing, base)
        if micro is None:
            return None
        sealed = envelope.seal(
            micro, priority=outgoing.priority, recipient=_NOBODY, sealer=self._sealer, base=base
        )
        return envelope.message_of(sealed, outgoing.priority)

    async def _seal_all(self) -> int:
        counts = [await self._seal_for(way) for way in await self._ways()]
        if any(counts):
            await self._spool.note_applied(self._vault.vault.database)
        return sum(counts)

    async def _ways(self) -> list[_WayOut]:
        """To each hub for which there is something to seal; the one for which the most urgent waits first."""
        waited_for = await self._vault.casebook.hubs_waited_for()
        pairings = {each.hub: each for each in await self._spool.pairings.all()}
        ways = []
        for address in dict.fromkeys([*waited_for, *pairings]):
            pairing = pairings.get(address)
            if pairing is None:
                continue
            custody = await self._spool.custody(pairing)
            if address not in waited_for and not await _asks_again(custody):
                continue
            hub = await self._vault.directory.hub(address)
            # Between two pairings with one hub: what is sealed for the one must not lie with the other.
            if hub is not None and pairing.pseudonym == hub.pseudonym:
                ways.append(
                    _WayOut(
                        hub=hub,
                        pairing=pairing,
                        custody=custody,
                        envelope=_envelope(hub),
                        recipient=await self._recipient(hub),
                    )
                )
        return ways

    async def _seal_for(self, way: _WayOut) -> int:
        count = await self._seal_again(way)
        count += await self._seal_lost(way)
        while waiting := await self._vault.casebook.outbox(hub=way.hub.hub):
            for outgoing in waiting:
                await self._seal(outgoing, way)
                count += 1
        return count

    async def _recipient(self, hub: Hub) -> Prekey:
        newest = newest_of(await self._vault.directory.hub_keys(hub))
        return Prekey(hub.opening if newest is None else newest.public_key)

    async def _seal_again(self, way: _WayOut) -> int:
        """What the hub holds and cannot open goes out once more, whole, for the key that it names, if its
        signing key has vouched for that one; until then it waits."""
        count = 0
        for asked in await way.custody.rekeys():
            await self._spool.transfers.note_lost(way.pairing.pseudonym, [asked.bundle_id])
            keys = await self._vault.directory.hub_keys(way.hub)
            key = newest_of(key for key in keys if key.short_id == asked.recipient_key)
            outgoing = await self._vault.casebook.sealed_content(asked.bundle_id, hub=way.hub.hub)
            if key is None:
                self._trouble(_KEY_UNKNOWN)
            elif outgoing is None:
                self._trouble(_CONTENT_GONE)
            else:
                await self._vault.directory.note_gone(way.hub, gone_key=asked.gone_key, asked=key)
                await self._reseal(outgoing, replace(way, recipient=Prekey(key.public_key)))
                count += 1
        return count

    async def _seal_lost(self, way: _WayOut) -> int:
        """What the hub has lost and custody has no bytes of any more is sealed once more from the vault."""
        count = 0
        for bundle_id in await way.custody.without_bytes(LOST_MAX):
            outgoing = await self._vault.casebook.sealed_content(bundle_id, hub=way.hub.hub)
            if outgoing is None:
                if bundle_id not in self._told_lost:
                    pair, pairings = way.pairing.pseudonym, await self._spool.pairings.all()
                    notice = told_of(CANNOT_RESEND, pair, pairings)
                    await self._spool.notices.add(notice, now_s=self._clock.wall_s())
                    self._told_lost.add(bundle_id)
                continue
            await self._into_custody(outgoing, way, None)
            await self._spool.transfers.note_lost(way.pairing.pseudonym, [bundle_id])
            count += 1
        return count

    async def _reseal(self, outgoing: Outgoing, way: _WayOut) -> None:
        sealed = await asyncio.to_thread(
            way.envelope.seal,
            outgoing.content,
            priority=outgoing.priority,
            recipient=way.recipient,
            sealer=self._sealer,
        )
        await way.custody.reseal(
            bundle_id=sealed.bundle_id, recipient_key=sealed.recipient_key, sealed=sealed.sealed
        )
        self._queued(outgoing, sealed, way.pairing.pseudonym)

    async def _seal(self, outgoing: Outgoing, way: _WayOut) -> None:
        base = await self._base(outgoing, way.custody)
        sealed, offer = await self._into_custody(outgoing, way, base)
        await self._spool.transfers.note_queued(
            way.pairing.pseudonym,
            sealed.bundle_id,
            priority=outgoing.priority,
            rank=outgoing.rank,
            size_bytes=offer.size_bytes,
            now_s=int(self._clock.wall_s()),
        )
        if self._foretell is not None:
            await self._foretell(sealed.bundle_id)
        await self._vault.casebook.sealed(outgoing.row, sealed.bundle_id)
        self._queued(outgoing, sealed, way.pairing.pseudonym)

    async def _into_custody(
        self, outgoing: Outgoing, way: _WayOut, base: SignedEntry | None
    ) -> tuple[SealedContent, Offer]:
        # Compressing and sealing a full photo takes long enough to make a terminal stutter.
        sealed = await asyncio.to_thread(
            way.envelope.seal,
            outgoing.content,
            priority=outgoing.priority,
            recipient=way.recipient,
            sealer=self._sealer,
            base=base,
        )
        offer = await way.custody.add(
            bundle_id=sealed.bundle_id,
            priority=outgoing.priority,
            rank=outgoing.rank,
            recipient_key=sealed.recipient_key,
            dwell_code=DWELL_CODE,
            sealed=sealed.sealed,
        )
        return sealed, offer

    async def _base(self, outgoing: Outgoing, custody: SqlitePairStore) -> SignedEntry | None:
        """What the hub holds and this replaces or refers to: written as a difference from it, it is short.

        None for an emergency: it never waits for what a restored hub may have lost; nor is anything given
        back as a difference from what may be lost with it."""
        if not isinstance(outgoing.content, EntryBundle) or outgoing.priority is Priority.EMERGENCY:
            return None
        if outgoing.what == GIVEN_BACK:
            return None
        base = await self._vault.casebook.base_of(outgoing.content)
        if base is None or base.from_hub:
            return None if base is None else base.signed
        for bundle_id in base.bundles:
            state = await custody.sent_state(bundle_id)
            if state is not None and state.stored:
                return base.signed
        return None


async def _asks_again(custody: SqlitePairStore) -> bool:
    """Whether anything that was sealed before is to be sealed once more."""
    return bool(await custody.rekeys() or await custody.without_bytes(LOST_MAX))


def _envelope(hub: Hub) -> Envelope:
    return Envelope(
        destination=hub.hub,
        origin=hub.pseudonym,
        pair_secret=hub.bundle_secret,
        small=SmallKey(secret=hub.small_secret, direction=Direction.TO_HUB),
    )


def _ahead(outgoing: Outgoing, base: SignedEntry | None) -> MicroBundle | None:
    match outgoing.content:
        case MicroBundle() as micro:
            return micro
        case EntryBundle((signed,)) if outgoing.priority in HASTY:
            return micro_ahead_of(signed, base)
    return None
