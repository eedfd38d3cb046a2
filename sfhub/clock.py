"""The hub's two clocks."""

from __future__ import annotations

import time


class SystemClock:
    """The machine's own: `monotonic_s` for deadlines, `wall_s` for what people read."""

    def monotonic_s(self) -> float:
        return time.monotonic()

    def wall_s(self) -> float:
        return time.clock_gettime(time.CLOCK_REALTIME)
