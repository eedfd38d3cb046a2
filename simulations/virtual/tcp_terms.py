"""What the parts of a TCP connection in memory tell each other: options, segments, progress."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Protocol

from .wire import Way

HEADERS_BYTES: Final = 40
SEGMENT_BYTES_MAX: Final = 1_460
UNREAD_BYTES_MAX: Final = 64 * 1024
UNSENT_BYTES_MAX: Final = 16 * 1024
USER_TIMEOUT_S: Final = 900.0
"""The kernel's own patience with bytes that nobody acknowledges."""


class Wires(Protocol):
    """What an end needs of the network."""

    def way(self, source: str, target: str) -> Way | None:
        """The direction that packets from one to the other take."""

    def runs(self, host: str) -> bool:
        """Whether any program of the host runs, so that its kernel answers."""


class Receiver(Protocol):
    """What a connection tells to whoever holds this end of it."""

    def data_came(self, data: bytes) -> None:
        """In order, each byte once."""

    def end_came(self) -> None:
        """The other end will send no more."""

    def broke(self, error: OSError) -> None:
        """Nothing comes or goes any more."""

    def has_room(self) -> None:
        """The kernel takes more."""


@dataclass(frozen=True, slots=True)
class Leg:
    """By which of the network's wires an end's packets leave, and on which host it lives."""

    host: str
    source: str
    target: str


@dataclass(slots=True)
class Options:
    """Of one socket."""

    segment_bytes_max: int = SEGMENT_BYTES_MAX
    unsent_bytes_max: int = UNSENT_BYTES_MAX
    user_timeout_s: float = USER_TIMEOUT_S
    is_corked: bool = False
    resets_on_close: bool = False

    def inherited(self) -> Options:
        """What an accepted connection has of its listener's socket."""
        return replace(self)


@dataclass(slots=True, eq=False)
class Segment:
    """Some bytes of a stream, and how it goes with them."""

    number: int
    data: bytes
    is_last: bool
    first_sent_at: float
    sent_at: float = 0.0
    repeats: int = 0
    later_heard: int = 0
    """How many of those behind it have arrived since it was sent last."""
    timer: asyncio.TimerHandle | None = None


@dataclass(slots=True)
class Progress:
    """What the kernel tells of a connection."""

    acknowledged_bytes: int = 1
    """One for the handshake, as Linux counts."""
    delivered_segments: int = 0
    rtt_s: float = 0.0
    rtt_s_min: float = 0.0
    has_timed_out: bool = False
    last_heard_at: float = 0.0


CutAt = Callable[[int], int | None]
"""Asked of each piece: after how many of its bytes the link breaks; None where it does not."""


def uncut(_: int) -> None:
    """It never breaks."""
