"""What happened in a session, for whoever watches: progress bars, diaries, operators."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from enum import Enum

from protocol.frames import RefusalReason
from protocol.ids import Incarnation
from protocol.ranges import RangeSet
from protocol.stamps import Certainty

from ..ports import Offer


class Direction(Enum):
    """Whose bundle it is."""

    SENDING = "sending"
    RECEIVING = "receiving"


class Ending(Enum):
    """Why a session ended; all but DONE leave work for the next contact."""

    DONE = "done"
    """Nothing was left to move."""
    PARTED = "parted"
    """One side was asked to stop."""
    LINK_LOST = "link lost"
    PEER_SILENT = "peer silent"
    PEER_AT_FAULT = "peer at fault"
    FENCED = "fenced"
    """A newer session of the same pair took over."""


@dataclass(frozen=True, slots=True)
class Counters:
    """What one session moved."""

    payload_bytes_sent: int = 0
    payload_bytes_received: int = 0
    duplicate_bytes_received: int = 0
    """Payload bytes that were already durable here."""
    frame_bytes_sent: int = 0
    frame_bytes_received: int = 0
    link_bytes_sent: int = 0
    link_bytes_received: int = 0
    bundles_sent: int = 0
    bundles_received: int = 0
    frames_skipped: int = 0
    """Frames of kinds that only newer peers know."""
    unwanted_bytes_received: int = 0
    """Payload of classes that the peer was told to keep back; it was dropped."""

    def __add__(self, other: Counters) -> Counters:
        mine, others = astuple(self), astuple(other)
        return Counters(*map(sum, zip(mine, others, strict=True)))


@dataclass(frozen=True, slots=True)
class PeerGreeted:
    """The peer's hello came."""

    generation: int
    incarnation: Incarnation
    wall_s: int
    certainty: Certainty
    stays_open: bool


@dataclass(frozen=True, slots=True)
class PeerProven:
    """The peer speaks now: what came before could be the recording of an earlier first flight."""


@dataclass(frozen=True, slots=True)
class BundleProgress:
    """More bytes of a bundle became durable at its destination."""

    direction: Direction
    offer: Offer
    durable_bytes: int


@dataclass(frozen=True, slots=True)
class BundleSent:
    """A whole bundle of ours is durable at the peer."""

    offer: Offer


@dataclass(frozen=True, slots=True)
class BundleReceived:
    """A whole bundle of the peer's is durable here."""

    offer: Offer


@dataclass(frozen=True, slots=True)
class BundleTurnedAway:
    """Custody does not take a bundle of the peer's, and the peer was told: nothing more of it is awaited."""

    offer: Offer
    reason: RefusalReason


@dataclass(frozen=True, slots=True)
class ReceiptsMoved:
    """The peer holds these of our current incarnation; custody has passed."""

    sequences: RangeSet


@dataclass(frozen=True, slots=True)
class BundlesLost:
    """The peer no longer holds bundles it once held, as after a restore: they are pending again."""

    incarnation: Incarnation
    sequences: RangeSet


@dataclass(frozen=True, slots=True)
class ForkSeen:
    """A store looks restored from a backup or copied; nothing is lost, a person should look."""

    incarnation: Incarnation
    ours: bool
    """Whether it is our store that looks so; then it has begun a new incarnation."""
    reason: str


@dataclass(frozen=True, slots=True)
class RolledBackSeen:
    """The peer holds bundles of ours that our store does not know: it was restored from a backup, or copied.
    They are asked for until the peer has promised to give back what they brought."""

    incarnation: Incarnation
    sequences: RangeSet


@dataclass(frozen=True, slots=True)
class EntriesReturning:
    """What bundles of one side brought goes back to it, which had lost them; the promise is durable."""

    incarnation: Incarnation
    count: int
    """Numbers asked for; those that the other side does not hold either bring nothing."""
    ours: bool
    """Whether it comes back to us."""


@dataclass(frozen=True, slots=True)
class PeerRefused:
    """The peer will not take a bundle as it is; it stays in custody."""

    offer: Offer
    reason: RefusalReason


@dataclass(frozen=True, slots=True)
class RekeyAsked:
    """The peer no longer has the key a bundle was sealed for: seal it again for another."""

    incarnation: Incarnation
    sequence: int
    recipient_key: bytes


@dataclass(frozen=True, slots=True)
class SafeReported:
    """The peer's verified backup holds these bundles of ours; custody knows."""

    incarnation: Incarnation
    sequences: RangeSet


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """The last event of a session."""

    ending: Ending
    reason: str
    counters: Counters


Event = (
    PeerGreeted
    | PeerProven
    | BundleTurnedAway
    | BundleProgress
    | BundleSent
    | BundleReceived
    | ReceiptsMoved
    | BundlesLost
    | ForkSeen
    | RolledBackSeen
    | EntriesReturning
    | PeerRefused
    | RekeyAsked
    | SafeReported
    | SessionEnded
)
