"""Storms of a region, drawn once for all its sites, and what is left of a site's link under them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from simulations.links import LinkProfile, Outage
from simulations.world.world import DAY_S, Storms, World


def storms_of(world: World, seed: int) -> dict[tuple[str, str], tuple[Outage, ...]]:
    """Outages by region and link profile, in order and apart."""
    drawn: dict[tuple[str, str], list[Outage]] = {}
    for index, storms in enumerate(world.storms):
        spans = _spans(storms, world.days * DAY_S, random.Random(f"storm/{index}/{seed}"))
        for profile in storms.profiles:
            drawn.setdefault((storms.region, profile), []).extend(spans)
    return {key: _apart(spans) for key, spans in drawn.items()}


def under(profile: LinkProfile, storms: Sequence[Outage]) -> LinkProfile:
    """The profile with these outages beside its own."""
    return replace(profile, outages=_apart([*profile.outages, *storms])) if storms else profile


def _spans(storms: Storms, until_s: float, draw: random.Random) -> list[Outage]:
    spans: list[Outage] = []
    at_s = draw.expovariate(1 / (storms.every_days * DAY_S))
    while at_s < until_s:
        lasts_s = draw.uniform(storms.lasts_s_min, storms.lasts_s_max)
        spans.append(Outage(at_s, lasts_s))
        at_s += lasts_s + draw.expovariate(1 / (storms.every_days * DAY_S))
    return spans


def _apart(spans: Sequence[Outage]) -> tuple[Outage, ...]:
    """In order, and those that overlap made one."""
    joined: list[Outage] = []
    for span in sorted(spans, key=lambda span: span.start_s):
        if joined and span.start_s <= joined[-1].end_s:
            end_s = max(joined[-1].end_s, span.end_s)
            joined[-1] = Outage(joined[-1].start_s, end_s - joined[-1].start_s)
        else:
            joined.append(span)
    return tuple(joined)
