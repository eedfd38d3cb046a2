"""Which pairs have a live session: one each, and the newest generation wins.

A node that lost its link dials again long before its hub hears that the old one is dead; two sessions of one
pair must never write custody side by side.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from protocol.ids import Pseudonym

from .signal import Signal


@dataclass(slots=True, eq=False)
class Seat:
    """The place of one live session."""

    pair: Pseudonym
    generation: int
    fenced: Signal = field(default_factory=Signal)
    """Given when a newer session waits for this one to go."""
    left: asyncio.Event = field(default_factory=asyncio.Event)


class SessionRegistry:
    """The live sessions of one listener."""

    def __init__(self) -> None:
        self._seats: dict[Pseudonym, Seat] = {}

    @property
    def live_pairs(self) -> frozenset[Pseudonym]:
        """Pairs in conversation right now."""
        return frozenset(self._seats)

    async def take(self, pair: Pseudonym, generation: int) -> Seat | None:
        """The pair's seat once any older session has left it; None if the one there is not older."""
        while (seated := self._seats.get(pair)) is not None:
            if seated.generation >= generation:
                return None
            seated.fenced.set()
            await seated.left.wait()
        seat = Seat(pair, generation)
        self._seats[pair] = seat
        return seat

    def leave(self, seat: Seat) -> None:
        """The session is over; idempotent."""
        if self._seats.get(seat.pair) is seat:
            del self._seats[seat.pair]
        seat.left.set()
