"""What an opened datagram changes: frames to the inbox, word of ours to the flight and the rate, losses back
to the outbox.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from protocol.channel import Phase
from protocol.datagram_parts import (
    DELAY_S_MAX,
    Acknowledged,
    Closing,
    Control,
    DataPiece,
    End,
    Pair,
    Part,
    Ping,
)

from .datagram_flight import Flight, Heard, RoundTrip, Sent
from .datagram_inbox import Inbox
from .datagram_outbox import Outbox
from .datagram_rate import RateControl
from .datagram_schedule import Schedule
from .datagram_silence import Silence


class Outcome(Enum):
    """What became of a part."""

    HEARD = "nothing is to be said to it"
    TAKEN = "to be acknowledged"
    REFUSED = "no room: its datagram counts as lost"


class Hearing:
    """One end's ear."""

    def __init__(
        self,
        inbox: Inbox,
        outbox: Outbox,
        flight: Flight,
        round_trip: RoundTrip,
        rate: RateControl,
        silence: Silence,
        schedule: Schedule,
    ) -> None:
        self.peer_has_closed = False
        self._inbox = inbox
        self._outbox = outbox
        self._flight = flight
        self._round_trip = round_trip
        self._rate = rate
        self._silence = silence
        self._schedule = schedule

    def hear(self, part: Part, phase: Phase, now: float) -> Outcome:
        """Take in one part."""
        match part:
            case Control():
                if part.goes_on:
                    self._schedule.rest_follows(now)
                return Outcome.TAKEN if self._inbox.control(part, phase) else Outcome.REFUSED
            case DataPiece():
                return Outcome.TAKEN if self._inbox.data(part, phase) else Outcome.REFUSED
            case Acknowledged() | Pair() | Closing():
                self._hear_of_ours(part, now)
                return Outcome.HEARD
            case Ping():
                self._settle_swallowed(now)
            case End(offset):
                self._inbox.end(offset)
        return Outcome.TAKEN

    def say_again(self, parts: tuple[Part, ...], now: float) -> None:
        """These were lost."""
        self._schedule.before_write(now, is_overdue=True)
        self._outbox.again(parts)

    def _hear_of_ours(self, part: Acknowledged | Pair | Closing, now: float) -> None:
        """What became of what we sent."""
        match part:
            case Acknowledged():
                self._hear_word(part, now)
            case Pair(size_bytes, apart_s):
                self._rate.pair(size_bytes / apart_s)
            case Closing():
                self.peer_has_closed = True

    def _hear_word(self, word: Acknowledged, now: float) -> None:
        self._silence.hear_word(word)
        heard = self._flight.hear(word, self._rate.rate_bytes_s, now)
        if (newest := heard.newest) is not None:
            if newest.number == word.highest and word.delay_s < DELAY_S_MAX:
                sample_s = max(now - newest.at - word.delay_s, 0.0001)
                self._rate.weigh(sample_s, newest.size_bytes)
                self._round_trip.measure(sample_s, newest.size_bytes, self._rate.link_bytes_s, now)
            self._silence.confirmed(newest.size_bytes)
            self._adjust_rate(heard, now)
        self._lose((*heard.lost, *self._flight.overtaken(self._round_trip.smoothed_s)), now)

    def _settle_swallowed(self, now: float) -> None:
        """The peer knocks, after a darkness: it has said what arrived, and what it would have got since."""
        if self._silence.has_returned:
            self._lose(self._flight.departed_before(now - self._round_trip.expected_s), now)

    def _lose(self, lost: Iterable[Sent], now: float) -> None:
        for sent in lost:
            if not self._silence.has_returned:
                self._rate.lost(sent.at, now)
            self.say_again(sent.parts, now)
            if self._schedule.may_say_twice:
                self._outbox.echo(sent.parts)

    def _adjust_rate(self, heard: Heard, now: float) -> None:
        newest = heard.newest
        if newest is not None:
            self._rate.heard(
                heard.rate_bytes_s,
                spread_bytes_s=heard.spread_bytes_s,
                limited=newest.is_limited,
                newly_confirmed=len(heard.confirmed),
                confirmed_bytes=self._flight.confirmed_bytes,
                newest_confirmed_bytes=newest.confirmed_bytes,
                in_flight_bytes=self._flight.in_flight_bytes,
                now=now,
            )
