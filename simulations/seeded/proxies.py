"""Worlds of whole sites whose contacts go over HTTP, through whatever is in between, or over one channel for
both ways, while machines fail as in the others."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Final

from simulations.links import HalfDuplex
from simulations.virtual.meddling import draw_web

from .consult_schedule import ConsultSchedule, draw_consults
from .upheavals import draw_upheavals

UPHEAVALS_EVERY: Final = 3
CHANNEL_SHARE: Final = 0.25
TURNAROUNDS_MS: Final = (200.0, 800.0, 2_000.0)


def draw_proxies(seed: int) -> ConsultSchedule:
    """The same for the same seed, whatever ran before."""
    draw = draw_upheavals if seed % UPHEAVALS_EVERY == 0 else draw_consults
    own = random.Random(f"proxies/{seed}")
    web = draw_web(own, f"proxies/{seed}")
    channel = HalfDuplex(own.choice(TURNAROUNDS_MS)) if own.random() < CHANNEL_SHARE else None
    # Half of the worlds on one channel go in datagrams.
    return replace(
        draw(seed), datagrams=channel is not None and own.random() < 0.5, web=web, half_duplex=channel
    )
