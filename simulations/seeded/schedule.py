"""What happens in a world that ends at custody: acts of people, links, disks and fate, drawn from a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Final

from protocol.header import Priority
from simulations.hosts.life import Side
from simulations.hosts.skew import Versions
from simulations.links import BurstLoss, DirectionProfile, LinkProfile
from simulations.virtual.meddling import Web
from simulations.virtual.wire import Mischief

ACTS_MAX: Final = 14
SIZES: Final = (1, 60, 300, 900, 1_400, 4_000, 9_000, 20_000)
USUAL: Final = (30, 36, 8, 8, 2, 6, 10)
RECOVERY: Final = (24, 28, 18, 22, 0, 3, 5)
"""How often people write, places meet, disks are copied, go back, are cloned, time passes, places meet."""
HUB: Final = "hub"
NODE: Final = "node"
CLONE: Final = "clone"


@dataclass(frozen=True, slots=True)
class Add:
    """Somebody writes something at a place."""

    place: str
    label: str
    size_bytes: int
    priority: Priority


@dataclass(frozen=True, slots=True)
class Crash:
    """A process dies at one of its next durable steps."""

    place: str
    step: int
    side: Side


@dataclass(frozen=True, slots=True)
class CrashOn:
    """A process dies when it next comes to this call of its store."""

    place: str
    call: str
    side: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Meet:
    """One contact, with all that goes wrong in it."""

    node: str
    datagrams: bool
    cuts: tuple[int | None, int | None] = (None, None)
    crash: Crash | CrashOn | None = None
    outage: tuple[float, float] | None = None
    """Seconds after the beginning at which the link goes and comes back."""
    meanwhile: tuple[tuple[float, Add], ...] = ()


@dataclass(frozen=True, slots=True)
class BackUp:
    """A place's disk is copied."""

    place: str


@dataclass(frozen=True, slots=True)
class Prune:
    """A place drops the sealed bytes of whatever is safe at its peer."""

    place: str


@dataclass(frozen=True, slots=True)
class Restore:
    """A place's disk goes back to one of its backups, counted from the newest."""

    place: str
    age: int


@dataclass(frozen=True, slots=True)
class Clone:
    """The node's card is copied, and both run."""


@dataclass(frozen=True, slots=True)
class Pass:
    """Nothing happens for a while."""

    span_s: float


Act = Add | Meet | BackUp | Prune | Restore | Clone | Pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Everything that one seed stands for."""

    seed: int
    profile: LinkProfile
    mischief: Mischief
    acts: tuple[Act, ...]
    recovers: bool = False
    """Backups are verified and told of, what is safe is pruned, what a place lost of its own comes back."""
    on_files: bool = False
    """Custody is the product's SQL in files instead of its store in memory."""
    versions: Versions = field(default_factory=Versions)
    web: Web | None = None
    """Contacts that are not in datagrams go over HTTP instead of bare streams."""


def draw_schedule(seed: int, *, recovers: bool = False) -> Schedule:
    """The same for the same seed, whatever ran before."""
    return _Draw(seed, recovers=recovers).schedule()


class _Draw:
    def __init__(self, seed: int, *, recovers: bool) -> None:
        self._seed = seed
        self._recovers = recovers
        self._random = random.Random(f"schedule/{seed}")
        self._labels = 0
        self._nodes = [NODE]
        self._saved: dict[str, int] = {}

    def schedule(self) -> Schedule:
        profile, mischief = self._profile(), self._mischief()
        acts: list[Act] = [self._add(), self._meet()]
        while len(acts) < self._random.randint(5, ACTS_MAX):
            acts.append(self._act())
        return Schedule(
            seed=self._seed,
            profile=profile,
            mischief=mischief,
            acts=tuple(acts),
            recovers=self._recovers,
        )

    def _act(self) -> Act:
        if self._recovers and self._random.random() < 0.2:
            return Prune(self._place())
        match self._random.choices(range(7), weights=RECOVERY if self._recovers else USUAL)[0]:
            case 0:
                return self._add()
            case 2:
                place = self._place()
                self._saved[place] = self._saved.get(place, 0) + 1
                return BackUp(place)
            case 3 if self._saved:
                place = self._random.choice(sorted(self._saved))
                return Restore(place, self._random.randrange(self._saved[place]))
            case 4 if CLONE not in self._nodes:
                self._nodes.append(CLONE)
                return Clone()
            case 5:
                return Pass(self._random.choice((0.5, 20.0, 400.0, 90_000.0)))
            case _:
                return self._meet()

    def _place(self) -> str:
        return self._random.choice([HUB, *self._nodes])

    def _add(self) -> Add:
        self._labels += 1
        return Add(
            self._place(),
            f"bundle {self._labels}",
            self._random.choice(SIZES),
            Priority(self._random.choices(range(4), weights=(1, 3, 4, 2))[0]),
        )

    def _meet(self) -> Meet:
        draw = self._random
        node = draw.choice(self._nodes)
        trouble = draw.random()
        cuts: tuple[int | None, int | None] = (None, None)
        crash = outage = None
        if trouble < 0.25:
            cuts = draw.choice(((draw.randrange(9_000), None), (None, draw.randrange(3_000))))
        elif trouble < 0.55:
            place = draw.choice((HUB, node))
            crash = Crash(place, draw.randint(1, 30), draw.choice((Side.BEFORE, Side.AFTER)))
        elif trouble < 0.7:
            start_s = draw.uniform(0.0, 12.0)
            outage = start_s, start_s + draw.choice((3.0, 30.0, 600.0))
        meanwhile = tuple((draw.uniform(0.1, 10.0), self._add()) for _ in range(draw.choice((0, 0, 1, 3))))
        return Meet(
            node=node,
            datagrams=draw.random() < 0.6,
            cuts=cuts,
            crash=crash,
            outage=outage,
            meanwhile=meanwhile,
        )

    def _profile(self) -> LinkProfile:
        draw = self._random
        rate_bit_s = draw.choice((2_400.0, 22_000.0, 64_000.0, 512_000.0))
        delay_ms = draw.choice((20.0, 300.0, 900.0))
        loss = draw.choice((0.0, 0.0, 0.02, 0.1, 0.25))
        burst = BurstLoss(0.05, 0.4) if draw.random() < 0.2 else None

        def direction(factor: float) -> DirectionProfile:
            return DirectionProfile(
                rate_bit_s=rate_bit_s * factor,
                delay_ms=delay_ms,
                queue_bytes=max(3_000, int(rate_bit_s / 8)),
                jitter_ms=draw.choice((0.0, delay_ms / 4)),
                loss=loss,
                burst=burst,
            )

        return LinkProfile(
            name="drawn",
            title="a link drawn from a seed",
            source="drawn",
            up=direction(1.0),
            down=direction(draw.choice((1.0, 4.0))),
            mtu_bytes=1_500,
        )

    def _mischief(self) -> Mischief:
        share = self._random.choice((0.0, 0.0, 0.03, 0.1))
        return Mischief(duplicates=share, replays=share / 2, overtakes=share, flips=share / 3)
