"""One row of the bench: a link, what crosses it, when it counts as done, and what we ask of ourselves."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from protocol.header import Priority
from simulations.links import LinkProfile, Outage
from simulations.peers import PeerCase
from sync.ports import Rank

from .bound import exchanged_at_s, stored_at_s

UDP: Final = "udp"
HTTP: Final = "http"
LOSSY_SEEDS: Final = (1, 2, 3)
"""Of rows in which chance decides."""
SITE_STARTS_S: Final = 6.0
"""By then both ends run and wait for the word; outages are told from the moment of that word on."""
GAPS_UNTIL_S: Final = 3_600.0


class Finish(Enum):
    """What ends the measurement."""

    STORED = "the last byte is stored at the hub"
    EXCHANGED = "the site knows that, and has the reply stored"
    PARTED = "the session is over"


class Figure(Enum):
    """What can be asked of a row; the value is its unit."""

    SECONDS = "s"
    OVERHEAD_BYTES = "B beyond the payload"
    LINK_BYTES = "B of IP, both ways"
    RATE_SHARE = "of the rate"
    MEGABIT_S = "Mbit/s"
    TIMES_BYTES = "x the payload, up"
    TWICE_BYTES = "B received twice"
    DARKNESS_BYTES = "B sent into the longest darkness"


MORE_IS_BETTER: Final = frozenset({Figure.RATE_SHARE, Figure.MEGABIT_S})


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What one way of ours must reach."""

    way: str
    figure: Figure
    reach: float
    stretch: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One bundle of ours."""

    name: str
    sealed: bytes = field(repr=False)
    priority: Priority = Priority.URGENT
    rank: Rank = Rank.TEXT
    after_s: float = 0.0
    """Queued so long after the session began; the measurement then begins with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyParcel:
    """What comes back."""

    sealed: bytes = field(repr=False)
    answers: str | None
    """The parcel it is written for, as soon as that is whole; None for one that waits at the hub."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaps:
    """Darkness drawn anew for each seed."""

    light_s: tuple[float, float]
    dark_s: tuple[float, float]

    def drawn(self, seed: int) -> tuple[Outage, ...]:
        chance = random.Random(f"gaps/{seed}")
        outages = []
        moment_s = chance.uniform(*self.light_s)
        while moment_s < GAPS_UNTIL_S:
            duration_s = chance.uniform(*self.dark_s)
            outages.append(Outage(moment_s, duration_s))
            moment_s += duration_s + chance.uniform(*self.light_s)
        return tuple(outages)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A row; times of its link's outages count from the word to begin."""

    name: str
    title: str
    link: LinkProfile
    rounds: tuple[tuple[Parcel, ...], ...]
    """One session each, over the same link; the last is measured, those before it are its past."""
    finish: Finish
    goals: tuple[Goal, ...]
    reply: ReplyParcel | None = None
    gaps: Gaps | None = None
    seeds: tuple[int, ...] = (1,)
    finishes_with: str | None = None
    """The parcel that has to be stored; None for all of them."""
    killed_after_s: float | None = None
    """The site's process is killed and the link cut then; both come back after `KILLED_FOR_S`."""
    told_link: bool = True
    """Whether the site was told rate and round trip when it was set up; else it has the defaults."""
    peer_case: PeerCase | None = None
    limit_s: float = 240.0
    """A run is given up then; `make bench` gives up earlier."""

    @property
    def measured(self) -> tuple[Parcel, ...]:
        return self.rounds[-1]

    @property
    def payload_up_bytes(self) -> int:
        return sum(len(parcel.sealed) for parcel in self.measured)

    @property
    def payload_down_bytes(self) -> int:
        return len(self.reply.sealed) if self.reply is not None else 0

    @property
    def awaited(self) -> Parcel | None:
        """The one parcel that ends it."""
        return next((parcel for parcel in self.measured if parcel.name == self.finishes_with), None)

    def profile(self, seed: int) -> LinkProfile:
        """The link of one run, its outages told from the word to begin."""
        return self.link if self.gaps is None else replace(self.link, outages=self.gaps.drawn(seed))

    def bound_s(self, seed: int) -> float | None:
        """What physics allows from the word to begin (or the queueing of a late parcel) to the finish."""
        profile, awaited = self.profile(seed), self.awaited
        if self.finish is Finish.PARTED:
            return None
        if self.finish is Finish.STORED:
            size = len(awaited.sealed) if awaited is not None else self.payload_up_bytes
            return stored_at_s(profile, size, 0.0)
        asked = next((p for p in self.measured if self.reply and p.name == self.reply.answers), None)
        return exchanged_at_s(
            profile,
            up_bytes=self.payload_up_bytes,
            asked_after_bytes=len(asked.sealed) if asked is not None else 0,
            reply_bytes=self.payload_down_bytes,
            began_s=0.0,
        )


def shifted(outages: Sequence[Outage], by_s: float) -> tuple[Outage, ...]:
    """The same darkness, told from another moment."""
    return tuple(Outage(outage.start_s + by_s, outage.duration_s) for outage in outages)
