"""How fast to send: the rate a link delivers at is found from confirmations, whatever is lost at random.

Alone on a link we follow what it delivers (as BBR does) and keep its queue short. Where a queue stands
although we let it drain, another flow fills it: then we share as CUBIC would, and count losses, until it has
gone.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from .datagram_flight import RoundTrip
from .datagram_search import Search
from .datagram_sharing import CubicWindow, Overflow
from .datagram_sounding import Sounding

UNIT_BYTES: Final = 1400
"""The longest datagram, with its headers: it passes every tunnel and modem in one piece."""
ACKNOWLEDGE_S: Final = 0.045
"""How long word of what arrived waits for an answer that can carry it."""
ASK_SHARE: Final = 0.125
"""Of a round trip: how often we ask what arrived."""
ASK_S_MIN: Final = 0.02
ASK_UNITS: Final = 4
ASK_S_MAX: Final = 0.6
"""On a thin link an answer to each datagram would cost a twentieth of what it carries. But the longer we do
not ask, the more is sent before we notice that the link is dark."""
FIRST_FLIGHT_BYTES: Final = 4096
"""A consult's text leaves at once, in as few datagrams as hold it; what follows is paced."""
GUESSED_PIPE_BYTES_MAX: Final = 32 * 1024
"""So much of a link that was only guessed is filled before it is measured."""
REMEMBERED_PIPE_BYTES_MAX: Final = 64 * 1024
"""And so much of one that is remembered, before anything says that it is still the same."""
UNIT_S: Final = 1.0
"""Of the link's time for one datagram of bulk: so long an urgent frame waits behind it."""
UNIT_BYTES_MIN: Final = 412
RATE_BYTES_S_MIN: Final = 10.0
RATE_ROUNDS: Final = 10
"""Rounds for which the best delivery is believed; a link that faded is believed after so many."""
SEARCH_GAIN: Final = 2.9
"""The rate more than doubles each round trip; a queue ends that at once."""
THIN_SEARCH_GAIN: Final = 1.25
"""Where a queue costs an urgent frame seconds the search is patient."""
CYCLE: Final = (1.25, 0.75, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
"""One round each: try for more, drain what that queued, cruise."""
STEER_MIN: Final = 0.8
STEER_MAX: Final = 1.05
WINDOW_GAIN: Final = 1.5
SEARCH_WINDOW_GAIN: Final = 3.0
DRAIN_GAIN: Final = 0.5
STANDING_ROUNDS: Final = 8
"""One whole cycle: a queue that outlives our draining is somebody else's."""
FULL_ROUNDS_MIN: Final = 3
SEARCH_QUEUE_SHARE: Final = 0.25
"""Of a round trip: a queue that ends a search."""
STANDING_SHARE: Final = 0.1
STANDING_S_MIN: Final = 0.03
SHARED_ROUNDS: Final = 40
SHARED_S: Final = 20.0
"""Then look again whether we are still not alone."""
SHARED_WINDOW_GAIN: Final = 1.25
WORST_QUEUE_DECAY: Final = 0.97
"""Each round: the buffer before a link may shrink, or what looked like a queue turn out to be distance."""
LINK_ROUNDS: Final = 40
"""A share of a link says little of how fast it takes one datagram; the best of so many rounds does."""
STALE_S: Final = 6 * 3600.0
"""A ship sails on, a contract changes: older than this, a rate is a guess."""


class Mode(Enum):
    """What the sender is up to."""

    SEARCHING = "searching"
    DRAINING = "draining"
    CRUISING = "cruising"
    SOUNDING = "sounding"
    SHARING = "sharing"


@dataclass(frozen=True, slots=True)
class RateMemory:
    """What one session found out about a link, for the next."""

    rate_bytes_s: float
    rtt_s: float
    is_proven: bool = False
    """Measured while we asked for all the link could carry, not guessed."""

    def aged(self, age_s: float) -> RateMemory:
        """What is left of it so long afterwards."""
        return self if 0 <= age_s < STALE_S else replace(self, is_proven=False)


class RateControl:
    """The pace and the window of one session's sending."""

    def __init__(self, memory: RateMemory, round_trip: RoundTrip) -> None:
        self._round_trip = round_trip
        guessed_pipe_bytes = min(memory.rate_bytes_s * memory.rtt_s, GUESSED_PIPE_BYTES_MAX)
        self._search = Search(
            max(memory.rate_bytes_s, RATE_BYTES_S_MIN), FIRST_FLIGHT_BYTES + guessed_pipe_bytes
        )
        self._rates: deque[float] = deque([0.0], maxlen=RATE_ROUNDS)
        self._link_rates: deque[float] = deque([0.0], maxlen=LINK_ROUNDS)
        self._mode = Mode.CRUISING if memory.is_proven else Mode.SEARCHING
        self._is_trusted = self._was_proven = memory.is_proven
        self._sounding = Sounding(memory.rtt_s if memory.is_proven else None)
        self._confirmed_bytes = 0
        self._round_ends_bytes = 0
        self._cycle = 2
        self._full_rounds = 0
        self._searched_until = float("-inf")
        self._round_queue_s = float("inf")
        self._queues_s: deque[float] = deque(maxlen=STANDING_ROUNDS)
        self._worst_queue_s = self._cycle_queue_s = 0.0
        self._overflow = Overflow()
        self._cubic: CubicWindow | None = None
        self._cubic_rounds = 0
        self._shares_since = 0.0

    @property
    def mode(self) -> Mode:
        return self._mode

    @property
    def rate_bytes_s(self) -> float:
        """What the link carries, as far as is known."""
        best = max(self._rates)
        if best <= 0.0:
            return self._search.guess_bytes_s
        # The first rounds see a link that is still filling: they can raise a guess, not refute it.
        found = best if self._is_filled else max(best, self._search.guess_bytes_s)
        return min(found, self._overflow.ceiling_bytes_s)

    @property
    def link_bytes_s(self) -> float:
        """How fast the link takes a single datagram."""
        return max(self.rate_bytes_s, *self._link_rates)

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
    def is_thin(self) -> bool:
        """A full datagram would hold the link for longer than an urgent frame should wait."""
        return self.unit_bytes < UNIT_BYTES

    @property
    def ask_s(self) -> float:
        """How often to ask what arrived."""
        thin_s = ASK_UNITS * self.unit_bytes / self.rate_bytes_s
        return max(ASK_SHARE * self._round_trip.least_s, min(thin_s, ASK_S_MAX), ASK_S_MIN)

    @property
    def pace_bytes_s(self) -> float:
        """How fast datagrams may follow each other."""
        rate = self.rate_bytes_s
        match self._mode:
            case Mode.SEARCHING:
                gain = THIN_SEARCH_GAIN if self.is_thin else SEARCH_GAIN
                return min(rate * gain, max(self._search.ceiling_bytes_s, rate))
            case Mode.DRAINING | Mode.SOUNDING:
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
            # What waits at the peer to be told of is not in anybody's queue.
            told_late = 1 + self._told_late_s / max(self._round_trip.smoothed_s, 0.001)
            return max(told_late * self._cubic.window_bytes, 4 * self.unit_bytes)
        if self.is_thin:
            # What is urgent waits behind all on its way: a pipe full, what answers come late for, one more.
            return self._pipe_bytes + self.rate_bytes_s * self.ask_s + self.unit_bytes
        gain = SEARCH_WINDOW_GAIN if self._mode is Mode.SEARCHING else WINDOW_GAIN
        window_bytes = gain * self._pipe_bytes + 2 * self.unit_bytes
        if self._is_filled or (self._is_trusted and self._search.has_pair):
            return window_bytes
        # As long as rate or round trip may be far too high, what arrived tells how much more may follow.
        arrived_bytes = SEARCH_WINDOW_GAIN * self._confirmed_bytes
        first_bytes = REMEMBERED_PIPE_BYTES_MAX if self._is_trusted else self._search.first_window_bytes
        return min(window_bytes, first_bytes + arrived_bytes)

    def weigh(self, sample_s: float, size_bytes: int) -> None:
        """An answer to a datagram of that size took so long."""
        self._search.weigh(sample_s, self._round_trip.small_s, size_bytes, RATE_BYTES_S_MIN)

    def pair(self, rate_bytes_s: float) -> None:
        """Two datagrams that left together arrived apart, as this rate would set them."""
        if self._is_trusted and self._search.refutes(rate_bytes_s):
            self._is_trusted = self._was_proven = False
            self._mode = Mode.SEARCHING
        if self._is_trusted:
            self._search.has_pair = True
        elif self._mode is Mode.SEARCHING:
            self._search.pair(rate_bytes_s, self._round_trip.least_s)

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
            self._link_rates[-1] = max(self._link_rates[-1], rate_bytes_s)
        queue_s = self._round_trip.queue_s
        self._round_queue_s = min(self._round_queue_s, queue_s)
        self._worst_queue_s = max(self._worst_queue_s, queue_s)
        self._cycle_queue_s = max(self._cycle_queue_s, queue_s)
        self._confirmed_bytes = confirmed_bytes
        self._overflow.heard(newly_confirmed, queue_s)
        if self._mode is Mode.SEARCHING and self._search.sees_queue(queue_s, self._long_s):
            self._drain(now)
        if newest_confirmed_bytes >= self._round_ends_bytes:
            self._round_ends_bytes = confirmed_bytes
            self._end_round(limited=limited, now=now)
        self._watch_draining(in_flight_bytes)
        if self._cubic is not None and in_flight_bytes >= 0.8 * self._cubic.window_bytes:
            round_trip_s = self._round_trip.smoothed_s
            self._cubic.grow(now, round_trip_s, SHARED_WINDOW_GAIN * self.link_bytes_s * round_trip_s)

    def lost(self, sent_at: float, now: float) -> None:
        """One was lost. It counts where a queue stood that was about as long as any: that one overflowed."""
        if sent_at > self._searched_until:
            self._overflow.lost_count += 1
        cubic = self._cubic
        if cubic is None or sent_at <= cubic.cut_at:
            return
        if self._round_trip.queue_s >= self._worst_queue_s / 2:
            cubic.cut(now)

    @property
    def _is_filled(self) -> bool:
        """The link has been asked for all it carries, long enough to believe what it delivered."""
        is_told = self._mode is Mode.SEARCHING and self._search.has_pair
        return self._full_rounds >= FULL_ROUNDS_MIN and not is_told

    @property
    def _pipe_bytes(self) -> float:
        """What is on its way on a link that is just full, with what waits there to be told of."""
        return self.rate_bytes_s * (self._round_trip.least_s + self._told_late_s)

    @property
    def _told_late_s(self) -> float:
        return self.ask_s + ACKNOWLEDGE_S

    @property
    def _standing_s(self) -> float:
        """A queue shorter than this is nobody's."""
        own_s = self.unit_bytes / self.link_bytes_s
        return max(STANDING_SHARE * self._round_trip.least_s, STANDING_S_MIN, own_s)

    @property
    def _long_s(self) -> float:
        return max(SEARCH_QUEUE_SHARE * self._round_trip.least_s, self._standing_s)

    def _end_round(self, *, limited: bool, now: float) -> None:
        best = max(self._rates)
        is_expected = self._mode in (Mode.SEARCHING, Mode.DRAINING, Mode.SHARING)
        if self._overflow.end_round(self.rate_bytes_s, self._standing_s, expected=is_expected):
            self._full_rounds = max(self._full_rounds, FULL_ROUNDS_MIN)  # So much for the guess.
            self._is_trusted = False
        if self._mode is Mode.SEARCHING and self._search.end_round(best, limited=limited):
            self._drain(now)
        elif self._mode is Mode.CRUISING:
            self._cruise(best)
        elif self._mode is Mode.SOUNDING:
            self._sounding.sounded_round()
        if not limited:
            self._full_rounds += 1
            self._rates.append(0.0)
            self._link_rates.append(0.0)
            self._queues_s.append(self._round_queue_s)
            self._judge_queue(now)
        self._round_queue_s = float("inf")
        self._worst_queue_s *= WORST_QUEUE_DECAY

    def _drain(self, now: float) -> None:
        self._mode = Mode.DRAINING
        self._searched_until = now
        self._search.over()
        self._queues_s.clear()

    def _watch_draining(self, in_flight_bytes: int) -> None:
        if self._mode is Mode.DRAINING and in_flight_bytes <= self._pipe_bytes:
            self._mode, self._cycle = Mode.CRUISING, 2
            self._cycle_queue_s = 0.0
        elif self._mode is Mode.SOUNDING and self._sounding.has_seen(in_flight_bytes, self._pipe_bytes):
            self._mode, self._cycle = Mode.CRUISING, 2

    def _cruise(self, best: float) -> None:
        gain = CYCLE[self._cycle]
        if self._search.begins_anew(best, probed=gain > 1, counts=gain >= 1):
            self._mode = Mode.SEARCHING
            return
        self._cycle = (self._cycle + 1) % len(CYCLE)
        self._sounding.ended_round()
        if gain > 1:
            self._sound_if_due()
            self._cycle_queue_s = 0.0

    def _sound_if_due(self) -> None:
        """In place of the draining that is due now."""
        least_s, standing_s = self._round_trip.least_s, self._standing_s
        queue_grows = self._cycle_queue_s > standing_s
        if self._sounding.is_due(least_s, self._overflow.share, queue_grows=queue_grows):
            self._sounding.begin(least_s, standing_s)
            self._mode = Mode.SOUNDING

    def _judge_queue(self, now: float) -> None:
        full = len(self._queues_s) == STANDING_ROUNDS
        stands = full and min(self._queues_s) > self._standing_s
        if self._cubic is None:
            if stands and self._mode is Mode.CRUISING:
                self._mode = Mode.SHARING
                window_bytes = self.rate_bytes_s * self._round_trip.smoothed_s
                self._cubic = CubicWindow.begin(window_bytes, UNIT_BYTES, now)
                self._cubic_rounds, self._shares_since = 0, now
                self._worst_queue_s = self._round_trip.queue_s
            return
        self._cubic_rounds += 1
        has_shared_long = self._cubic_rounds >= SHARED_ROUNDS and now - self._shares_since >= SHARED_S
        if (full and not stands) or has_shared_long:
            self._cubic = None
            self._drain(now)
