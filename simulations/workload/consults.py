"""The consults of one site over a run: when, how urgent, how large and what follows, drawn from a seed."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from protocol.header import Priority
from simulations.world.world import DAY_S, CaseMix

SIZE_SIGMA: Final = 0.4
HEADLINE_BYTES: Final = 178
"""A sealed headline, as `sfsim bench` measures it."""
FOLLOW_UP_BYTES: Final = 160
PREVIEW_SHARE: Final = 6
PHOTOS_MAX: Final = 12
FOLLOW_UPS_MAX: Final = 40
_FOLLOW_UP_WITHIN_S: Final = 2 * DAY_S


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A later entry of a case."""

    after_s: float
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Consult:
    """One case as the site sends it."""

    opened_s: float
    complaint: str
    priority: Priority
    headline_bytes: int
    text_bytes: int
    previews_bytes: tuple[int, ...]
    photos_bytes: tuple[int, ...]
    follow_ups: tuple[FollowUp, ...]


def consults_of(mix: CaseMix, *, until_s: float, seed: str) -> Iterator[Consult]:
    """In order of their opening: a Poisson process with the mix's rate."""
    draw = random.Random(seed)
    if mix.cases_per_day == 0.0:
        return
    at_s = draw.expovariate(mix.cases_per_day / DAY_S)
    while at_s < until_s:
        yield _consult(mix, at_s, draw)
        at_s += draw.expovariate(mix.cases_per_day / DAY_S)


def _consult(mix: CaseMix, at_s: float, draw: random.Random) -> Consult:
    complaints = [name for name, _ in mix.complaints]
    complaint = draw.choices(complaints, [share for _, share in mix.complaints])[0]
    photos = tuple(_size(mix.photo_bytes, draw) for _ in range(_count(mix.photos, PHOTOS_MAX, draw)))
    follow_ups = _count(mix.follow_ups, FOLLOW_UPS_MAX, draw)
    later = sorted(draw.uniform(600.0, _FOLLOW_UP_WITHIN_S) for _ in range(follow_ups))
    return Consult(
        opened_s=at_s,
        complaint=complaint,
        priority=draw.choices(list(Priority), mix.urgency)[0],
        headline_bytes=HEADLINE_BYTES,
        text_bytes=_size(mix.text_bytes, draw),
        previews_bytes=tuple(max(400, size // PREVIEW_SHARE) for size in photos),
        photos_bytes=photos,
        follow_ups=tuple(FollowUp(after_s, _size(FOLLOW_UP_BYTES, draw)) for after_s in later),
    )


def _size(median_bytes: int, draw: random.Random) -> int:
    return max(40, round(median_bytes * draw.lognormvariate(0.0, SIZE_SIGMA)))


def _count(mean: float, most: int, draw: random.Random) -> int:
    """A Poisson draw, by multiplying uniform ones until they fall under e to the minus mean (Knuth)."""
    limit, product, count = math.exp(-mean), draw.random(), 0
    while product > limit and count < most:
        product *= draw.random()
        count += 1
    return count
