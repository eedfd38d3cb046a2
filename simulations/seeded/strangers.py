"""Worlds of whole sites with strangers in them: who has a lost device, guesses at codes, or seals poison."""

from __future__ import annotations

import random
from typing import Final

from simulations.hosts.foundation import HUB, site_name
from simulations.hosts.life import Side

from .consult_schedule import (
    HOUR_S,
    SPAN_S,
    Answer,
    Blackout,
    ConsultAct,
    ConsultSchedule,
    CrashAt,
    NewConsult,
    clinical,
)
from .stranger_acts import AttackEnrolment, ChangeHubKeys, LoseDevice, RevokeKey, SendPoison

KINDS: Final = ("lost device", "revoked device", "poison", "attacked enrolment", "keys gone while away")
SITES: Final = 2
_SEED_BITS: Final = 32

Timed = tuple[float, ConsultAct]


def stranger_of(seed: int) -> str:
    """What a seed stands for; each in turn, whether all seeds are played or one in so many."""
    return KINDS[(seed + seed // len(KINDS)) % len(KINDS)]


def draw_strangers(seed: int) -> ConsultSchedule:
    """The same for the same seed, whatever ran before."""
    draw = random.Random(f"strangers/{seed}")
    names = [site_name(number) for number in range(SITES)]
    acts: list[Timed] = [
        (1.0, NewConsult(names[0], "urgent", "Pale and sweating.")),
        (600.0, NewConsult(names[1], "routine", "A rash since yesterday.")),
        (2 * HOUR_S, Answer(2, False)),
        *((draw.uniform(0.0, SPAN_S), clinical(draw, names)) for _ in range(draw.randint(8, 14))),
        *((draw.uniform(0.0, SPAN_S), _crash(draw, [HUB, *names])) for _ in range(draw.randint(0, 2))),
    ]
    for _ in range(draw.randint(1, 2)):
        acts += _strange(draw, stranger_of(seed), names)
    return ConsultSchedule(
        seed=seed,
        sites=SITES,
        datagrams=draw.random() < 0.6,
        loss=draw.choice((0.0, 0.02, 0.15)),
        acts=tuple(sorted(acts, key=lambda act: act[0])),
    )


def _strange(draw: random.Random, kind: str, names: list[str]) -> list[Timed]:
    at_s, site = draw.uniform(0.1, 0.8) * SPAN_S, draw.choice(names)
    match kind:
        case "lost device":
            return [(at_s, LoseDevice(site, draw.random() < 0.5))]
        case "revoked device":
            goes_on = [
                (at_s + HOUR_S * hours, NewConsult(site, "urgent", "Seen again.")) for hours in (0.5, 1.5)
            ]
            return [(at_s, RevokeKey(site)), *goes_on, (at_s + 4 * HOUR_S, LoseDevice(site, True))]
        case "poison":
            senders = (*names, *(f"{HUB}:{name}" for name in names))
            return [
                (at_s + 60.0 * number, SendPoison(draw.choice(senders), draw.getrandbits(_SEED_BITS)))
                for number in range(4)
            ]
        case "attacked enrolment":
            return [(at_s, AttackEnrolment(site, draw.getrandbits(_SEED_BITS)))]
        case _:
            span_s = draw.uniform(2.0, 10.0) * HOUR_S
            # Sealed before the sites can have heard of the new key.
            written = [
                (at_s + draw.uniform(0.0, 1.0) * span_s, NewConsult(name, "urgent", "Worse."))
                for name in names
            ]
            return [(at_s, Blackout(span_s)), (at_s + 60.0, ChangeHubKeys()), *written]


def _crash(draw: random.Random, machines: list[str]) -> ConsultAct:
    power_cut_seed = draw.getrandbits(_SEED_BITS) if draw.random() < 0.4 else None
    side = draw.choice((Side.BEFORE, Side.AFTER))
    return CrashAt(draw.choice(machines), draw.randint(1, 60), side, power_cut_seed)
