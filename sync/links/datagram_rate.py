"""How fast to send: the rate a link delivers at is found from confirmations, whatever is lost at random.

Alone on a link we follow what it delivers (as BBR does) and keep its queue short. Where a queue stands
although we let it drain, another flow fills it: then we share as CUBIC would, and count losses, until it has
gone.
"""

from __future__ import annotations

import math
from typing import Final

from .datagram_delivery import Delivery
from .datagram_flight import RoundTrip
from .datagram_gains import (
    CYCLE,
    DRAIN_GAIN,
    PROBED,
    SEARCH_GAIN,
    STEER_MAX,
    THIN_PROBE_GAIN,
    THIN_SEARCH_GAIN,
    Mode,
    cruising_gain,
    thin_gain,
)
from .datagram_search import Search
from .datagram_sharing import Overflow, Sharing, shortest_queue_s
from .datagram_sizes import UNIT_BYTES, UNIT_BYTES_MIN
from .datagram_sounding import Sounding
from .rate_memory import RateMemory

ACKNOWLEDGE_S: Final = 0.06
"""How long word of what arrived waits for an answer that can carry it."""
ASK_SHARE: Final = 0.125
"""Of a round trip: how often we ask what arrived."""
ASK_S_MIN: Final = 0.02
ASK_UNITS: Final = 4
ASK_S_MAX: Final = 0.6
"""On a thin link an answer to each datagram would cost a twentieth of what it carries. But the longer we do
not ask, the more is sent before we notice that the link is dark."""
EVERY_OTHER: Final = 1.5
EVERY_OTHER_S_MAX: Final = 0.9
"""On a link that is slow but not thin every second datagram asks, however unevenly they leave."""
REMEMBERED_PIPE_BYTES_MAX: Final = 64 * 1024
"""And so much of one that is remembered, before anything says that it is still the same."""
UNIT_S: Final = 1.0
"""Of the link's time for one datagram of bulk: so long an urgent frame waits behind it."""
REFUTING_BYTES_S_MAX: Final = UNIT_BYTES / 0.03
"""What is remembered is given up for two datagrams that are further apart than a busy machine sets them."""
SLOW_UNIT_S: Final = 0.2
SLACK_S: Final = 0.15
"""By so much answers may be late before a slow link runs empty."""
WINDOW_GAIN: Final = 1.5
SEARCH_WINDOW_GAIN: Final = 3.0
FULL_ROUNDS_MIN: Final = 3
SEARCH_QUEUE_SHARE: Final = 0.25
"""Of a round trip: a queue that ends a search."""


