"""Worlds of whole sites whose disks fail by halves: they refuse a statement, lie about a sync, tear a file,
or have no room where backups go."""

from __future__ import annotations

import random
from typing import Final

from simulations.faults import FileRefusal, Refusal
from simulations.hosts.foundation import HUB, site_name
from simulations.hosts.life import Side

from .consult_schedule import (
    HOUR_S,
    SPAN_S,
    Answer,
    ConsultAct,
    ConsultSchedule,
    NewConsult,
    ReadPlan,
    RestoreHub,
    StepClock,
    clinical,
)
from .disk_acts import AddPicture, BackUpHub, CutAtFile, LieAndCut, RefuseFiles, RefuseStatements

KINDS: Final = (
    "a site's statements",
    "the hub's statements",
    "lying site",
    "lying hub",
    "torn files",
    "refused files",
)
SITES: Final = 2
RESTORED_SHARE: Final = 0.3
"""Of these worlds lose their hub as well, and restore it from a backup that it has made."""
MONTH_S: Final = 32 * 86_400.0
_SEED_BITS: Final = 32

Timed = tuple[float, ConsultAct]


def disk_kind_of(seed: int) -> str:
    """Which failure a seed stands for; each in turn, whether all seeds are played or one in so many."""
    return KINDS[(seed + seed // len(KINDS)) % len(KINDS)]


def draw_failing_disks(seed: int) -> ConsultSchedule:
    """The same for the same seed, whatever ran before."""
    draw = random.Random(f"failing disks/{seed}")
    names = [site_name(number) for number in range(SITES)]
    acts: list[Timed] = [
        (1.0, NewConsult(names[0], "urgent", "Pale and sweating.")),
        (600.0, AddPicture(names[0], draw.getrandbits(_SEED_BITS))),
        *((draw.uniform(0.0, SPAN_S), clinical(draw, names)) for _ in range(draw.randint(6, 10))),
        *_second_words(draw, names),
        *((draw.uniform(0.1, 0.9) * SPAN_S, BackUpHub()) for _ in range(2)),
    ]
    for _ in range(draw.randint(2, 3)):
        acts += _failure(draw, disk_kind_of(seed), names)
    datagrams, loss = draw.random() < 0.6, draw.choice((0.0, 0.02, 0.15))
    if draw.random() < RESTORED_SHARE:
        acts.append((draw.uniform(0.5, 0.95) * SPAN_S, RestoreHub()))
    return ConsultSchedule(
        seed=seed,
        sites=SITES,
        datagrams=datagrams,
        loss=loss,
        watches_disks=True,
        acts=tuple(sorted(acts, key=lambda act: act[0])),
    )


def _second_words(draw: random.Random, names: list[str]) -> list[Timed]:
    """A reply, another one that takes its place, and somebody who reads what is to be done."""
    at_s = draw.uniform(0.1, 0.6) * SPAN_S
    return [
        (at_s, Answer(2, False)),
        (at_s + draw.uniform(0.0, 2.0) * HOUR_S, Answer(1, True)),
        *((at_s + draw.uniform(1.5, 9.0) * HOUR_S, ReadPlan(draw.choice(names))) for _ in range(3)),
    ]


def _failure(draw: random.Random, kind: str, names: list[str]) -> list[Timed]:
    at_s = draw.uniform(0.05, 0.85) * SPAN_S
    site = draw.choice(names)
    match kind:
        case "a site's statements" | "the hub's statements":
            machine = site if kind == "a site's statements" else HUB
            refusal = draw.choice(list(Refusal))
            # A new case meets it at once; whatever it leaves undone is met by what follows.
            return [
                (at_s, RefuseStatements(machine, refusal, draw.choice((1, 1, 3, 8)))),
                (at_s + 1.0, NewConsult(site, "urgent", "Cannot bear weight on it.")),
            ]
        case "lying site" | "lying hub":
            machine = HUB if kind == "lying hub" else site
            span_s = draw.uniform(0.2, 5.0) * HOUR_S
            within = [(at_s + draw.uniform(0.0, 1.0) * span_s, clinical(draw, names)) for _ in range(3)]
            return [(at_s, LieAndCut(machine, span_s, draw.getrandbits(_SEED_BITS))), *within]
        case "torn files":
            return _torn_files(draw, at_s, site)
        case _:
            refusal_of_files = draw.choice(list(FileRefusal))
            return [
                (at_s, RefuseFiles(HUB, refusal_of_files, draw.uniform(0.1, 1.0) * HOUR_S)),
                (at_s + 10.0, BackUpHub()),
                (at_s + 20.0, AddPicture(site, draw.getrandbits(_SEED_BITS))),
            ]


def _torn_files(draw: random.Random, at_s: float, site: str) -> list[Timed]:
    """A power cut while the hub writes a picture down, or a new key."""
    side = draw.choice((Side.BEFORE, Side.AFTER))
    cut = CutAtFile(HUB, draw.randint(1, 6), side, draw.getrandbits(_SEED_BITS))
    if draw.random() < 0.7:
        return [
            (at_s, NewConsult(site, "routine", "A rash since yesterday.")),
            (at_s + 300.0, AddPicture(site, draw.getrandbits(_SEED_BITS))),
            (at_s + 301.0, cut),
        ]
    return [(at_s, StepClock(HUB, MONTH_S)), (at_s + 1.0, cut)]
