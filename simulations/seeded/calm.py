"""Worlds in which nothing fails: hourly contacts and a few cases, to measure how fast they are played."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final

from simulations.hosts.foundation import site_name

from .consult_schedule import (
    URGENCIES,
    WORDS,
    Answer,
    ConsultAct,
    ConsultSchedule,
    MoreFindings,
    NewConsult,
    ReadPlan,
)

CASES_PER_DAY: Final = 0.35
"""As a cargo ship with a crew of twenty and a small island have; most days pass without one."""
DAY_S: Final = 86_400.0
HOUR_S: Final = 3_600.0


def draw_calm(seed: int, *, sites: int, days: int) -> ConsultSchedule:
    """Every case is opened, answered, read, carried out and followed up. Ends with the last day."""
    draw = random.Random(f"calm/{seed}")
    acts = [act for number in range(sites) for act in _at_site(draw, site_name(number), days)]
    acts.append((days * DAY_S, ReadPlan(site_name(0))))
    return ConsultSchedule(
        seed=seed, sites=sites, datagrams=True, loss=0.0, acts=tuple(sorted(acts, key=lambda act: act[0]))
    )


def _at_site(draw: random.Random, site: str, days: int) -> Iterator[tuple[float, ConsultAct]]:
    for day in range(days):
        if draw.random() >= CASES_PER_DAY:
            continue
        opened_s = (day + draw.uniform(0.0, 0.6)) * DAY_S
        yield opened_s, NewConsult(site, draw.choice(URGENCIES), draw.choice(WORDS))
        # After the next contact has brought it; the medic reads after the one that brings the answer.
        yield opened_s + draw.uniform(1.0, 3.0) * HOUR_S, Answer(draw.choice((1, 2)), False)
        yield opened_s + draw.uniform(4.0, 6.0) * HOUR_S, ReadPlan(site)
        yield opened_s + draw.uniform(7.0, 9.0) * HOUR_S, MoreFindings(site, draw.choice(WORDS))
        yield opened_s + draw.uniform(10.0, 12.0) * HOUR_S, Answer(1, False)
        yield opened_s + draw.uniform(13.0, 15.0) * HOUR_S, ReadPlan(site)
