"""What happens in a world of whole sites and a hub: consults, and the faults of machines, disks and links."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Final

from simulations.hosts.life import Side
from simulations.hosts.skew import Versions
from simulations.links import HalfDuplex
from simulations.virtual.meddling import Web
from simulations.virtual.wire import Mischief

from .bills import Price
from .disk_acts import DiskAct
from .stranger_acts import StrangerAct

HOUR_S: Final = 3_600.0
SPAN_S: Final = 30 * HOUR_S
URGENCIES: Final = ("emergency", "urgent", "urgent", "routine")
WORDS: Final = (
    "Crushing pain since two hours, worse when moving.",
    "Vomited twice. Skin cold. No fever so far.",
    "Fell from a ladder, three metres. Left wrist swollen; can move all fingers; sensation is normal.",
    "Rash on both arms since yesterday after new gloves. No trouble breathing.",
    "Second day of fever, cough with green sputum, tired, eats little, drinks enough. " * 4,
)


@dataclass(frozen=True, slots=True)
class NewConsult:
    """A medic opens a case, writes down what is known and sends it."""

    site: str
    urgency: str
    words: str


@dataclass(frozen=True, slots=True)
class MoreFindings:
    """Vital signs and a note for the case opened last."""

    site: str
    words: str


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """The medic reads the newest plan and carries out the first order that is open."""

    site: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A specialist answers the case on top of the worklist, with one order or two."""

    orders: int
    is_second_word: bool
    """A second reply to the case answered last, which takes the place of the first."""


@dataclass(frozen=True, slots=True)
class CrashAt:
    """A machine's program dies at one of its next durable steps; with a power cut, so does the machine."""

    machine: str
    step: int
    side: Side
    power_cut_seed: int | None


@dataclass(frozen=True, slots=True)
class StepClock:
    """Somebody or something sets a machine's wall clock; None is a dead battery: 1970."""

    machine: str
    by_s: float | None


@dataclass(frozen=True, slots=True)
class FillDisk:
    """A machine's disk is full for a while."""

    machine: str
    span_s: float


@dataclass(frozen=True, slots=True)
class BackUpDisk:
    """A copy of a machine's disk."""

    machine: str


@dataclass(frozen=True, slots=True)
class RestoreDisk:
    """A machine goes back to its newest backup."""

    machine: str


@dataclass(frozen=True, slots=True)
class Blackout:
    """No site reaches the hub for a while; then all do at once."""

    span_s: float


@dataclass(frozen=True, slots=True)
class RotDisk:
    """While a machine is off for a moment, a bit of a sealed bundle on its disk flips."""

    machine: str
    seed: int


@dataclass(frozen=True, slots=True)
class CopyCard:
    """A site's card is copied while it is off for a moment. Then both run, the copy as `copied_as`."""

    machine: str
    copied_as: str


@dataclass(frozen=True, slots=True)
class LoseHub:
    """The hub's disk is gone, and its backups with it; a new hub gets the old keys, and every site enrols."""


@dataclass(frozen=True, slots=True)
class FailOver:
    """Another hub takes over, on a copy of the first one's disk; at the next time the first is back as it was
    left, and so on in turn."""


@dataclass(frozen=True, slots=True)
class RestoreHub:
    """The hub's disk is gone; its own command restores the newest of the backups that it has made."""


