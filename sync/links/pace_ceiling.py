"""How fast the kernel may send at most: what the link was seen to deliver, so that no queue stands before it.

BBR alone keeps up to two round trips of bytes in flight on a link that loses packets by chance: a queue of a
round trip, which overflows, and behind which waits what is urgent. And it stops sending for a round trip
every ten seconds, to see whether the link is shorter than it seems: where no queue stands there is nothing to
see. Nothing here reads a clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .tcp_info import TcpProgress

QUEUE_SHARE: Final = 0.25
"""Of the shortest round trip: what packets wait longer than this is a queue."""
QUEUE_SEGMENTS: Final = 3
"""And what so many segments take on the line, which are under way together even where nothing waits."""
QUEUE_LOOKS: Final = 2
"""A burst makes one for a moment."""
DRAINING_ROUNDS: Final = 3
DRAINING_MIN: Final = 0.75
"""A queue is drained at so much of what the link delivers at least: most of it in so many round trips."""
HOLDING: Final = 1.0
HOLDING_ROUNDS: Final = 4
"""Just after, so much, for so long: BBR has forgotten the queue by then, and has ended its own beginning."""
SEEKING: Final = 1.25
SEEKING_ROUNDS: Final = 2
SEEKING_STEPS_MAX: Final = 6
"""Then, so much more every so many round trips: what was taken for the link's end may have been a burst's,
and a link may become faster."""
RATE_LOOKS: Final = 24
"""A rate is remembered for so many looks at a connection that delivers: some round trips."""
OTHERS_ROUNDS: Final = 16
SHRUNK: Final = 0.9
"""A queue that stands for so long and does not shrink, although we send less than is delivered, is not ours:
whoever shares the link with us would only take what we leave. Then BBR alone decides, until it is gone."""
SEARCH_ROUNDS: Final = 3
SEARCH_GROWTH: Final = 1.1
"""While no queue was ever seen, BBR begins anew when it has ended its beginning, and not before so many round
trips, as long as that finds more."""
RENEWED_S: Final = 8.0
"""BBR looks for a shorter round trip ten seconds after it found the last one, or began."""


class PaceCeiling:
    """The ceiling of one connection."""

    __slots__ = (
        "_clear_since",
        "_delivered_segments",
        "_has_seen_end",
        "_is_beginning",
        "_is_shaken",
        "_looks",
        "_queue",
        "_queued_looks",
        "_rates",
        "_renewed_at",
        "_round_s",
        "_searched_bytes_s",
        "bytes_s",
    )

    def __init__(self, now: float) -> None:
        self.bytes_s: float | None = None
        """None: the kernel decides."""
        self._looks = 0
        self._rates: list[tuple[int, float]] = []
        """Each the best since the one before it, with the number of the look."""
        self._queue: _Queue | None = None
        self._queued_looks = 0
        """In a row."""
        self._clear_since = now
        self._renewed_at = now
        self._round_s = 0.0
        self._has_seen_end = False
        """A queue stood once: the link holds no more than is known."""
        self._searched_bytes_s = 0.0
        self._is_beginning = True
        self._is_shaken = False
        self._delivered_segments = -1

    @property
    def rate_bytes_s(self) -> float:
        """The best that the link delivered lately."""
        return self._rates[0][1] if self._rates else 0.0

    def looked(self, progress: TcpProgress, now: float) -> None:
        """The kernel was asked how the connection does."""
        round_s = progress.rtt_s_min
        if progress.has_timed_out:
            # The link went dark, or it is another one now: round trips tell of the darkness for a while.
            self.bytes_s, self._queue, self._queued_looks = None, None, 0
            self._is_shaken = True
        if not progress.is_delivering or not round_s:
            return
        self._round_s = round_s
        if progress.delivered_segments != self._delivered_segments:
            self._delivered_segments = progress.delivered_segments
            self._note_rate(progress.delivered_bytes_s)
        line_s = QUEUE_SEGMENTS * progress.segment_bytes / self.rate_bytes_s
        queue_s = progress.rtt_s - round_s
        is_queued = queue_s > QUEUE_SHARE * round_s + line_s
        self._is_beginning = progress.is_beginning
        self._is_shaken &= is_queued
        if self._is_shaken:
            return
        self._queued_looks = self._queued_looks + 1 if is_queued else 0
        if not is_queued:
            self._queue_is_gone(round_s, now)
        elif self._queued_looks >= QUEUE_LOOKS:
            self._queue_stands(queue_s, round_s, now)

    def take_renewal(self, now: float) -> bool:
        """Whether BBR should begin anew, in place of standing still to look for a shorter round trip.

        It begins with three times the rate it finds, so under a ceiling that is low.
        """
        if self.bytes_s is None:
            return self._take_search(now)
        if now <= self._renewed_at + RENEWED_S:
            return False
        self._renewed_at = self._clear_since = now
        self.bytes_s = min(self.bytes_s, HOLDING * self.rate_bytes_s)
        return True

    def _take_search(self, now: float) -> bool:
        """Whether BBR, which behind losses believes too early that the link is full, should look again."""
        has_grown = self.rate_bytes_s > SEARCH_GROWTH * self._searched_bytes_s
        is_due = now > self._renewed_at + SEARCH_ROUNDS * self._round_s
        if self._has_seen_end or self._queued_looks or self._is_beginning or not (has_grown and is_due):
            return False
        self._renewed_at, self._searched_bytes_s = now, self.rate_bytes_s
        return True

    def _note_rate(self, rate_bytes_s: float) -> None:
        self._looks += 1
        oldest = self._looks - RATE_LOOKS
        better = [(look, rate) for look, rate in self._rates if rate > rate_bytes_s and look > oldest]
        self._rates = [*better, (self._looks, rate_bytes_s)]

    def _queue_stands(self, queue_s: float, round_s: float, now: float) -> None:
        rate_bytes_s = self.rate_bytes_s
        if self._queue is None or self._queue.has_shrunk(queue_s, rate_bytes_s):
            self._queue = _Queue(now, queue_s, rate_bytes_s)
        self._clear_since = now
        self._has_seen_end = True
        is_ours = now <= self._queue.since + OTHERS_ROUNDS * round_s
        drained = max(1 - queue_s / (DRAINING_ROUNDS * round_s), DRAINING_MIN)
        self.bytes_s = drained * rate_bytes_s if is_ours else None

    def _queue_is_gone(self, round_s: float, now: float) -> None:
        self._queue = None
        if self.bytes_s is not None:
            rounds = max((now - self._clear_since) / round_s - HOLDING_ROUNDS, 0.0)
            sought = SEEKING ** min(rounds / SEEKING_ROUNDS, SEEKING_STEPS_MAX)
            self.bytes_s = HOLDING * sought * self.rate_bytes_s


@dataclass(frozen=True, slots=True)
class _Queue:
    """One that stands, as it was when it was first seen, or had shrunk."""

    since: float
    size_s: float
    rate_bytes_s: float

    def has_shrunk(self, size_s: float, rate_bytes_s: float) -> bool:
        """Since then; or the link became slower, and what was queued by then is still ours."""
        return size_s < SHRUNK * self.size_s or rate_bytes_s < SHRUNK * self.rate_bytes_s
