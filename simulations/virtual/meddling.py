"""What something between sites and hub does to their HTTP requests, as data drawn from a seed.

A proxy that is kind passes everything on; each of these kinds has been met in hotels, ports and companies.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

REFUSALS: Final = (502, 503, 504)


class Meddle(StrEnum):
    """What becomes of one request."""

    PASSES = "passes on"
    REFUSES = "refuses"
    """The hub never hears of it."""
    LOGIN = "shows a login page"
    """With status 200, as captive portals do; the hub never hears of it."""
    LOSES = "loses the answer"
    """The hub has acted; the caller reads 502."""
    REPEATS = "says it twice"
    """The hub hears it a second time, and the caller gets the second answer."""
    BREAKS = "breaks the answer off"
    DELAYS = "delays"
    FLIPS = "flips a bit of the answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meddling:
    """How it treats all of them, and how often what befalls one; shares of requests."""

    holds_requests: bool = False
    """Passes a request on only when it is whole, as most do: then no session flows both ways at once."""
    holds_answers: bool = False
    keeps_connections: bool = True
    ignores_hang_ups: bool = False
    """Who has hung up is still there for the hub, for a while."""
    body_bytes_max: int | None = None
    shares: tuple[tuple[Meddle, float], ...] = ()
    seed: str = ""

    def kind(self) -> Meddling:
        """The same when nothing goes wrong any more: it holds whole what it always held."""
        return replace(self, shares=(), body_bytes_max=None)

    def draw(self, source: random.Random) -> Meddle:
        """What becomes of the next request."""
        chance = source.random()
        for meddle, share in self.shares:
            if chance < share:
                return meddle
            chance -= share
        return Meddle.PASSES


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """Contacts go over HTTP, in a world in which not all do by datagrams."""

    meddling: Meddling | None
    """None where nothing is in between."""
    knows_turns: bool = False
    """The site has found out before that its sessions have to go in turns."""
    doubles: float = 0.0
    """How often a site whose program died dials again at once: the hub still talks with the one before."""


SHARES: Final = tuple((meddle, 0.05) for meddle in Meddle if meddle is not Meddle.PASSES)


def draw_web(draw: random.Random, seed: str) -> Web:
    """Something in between in three worlds of four, and mostly something that holds requests."""
    knows_turns, doubles = draw.random() < 0.3, draw.choice((0.0, 0.5, 1.0))
    if draw.random() < 0.25:
        return Web(meddling=None, knows_turns=knows_turns, doubles=doubles)
    trouble = draw.choice((0.0, 1.0, 2.0))
    chosen = draw.sample(SHARES, draw.randint(1, len(SHARES)))
    meddling = Meddling(
        holds_requests=draw.random() < 0.6,
        holds_answers=draw.random() < 0.4,
        keeps_connections=draw.random() < 0.5,
        ignores_hang_ups=draw.random() < 0.3,
        body_bytes_max=draw.choice((None, None, 700, 2_000)),
        shares=tuple((meddle, share * trouble) for meddle, share in chosen),
        seed=seed,
    )
    return Web(meddling=meddling, knows_turns=knows_turns, doubles=doubles)
