"""Beside other flows: how they are noticed, a window that grows and yields as theirs, and what tells a full
queue from bad luck.
"""

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
STANDING_SHARE: Final = 0.1
STANDING_S_MIN: Final = 0.03
STANDING_ROUNDS: Final = 8
"""One whole cycle: a queue that outlives our draining is somebody else's."""
SHARED_ROUNDS: Final = 40
SHARED_S: Final = 20.0
"""Then look again whether we are still not alone."""
SHARED_LINK: Final = 0.58
"""Of the link, at most: a small flow beside ours loses more in a full queue than we do, and would starve."""
USED_SHARE: Final = 0.8
"""Of a window that may grow."""
WORST_QUEUE_DECAY: Final = 0.97
"""Each round: the buffer before a link may shrink, or what looked like a queue turn out to be distance."""


def shortest_queue_s(least_s: float, own_s: float) -> float:
    """A queue shorter than this is nobody's, where a datagram of ours takes `own_s` by itself."""
    return max(STANDING_SHARE * least_s, STANDING_S_MIN, own_s)


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


class Sharing:
    """Whether somebody else fills the queue, and our window for as long as that lasts."""

    def __init__(self) -> None:
        self.window: CubicWindow | None = None
        """None while the link is ours alone."""
        self._round_queue_s = math.inf
        self._queues_s: list[float] = []
        """The shortest of each round."""
        self._worst_queue_s = 0.0
        self._rounds = 0
        self._since = 0.0

    def heard(self, queue_s: float) -> None:
        """The newest datagram that arrived had waited so long."""
        self._round_queue_s = min(self._round_queue_s, queue_s)
        self._worst_queue_s = max(self._worst_queue_s, queue_s)

    def grow(self, in_flight_bytes: int, now: float, *, round_trip_s: float, link_bytes_s: float) -> None:
        """So much is on its way over a link that carries `link_bytes_s` in all."""
        if self.window is not None and in_flight_bytes >= USED_SHARE * self.window.window_bytes:
            self.window.grow(now, round_trip_s, SHARED_LINK * link_bytes_s * round_trip_s)

    def lost(self, sent_at: float, queue_s: float, now: float) -> None:
        """One was lost. It counts where a queue stood that was about as long as any: that one overflowed."""
        if self.window is None or sent_at <= self.window.cut_at:
            return
        if queue_s >= self._worst_queue_s / 2:
            self.window.cut(now)

    def end_round(self, *, is_full: bool) -> None:
        """A round is over; only a full one tells of the queue."""
        if is_full:
            self._queues_s = [*self._queues_s, self._round_queue_s][-STANDING_ROUNDS:]
            self._rounds += 1
        self._round_queue_s = math.inf
        self._worst_queue_s *= WORST_QUEUE_DECAY

    def stands(self, standing_s: float) -> bool:
        """Whether a queue outlives our draining."""
        return self._knows and min(self._queues_s) > standing_s

    def begin(self, window_bytes: float, unit_bytes: int, queue_s: float, now: float) -> None:
        """We are not alone."""
        self.window = CubicWindow.begin(window_bytes, unit_bytes, now)
        self._rounds, self._since = 0, now
        self._worst_queue_s = queue_s

    def is_over(self, standing_s: float, now: float) -> bool:
        """Whether nobody else is there any more, or it is time to look whether that is so."""
        is_gone = self._knows and not self.stands(standing_s)
        return is_gone or (self._rounds >= SHARED_ROUNDS and now - self._since >= SHARED_S)

    def end(self) -> None:
        """The link is drained, and then ours until a queue stands again."""
        self.window = None
        self._queues_s.clear()

    @property
    def _knows(self) -> bool:
        return len(self._queues_s) == STANDING_ROUNDS
