"""A link: both directions of one contact over one medium, and what its adapter declares of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeGuard


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
    bridges_gaps: bool = False
    """It asks for a peer that has fallen silent by itself, until that one is back."""
    carries_frames: bool = False
    """The link seals, repeats and paces by itself: it takes whole frames, and gives messages of a
    `BareChannel`."""


class LinkError(Exception):
    """The medium failed; what was receipted is safe, the rest is resumed on the next contact."""


class LinkRefused(LinkError):
    """The other end answered and said no (unknown pair, wrong version, overloaded); the message says why."""


class Described(Protocol):
    """A connection that can say how its bytes travel; not every medium has something to say."""

    def described(self) -> tuple[str, ...]:
        """Short lines for status, such as "congestion control: bbr"; the same ones while nothing changes."""


class Counting(Protocol):
    """A connection that knows what its bytes cost the medium: with headers, repeats and probes."""

    medium_bytes_up: int
    medium_bytes_down: int


class Overtaking(Protocol):
    """A connection that sends what is urgent before what it was given earlier."""

    def overtake(self, data: bytes) -> None:
        """Take `data` although there is no room for more of what was sent last; also while `send` waits for
        that. A link that broke says so at the next `send`."""


class Gathering(Protocol):
    """A connection that lets what is sent wait a moment, so that more of it shares a packet."""

    @property
    def gather_s(self) -> float:
        """How long the receipt of a bundle may wait for an answer of the application, to share a packet."""

    def push(self) -> None:
        """Nothing follows until something happens: what waits shall leave."""


class Reviving(Protocol):
    """A connection that finds out by itself when a link that went dark is back."""

    @property
    def is_back(self) -> bool:
        """This connection broke in the dark, and another one stands in its place."""

    async def revived(self) -> Connection:
        """That other one. Raises `LinkError` if it has broken since."""


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


# Asked of each connection, by a name that no other has: for `isinstance` the interpreter collects the members
# of the protocol anew each time, which takes longer than many a session's packets.


def is_described(connection: Connection) -> TypeGuard[Described]:
    return hasattr(connection, "described")


def is_counting(connection: Connection) -> TypeGuard[Counting]:
    return hasattr(connection, "medium_bytes_up")


def is_overtaking(connection: Connection) -> TypeGuard[Overtaking]:
    return hasattr(connection, "overtake")


def is_gathering(connection: Connection) -> TypeGuard[Gathering]:
    return hasattr(connection, "push")


def is_reviving(connection: Connection) -> TypeGuard[Reviving]:
    return hasattr(connection, "revived")


class Dialer(Protocol):
    """Opens a connection to one peer over one medium; one attempt, no retry."""

    properties: LinkProperties

    async def dial(self) -> Connection:
        """Raises `LinkError` when nobody answers, `LinkRefused` when the peer says no."""
