"""Finding the rate of a link from next to nothing: how far to go at once, and when it was far enough."""

from __future__ import annotations

import math
from typing import Final

from .datagram_sizes import FIRST_FLIGHT_BYTES, UNIT_BYTES
from .rate_memory import RateMemory

RATE_BYTES_S_MIN: Final = 10.0
GUESSED_PIPE_BYTES_MAX: Final = 32 * 1024
"""So much of a link that was only guessed is filled before it is measured."""
UNKNOWN_PIPE_BYTES: Final = 3 * UNIT_BYTES
"""So much of one of which nothing is known, before two datagrams have told."""
GROWTH: Final = 1.25
STALE_ROUNDS_MAX: Final = 3
"""Rounds without growth that end the search (as BBR judges a full pipe)."""
QUEUED_TIMES: Final = 3
"""A long queue that is there so many times in a row is ours."""
WEIGHED_BYTES_MIN: Final = 600
WEIGHED_TIMES: Final = 3
"""Once or twice a datagram may have stood in somebody's queue."""
PAIR_SHARE: Final = 0.5
"""Of what two datagrams that left together tell: they may have crossed a link that sends in bursts."""
PAIR_WINDOW_BYTES_MAX: Final = 128 * 1024
PAIR_CEILING: Final = 1.5
"""What they tell is the most a link carries, unless somebody's datagram came between them."""
REFUTED_SHARE: Final = 0.34
"""One or two datagrams of somebody else's between ours do not refute a rate."""
REFUTED_TIMES: Final = 2
"""A radio that has to be woken may set one datagram apart from the next: what somebody told outlives that."""
CONFIDENT_GROWTH: Final = 1.1
"""Growth in one probing round that says the link has become another one: search again. Of a quarter more, as
it is tried, random loss leaves less."""


class Search:
    """What a sender knows of a rate that it has not found yet."""

    def __init__(self, guess_bytes_s: float, first_window_bytes: float, *, is_told: bool) -> None:
        self.guess_bytes_s = guess_bytes_s
        self.is_told = is_told
        self._refuted_times = self._heard_times = 0
        self.first_window_bytes = first_window_bytes
        """So much may be on its way before anything arrived."""
        self.ceiling_bytes_s = math.inf
        """No pace above it, while we search."""
        self.has_pair = False
        """The guess is what the link itself has told."""
        self._grown_bytes_s = 0.0
        self._stale_rounds = 0
        self._queued_times = 0
        self._weighed_bytes_s: list[float] = []

    @classmethod
    def begin(cls, memory: RateMemory) -> Search:
        """From what is known of the link."""
        guessed_pipe_bytes = min(memory.rate_bytes_s * memory.rtt_s, GUESSED_PIPE_BYTES_MAX)
        first_window_bytes = FIRST_FLIGHT_BYTES + guessed_pipe_bytes if memory.is_told else UNKNOWN_PIPE_BYTES
        guess_bytes_s = max(memory.rate_bytes_s, RATE_BYTES_S_MIN)
        return cls(guess_bytes_s, first_window_bytes, is_told=memory.is_told)

    def pair(self, rate_bytes_s: float, round_trip_s: float) -> None:
        """Two datagrams that left together arrived apart, as this rate would set them."""
        self.has_pair = True
        if self.refutes(rate_bytes_s):
            self.guess_bytes_s = rate_bytes_s
        self.guess_bytes_s = max(self.guess_bytes_s, PAIR_SHARE * rate_bytes_s)
        wanted_bytes = PAIR_SHARE * rate_bytes_s * round_trip_s
        self.first_window_bytes = max(self.first_window_bytes, min(wanted_bytes, PAIR_WINDOW_BYTES_MAX))
        self.ceiling_bytes_s = PAIR_CEILING * rate_bytes_s

    def refutes(self, rate_bytes_s: float) -> bool:
        """Whether two datagrams that arrived so far apart say that the guess was far too high."""
        return rate_bytes_s < REFUTED_SHARE * self.guess_bytes_s

    @property
    def is_clued(self) -> bool:
        """Somebody has told of the link, or it has itself."""
        return self.is_told or self.has_pair or self._heard_times > 1

    def heard(self, spread_bytes_s: float | None) -> None:
        """Datagrams were confirmed; where they had left faster, at this rate they arrived one by one."""
        self._heard_times += 1
        if spread_bytes_s is not None and not self.has_pair:
            self._spread(spread_bytes_s)

    def _spread(self, rate_bytes_s: float) -> None:
        self._refuted_times = self._refuted_times + 1 if self.refutes(rate_bytes_s) else 0
        if self._refuted_times >= (REFUTED_TIMES if self.is_told else 1):
            self.guess_bytes_s = max(rate_bytes_s, RATE_BYTES_S_MIN)

    def weigh(self, sample_s: float, small_s: float | None, size_bytes: int) -> None:
        """How much longer than a small one a long datagram was under way bounds a guess from above."""
        if small_s is None or size_bytes < WEIGHED_BYTES_MIN:
            return
        newest = size_bytes / max(sample_s - small_s, 1e-6)
        self._weighed_bytes_s = [*self._weighed_bytes_s, newest][-WEIGHED_TIMES:]
        most = max(self._weighed_bytes_s)
        if len(self._weighed_bytes_s) == WEIGHED_TIMES and 2 * most < self.guess_bytes_s:
            self.guess_bytes_s = max(most, RATE_BYTES_S_MIN)

    def sees_queue(self, queue_s: float, long_s: float) -> bool:
        """Whether a queue is there each time we look: it is ours, and the search has gone far enough."""
        self._queued_times = self._queued_times + 1 if queue_s > long_s else 0
        return self._queued_times >= QUEUED_TIMES

    def end_round(self, best_bytes_s: float, *, limited: bool) -> bool:
        """Whether growth has ended."""
        if best_bytes_s >= self._grown_bytes_s * GROWTH:
            self._grown_bytes_s, self._stale_rounds = best_bytes_s, 0
        elif not limited:
            self._stale_rounds += 1
        if self._stale_rounds >= STALE_ROUNDS_MAX and self.ceiling_bytes_s < math.inf:
            # It was the ceiling that held us: a busy machine may have set the two datagrams apart.
            self.ceiling_bytes_s, self._stale_rounds = math.inf, 0
        return self._stale_rounds >= STALE_ROUNDS_MAX

    def over(self) -> None:
        """It has ended."""
        self._queued_times = 0

    def begins_anew(self, best_bytes_s: float, *, probed: bool, counts: bool) -> bool:
        """Whether a round of cruising found a link that carries far more than it did."""
        found = probed and 0 < self._grown_bytes_s * CONFIDENT_GROWTH < best_bytes_s
        if counts:
            self._grown_bytes_s = best_bytes_s
        if found:
            self._stale_rounds = 0
            self.ceiling_bytes_s = math.inf
        return found
