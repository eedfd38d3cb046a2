"""The sending half of a TCP connection in memory: segments leave, and are repeated until they are heard of.

Congestion is left out: as much leaves as the wire takes and the other end has room for.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from typing import Final, Protocol

from .tcp_terms import HEADERS_BYTES, UNREAD_BYTES_MAX, Options, Progress, Segment
from .wire import Land, Way

REPEATS_MAX: Final = 15
REPEAT_S_MIN: Final = 1.0
REPEAT_S_MAX: Final = 60.0
LATER_HEARD: Final = 3
"""So many later segments that arrived tell that this one is lost."""


class Sender(Protocol):
    """The end whose half this is."""

    options: Options
    progress: Progress

    def way(self) -> Way | None:
        """Where its packets go."""

    def landing(self, segment: Segment) -> Land | None:
        """What a segment does when it arrives; None while there is nobody to send to."""

    @property
    def unread_bytes_there(self) -> int:
        """What the other end holds and nobody has taken."""

    def gave_up(self, error: OSError) -> None:
        """Nothing is heard any more of what was sent."""


class Sending:
    """What was taken for sending, until it has arrived."""

    def __init__(self, sender: Sender, tell_room: Callable[[], None]) -> None:
        """`tell_room` is called, while `wants_room`, when more may be taken."""
        self.wants_room = False
        self.has_sent_end = False
        self._sender = sender
        self._tell_room = tell_room
        self._unsent = bytearray()
        self._under_way: dict[int, Segment] = {}
        self._under_way_bytes = 0
        self._numbered = 0
        self._finishes = False
        self._is_over = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def unacknowledged_bytes(self) -> int:
        """What was taken and has not arrived, as far as this end knows."""
        return len(self._unsent) + self._under_way_bytes

    @property
    def segments_under_way(self) -> int:
        return len(self._under_way)

    @property
    def is_done(self) -> bool:
        """All of it has arrived, and word of the end."""
        return self.has_sent_end and not self._under_way

    @property
    def repeat_s(self) -> float:
        """How long an acknowledgement is waited for."""
        way = self._sender.way()
        # A full queue is no loss: the line is known here, which spares a model of how a kernel finds out.
        queue_s = way.model.direction.queue_bytes * 8.0 / way.model.direction.rate_bit_s if way else 0.0
        return min(max(REPEAT_S_MIN, 1.5 * self._sender.progress.rtt_s) + queue_s, REPEAT_S_MAX)

    def take(self, data: bytes) -> int:
        """As many of these bytes as there is room for; of a connection that is over, all, into nowhere."""
        if self._is_over:
            return len(data)
        room_bytes = max(self._sender.options.unsent_bytes_max - len(self._unsent), 0)
        self._unsent += data[:room_bytes]
        self.pump()
        return min(room_bytes, len(data))

    def finish(self) -> None:
        """Nothing more will be taken; what was taken still leaves, then word of the end."""
        self._finishes = True
        self.pump()

    def end(self) -> None:
        """Nothing leaves any more."""
        self._is_over = True
        _cancel(self._timer)
        for segment in self._under_way.values():
            _cancel(segment.timer)
        self._under_way.clear()
        self._unsent.clear()
        self._under_way_bytes = 0

    def pump(self) -> None:
        """Send what the line and the other end take; the rest when they take more."""
        if self._timer is not None or self._is_over:
            return
        while (size_bytes := self._sendable_bytes()) is not None:
            way = self._sender.way()
            wait_s = 0.0 if way is None else way.wait_s(size_bytes + HEADERS_BYTES)
            if wait_s > 0:
                self._timer = _loop().call_later(wait_s, self._pump_again)
                break
            self._transmit(self._next_segment(size_bytes))
        if self.wants_room and len(self._unsent) < self._sender.options.unsent_bytes_max:
            self.wants_room = False
            _loop().call_soon(self._tell_room)

    def heard(self, number: int) -> None:
        """An acknowledgement of this segment came."""
        segment = self._under_way.pop(number, None)
        if segment is None:
            return
        _cancel(segment.timer)
        self._under_way_bytes -= len(segment.data)
        self._note_arrival(segment)
        for earlier in [each for each in self._under_way.values() if each.number < number]:
            earlier.later_heard += 1
            if earlier.later_heard == LATER_HEARD:
                _cancel(earlier.timer)
                self._transmit(earlier)
        self.pump()

    # Inside.

    def _sendable_bytes(self) -> int | None:
        """Of the next segment; None while nothing may leave."""
        options = self._sender.options
        size_bytes = min(len(self._unsent), options.segment_bytes_max)
        if self._is_over or self.has_sent_end or not (size_bytes or self._finishes):
            return None
        if options.is_corked and size_bytes < options.segment_bytes_max and not self._finishes:
            return None
        has_room = self._sender.unread_bytes_there + self._under_way_bytes <= UNREAD_BYTES_MAX
        return size_bytes if has_room or not size_bytes else None

    def _next_segment(self, size_bytes: int) -> Segment:
        data = bytes(self._unsent[:size_bytes])
        del self._unsent[:size_bytes]
        self.has_sent_end = self._finishes and not self._unsent
        segment = Segment(self._numbered, data, self.has_sent_end, first_sent_at=_now())
        self._numbered += 1
        self._under_way_bytes += size_bytes
        self._under_way[segment.number] = segment
        return segment

    def _pump_again(self) -> None:
        self._timer = None
        self.pump()

    def _transmit(self, segment: Segment) -> None:
        segment.sent_at, segment.later_heard = _now(), 0
        land, way = self._sender.landing(segment), self._sender.way()
        if land is not None and way is not None:
            way.carry(len(segment.data) + HEADERS_BYTES, segment.data, land)
        patience_s = min(self.repeat_s * 2.0**segment.repeats, REPEAT_S_MAX)
        segment.timer = _loop().call_later(patience_s, self._repeat, segment)

    def _repeat(self, segment: Segment) -> None:
        if segment.number not in self._under_way:
            return
        progress = self._sender.progress
        progress.has_timed_out = True
        segment.repeats += 1
        silent_s = _now() - max(progress.last_heard_at, segment.first_sent_at)
        if segment.repeats > REPEATS_MAX or silent_s > self._sender.options.user_timeout_s:
            self._sender.gave_up(TimeoutError(errno.ETIMEDOUT, "Connection timed out"))
            return
        self._transmit(segment)

    def _note_arrival(self, segment: Segment) -> None:
        progress = self._sender.progress
        progress.acknowledged_bytes += len(segment.data)
        progress.delivered_segments += 1
        if not segment.repeats:  # Of a repeated one nobody knows which copy was heard.
            rtt_s = _now() - segment.sent_at
            progress.rtt_s += (rtt_s - progress.rtt_s) / 8
            progress.rtt_s_min = min(progress.rtt_s_min, rtt_s)


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()


def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


def _now() -> float:
    return asyncio.get_running_loop().time()
