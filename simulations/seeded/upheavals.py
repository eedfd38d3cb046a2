"""Worlds of whole sites in which more than a disk or a link fails: copied cards, a hub that is lost, two hubs
in turn, software of different versions, and a relay that keeps packets for hours."""

from __future__ import annotations

import random
from typing import Final

from simulations.hosts.foundation import HUB, site_name
from simulations.hosts.life import Side
from simulations.hosts.skew import Versions
from simulations.virtual.wire import Mischief

from .consult_schedule import (
    HOUR_S,
    SPAN_S,
    Answer,
    Blackout,
    ConsultAct,
    ConsultSchedule,
    CopyCard,
    CrashAt,
    FailOver,
    LoseHub,
    MoreFindings,
    NewConsult,
    clinical,
)

KINDS: Final = ("copied card", "lost hub", "two hubs", "newer site", "newer hub", "unkind relay")
SITES: Final = 2
UNKIND: Final = Mischief(duplicates=0.1, replays=0.3, late_s=8 * HOUR_S, overtakes=0.1, flips=0.03)

Timed = tuple[float, ConsultAct]


def kind_of(seed: int) -> str:
    """Which upheaval a seed stands for; each in turn, whether all seeds are played or one in so many."""
    return KINDS[(seed + seed // len(KINDS)) % len(KINDS)]


def draw_upheavals(seed: int) -> ConsultSchedule:
    """The same for the same seed, whatever ran before."""
    draw = random.Random(f"upheavals/{seed}")
    names = [site_name(number) for number in range(SITES)]
    acts: list[Timed] = [
        (1.0, NewConsult(names[0], "urgent", "Pale and sweating.")),
        (3 * HOUR_S, Answer(2, False)),
    ]
    acts += [(draw.uniform(0.0, SPAN_S), clinical(draw, names)) for _ in range(draw.randint(8, 14))]
    acts += [(draw.uniform(0.0, SPAN_S), _fault(draw, [HUB, *names])) for _ in range(draw.randint(0, 3))]
    acts += _upheaval(draw, kind_of(seed), names)
    return ConsultSchedule(
        seed=seed,
        sites=SITES,
        datagrams=draw.random() < 0.6,
        loss=draw.choice((0.0, 0.02, 0.15)),
        mischief=UNKIND if kind_of(seed) == "unkind relay" else Mischief(),
        versions=_versions(kind_of(seed), names),
        acts=tuple(sorted(acts, key=lambda act: act[0])),
    )


def _upheaval(draw: random.Random, kind: str, names: list[str]) -> list[Timed]:
    at_s = draw.uniform(0.2, 0.6) * SPAN_S
    match kind:
        case "copied card":
            copied_as = f"{names[0]}-copy"
            both = [names[0], copied_as]
            later = [(draw.uniform(at_s + HOUR_S, SPAN_S), clinical(draw, both)) for _ in range(6)]
            told = (at_s + HOUR_S, NewConsult(copied_as, "routine", "Written on the copy."))
            return [(at_s, CopyCard(names[0], copied_as)), told, *later]
        case "lost hub":
            return [(at_s, LoseHub())]
        case "two hubs":
            back_s = draw.uniform(at_s + HOUR_S, 0.9 * SPAN_S)
            return [(at_s, FailOver()), (draw.uniform(at_s, back_s), Answer(1, False)), (back_s, FailOver())]
        case "newer site" | "newer hub":
            return [(draw.uniform(0.0, SPAN_S), MoreFindings(names[0], "Seen again.")) for _ in range(3)]
        case _:
            return []


def _versions(kind: str, names: list[str]) -> Versions:
    match kind:
        case "newer site":
            return Versions(newer=names[0])
        case "newer hub":
            return Versions(newer=HUB)
        case _:
            return Versions()


def _fault(draw: random.Random, machines: list[str]) -> ConsultAct:
    if draw.random() < 0.3:
        return Blackout(draw.choice((0.5, 5.0)) * HOUR_S)
    power_cut_seed = draw.getrandbits(32) if draw.random() < 0.4 else None
    side = draw.choice((Side.BEFORE, Side.AFTER))
    return CrashAt(draw.choice(machines), draw.randint(1, 60), side, power_cut_seed)
