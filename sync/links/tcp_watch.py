"""Watches a connection while bytes are under way on it, and tells the kernel what fits its link."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from .pace_ceiling import PaceCeiling
from .sockets import TcpSocket, is_bbr, limit_pace, limit_repeats, limit_unsent, renew_bbr
from .tcp_info import progress_of

LOOKS_PER_ROUND: Final = 4
"""A queue is seen before it has grown by much."""
LOOK_S_MIN: Final = 0.05
"""On links that short a queue costs little, and each look takes time that a hub has for thousands."""
DARK_S: Final = 1.0
"""What the kernel repeats after its patience has ended may be answered at once: only then is it dark."""
REPEAT_S_MIN: Final = 2.0
REPEAT_PATIENCES: Final = 1.5
"""How often a link that has gone dark is asked for: so that the light is used from its first seconds, and few
bytes go into the dark. In times of what the kernel waits for an acknowledgement while there is light."""
REPEAT_STEP: Final = 1.25
"""The kernel is not told of less."""


class TcpWatch:
    """One connection's. Where the kernel has no BBR for us, the pace is left to it."""

    __slots__ = (
        "_ceiling",
        "_dark_since",
        "_loop",
        "_pace_bytes_s",
        "_rate_bit_s",
        "_repeat_s",
        "_target",
        "_timer",
        "_went_dark",
    )

    def __init__(self, target: TcpSocket, went_dark: Callable[[], None] | None = None) -> None:
        """`went_dark` is called, once or more, when the link is taken for dark, and does what is to be done
        about that; without it the kernel is told to ask for the link more often."""
        self._target = target
        self._went_dark = went_dark
        self._dark_since: float | None = None
        self._loop = asyncio.get_running_loop()
        self._ceiling = PaceCeiling(self._loop.time()) if is_bbr(target) else None
        self._timer: asyncio.TimerHandle | None = None
        self._pace_bytes_s: int | None = None
        self._rate_bit_s = 0
        self._repeat_s = 0.0

    def stir(self) -> None:
        """Bytes were handed to the kernel: watch until they are there."""
        if self._timer is None:
            self._timer = self._loop.call_later(LOOK_S_MIN, self._look)

    @property
    def is_watching(self) -> bool:
        """Whether something is under way, or may be."""
        return self._timer is not None

    def close(self) -> None:
        """The connection is over."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        if self._target.fileno() < 0:
            return
        progress, now = progress_of(self._target), self._loop.time()
        self._mind_darkness(progress.has_timed_out, now)
        if progress.is_delivering and self._went_dark is None:
            self._bound_repeats(progress.patience_s)
        if self._ceiling is not None:
            self._ceiling.looked(progress, now)
            self._tell(self._ceiling, now)
        if progress.segments_under_way:
            wait_s = max(progress.rtt_s_min / LOOKS_PER_ROUND, LOOK_S_MIN)
            self._timer = self._loop.call_later(wait_s, self._look)

    def _mind_darkness(self, has_timed_out: bool, now: float) -> None:
        if not has_timed_out:
            self._dark_since = None
        elif self._dark_since is None:
            self._dark_since = now
        elif self._went_dark is not None and now > self._dark_since + DARK_S:
            self._went_dark()

    def _bound_repeats(self, patience_s: float) -> None:
        repeat_s = max(REPEAT_PATIENCES * patience_s, REPEAT_S_MIN)
        if not self._repeat_s / REPEAT_STEP < repeat_s < self._repeat_s * REPEAT_STEP:
            self._repeat_s = repeat_s
            limit_repeats(self._target, repeat_s)

    def _tell(self, ceiling: PaceCeiling, now: float) -> None:
        rate_bit_s = int(ceiling.rate_bytes_s * 8)
        if rate_bit_s and rate_bit_s != self._rate_bit_s:
            self._rate_bit_s = rate_bit_s
            limit_unsent(self._target, rate_bit_s)
        is_renewed = ceiling.take_renewal(now)
        pace_bytes_s = None if ceiling.bytes_s is None else int(ceiling.bytes_s)
        if pace_bytes_s != self._pace_bytes_s:
            self._pace_bytes_s = pace_bytes_s
            limit_pace(self._target, pace_bytes_s)
        if is_renewed:
            renew_bbr(self._target)
