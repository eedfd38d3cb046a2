"""The two directions of a link as the relay's forwards see them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from .timed_line import TimedLine


@dataclass(frozen=True, slots=True)
class Lines:
    """Shared by every forward of a link, so that all of them compete for the same rate."""

    up: TimedLine
    down: TimedLine
    in_service: asyncio.Event  # Set while the link is not cut.
    mtu_bytes: int
