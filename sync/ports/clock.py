"""Time, as the engine is given it."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Two clocks: `monotonic` for durations and deadlines, `wall` for claims shown to people."""

    def monotonic_s(self) -> float: ...

    def wall_s(self) -> float: ...
