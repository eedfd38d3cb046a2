"""What a store in memory holds of one pair: all that a disk would."""

from __future__ import annotations

from dataclasses import dataclass, field

from protocol.ids import BundleId, Incarnation
from protocol.ranges import RangeSet

from ..ports import ForeignNumbers, Moment, Offer, Rank, Settlement


@dataclass(slots=True)
class Sent:
    """One bundle of ours, in custody or stored at the peer."""

    offer: Offer
    rank: Rank
    sealed: bytes
    added: int
    """Its place among all that were ever added."""
    receipted: RangeSet | None = None
    stored_s: float | None = None
    """When the peer was first known to hold it; None while it is not."""
    safe: bool = False
    has_bytes: bool = True
    refusal: str = ""
    rekey: bytes | None = None
    reseals: int = 0
    given_up: bool = False
    """Sealed again under another number; this one only counts in digests."""

    @property
    def stored(self) -> bool:
        return self.stored_s is not None

    @property
    def urgency(self) -> tuple[int, int, int]:
        return self.offer.priority, self.rank.value, self.offer.sequence


@dataclass(slots=True)
class Whole:
    """One whole bundle of the peer's."""

    offer: Offer
    sealed: bytes
    taken: bool = False
    quarantine: str = ""
    rekey: bytes | None = None
    settled: int | None = None
    """The how-manieth the application has taken or put aside."""


@dataclass(slots=True)
class Partial:
    """The bytes of the peer's bundle that have come so far."""

    offer: Offer
    data: bytearray
    held: RangeSet = field(default_factory=RangeSet)


@dataclass(slots=True)
class MemoryState:
    """Everything a disk would hold; copy it to play a backup, a restore or a cloned card."""

    incarnation: Incarnation
    sequence_max: int = 0
    generation: int = 0
    added: int = 0
    sent: dict[tuple[Incarnation, int], Sent] = field(default_factory=dict)
    lives: dict[Incarnation, int] = field(default_factory=dict)
    """Former incarnations, oldest first: the highest number given out in each."""
    promised: tuple[ForeignNumbers, ...] = ()
    """What the peer has promised back."""
    foreign: tuple[ForeignNumbers, ...] = ()
    settlement: Settlement | None = None
    streams: dict[Incarnation, dict[int, BundleId]] = field(default_factory=dict)
    """Numbers of the peer's held whole; the incarnation heard last is the last key."""
    safe: dict[Incarnation, RangeSet] = field(default_factory=dict)
    """Numbers of the peer's that are in a verified backup."""
    whole: dict[int, Whole] = field(default_factory=dict)
    """By row of arrival."""
    row_max: int = 0
    rows: dict[BundleId, int] = field(default_factory=dict)
    partials: dict[BundleId, Partial] = field(default_factory=dict)
    forks: dict[Incarnation, int] = field(default_factory=dict)
    """Those of `streams` that stand for no life of the peer's but for second bundles under one number."""
    owed: dict[tuple[Incarnation, int], int] = field(default_factory=dict)
    """Numbers of the peer's that it was promised back, and the row under which each was to be given."""
    to_return: dict[int, tuple[Incarnation, int]] = field(default_factory=dict)
    return_max: int = 0
    settled: int = 0
    moments: dict[Moment, int] = field(default_factory=dict)
    renewals: list[str] = field(default_factory=list)
