"""How far bundles are and how long they still take, by receipts alone: what was only sent does not count."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import accumulate
from typing import Final

from protocol.header import Priority
from protocol.ids import BundleId
from sfnode.spool.spool import Spool
from sfnode.spool.transfers import Transfer
from sync.stores.sent_values import SentState
from sync.stores.sqlite import SqlitePairStore

from .outgoing import GOING, HELD_BACK, STORED_AT_HUB, UNOPENED_AT_HUB, WAITING_FOR_LINK, Progress

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


class SpoolCarriage:
    """Answers how far each bundle of ours is: custody's word, and what the session has heard since."""

    def __init__(
        self,
        spool: Spool,
        rate: RateMeter,
        *,
        foretold: Callable[[Sequence[BundleId]], Awaitable[Mapping[BundleId, str]]] | None = None,
    ) -> None:
        """`foretold`: when each of these is likely at the hub, in words."""
        self._spool = spool
        self._foretold = foretold
        self._rate = rate
        self._durable: dict[BundleId, int] = {}
        """Bytes of unfinished bundles at the hub; kept so that each report need not ask custody for all."""
        self._going: set[BundleId] = set()
        self.usd_per_byte = 0.0
        self.held_classes: frozenset[Priority] = frozenset()
        """What no link may carry now."""

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

    async def progress(self, bundle_ids: Sequence[BundleId]) -> Mapping[BundleId, Progress]:
        """Of those that are or were in custody."""
        custody = await self._custody()
        if custody is None:
            return {}
        transfers = await self._spool.transfers.of(bundle_ids)
        arrivals_s = await self._arrivals_s()
        foretold = {} if self._foretold is None else await self._foretold(bundle_ids)
        found: dict[BundleId, Progress] = {}
        for bundle_id, transfer in transfers.items():
            state = await custody.sent_state(bundle_id)
            if state is None:
                continue
            done_bytes = state.size_bytes if state.stored else await self._done_bytes(bundle_id)
            words = self._words(transfer, state)
            found[bundle_id] = Progress(
                done_bytes=done_bytes,
                state=words,
                size_bytes=state.size_bytes,
                stored_s=transfer.stored_s if state.stored else None,
                eta_s=None if state.stored else arrivals_s.get(bundle_id),
                usd=done_bytes * self.usd_per_byte,
                arrival=foretold.get(bundle_id) if words in (GOING, HELD_BACK, WAITING_FOR_LINK) else None,
            )
        return found

    async def unsent(self) -> tuple[int, int]:
        """How many bundles the hub is not known to hold, and how many of their bytes."""
        waiting = await self._spool.transfers.unstored()
        return len(waiting), sum([await self._left_bytes(transfer) for transfer in waiting])

    async def _arrivals_s(self) -> dict[BundleId, float]:
        """Seconds until each is stored if the rate stays: everything more urgent goes first."""
        rate = self._rate.bytes_s
        if not rate:
            return {}
        waiting = await self._spool.transfers.unstored()
        ahead = accumulate([await self._left_bytes(transfer) for transfer in waiting])
        return {transfer.bundle_id: left / rate for transfer, left in zip(waiting, ahead, strict=True)}

    async def _left_bytes(self, transfer: Transfer) -> int:
        return max(0, transfer.size_bytes - await self._done_bytes(transfer.bundle_id))

    async def _done_bytes(self, bundle_id: BundleId) -> int:
        if bundle_id not in self._durable:
            custody = await self._custody()
            state = await custody.sent_state(bundle_id) if custody else None
            self._durable[bundle_id] = state.receipted_bytes if state else 0
        return self._durable[bundle_id]

    async def _custody(self) -> SqlitePairStore | None:
        pairing = await self._spool.pairings.current()
        return None if pairing is None else await self._spool.custody(pairing)

    def _words(self, transfer: Transfer, state: SentState) -> str:
        if state.unopened:
            return UNOPENED_AT_HUB
        if state.stored:
            return STORED_AT_HUB
        if state.refusal:
            return f"refused: {state.refusal}"
        if transfer.bundle_id in self._going:
            return GOING
        return HELD_BACK if transfer.priority in self.held_classes else WAITING_FOR_LINK
