"""What the engine needs from the world: links to send over, a store that keeps custody, a clock.

Each port has one contract suite under tests/, run on every adapter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final, Protocol, runtime_checkable

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


class LinkShape(StrEnum):
    """How a medium carries bytes."""

    STREAM = "stream"
    DATAGRAM = "datagram"
    MAILBOX = "mailbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkProperties:
    """What a link adapter declares of its medium; guesses are refined by measurement."""

    name: str
    shape: LinkShape
    unit_bytes_max: int | None
    """Largest message, None for a byte stream."""
    full_duplex: bool
    ordered: bool
    rate_bit_s_guess: int
    rtt_s_guess: float
    usd_per_megabyte: float = 0.0
    usd_per_minute: float = 0.0
    usd_per_message: float = 0.0
    bounds_queue: bool = False
    """What it cannot carry yet it does not take: no queue grows in it, and more may be without a receipt."""
    carries_frames: bool = False
    """The link seals, repeats and paces by itself: it takes whole frames, and gives messages of a
    `BareChannel`."""


class LinkError(Exception):
    """The medium failed; what was receipted is safe, the rest is resumed on the next contact."""


class LinkRefused(LinkError):
    """The other end answered and said no (unknown pair, wrong version, overloaded); the message says why."""


@runtime_checkable
class Described(Protocol):
    """A connection that can say how its bytes travel; not every medium has something to say."""

    def described(self) -> tuple[str, ...]:
        """Short lines for status, such as "congestion control: bbr"; the same ones while nothing changes."""


@runtime_checkable
class Counting(Protocol):
    """A connection that knows what its bytes cost the medium: with headers, repeats and probes."""

    medium_bytes_up: int
    medium_bytes_down: int


class Connection(Protocol):
    """Both directions of one contact. Not safe for two concurrent senders or two concurrent receivers."""

    properties: LinkProperties

    async def send(self, data: bytes) -> None:
        """Hand `data` to the medium; returns when there is room for more. Raises `LinkError`."""

    async def receive(self) -> bytes:
        """The next bytes (a message on datagram links), b"" once the peer has ended. Raises `LinkError`."""

    async def finish(self) -> None:
        """Say that we send no more; receiving goes on."""

    async def close(self) -> None:
        """Let go of the medium; idempotent, never raises, bounded in time."""


class Dialer(Protocol):
    """Opens a connection to one peer over one medium; one attempt, no retry."""

    properties: LinkProperties

    async def dial(self) -> Connection:
        """Raises `LinkError` when nobody answers, `LinkRefused` when the peer says no."""


class Clock(Protocol):
    """Two clocks: `monotonic` for durations and deadlines, `wall` for claims shown to people."""

    def monotonic_s(self) -> float: ...

    def wall_s(self) -> float: ...


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
    """Former incarnations of which the peer holds something, newest first, at most `STREAMS_MAX`."""
    pending: tuple[OutgoingBundle, ...]
    """What `PairStore.outgoing(beside=RangeSet())` returns."""
    received: tuple[ReceivedStream, ...]
    """Incarnations of the peer's of which we hold something, latest heard first, at most `STREAMS_MAX`."""
    partials: tuple[PartialBundle, ...]
    """At most `PARTIALS_MAX`."""


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
    """(incarnation, sequence) is held with another id: both are kept, the operator is told."""
    NO_ROOM = "no room"
    """The disk or the pair's quota is full; nothing was kept and nothing may be receipted."""


