"""How fast to send: the rate a link delivers at is found from confirmations, whatever is lost at random.

Alone on a link we follow what it delivers (as BBR does) and keep its queue short. Where a queue stands
although we let it drain, another flow fills it: then we share as CUBIC would, and count losses, until it has
gone.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import Final

from .datagram_flight import RoundTrip

UNIT_BYTES: Final = 1400
"""The longest datagram, with its headers: it passes every tunnel and modem in one piece."""
ACKNOWLEDGE_S: Final = 0.045
"""How long word of what arrived waits for an answer that can carry it."""
ASK_SHARE: Final = 0.125
"""Of a round trip: how often we ask what arrived."""
FIRST_FLIGHT_BYTES: Final = 4096
"""A consult's text leaves at once, in as few datagrams as hold it; what follows is paced."""
GUESSED_PIPE_BYTES_MAX: Final = 32 * 1024
"""So much of a link that was only guessed is filled before it is measured."""
UNIT_S: Final = 1.0
"""Of the link's time for one datagram of bulk: so long an urgent frame waits behind it."""
UNIT_BYTES_MIN: Final = 412
RATE_BYTES_S_MIN: Final = 10.0
RATE_ROUNDS: Final = 10
"""Rounds for which the best delivery is believed; a link that faded is believed after so many."""
STARTUP_GAIN: Final = 4.0
"""The rate more than doubles each round trip; a queue ends that at once."""
GROWTH: Final = 1.25
STALE_ROUNDS_MAX: Final = 3
"""Rounds without growth that end the search (as BBR judges a full pipe)."""
CYCLE: Final = (1.25, 0.75, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
"""One round each: try for more, drain what that queued, cruise."""
STEER_MIN: Final = 0.9
STEER_MAX: Final = 1.05
WINDOW_GAIN: Final = 1.5
SEARCH_WINDOW_GAIN: Final = 3.0
DRAIN_GAIN: Final = 0.5
WEIGHED_BYTES_MIN: Final = 600
WEIGHED_TIMES: Final = 3
"""Once or twice it may have stood in somebody's queue."""
STANDING_ROUNDS: Final = 8
"""One whole cycle: a queue that outlives our draining is somebody else's."""
FULL_ROUNDS_MIN: Final = 3
SEARCH_QUEUE_SHARE: Final = 0.25
"""Of a round trip, and this many times in a row."""
SEARCH_QUEUED_TIMES: Final = 3
STANDING_SHARE: Final = 0.1
STANDING_S_MIN: Final = 0.03
OVERFLOW_COUNT_MIN: Final = 3
OVERFLOW_SHARE_MIN: Final = 0.02
OVERFLOW_CUT: Final = 0.85
OVERFLOW_RECOVERY: Final = 1.06
"""Each round: what others left free is taken about as slowly as CUBIC would."""
SHARED_ROUNDS: Final = 40
"""Then look again whether we are still not alone."""
CUBIC_C: Final = 0.4
CUBIC_BETA: Final = 0.7
CONFIDENT_GROWTH: Final = 1.2
"""Growth in one probing round that says the link has become another one: search again."""


class Mode(Enum):
    """What the sender is up to."""

    SEARCHING = "searching"
    DRAINING = "draining"
    CRUISING = "cruising"
    SHARING = "sharing"


@dataclass(frozen=True, slots=True)
class RateMemory:
    """What one session found out about a link, for the next."""

    rate_bytes_s: float
    rtt_s: float
    is_proven: bool = False
    """Measured while we asked for all the link could carry, not guessed."""


@dataclass(slots=True)
class _Cubic:
    """The window of a flow that shares a queue with others (RFC 9438)."""

    window_bytes: float
    best_units: float
    began_at: float
    cut_at: float

    def window_at(self, now: float, round_trip_s: float) -> float:
        reach = (self.best_units * (1 - CUBIC_BETA) / CUBIC_C) ** (1 / 3)
        elapsed_s = now - self.began_at
        cubic = CUBIC_C * (elapsed_s - reach) ** 3 + self.best_units
        reno_gain = 3 * (1 - CUBIC_BETA) / (1 + CUBIC_BETA)
        reno = self.best_units * CUBIC_BETA + reno_gain * elapsed_s / max(round_trip_s, 0.01)
        return float(max(cubic, reno) * UNIT_BYTES)

    def cut(self, now: float) -> None:
        self.best_units = self.window_bytes / UNIT_BYTES
        self.window_bytes *= CUBIC_BETA
        self.began_at = self.cut_at = now


@dataclass(slots=True)
class _Overflow:
    """Tells losses of a full queue from random ones: many more than usual, while the queue is long."""

    ceiling_bytes_s: float = math.inf
    """Above this the queue overflowed not long ago."""
    lost_count: int = 0
    _usual_share: float = 0.0
    _confirmed_count: int = 0
    _queue_s: float = 0.0

    def heard(self, confirmed_count: int, queue_s: float) -> None:
        self._confirmed_count += confirmed_count
        self._queue_s = max(self._queue_s, queue_s)

    def end_round(self, rate_bytes_s: float, standing_s: float, *, expected: bool) -> bool:
        """Whether the queue overflowed in this round. It lowers the ceiling, unless a search made it."""
        share = self.lost_count / max(self.lost_count + self._confirmed_count, 1)
        overflowed = (
            self.lost_count >= OVERFLOW_COUNT_MIN
            and share > 2 * self._usual_share + OVERFLOW_SHARE_MIN
            and self._queue_s > standing_s
        )
        if overflowed and not expected:
            self.ceiling_bytes_s = rate_bytes_s * OVERFLOW_CUT
        elif not overflowed:
            self._usual_share += (share - self._usual_share) / 8
            self.ceiling_bytes_s *= OVERFLOW_RECOVERY
        self.lost_count = self._confirmed_count = 0
        self._queue_s = 0.0
        return overflowed


class RateControl:
    """The pace and the window of one session's sending."""

    def __init__(self, memory: RateMemory, round_trip: RoundTrip) -> None:
        self._round_trip = round_trip
        self._guess_bytes_s = max(memory.rate_bytes_s, RATE_BYTES_S_MIN)
        self._rates: deque[float] = deque([0.0], maxlen=RATE_ROUNDS)
        self._mode = Mode.CRUISING if memory.is_proven else Mode.SEARCHING
        guessed_pipe_bytes = min(memory.rate_bytes_s * memory.rtt_s, GUESSED_PIPE_BYTES_MAX)
        self._first_window_bytes = FIRST_FLIGHT_BYTES + guessed_pipe_bytes
        self._is_trusted = self._was_proven = memory.is_proven
        self._confirmed_bytes = 0
        self._round_ends_bytes = 0
        self._cycle = 2
        self._grown_bytes_s = 0.0
        self._stale_rounds = 0
        self._queued_times = 0
        self._full_rounds = 0
        self._weighed_bytes_s: deque[float] = deque(maxlen=WEIGHED_TIMES)
        self._round_queue_s = float("inf")
        self._queues_s: deque[float] = deque(maxlen=STANDING_ROUNDS)
        self._worst_queue_s = 0.0
        self._overflow = _Overflow()
        self._cubic: _Cubic | None = None
        self._cubic_rounds = 0

    @property
    def mode(self) -> Mode:
        return self._mode

    @property
    def rate_bytes_s(self) -> float:
        """What the link carries, as far as is known."""
        best = max(self._rates)
        if best <= 0.0:
            return self._guess_bytes_s
        # The first rounds see a link that is still filling: they can raise a guess, not refute it.
        found = best if self._full_rounds >= FULL_ROUNDS_MIN else max(best, self._guess_bytes_s)
        return min(found, self._overflow.ceiling_bytes_s)

    @property
    def memory(self) -> RateMemory:
        """For the next session."""
        rtt_s = self._round_trip.least_s
        return RateMemory(self.rate_bytes_s, rtt_s, self._was_proven or self._mode is not Mode.SEARCHING)

    @property
    def unit_bytes(self) -> int:
        """How long a datagram of bulk may be, with its headers."""
        return min(max(int(self.rate_bytes_s * UNIT_S), UNIT_BYTES_MIN), UNIT_BYTES)

    @property
    def pace_bytes_s(self) -> float:
        """How fast datagrams may follow each other."""
        rate = self.rate_bytes_s
        match self._mode:
            case Mode.SEARCHING:
                return rate * STARTUP_GAIN
            case Mode.DRAINING:
                return rate * DRAIN_GAIN
            case Mode.CRUISING:
                return rate * self._cruising_gain
            case Mode.SHARING:
                return 1.2 * self.window_bytes / max(self._round_trip.smoothed_s, 0.001)

    @property
    def _cruising_gain(self) -> float:
        """Keep half of what counts as no queue, to make up for what random loss takes, and drain the rest."""
        gain = CYCLE[self._cycle]
        excess_s = self._round_trip.queue_s - self._standing_s / 2
        steer = min(max(1 - excess_s / (2 * self._round_trip.least_s), STEER_MIN), STEER_MAX)
        return max(gain, steer) if gain > 1 or excess_s < 0 else min(gain, steer)

    @property
    def window_bytes(self) -> float:
        """How much may be on its way."""
        if self._cubic is not None:
            return max(self._cubic.window_bytes, 4 * UNIT_BYTES)
        gain = SEARCH_WINDOW_GAIN if self._mode is Mode.SEARCHING else WINDOW_GAIN
        window_bytes = gain * self._pipe_bytes + 2 * self.unit_bytes
        if self._is_trusted or self._full_rounds >= FULL_ROUNDS_MIN:
            return window_bytes
        # As long as rate or round trip may be far too high, what arrived tells how much more may follow.
        return min(window_bytes, self._first_window_bytes + SEARCH_WINDOW_GAIN * self._confirmed_bytes)

    def weigh(self, sample_s: float, size_bytes: int) -> None:
        """How much longer than a small one a long datagram was under way bounds a guess from above."""
        small_s = self._round_trip.small_s
        if small_s is None or size_bytes < WEIGHED_BYTES_MIN:
            return
        self._weighed_bytes_s.append(size_bytes / max(sample_s - small_s, 1e-6))
        most = max(self._weighed_bytes_s)
        if len(self._weighed_bytes_s) == WEIGHED_TIMES and 2 * most < self._guess_bytes_s:
            self._guess_bytes_s = max(most, RATE_BYTES_S_MIN)

    def heard(
        self,
        rate_bytes_s: float | None,
        *,
        limited: bool,
        newly_confirmed: int,
        confirmed_bytes: int,
        newest_confirmed_bytes: int,
        in_flight_bytes: int,
        now: float,
    ) -> None:
        """Datagrams were confirmed; `newest_confirmed_bytes` is what was confirmed when the newest left."""
        if rate_bytes_s is not None and (not limited or rate_bytes_s > self.rate_bytes_s):
            self._rates[-1] = max(self._rates[-1], rate_bytes_s)
        self._round_queue_s = min(self._round_queue_s, self._round_trip.queue_s)
        self._worst_queue_s = max(self._worst_queue_s, self._round_trip.queue_s)
        self._confirmed_bytes = confirmed_bytes
        self._overflow.heard(newly_confirmed, self._round_trip.queue_s)
        if self._mode is Mode.SEARCHING:
            self._watch_search()
        if newest_confirmed_bytes >= self._round_ends_bytes:
            self._round_ends_bytes = confirmed_bytes
            self._end_round(limited=limited, now=now)
        if self._mode is Mode.DRAINING and in_flight_bytes <= self._pipe_bytes:
            self._mode, self._cycle = Mode.CRUISING, 2
        if self._cubic is not None:
            wanted = self._cubic.window_at(now, self._round_trip.smoothed_s)
            if in_flight_bytes >= 0.8 * self._cubic.window_bytes:
                self._cubic.window_bytes = max(wanted, self._cubic.window_bytes)

    def lost(self, sent_at: float, now: float) -> None:
        """One was lost. It counts where a queue stood that was about as long as any: that one overflowed."""
        self._overflow.lost_count += 1
        cubic = self._cubic
        if cubic is None or sent_at <= cubic.cut_at:
            return
        if self._round_trip.queue_s >= self._worst_queue_s / 2:
            cubic.cut(now)

    @property
    def _pipe_bytes(self) -> float:
        """What is on its way on a link that is just full, with what waits there to be told of."""
        return self.rate_bytes_s * (self._round_trip.least_s * (1 + ASK_SHARE) + ACKNOWLEDGE_S)

    @property
    def _standing_s(self) -> float:
        """A queue shorter than this is nobody's."""
        own_s = self.unit_bytes / self.rate_bytes_s
        return max(STANDING_SHARE * self._round_trip.least_s, STANDING_S_MIN, own_s)

    def _end_round(self, *, limited: bool, now: float) -> None:
        best = max(self._rates)
        is_searching = self._mode in (Mode.SEARCHING, Mode.DRAINING)
        if self._overflow.end_round(self.rate_bytes_s, self._standing_s, expected=is_searching):
            self._full_rounds = max(self._full_rounds, FULL_ROUNDS_MIN)  # So much for the guess.
            self._is_trusted = False
        match self._mode:
            case Mode.SEARCHING:
                self._search(best, limited=limited)
            case Mode.CRUISING:
                self._cruise(best)
        if not limited:
            self._full_rounds += 1
            self._rates.append(0.0)
            self._queues_s.append(self._round_queue_s)
            self._judge_queue(now)
        self._round_queue_s = float("inf")

    def _search(self, best: float, *, limited: bool) -> None:
        if best >= self._grown_bytes_s * GROWTH:
            self._grown_bytes_s, self._stale_rounds = best, 0
        elif not limited:
            self._stale_rounds += 1
        if self._stale_rounds >= STALE_ROUNDS_MAX:
            self._drain()

    def _watch_search(self) -> None:
        """A queue that is there each time we look is ours: the search has gone far enough."""
        long_s = max(SEARCH_QUEUE_SHARE * self._round_trip.least_s, self._standing_s)
        self._queued_times = self._queued_times + 1 if self._round_trip.queue_s > long_s else 0
        if self._queued_times >= SEARCH_QUEUED_TIMES:
            self._drain()

    def _drain(self) -> None:
        self._mode = Mode.DRAINING
        self._queued_times = 0
        self._queues_s.clear()

    def _cruise(self, best: float) -> None:
        probed = CYCLE[self._cycle] > 1
        if probed and best > self._grown_bytes_s * CONFIDENT_GROWTH and self._grown_bytes_s > 0:
            self._mode, self._stale_rounds = Mode.SEARCHING, 0
        if CYCLE[self._cycle] >= 1:
            self._grown_bytes_s = best
        self._cycle = (self._cycle + 1) % len(CYCLE)

    def _judge_queue(self, now: float) -> None:
        full = len(self._queues_s) == STANDING_ROUNDS
        stands = full and min(self._queues_s) > self._standing_s
        if self._cubic is None:
            if stands and self._mode is Mode.CRUISING:
                self._mode = Mode.SHARING
                window = self.rate_bytes_s * self._round_trip.smoothed_s
                self._cubic = _Cubic(window, window / UNIT_BYTES, now, now)
                self._cubic_rounds = 0
                self._worst_queue_s = self._round_trip.queue_s
            return
        self._cubic_rounds += 1
        if (full and not stands) or self._cubic_rounds >= SHARED_ROUNDS:
            self._cubic = None
            self._drain()