Upheaval = CopyCard | LoseHub | FailOver | RestoreHub
ConsultAct = (
    NewConsult
    | MoreFindings
    | ReadPlan
    | Answer
    | CrashAt
    | StepClock
    | FillDisk
    | BackUpDisk
    | RestoreDisk
    | Blackout
    | RotDisk
    | Upheaval
    | DiskAct
    | StrangerAct
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsultSchedule:
    """Everything that one seed stands for: acts by their time in seconds."""

    seed: int
    sites: int
    datagrams: bool
    loss: float
    mischief: Mischief = field(default_factory=Mischief)
    """What an unkind relay between the sites and the hub does."""
    versions: Versions = field(default_factory=Versions)
    price: Price | None = None
    """What a link costs, where that is looked at."""
    watches_disks: bool = False
    """Single statements may fail, and files other than databases may tear."""
    half_duplex: HalfDuplex | None = None
    """On one channel that both ends take in turns."""
    web: Web | None = None
    """Contacts that are not in datagrams go over HTTP instead of bare streams."""
    acts: tuple[tuple[float, ConsultAct], ...]


def draw_consults(seed: int, *, sites: int = 2, hub: str = "hub") -> ConsultSchedule:
    """The same for the same seed, whatever ran before."""
    draw = random.Random(f"consults/{seed}")
    names = [f"site-{number}" for number in range(sites)]
    acts = [(draw.uniform(0.0, SPAN_S), clinical(draw, names)) for _ in range(draw.randint(6, 14))]
    for _ in range(draw.randint(2, 7)):
        at_s, fault = draw.uniform(0.0, SPAN_S), _fault(draw, [hub, *names])
        acts += [(at_s, fault), *_occasions(draw, at_s, fault, names)]
    acts.append((1.0, NewConsult(names[0], draw.choice(URGENCIES), draw.choice(WORDS))))
    return ConsultSchedule(
        seed=seed,
        sites=sites,
        datagrams=draw.random() < 0.6,
        loss=draw.choice((0.0, 0.02, 0.15)),
        mischief=_mischief(draw),
        acts=tuple(sorted(acts, key=lambda act: act[0])),
    )


def _occasions(
    draw: random.Random, at_s: float, fault: ConsultAct, sites: list[str]
) -> list[tuple[float, ConsultAct]]:
    """What has to happen besides for a fault to bite: a backup to go back to, something to write on a full
    disk."""
    match fault:
        case RestoreDisk(machine):
            return [(draw.uniform(0.3, 1.0) * at_s, BackUpDisk(machine))]
        case FillDisk(machine, span_s):
            site = machine if machine in sites else draw.choice(sites)
            # A contact that brings it to the hub follows at once.
            return [
                (at_s + draw.uniform(0.0, 0.8) * span_s, NewConsult(site, draw.choice(URGENCIES), WORDS[-1]))
                for _ in range(3)
            ]
        case _:
            return []


def _mischief(draw: random.Random) -> Mischief:
    share = draw.choice((0.0, 0.0, 0.03, 0.1))
    return Mischief(duplicates=share, replays=share / 2, overtakes=share, flips=share / 3)


def clinical(draw: random.Random, sites: list[str]) -> ConsultAct:
    """What one of the people does next."""
    site = draw.choice(sites)
    match draw.choices(range(4), weights=(3, 3, 3, 4))[0]:
        case 0:
            return NewConsult(site, draw.choice(URGENCIES), draw.choice(WORDS))
        case 1:
            return MoreFindings(site, draw.choice(WORDS))
        case 2:
            return ReadPlan(site)
        case _:
            return Answer(draw.choice((1, 2)), draw.random() < 0.3)


def _fault(draw: random.Random, machines: list[str]) -> ConsultAct:
    machine = draw.choice(machines)
    match draw.choices(range(8), weights=(8, 3, 2, 3, 3, 2, 2, 2))[0]:
        case 0 | 1:
            power_cut_seed = draw.getrandbits(32) if draw.random() < 0.4 else None
            return CrashAt(
                machine, draw.randint(1, 40), draw.choice((Side.BEFORE, Side.AFTER)), power_cut_seed
            )
        case 2:
            years_s = 20 * 365.25 * 86_400.0
            return StepClock(machine, draw.choice((None, years_s, -years_s, 3 * HOUR_S, -3 * HOUR_S)))
        case 3:
            return FillDisk(machine, draw.choice((60.0, 2 * HOUR_S)))
        case 4:
            return BackUpDisk(machine)
        case 5:
            return RestoreDisk(machine)
        case 6:
            return RotDisk(machine, draw.getrandbits(32))
        case _:
            return Blackout(draw.choice((0.5, 7.0)) * HOUR_S)