class PairStore(Protocol):
    """Custody for one pair (this node or hub, and one peer). Every method is atomic, durable on return unless
    it says otherwise, and safe to repeat."""

    async def open_session(self) -> SessionView:
        """A fresh view with a higher generation than any before."""

    async def outgoing(self, beside: RangeSet) -> tuple[OutgoingBundle, ...]:
        """Pending bundles of the current incarnation whose numbers are not in `beside`, most urgent first
        by (priority, rank, sequence), at most `OUTGOING_PAGE` of them."""

    async def read(self, sequence: int, offset: int, size_bytes: int) -> bytes:
        """Sealed bytes of an outgoing bundle; b"" if it is no longer in custody."""

    async def persist(self, chunks: Sequence[IncomingChunk]) -> tuple[ChunkOutcome, ...]:
        """Keep chunks in one durable transaction; one outcome each. Overlaps and repeats are harmless.

        An empty chunk only announces its offer. If a bundle with the offered id is whole here already,
        whatever its number or seal, the outcome is STORED and the offered number is held from now on; bytes
        are dropped, the application gets the bundle once. A chunk under another seal tag than the partial we
        hold voids that partial. Beyond `PARTIALS_MAX` unfinished bundles the outcome is NO_ROOM.

        A bundle that waits to be sealed again (`Custody.ask_rekey`) counts as whole under its old seal alone:
        under another one it is taken once more, replaces the unopened bytes and goes to the application.
        """

    async def mark_receipted(self, sequence: int, held: RangeSet) -> None:
        """The peer's progress report replaces the one before; an empty set notes that sending has begun.

        Need not survive power loss, but must survive the death of the process.
        """

    async def mark_stored(self, sequences: RangeSet) -> None:
        """The peer durably holds these of our current incarnation: they leave the pending set. Numbers never
        given out are passed over."""

    async def mark_lost(self, incarnation: Incarnation, sequences: RangeSet) -> None:
        """The peer turned out not to hold these of our numbers although it once did: they are pending again,
        with nothing receipted; those of a former incarnation get new numbers in the current one."""

    async def digest(self, incarnation: Incarnation, sequences: RangeSet) -> int:
        """`protocol.summary.digest` over our own ids with these numbers of one of our incarnations; unknown
        numbers count as nothing."""

    async def received_digest(self, incarnation: Incarnation, sequences: RangeSet) -> int:
        """The same over the peer's bundles that we hold whole."""

    async def renew_incarnation(self, reason: str) -> SessionView:
        """Draw a new incarnation, number everything pending anew from 1 in the old order, with nothing
        receipted, and keep `reason` for the operator. The view keeps the generation of the open session."""

    async def note_refusal(self, sequence: int, reason: str) -> None:
        """The peer will not take this bundle as sealed (quarantine, unknown key): it stays pending and is
        offered again in the next session; the reason is kept for people."""

    async def unopened(self) -> tuple[UnopenedBundle, ...]:
        """Bundles of the peer's that wait to be sealed again, oldest first, at most `REKEYS_MAX`."""

    async def note_rekey(self, incarnation: Incarnation, sequence: int, recipient_key: bytes) -> None:
        """The peer cannot open this bundle of ours: `Custody.rekeys` has it until it is sealed again.

        A number that is not ours, or whose bundle was sealed again since, changes nothing; nor does one that
        was sealed again `RESEALS_MAX` times."""

    async def wait_outgoing(self) -> None:
        """Returns when a bundle may have been added, or one have turned out not to open, since the last call;
        may return spuriously."""


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


class Custody(Protocol):
    """The application's side of the same pair: what goes in to be sent, what came out whole. Every method is
    atomic, durable on return and safe to repeat."""

    async def add(
        self,
        *,
        bundle_id: BundleId,
        priority: Priority,
        rank: Rank,
        recipient_key: bytes,
        dwell_code: int,
        sealed: bytes,
    ) -> Offer:
        """Take a sealed bundle into custody under the next number; wakes `PairStore.wait_outgoing`.

        A `bundle_id` already in custody changes nothing and returns the offer it has."""

    async def received_after(self, row: int, limit: int) -> tuple[ReceivedBundle, ...]:
        """Whole bundles neither taken nor quarantined with a row above `row`, in order of arrival."""

    async def take(self, row: int) -> None:
        """The application has made the bundle's content its own, durably: the sealed bytes may be dropped.
        The bundle stays held, so that it is never fetched or delivered again."""

    async def quarantine(self, row: int, reason: str) -> None:
        """The bundle cannot be opened: its bytes and the reason are kept aside, it stays held and it stops
        nothing."""

    async def ask_rekey(self, row: int, recipient_key: bytes, reason: str) -> None:
        """The bundle cannot be opened because of its key: kept aside as by `quarantine`, and the peer is
        asked to seal it again for `recipient_key`; wakes `PairStore.wait_outgoing`.

        Once the new seal is whole it is delivered as if it had just come, and the old bytes are dropped.
        Asking again changes the key; a bundle that was taken is asked for no more."""

    async def rekeys(self) -> tuple[AskedRekey, ...]:
        """Bundles of ours that the peer wants sealed again, most urgent first, at most `REKEYS_MAX`."""

    async def reseal(self, *, bundle_id: BundleId, recipient_key: bytes, sealed: bytes) -> Offer | None:
        """New bytes for a bundle that `rekeys` names, under the next number; wakes
        `PairStore.wait_outgoing`. Its old number stays with the peer and still counts in digests. None, and
        nothing changed, for a bundle that nobody asked for."""
