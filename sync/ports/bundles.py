"""What custody and a session tell each other of bundles: values, and the limits that hold for them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final, NewType

from protocol.header import Priority
from protocol.ids import BundleId, Incarnation, SealTag
from protocol.ranges import RangeSet

OUTGOING_PAGE: Final = 256
"""Bundles a store hands to a session at once; it asks again when it has sent them."""
PARTIALS_MAX: Final = 256
"""Unfinished bundles of one peer; more than any honest sender interleaves."""
STREAMS_MAX: Final = 8
"""Incarnations of one store worth comparing: each stands for a restored or copied disk."""
REKEYS_MAX: Final = 64
"""Bundles that one session asks to have sealed again; the next session asks for the others."""
RESEALS_MAX: Final = 8
"""Times that one bundle is sealed again; a receiver that cannot open it then is at fault."""
BACKUP_MOMENTS_MAX: Final = 16
"""Backups begun and not yet verified that a store remembers; one that is given up is pushed out."""
Moment = NewType("Moment", bytes)
"""A point in the history of one store, for `Custody.begin_backup`. Not a time: clocks are set back."""
MOMENT_BYTES: Final = 8
"""Drawn at random, so that no other history has the same."""


class Rank(Enum):
    """Order inside one case: the most useful byte first."""

    HEADLINE = 0
    TEXT = 1
    PREVIEW = 2
    REQUESTED = 3
    STANDARD = 4
    FULL = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a receiver must know of a bundle before its bytes mean anything."""

    incarnation: Incarnation
    sequence: int
    bundle_id: BundleId
    seal_tag: SealTag
    priority: Priority
    dwell_code: int
    recipient_key: bytes
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingBundle:
    """One bundle in our custody that the peer is not known to hold."""

    offer: Offer
    rank: Rank
    receipted: RangeSet | None
    """Bytes the peer has said are durable there: a hint that saves money, never a proof. None: no byte of
    it was ever handed to a link, so nothing of it can have landed unheard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialBundle:
    """One bundle of the peer's of which we durably hold some bytes."""

    offer: Offer
    held: RangeSet


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedStream:
    """What we durably hold of one incarnation of the peer."""

    incarnation: Incarnation
    held: RangeSet
    """Sequence numbers of whole bundles (quarantined ones count: they are stored)."""
    digest: int
    """`protocol.summary.digest` over the held bundles' ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentStream:
    """What the peer has said it durably holds of one former incarnation of ours."""

    incarnation: Incarnation
    stored: RangeSet
    sequence_max: int
    """Highest number given out in it, as far as is known. What the peer holds beyond was lost here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignNumbers:
    """Numbers of one incarnation under which one end holds bundles of the other's that the other does not
    know: it was rolled back, or copied, and asks for what they brought."""

    incarnation: Incarnation
    sequences: RangeSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """With the peer living as `peer_incarnation`, of all former lives nothing was left to send or to ask."""

    peer_incarnation: Incarnation
    past: int
    """`protocol.past.past_digest` over what the peer then held of our former lives, and owed of any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeMark:
    """The peer's bundles with these numbers of one incarnation are held here, and in a verified backup."""

    incarnation: Incarnation
    sequences: RangeSet
    """At most `RANGES_MAX` ranges, the lowest. There are gaps where the peer gave up a number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    """All a session must know of its pair when it starts."""

    generation: int
    """Grows with each session this store opens for the pair; the newest fences older ones."""
    incarnation: Incarnation
    sequence_max: int
    """Highest sequence number given out in our incarnation; 0 when none."""
    stored: RangeSet
    """Numbers of our incarnation that the peer has said it durably holds; the others are pending."""
    former: tuple[SentStream, ...]
    """Former incarnations in which numbers were given out, newest first, at most `STREAMS_MAX`."""
    pending: tuple[OutgoingBundle, ...]
    """What `PairStore.outgoing(beside=RangeSet())` returns."""
    received: tuple[ReceivedStream, ...]
    """Incarnations of the peer's of which we hold something, latest heard first, at most `STREAMS_MAX`."""
    partials: tuple[PartialBundle, ...]
    """At most `PARTIALS_MAX`."""
    foreign: tuple[ForeignNumbers, ...] = ()
    """What `PairStore.note_foreign` noted and the peer has not promised yet; latest noted first, at most
    `STREAMS_MAX`."""
    promised: tuple[ForeignNumbers, ...] = ()
    """What the peer has promised to give back, whether it has come or not; at most `STREAMS_MAX`, latest
    promised first."""
    owed: tuple[ForeignNumbers, ...] = ()
    """What the peer was promised back of its own and is held here, whether it was given or not."""
    settlement: Settlement | None = None
    """What `PairStore.note_settled` noted, until something of former lives changed here."""
    safe_here: tuple[SafeMark, ...] = ()
    """What `PairStore.safe` returns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnopenedBundle:
    """A whole bundle of the peer's that could not be opened here, and the key to seal it again for."""

    incarnation: Incarnation
    sequence: int
    recipient_key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingChunk:
    """Bytes at an offset of an offered bundle."""

    offer: Offer
    offset: int
    data: bytes


class ChunkOutcome(Enum):
    """What became of a chunk, durably, when `PairStore.persist` returns."""

    PARTIAL = "partial"
    STORED = "stored"
    """The bundle is whole, its seal tag matched, and it is durable."""
    CORRUPT = "corrupt"
    """The bundle was whole but its bytes do not match its seal tag: all bytes were dropped."""
    FORKED = "forked"
    """(incarnation, sequence) is held with another id: both are kept, the operator is told. The second is
    held under the next number of `protocol.past.fork_of` it, until it comes under a number of its own."""
    NO_ROOM = "no room"
    """The disk or the pair's quota is full; nothing was kept and nothing may be receipted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedBundle:
    """A whole bundle of the peer's that the application has not yet taken."""

    row: int
    """Grows in order of arrival; never used twice."""
    offer: Offer
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedRekey:
    """A bundle of ours that lies at the peer and cannot be opened there."""

    bundle_id: BundleId
    recipient_key: bytes
    """The key it is to be sealed again for."""
    gone_key: bytes
    """The one it was sealed for: the peer does not have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToReturn:
    """A bundle that the peer once sent us, has lost, and was promised the content of."""

    row: int
    incarnation: Incarnation
    """The peer's, with the number under which it asked."""
    sequence: int
    bundle_id: BundleId
    """The one it came under, by which the application knows what it brought."""
