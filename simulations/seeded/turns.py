"""Worlds at the level of custody whose contacts go over HTTP, through whatever is in between; and worlds in
which one channel serves both ways in turn, as on HF."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Final

from simulations.links import DirectionProfile, HalfDuplex, LinkProfile
from simulations.virtual.meddling import draw_web

from .schedule import CLONE, Act, Clone, Meet, Schedule, draw_schedule
from .setbacks import draw_setbacks

SETBACKS_SHARE: Final = 0.3
DATAGRAMS_SHARE: Final = 0.1
"""So that sessions of both kinds follow each other."""
CLONES_SHARE: Final = 0.3
"""Both copies of a card call at the same time; other worlds have few of them."""
CHANNEL_SHARE: Final = 0.15
QUEUE_S: Final = 20.0
"""What the modem of such a link holds: a packet takes seconds."""


def draw_turns(seed: int) -> Schedule:
    """The same for the same seed, whatever ran before."""
    draw = random.Random(f"turns/{seed}")
    schedule = _base(seed, draw)
    profile = one_channel(draw) if draw.random() < CHANNEL_SHARE else schedule.profile
    acts = tuple(_with_datagrams(act, draw, DATAGRAMS_SHARE) for act in schedule.acts)
    web = draw_web(draw, f"turns/{seed}")
    if not schedule.recovers and Clone() not in acts and draw.random() < CLONES_SHARE:
        middle = len(acts) // 2
        acts = (*acts[:middle], Clone(), *acts[middle:], Meet(node=CLONE, datagrams=False))
    return replace(schedule, profile=profile, acts=acts, web=web)


def draw_airwaves(seed: int) -> Schedule:
    """The same for the same seed, whatever ran before: one channel, and any way of talking over it."""
    draw = random.Random(f"airwaves/{seed}")
    schedule = _base(seed, draw)
    return replace(
        schedule,
        profile=one_channel(draw),
        acts=tuple(_with_datagrams(act, draw, 0.7) for act in schedule.acts),
    )


def one_channel(draw: random.Random) -> LinkProfile:
    """Both directions share it; who was silent waits until the other's buffer is empty, and for the turn."""
    rate_bit_s = draw.choice((600.0, 2_400.0, 9_600.0))
    direction = DirectionProfile(
        rate_bit_s=rate_bit_s,
        delay_ms=draw.choice((20.0, 150.0)),
        queue_bytes=max(3_000, int(rate_bit_s / 8 * QUEUE_S)),
        loss=draw.choice((0.0, 0.0, 0.05)),
    )
    return LinkProfile(
        name="drawn-channel",
        title="one channel for both ways, drawn from a seed",
        source="drawn",
        up=direction,
        down=direction,
        mtu_bytes=1_500,
        half_duplex=HalfDuplex(draw.choice((200.0, 800.0, 2_000.0))),
    )


def _base(seed: int, draw: random.Random) -> Schedule:
    if draw.random() < SETBACKS_SHARE:
        return draw_setbacks(seed)
    return draw_schedule(seed, recovers=draw.random() < 0.3)


def _with_datagrams(act: Act, draw: random.Random, share: float) -> Act:
    return replace(act, datagrams=draw.random() < share) if isinstance(act, Meet) else act
