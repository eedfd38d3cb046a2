"""Beside other flows: a window that grows and yields as theirs, and what tells a full queue from bad luck."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

CUBIC_C: Final = 0.4
CUBIC_BETA: Final = 0.7
OVERFLOW_COUNT_MIN: Final = 3
OVERFLOW_SHARE_MIN: Final = 0.02
OVERFLOW_CUT: Final = 0.85
OVERFLOW_RECOVERY: Final = 1.06
"""Each round: what others left free is taken about as slowly as CUBIC would."""


@dataclass(slots=True)
class CubicWindow:
    """The window of a flow that shares a queue with others (RFC 9438)."""

    unit_bytes: int
    window_bytes: float
    best_units: float
    began_at: float
    cut_at: float

    @classmethod
    def begin(cls, window_bytes: float, unit_bytes: int, now: float) -> CubicWindow:
        return cls(unit_bytes, window_bytes, window_bytes / unit_bytes, now, now)

    def grow(self, now: float, round_trip_s: float, most_bytes: float) -> None:
        """The window was used, and nothing was lost; a link that is ours alone holds `most_bytes`."""
        reach_s = (self.best_units * (1 - CUBIC_BETA) / CUBIC_C) ** (1 / 3)
        elapsed_s = now - self.began_at
        cubic = CUBIC_C * (elapsed_s - reach_s) ** 3 + self.best_units
        reno_gain = 3 * (1 - CUBIC_BETA) / (1 + CUBIC_BETA)
        reno = self.best_units * CUBIC_BETA + reno_gain * elapsed_s / max(round_trip_s, 0.01)
        wanted_bytes = min(max(cubic, reno) * self.unit_bytes, most_bytes)
        self.window_bytes = max(self.window_bytes, wanted_bytes)

    def cut(self, now: float) -> None:
        """A queue that we share overflowed."""
        self.best_units = self.window_bytes / self.unit_bytes
        self.window_bytes *= CUBIC_BETA
        self.began_at = self.cut_at = now


@dataclass(slots=True)
class Overflow:
    """Tells losses of a full queue from random ones: many more than usual, while the queue is long."""

    ceiling_bytes_s: float = math.inf
    """Above this the queue overflowed not long ago."""
    lost_count: int = 0
    share: float = 0.0
    """Of the last round's datagrams, those lost."""
    _usual_share: float = 0.0
    _confirmed_count: int = 0
    _queue_s: float = 0.0

    def heard(self, confirmed_count: int, queue_s: float) -> None:
        """So many arrived, and the newest of them waited so long in a queue."""
        self._confirmed_count += confirmed_count
        self._queue_s = max(self._queue_s, queue_s)

    def end_round(self, rate_bytes_s: float, standing_s: float, *, expected: bool) -> bool:
        """Whether the queue overflowed in this round. It lowers the ceiling, unless a search made it."""
        self.share = self.lost_count / max(self.lost_count + self._confirmed_count, 1)
        overflowed = (
            self.lost_count >= OVERFLOW_COUNT_MIN
            and self.share > 2 * self._usual_share + OVERFLOW_SHARE_MIN
            and self._queue_s > standing_s
        )
        if overflowed and not expected:
            self.ceiling_bytes_s = rate_bytes_s * OVERFLOW_CUT
        elif not overflowed:
            self._usual_share += (self.share - self._usual_share) / 8
            self.ceiling_bytes_s *= OVERFLOW_RECOVERY
        self.lost_count = self._confirmed_count = 0
        self._queue_s = 0.0
        return overflowed
