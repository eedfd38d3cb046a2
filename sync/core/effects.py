"""What a session asks of its pair's custody; the driver performs each and reports back with `completed`.

Effects are performed one after the other in the order given, before anything written meanwhile is sent.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.ids import Incarnation
from protocol.ranges import RangeSet

from ..ports import (
    ChunkOutcome,
    IncomingChunk,
    OutgoingBundle,
    SafeMark,
    SessionView,
    Settlement,
    UnopenedBundle,
)


@dataclass(frozen=True, slots=True)
class Open:
    """Open a session in custody once any older one of the pair is over. Result: `SessionView` or `Fenced`."""

    peer_generation: int | None
    """None at the dialer, who has not heard the peer."""


@dataclass(frozen=True, slots=True)
class Fenced:
    """A session of the same peer with this or a newer generation is alive: ours may not open."""


@dataclass(frozen=True, slots=True)
class Digest:
    """Sum our own ids. Result: int."""

    incarnation: Incarnation
    sequences: RangeSet


@dataclass(frozen=True, slots=True)
class PeerDigest:
    """Sum the ids of the peer's bundles that we hold. Result: int."""

    incarnation: Incarnation
    sequences: RangeSet


@dataclass(frozen=True, slots=True)
class Read:
    """Read sealed bytes to send. Result: bytes, empty if the bundle left custody."""

    sequence: int
    offset: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class More:
    """Look for pending bundles that the session does not know. Result: `Found`."""

    beside: RangeSet


@dataclass(frozen=True, slots=True)
class Found:
    """One page of pending bundles, most urgent first."""

    bundles: tuple[OutgoingBundle, ...]


@dataclass(frozen=True, slots=True)
class Persist:
    """Make chunks durable. Result: `Persisted`."""

    chunks: tuple[IncomingChunk, ...]


@dataclass(frozen=True, slots=True)
class Persisted:
    """What became of the chunks, one by one."""

    outcomes: tuple[ChunkOutcome, ...]


@dataclass(frozen=True, slots=True)
class MarkReceipted:
    """Keep what the peer says it holds of a bundle. Result: None."""

    sequence: int
    held: RangeSet


@dataclass(frozen=True, slots=True)
class MarkStored:
    """Custody of these passed to the peer. Result: None."""

    sequences: RangeSet


@dataclass(frozen=True, slots=True)
class MarkLost:
    """The peer no longer holds these. Result: None."""

    incarnation: Incarnation
    sequences: RangeSet


@dataclass(frozen=True, slots=True)
class Renew:
    """Begin a new incarnation. Result: `SessionView`."""

    reason: str


@dataclass(frozen=True, slots=True)
class NoteRefusal:
    """The peer will not take a bundle. Result: None."""

    sequence: int
    reason: str


@dataclass(frozen=True, slots=True)
class NoteRekey:
    """The peer cannot open a bundle of ours. Result: None."""

    incarnation: Incarnation
    sequence: int
    recipient_key: bytes


@dataclass(frozen=True, slots=True)
class LookUnopened:
    """Look for bundles of the peer's that could not be opened here. Result: `Unopened`."""


@dataclass(frozen=True, slots=True)
class Unopened:
    """What the peer shall seal again."""

    bundles: tuple[UnopenedBundle, ...]


@dataclass(frozen=True, slots=True)
class NoteForeign:
    """The peer holds bundles under these numbers of ours that we do not know. Result: None."""

    incarnation: Incarnation
    sequences: RangeSet


@dataclass(frozen=True, slots=True)
class MarkPromised:
    """The peer will give these back. Result: None."""

    incarnation: Incarnation
    sequences: RangeSet


@dataclass(frozen=True, slots=True)
class NoteReturn:
    """The peer asks for what its bundles with these numbers brought. Result: how many it never asked for."""

    incarnation: Incarnation
    sequences: RangeSet


@dataclass(frozen=True, slots=True)
class NoteSettled:
    """Both sides agree on all former lives. Result: None."""

    settlement: Settlement


@dataclass(frozen=True, slots=True)
class MarkSafe:
    """The peer has a verified backup of these bundles of ours. Result: None."""

    incarnation: Incarnation
    sequences: RangeSet


@dataclass(frozen=True, slots=True)
class LookSafe:
    """Look how far the peer's bundles are in a verified backup here. Result: `Backed`."""


@dataclass(frozen=True, slots=True)
class Backed:
    """What the peer may know to be safe."""

    marks: tuple[SafeMark, ...]


Effect = (
    Open
    | Digest
    | PeerDigest
    | Read
    | More
    | Persist
    | MarkReceipted
    | MarkStored
    | MarkLost
    | Renew
    | NoteRefusal
    | NoteRekey
    | LookUnopened
    | NoteForeign
    | MarkPromised
    | NoteReturn
    | NoteSettled
    | MarkSafe
    | LookSafe
)
EffectResult = SessionView | Fenced | int | bytes | Found | Persisted | Unopened | Backed | None
