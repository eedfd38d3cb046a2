"""Worlds of whole sites whose links have a price, and a cap that is less than what their people write."""

from __future__ import annotations

import random
from typing import Final

from simulations.hosts.foundation import HUB, site_name
from simulations.hosts.life import Side

from .bills import Price
from .consult_schedule import (
    HOUR_S,
    SPAN_S,
    Answer,
    ConsultAct,
    ConsultSchedule,
    CrashAt,
    MoreFindings,
    NewConsult,
    ReadPlan,
)
from .disk_acts import AddPicture

SITES: Final = 2
USD_PER_MEGABYTE: Final = 10.0
CAPS_USD: Final = (0.2, 0.3, 0.4)
"""Twenty to forty kilobytes a day: looks take five of them, a picture up to twenty. What is on the line when
a contact is ended comes on top, up to five: less than the reserve that is kept for emergencies."""
_SEED_BITS: Final = 32

Timed = tuple[float, ConsultAct]


def draw_dear_links(seed: int) -> ConsultSchedule:
    """The same for the same seed, whatever ran before."""
    draw = random.Random(f"dear links/{seed}")
    names = [site_name(number) for number in range(SITES)]
    acts: list[Timed] = [(1.0 + number, _consult(draw, name)) for number, name in enumerate(names)]
    acts += [(draw.uniform(600.0, SPAN_S), _written(draw, draw.choice(names))) for _ in range(24)]
    acts += [(draw.uniform(0.0, SPAN_S), Answer(draw.choice((1, 2)), False)) for _ in range(4)]
    acts += [(draw.uniform(0.0, SPAN_S), ReadPlan(draw.choice(names))) for _ in range(2)]
    if draw.random() < 0.5:
        crash = CrashAt(draw.choice((HUB, *names)), draw.randint(1, 60), Side.AFTER, None)
        acts.append((draw.uniform(0.0, SPAN_S - HOUR_S), crash))
    return ConsultSchedule(
        seed=seed,
        sites=SITES,
        datagrams=True,
        loss=draw.choice((0.0, 0.02)),
        price=Price(usd_per_megabyte=USD_PER_MEGABYTE, cap_usd_per_day=draw.choice(CAPS_USD)),
        acts=tuple(sorted(acts, key=lambda act: act[0])),
    )


def _consult(draw: random.Random, site: str) -> NewConsult:
    return NewConsult(site, draw.choice(("urgent", "routine")), "Fell on the stairs; the ankle is swollen.")


def _written(draw: random.Random, site: str) -> ConsultAct:
    """None of it an emergency, which no cap would stop."""
    match draw.randrange(4):
        case 0:
            return _consult(draw, site)
        case 1:
            return MoreFindings(site, "Looked at again: no change, sleeps well, eats, no fever.")
        case _:
            return AddPicture(site, draw.getrandbits(_SEED_BITS))
