"""A byte stream over a medium on which one side talks at a time, as on a radio channel; turning takes time.

Law: the two sides never talk at once, and whoever talks lets the other have its turn after `hold_s` at most.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from sync.ports import LinkError, LinkProperties, LinkShape

PIECE_BYTES: Final = 256
QUEUE_BYTES_MAX: Final = 1024
"""What waits for the turn before a sender is held back: on such a medium nothing in it can be overtaken."""
UNREAD_BYTES_MAX: Final = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """How the medium behaves."""

    rate_bit_s: float = 1e9
    delay_s: float = 0.0
    turnover_s: float = 0.0
    hold_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Talk:
    """Who talked, and when."""

    who: int
    began_at: float
    ended_at: float


@dataclass(slots=True)
class _Side:
    """What one end has to say, and what has come for it."""

    outgoing: bytearray = field(default_factory=bytearray)
    arrived: bytearray = field(default_factory=bytearray)
    stirred: asyncio.Event = field(default_factory=asyncio.Event)
    has_finished: bool = False
    told_end: bool = False
    heard_end: bool = False
    is_closed: bool = False


class Medium:
    """The air between two ends."""

    def __init__(self, turns: Turns) -> None:
        self.talks: list[Talk] = []
        self.turnovers = 0
        self._turns = turns
        self._sides = (_Side(), _Side())
        self._talker = 0
        self._turn_began_at = float("-inf")
        self._is_busy = False

    def ends(self) -> tuple[HalfDuplexConnection, HalfDuplexConnection]:
        """Both, dialer first."""
        properties = LinkProperties(
            name="half-duplex",
            shape=LinkShape.STREAM,
            unit_bytes_max=None,
            full_duplex=False,
            ordered=True,
            rate_bit_s_guess=int(self._turns.rate_bit_s),
            rtt_s_guess=max(2 * (self._turns.delay_s + self._turns.turnover_s), 0.001),
        )
        first, second = self._sides
        return (
            HalfDuplexConnection(properties, self, first, second),
            HalfDuplexConnection(properties, self, second, first),
        )

    def stir(self) -> None:
        """Let whoever has the turn talk, or turn round."""
        if self._is_busy:
            return
        now = asyncio.get_running_loop().time()
        talker, other = self._sides[self._talker], self._sides[1 - self._talker]
        is_over = _wants_to_talk(other, talker) and now - self._turn_began_at >= self._turns.hold_s
        if _wants_to_talk(talker, other) and not is_over:
            self._talk(talker, other, now)
        elif _wants_to_talk(other, talker):
            self._after(self._turns.turnover_s, self._turn)

    def _talk(self, talker: _Side, other: _Side, now: float) -> None:
        piece = bytes(talker.outgoing[:PIECE_BYTES])
        del talker.outgoing[:PIECE_BYTES]
        talker.told_end = talker.has_finished and not talker.outgoing
        takes_s = len(piece) * 8 / self._turns.rate_bit_s
        self.talks.append(Talk(self._talker, now, now + takes_s))
        self._after(takes_s, talker.stirred.set)
        loop = asyncio.get_running_loop()
        loop.call_at(now + takes_s + self._turns.delay_s, partial(_arrive, other, piece, talker.told_end))

    def _turn(self) -> None:
        self._talker = 1 - self._talker
        self._turn_began_at = asyncio.get_running_loop().time()
        self.turnovers += 1

    def _after(self, seconds: float, then: Callable[[], None]) -> None:
        self._is_busy = True

        def free() -> None:
            self._is_busy = False
            then()
            self.stir()

        asyncio.get_running_loop().call_later(seconds, free)


class HalfDuplexConnection:
    """One end; a `sync.ports.Connection`."""

    def __init__(self, properties: LinkProperties, medium: Medium, own: _Side, other: _Side) -> None:
        self.properties = properties
        self._medium = medium
        self._own = own
        self._other = other

    async def send(self, data: bytes) -> None:
        for start in range(0, len(data), PIECE_BYTES):
            self._check()
            self._own.outgoing += data[start : start + PIECE_BYTES]
            self._medium.stir()
            while len(self._own.outgoing) > QUEUE_BYTES_MAX:
                self._own.stirred.clear()
                await self._own.stirred.wait()
                self._check()

    async def receive(self) -> bytes:
        while not self._own.arrived:
            if self._own.heard_end:
                return b""
            self._check()
            self._own.stirred.clear()
            await self._own.stirred.wait()
        data = bytes(self._own.arrived)
        self._own.arrived.clear()
        self._medium.stir()
        return data

    async def finish(self) -> None:
        self._own.has_finished = True
        self._medium.stir()

    async def close(self) -> None:
        self._own.is_closed = self._other.is_closed = True
        self._own.stirred.set()
        self._other.stirred.set()

    def _check(self) -> None:
        if self._own.is_closed:
            raise LinkError("the link was closed")


def _wants_to_talk(side: _Side, other: _Side) -> bool:
    has_words = bool(side.outgoing) or (side.has_finished and not side.told_end)
    return has_words and len(other.arrived) <= UNREAD_BYTES_MAX and not side.is_closed


def _arrive(side: _Side, piece: bytes, is_end: bool) -> None:
    side.arrived += piece
    side.heard_end |= is_end
    side.stirred.set()
