"""One bundle on its way to the peer: which bytes are to go, may have landed, are there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from protocol.ranges import RangeSet

from ..ports import Offer, OutgoingBundle
from .pacing import Launch

_NOTHING: Final = RangeSet()


@dataclass(slots=True, eq=False)
class Transfer:
    """One bundle being sent in this session."""

    bundle: OutgoingBundle
    todo: RangeSet
    """Bytes to send."""
    doubtful: RangeSet = _NOTHING
    """Bytes to send unless the peer says it holds them."""
    receipted: RangeSet = _NOTHING
    is_begun: bool = False
    """Whether custody knows that bytes of it may have left."""
    handle: int | None = None
    """None until it was offered in this session."""
    flights: list[tuple[RangeSet, Launch]] = field(default_factory=list)

    @property
    def offer(self) -> Offer:
        return self.bundle.offer

    @property
    def urgency(self) -> tuple[int, int, int]:
        return self.offer.priority, self.bundle.rank.value, self.offer.sequence

    @property
    def in_flight(self) -> RangeSet:
        return RangeSet.of(span for spans, _ in self.flights for span in spans.spans)

    def settle(self, held: RangeSet) -> list[Launch]:
        """The peer durably holds these bytes, what is in flight may follow, all else must be sent.

        Returns the chunks this confirms."""
        landed = [launch for spans, launch in self.flights if not (spans - held).spans]
        self.flights = [flight for flight in self.flights if (flight[0] - held).spans]
        self.receipted, self.doubtful = held, _NOTHING
        self.todo = RangeSet.whole(self.offer.size_bytes) - held - self.in_flight
        return landed


@dataclass(frozen=True, slots=True)
class Chunk:
    """The next bytes to read and send."""

    transfer: Transfer
    offset: int
    size_bytes: int

    @property
    def is_all(self) -> bool:
        """Nothing else of the bundle is sent in this session, nor was any of it offered."""
        return self.transfer.handle is None and self.size_bytes == self.transfer.offer.size_bytes