class RateControl:
    """The pace and the window of one session's sending."""

    def __init__(self, memory: RateMemory, round_trip: RoundTrip) -> None:
        self._round_trip = round_trip
        self._search = Search.begin(memory)
        self._delivery = Delivery()
        self._mode = Mode.CRUISING if memory.is_proven else Mode.SEARCHING
        self._is_trusted = self._was_proven = memory.is_proven
        self._sounding = Sounding(memory.rtt_s if memory.is_proven else None)
        self._confirmed_bytes = 0
        self._round_ends_bytes = 0
        self._cycle = 2
        self._searched_until = float("-inf")
        self._cycle_queue_s = 0.0
        self._overflow = Overflow()
        self._sharing = Sharing()
        self._settled_bytes_s: float | None = self.found_bytes_s()
        """The rate, until something is heard or lost: it is asked for hundreds of times between."""

    @property
    def mode(self) -> Mode:
        return self._mode

    @property
    def rate_bytes_s(self) -> float:
        """What the link carries, as far as is known."""
        settled_bytes_s = self._settled_bytes_s
        return self.found_bytes_s() if settled_bytes_s is None else settled_bytes_s

    def found_bytes_s(self) -> float:
        """The same, worked out anew."""
        best = self._delivery.best_bytes_s
        if best <= 0.0:
            return self._search.guess_bytes_s
        # The first rounds see a link that is still filling: they can raise a guess, not refute it.
        found = best if self._is_filled else max(best, self._search.guess_bytes_s)
        ceiling_bytes_s = self._overflow.ceiling_bytes_s
        return found if found < ceiling_bytes_s else ceiling_bytes_s

    @property
    def link_bytes_s(self) -> float:
        """How fast the link takes a single datagram."""
        return max(self.rate_bytes_s, self._delivery.link_bytes_s)

    @property
    def memory(self) -> RateMemory:
        """For the next session."""
        rtt_s = self._round_trip.least_s
        return RateMemory(self.rate_bytes_s, rtt_s, self._was_proven or self._mode is not Mode.SEARCHING)

    @property
    def unit_bytes(self) -> int:
        """How long a datagram of bulk may be, with its headers."""
        size_bytes = int(self.rate_bytes_s * UNIT_S)
        # Asked for each datagram many times, and on most links at once answered.
        return UNIT_BYTES if size_bytes >= UNIT_BYTES else max(size_bytes, UNIT_BYTES_MIN)

    @property
    def is_unknown(self) -> bool:
        """Nobody has told anything of the link, and it has not yet."""
        return not (self._is_trusted or self._search.is_clued)

    @property
    def is_thin(self) -> bool:
        """A full datagram would hold the link for longer than an urgent frame should wait."""
        return self.rate_bytes_s * UNIT_S < UNIT_BYTES

    @property
    def is_slow(self) -> bool:
        """A full datagram takes so long that the link is busy while one leaves."""
        return self.unit_bytes >= SLOW_UNIT_S * self.rate_bytes_s

    @property
    def ask_s(self) -> float:
        """How often to ask what arrived."""
        unit_s = self.unit_bytes / self.rate_bytes_s
        every_other_s = 0.0 if self.is_thin else min(EVERY_OTHER * unit_s, EVERY_OTHER_S_MAX)
        often_s = max(min(ASK_UNITS * unit_s, ASK_S_MAX), every_other_s)
        return max(ASK_SHARE * self._round_trip.least_s, often_s, ASK_S_MIN)

    @property
    def pace_bytes_s(self) -> float:
        """How fast datagrams may follow each other."""
        rate = self.rate_bytes_s
        match self._mode:
            case Mode.SEARCHING:
                return min(rate * self._gain, max(self._search.ceiling_bytes_s, rate))
            case Mode.DRAINING | Mode.SOUNDING:
                return rate * DRAIN_GAIN
            case Mode.CRUISING:
                return rate * self._gain
            case Mode.SHARING:
                return 1.2 * self.window_bytes / max(self._round_trip.smoothed_s, 0.001)

    @property
    def _gain(self) -> float:
        """While searching or cruising."""
        gain = SEARCH_GAIN if self._mode is Mode.SEARCHING else CYCLE[self._cycle]
        queue_s, least_s = self._round_trip.queue_s, self._round_trip.least_s
        if self.is_thin:
            gain = min(gain, THIN_SEARCH_GAIN if self._mode is Mode.SEARCHING else THIN_PROBE_GAIN)
            return thin_gain(gain, queue_s=queue_s, least_s=least_s)
        if self._is_tight:
            # The window alone keeps the queue short.
            return min(max(gain, STEER_MAX), THIN_SEARCH_GAIN)
        if self._mode is Mode.SEARCHING:
            return gain
        return cruising_gain(gain, queue_s=queue_s, standing_s=self.standing_s, least_s=least_s)

    @property
    def window_bytes(self) -> float:
        """How much may be on its way."""
        if (shared := self._sharing.window) is not None:
            # What waits at the peer to be told of is not in anybody's queue.
            told_late = 1 + self._told_late_s / max(self._round_trip.smoothed_s, 0.001)
            return max(told_late * shared.window_bytes, 4 * self.unit_bytes)
        if self.is_thin:
            # What is urgent waits behind all on its way: a pipe full, what answers come late for, one more.
            return self._pipe_bytes + self.rate_bytes_s * self.ask_s + self.unit_bytes
        if self._is_tight:
            return self._tight_bytes
        gain = SEARCH_WINDOW_GAIN if self._mode is Mode.SEARCHING else WINDOW_GAIN
        window_bytes = gain * self._pipe_bytes + 2 * self.unit_bytes
        if self._is_filled or (self._is_trusted and self._search.has_pair):
            return window_bytes
        # As long as rate or round trip may be far too high, what arrived tells how much more may follow.
        arrived_bytes = SEARCH_WINDOW_GAIN * self._confirmed_bytes if self._search.is_clued else 0.0
        first_bytes = REMEMBERED_PIPE_BYTES_MAX if self._is_trusted else self._search.first_window_bytes
        return min(window_bytes, first_bytes + arrived_bytes)

    def weigh(self, sample_s: float, size_bytes: int) -> None:
        """An answer to a datagram of that size took so long."""
        self._search.weigh(sample_s, self._round_trip.small_s, size_bytes)
        self._settled_bytes_s = self.found_bytes_s()

    def pair(self, rate_bytes_s: float) -> None:
        """Two datagrams that left together arrived apart, as this rate would set them."""
        self._settled_bytes_s = None
        is_slow = rate_bytes_s < REFUTING_BYTES_S_MAX
        if self._is_trusted and is_slow and self._search.refutes(rate_bytes_s):
            self._is_trusted = self._was_proven = False
            self._mode = Mode.SEARCHING
        if self._is_trusted:
            self._search.has_pair = True
        elif self._mode is Mode.SEARCHING:
            self._search.pair(rate_bytes_s, self._round_trip.least_s)
        self._settled_bytes_s = self.found_bytes_s()

    def heard(
        self,
        rate_bytes_s: float | None,
        *,
        spread_bytes_s: float | None,
        limited: bool,
        newly_confirmed: int,
        confirmed_bytes: int,
        newest_confirmed_bytes: int,
        in_flight_bytes: int,
        now: float,
    ) -> None:
        """Datagrams were confirmed; `newest_confirmed_bytes` is what was confirmed when the newest left."""
        self._settled_bytes_s = None
        if rate_bytes_s is not None and (not limited or rate_bytes_s > self.rate_bytes_s):
            self._delivery.heard(rate_bytes_s)
        if self._mode is Mode.SEARCHING:
            self._search.heard(spread_bytes_s)
        queue_s = self._round_trip.queue_s
        self._sharing.heard(queue_s)
        self._cycle_queue_s = max(self._cycle_queue_s, queue_s)
        self._confirmed_bytes = confirmed_bytes
        self._overflow.heard(newly_confirmed, queue_s)
        if self._mode is Mode.SEARCHING and self._search.sees_queue(queue_s, self._long_s):
            self._drain(now)
        if newest_confirmed_bytes >= self._round_ends_bytes:
            self._round_ends_bytes = confirmed_bytes
            self._end_round(limited=limited, now=now)
        self._watch_draining(in_flight_bytes)
        self._sharing.grow(
            in_flight_bytes,
            now,
            round_trip_s=self._round_trip.smoothed_s,
            link_bytes_s=self.link_bytes_s,
        )
        self._settled_bytes_s = self.found_bytes_s()

    def lost(self, sent_at: float, now: float) -> None:
        """One was lost."""
        self._settled_bytes_s = None
        if sent_at > self._searched_until:
            self._overflow.lost_count += 1
        self._sharing.lost(sent_at, self._round_trip.queue_s, now)
        self._settled_bytes_s = self.found_bytes_s()

    @property
    def _is_filled(self) -> bool:
        """The link has been asked for all it carries, long enough to believe what it delivered."""
        is_told = self._mode is Mode.SEARCHING and self._search.has_pair
        return self._delivery.full_rounds >= FULL_ROUNDS_MIN and not is_told

    @property
    def _pipe_bytes(self) -> float:
        """What is on its way on a link that is just full, with what waits there to be told of."""
        return self.rate_bytes_s * (self._round_trip.least_s + self._told_late_s)

    @property
    def _is_tight(self) -> bool:
        """Whether a slow link is known well enough to have no more on its way than keeps it busy."""
        is_known = self._mode is not Mode.SEARCHING or self._search.is_told
        return self.is_slow and not self.is_thin and is_known

    @property
    def _tight_bytes(self) -> float:
        """What keeps a slow link busy until the next word lets more follow: all of it is lost when the link
        goes dark, and nothing more, as no word comes."""
        unasked_units = math.ceil(self.ask_s * self.rate_bytes_s / self.unit_bytes) - 1
        told_s = self._round_trip.least_s + ACKNOWLEDGE_S + SLACK_S
        return self.rate_bytes_s * told_s + unasked_units * self.unit_bytes

    @property
    def _told_late_s(self) -> float:
        return self.ask_s + ACKNOWLEDGE_S

    @property
    def standing_s(self) -> float:
        """A queue shorter than this is nobody's."""
        return shortest_queue_s(self._round_trip.least_s, self.unit_bytes / self.link_bytes_s)

    @property
    def _long_s(self) -> float:
        return max(SEARCH_QUEUE_SHARE * self._round_trip.least_s, self.standing_s)

    def _end_round(self, *, limited: bool, now: float) -> None:
        best = self._delivery.best_bytes_s
        # Who has little to say fills no queue: what it lost is darkness.
        is_expected = limited or self._mode in (Mode.SEARCHING, Mode.DRAINING, Mode.SHARING)
        overflowed = self._overflow.end_round(self.rate_bytes_s, self.standing_s, expected=is_expected)
        if overflowed and not limited:
            self._delivery.full_rounds = max(
                self._delivery.full_rounds, FULL_ROUNDS_MIN
            )  # So much for guesses.
            self._is_trusted = False
        if self._mode is Mode.SEARCHING and self._search.end_round(best, limited=limited):
            self._drain(now)
        elif self._mode is Mode.CRUISING:
            self._cruise(best)
        elif self._mode is Mode.SOUNDING:
            self._sounding.sounded_round()
        self._sharing.end_round(is_full=not limited)
        if limited:
            return
        self._delivery.end_round(shared=self._sharing.window is not None)
        self._judge_queue(now)

    def _drain(self, now: float) -> None:
        self._mode = Mode.DRAINING
        self._searched_until = now
        self._search.over()
        self._sharing.end()

    def _watch_draining(self, in_flight_bytes: int) -> None:
        if self._mode is Mode.DRAINING and in_flight_bytes <= self._pipe_bytes:
            self._mode, self._cycle = Mode.CRUISING, 2
            self._cycle_queue_s = 0.0
        elif self._mode is Mode.SOUNDING and self._sounding.has_seen(in_flight_bytes, self._pipe_bytes):
            self._mode, self._cycle = Mode.CRUISING, 2

    def _cruise(self, best: float) -> None:
        gain = CYCLE[self._cycle]
        # Where a queue stands, more was found because somebody else has yielded.
        found_room = self._cycle == PROBED and self._cycle_queue_s <= self.standing_s
        if self._search.begins_anew(best, probed=found_room, counts=gain >= 1):
            self._mode = Mode.SEARCHING
            return
        self._cycle = (self._cycle + 1) % len(CYCLE)
        self._sounding.ended_round()
        if gain > 1:
            self._sound_if_due()
            self._cycle_queue_s = 0.0

    def _sound_if_due(self) -> None:
        """In place of the draining that is due now."""
        least_s, standing_s = self._round_trip.least_s, self.standing_s
        queue_grows = self._cycle_queue_s > standing_s
        if self._sounding.is_due(least_s, self._overflow.share, queue_grows=queue_grows):
            self._sounding.begin(least_s, standing_s)
            self._mode = Mode.SOUNDING

    def _judge_queue(self, now: float) -> None:
        sharing = self._sharing
        if sharing.window is not None:
            if sharing.is_over(self.standing_s, now):
                self._drain(now)
        elif self._mode is Mode.CRUISING and sharing.stands(self.standing_s):
            self._mode = Mode.SHARING
            window_bytes = self.rate_bytes_s * self._round_trip.smoothed_s
            sharing.begin(window_bytes, UNIT_BYTES, self._round_trip.queue_s, now)
