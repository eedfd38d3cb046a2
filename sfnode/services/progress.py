"""How far bundles are and how long they still take, by receipts alone: what was only sent does not count."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from protocol.header import Priority
from protocol.ids import BundleId, Pseudonym
from sfnode.spool.pairing import Pairing
from sfnode.spool.spool import Spool
from sfnode.spool.transfers import Transfer
from sync.stores.sent_values import SentState
from sync.stores.sqlite import SqlitePairStore

from .outgoing import (
    GOING,
    HELD_BACK,
    NO_LINK,
    STORED_AT_HUB,
    UNOPENED_AT_HUB,
    WAITING_FOR_LINK,
    Progress,
)

RATE_WINDOW_S: Final = 30.0
"""Evens out receipts that come in clumps of one round trip, and still follows a fading link."""
_SAMPLES_MAX: Final = 512


class RateMeter:
    """Rate at which bytes become durable at the other end, over the last half minute of contact."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque(maxlen=_SAMPLES_MAX)
        self._bytes_s: float | None = None

    @property
    def bytes_s(self) -> float | None:
        """None before anything was measured; the last one between contacts."""
        return self._bytes_s

    def begin(self, now_s: float) -> None:
        """A contact begins: the time before it says nothing about the rate."""
        self._samples.clear()
        self._samples.append((now_s, 0))

    def add(self, size_bytes: int, now_s: float) -> None:
        """So many more bytes are durable now."""
        self._samples.append((now_s, size_bytes))
        while len(self._samples) > 2 and self._samples[0][0] < now_s - RATE_WINDOW_S:
            self._samples.popleft()
        # The bytes of the oldest sample came before the window began.
        began_s, before = self._samples[0]
        moved_bytes = sum(size for _, size in self._samples) - before
        if now_s > began_s and moved_bytes > 0:
            self._bytes_s = moved_bytes / (now_s - began_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What is known of the links to one hub."""

    usd_per_byte: float = 0.0
    """On the link that carries, or carried last."""
    held_classes: frozenset[Priority] = frozenset()
    """What none of them may carry now."""
    no_link_to: str = ""
    """The hub's name, where no link leads there."""


class HubCarriage:
    """How far the bundles for one hub are: custody's word, and what the session has heard since."""

    def __init__(self, pair: Pseudonym, spool: Spool) -> None:
        self.rate = RateMeter()
        self._pair = pair
        self._spool = spool
        self._durable: dict[BundleId, int] = {}
        """Bytes of unfinished bundles at the hub; kept so that each report need not ask custody for all."""
        self._going: set[BundleId] = set()

    async def heard(self, bundle_id: BundleId, durable_bytes: int) -> int:
        """The session under way has word that the hub has so much of it; how much more that is."""
        known = await self._done_bytes(bundle_id)
        self._going.add(bundle_id)
        self._durable[bundle_id] = durable_bytes
        return max(0, durable_bytes - known)

    def settled(self, bundle_id: BundleId) -> None:
        """Stored, or lost again: custody is asked anew."""
        self._durable.pop(bundle_id, None)
        self._going.discard(bundle_id)

    def contact_ended(self) -> None:
        """Nothing is going any more."""
        self._durable.clear()
        self._going.clear()

    async def progress(
        self, transfers: Sequence[Transfer], way: Way, foretold: Mapping[BundleId, str]
    ) -> Mapping[BundleId, Progress]:
        """Of those of these that are in custody."""
        custody = await self._custody()
        arrivals_s = await self._arrivals_s()
        states = await custody.sent_states([transfer.bundle_id for transfer in transfers])
        found: dict[BundleId, Progress] = {}
        for transfer in transfers:
            bundle_id = transfer.bundle_id
            state = states[bundle_id]
            if state is None:
                continue
            done_bytes = state.size_bytes if state.stored else await self._done_bytes(bundle_id)
            words = self._words(transfer, state, way)
            found[bundle_id] = Progress(
                done_bytes=done_bytes,
                state=words,
                size_bytes=state.size_bytes,
                stored_s=transfer.stored_s if state.stored else None,
                eta_s=None if state.stored else arrivals_s.get(bundle_id),
                usd=done_bytes * way.usd_per_byte,
                arrival=foretold.get(bundle_id) if words in (GOING, HELD_BACK, WAITING_FOR_LINK) else None,
            )
        return found

    async def unsent(self) -> tuple[int, int]:
        """How many bundles the hub is not known to hold, and how many of their bytes."""
        waiting = await self._spool.transfers.unstored(self._pair)
        return len(waiting), sum([await self._left_bytes(transfer) for transfer in waiting])

    async def _arrivals_s(self) -> dict[BundleId, float]:
        """Seconds until each is stored if the rate stays: everything more urgent goes first."""
        rate = self.rate.bytes_s
        if not rate:
            return {}
        waiting = await self._spool.transfers.unstored(self._pair)
        ahead = accumulate([await self._left_bytes(transfer) for transfer in waiting])
        return {transfer.bundle_id: left / rate for transfer, left in zip(waiting, ahead, strict=True)}

    async def _left_bytes(self, transfer: Transfer) -> int:
        return max(0, transfer.size_bytes - await self._done_bytes(transfer.bundle_id))

    async def _done_bytes(self, bundle_id: BundleId) -> int:
        if bundle_id not in self._durable:
            state = await (await self._custody()).sent_state(bundle_id)
            self._durable[bundle_id] = state.receipted_bytes if state else 0
        return self._durable[bundle_id]

    async def _custody(self) -> SqlitePairStore:
        return await self._spool.custody_of(self._pair)

    def _words(self, transfer: Transfer, state: SentState, way: Way) -> str:
        if state.unopened:
            return UNOPENED_AT_HUB
        if state.stored:
            return STORED_AT_HUB
        if state.refusal:
            return f"refused: {state.refusal}"
        if transfer.bundle_id in self._going:
            return GOING
        if way.no_link_to:
            return f"{NO_LINK}{way.no_link_to}"
        return HELD_BACK if transfer.priority in way.held_classes else WAITING_FOR_LINK


class SpoolCarriage:
    """Answers how far each bundle of ours is, whichever hub it is for."""

    def __init__(
        self,
        spool: Spool,
        *,
        way: Callable[[Pairing], Way] = lambda pairing: Way(),
        foretold: Callable[[Sequence[BundleId]], Awaitable[Mapping[BundleId, str]]] | None = None,
    ) -> None:
        """`foretold`: when each of these is likely at its hub, in words."""
        self._spool = spool
        self._way = way
        self._foretold = foretold
        self._hubs: dict[Pseudonym, HubCarriage] = {}

    def of(self, pair: Pseudonym) -> HubCarriage:
        """That of one hub: the same object for every caller."""
        if pair not in self._hubs:
            self._hubs[pair] = HubCarriage(pair, self._spool)
        return self._hubs[pair]

    async def way(self, pair: Pseudonym) -> Way:
        """What is known of the links to its hub."""
        pairing = await self._spool.pairings.of(pair)
        return Way() if pairing is None else self._way(pairing)

    async def progress(self, bundle_ids: Sequence[BundleId]) -> Mapping[BundleId, Progress]:
        """Of those that are or were in custody."""
        transfers = await self._spool.transfers.of(bundle_ids)
        if not transfers:
            return {}
        foretold = {} if self._foretold is None else await self._foretold(bundle_ids)
        found: dict[BundleId, Progress] = {}
        for pair in {each.pair for each in transfers.values()}:
            asked = [each for each in transfers.values() if each.pair == pair]
            found |= await self.of(pair).progress(asked, await self.way(pair), foretold)
        return found

    async def unsent(self) -> tuple[int, int]:
        """How many bundles their hubs are not known to hold, and how many of their bytes."""
        each = [await self.of(pairing.pseudonym).unsent() for pairing in await self._spool.pairings.all()]
        return sum(count for count, _ in each), sum(size_bytes for _, size_bytes in each)
