"""When a datagram may leave, when it should, and whether it asks what arrived."""

from __future__ import annotations

import math
from typing import Final

from protocol.datagram_parts import Control, DataPiece, Part
from protocol.header import Priority

from .datagram_flight import Flight, RoundTrip
from .datagram_outbox import Outbox
from .datagram_rate import RateControl
from .datagram_silence import Silence
from .datagram_sizes import HEADERS_BYTES, UNIT_BYTES
from .datagram_words import Words

BURST_S: Final = 0.004
"""Timers come late by about as much."""
LATE_S_MAX: Final = 0.03
"""On a busy machine, by so much: where that makes no queue to speak of, it is made up for."""
BURST_BYTES: Final = 2 * UNIT_BYTES
"""After a pause so much leaves at once."""
QUIET_S: Final = 0.005
CORK_S: Final = 0.025
"""A datagram that is not full waits until nothing more has come for a moment, and not for long."""
ANSWER_QUIET_S: Final = 0.02
ANSWER_CORK_S: Final = 0.045
"""An answer waits longer: the receipt behind it is being made durable."""
RIDE_S_MAX: Final = 3.0
"""So long progress waits for a word that is due anyway: by itself it would cost six times its length."""
TWICE_SHARE: Final = 1 / 16
REST_S: Final = 3.0
"""How long an answer waits for the rest of what it answers."""
REST_SHARE: Final = 0.9
"""Of that time is what the rest may need."""
HOLD_S_MAX: Final = 3.0
"""Receipts of a dialer that waits for word anyway leave with its answer to that."""


class Schedule:
    """The times of one end's sending."""

    def __init__(
        self,
        outbox: Outbox,
        words: Words,
        flight: Flight,
        round_trip: RoundTrip,
        rate: RateControl,
        silence: Silence,
        now: float,
        *,
        is_dialer: bool,
    ) -> None:
        self.may_send_at = -math.inf
        self.peer_goes_on = False
        """What it said last did not ask: more of it is on the way."""
        self._outbox = outbox
        self._words = words
        self._flight = flight
        self._round_trip = round_trip
        self._rate = rate
        self._silence = silence
        self._is_dialer = is_dialer
        self._first_queued_at = self._last_queued_at = now
        self._asked_at = now
        self._rest_until = -math.inf

    # What is written.

    def before_write(self, now: float, *, is_overdue: bool = False) -> None:
        """Something is about to be queued; what was lost has waited long enough."""
        if self._outbox.empty:
            self._first_queued_at = now - CORK_S if is_overdue else now
        self._last_queued_at = self._first_queued_at if is_overdue and self._outbox.empty else now

    def after_write(self) -> None:
        """It is queued: an emergency waits for nothing."""
        if self._outbox.most_urgent is Priority.EMERGENCY:
            self._rest_until = -math.inf

    def flush_at(self, unit_bytes: int) -> float:
        """When a datagram that is not full should leave."""
        if self._outbox.queued_bytes >= unit_bytes or self._outbox.has_said_bye:
            return self._first_queued_at
        if self._silence.is_amid_bulk and self._outbox.holds_only_progress:
            due_at = self._words.due_at
            return due_at if due_at is not None else self._first_queued_at + RIDE_S_MAX
        if self._words.is_answer:
            return min(self._first_queued_at + ANSWER_CORK_S, self._last_queued_at + ANSWER_QUIET_S)
        flush_at = min(self._first_queued_at + CORK_S, self._last_queued_at + QUIET_S)
        return max(flush_at, self._held_until(), self._rest_until)

    def rest_follows(self, now: float) -> None:
        """What came is the beginning of something small, all of which can be answered at once."""
        if not self._is_dialer and self._outbox.most_urgent is not Priority.EMERGENCY:
            self._rest_until = now + REST_S

    def rest_came(self, now: float) -> None:
        """Or something else did: what waited for it leaves with what it sets off."""
        if self._rest_until > now:
            self._first_queued_at = self._last_queued_at = now
        self._rest_until = -math.inf

    def _held_until(self) -> float:
        awaited = self._flight.oldest_asking
        if not self._is_dialer or awaited is None or not self._outbox.holds_only_answers:
            return -math.inf
        expected_at = awaited.departs_at + self._round_trip.expected_s + ANSWER_CORK_S
        return min(expected_at, self._first_queued_at + HOLD_S_MAX)

    # What leaves.

    def pace(self, size_bytes: int, now: float, *, bursts: bool = True) -> None:
        """So much has left."""
        pace = self._rate.pace_bytes_s
        is_after_pause = bursts and self._flight.in_flight_bytes <= BURST_BYTES
        late_s = max(BURST_S, min(self._rate.standing_s / 2, LATE_S_MAX))
        burst_s = max(late_s, BURST_BYTES / pace if is_after_pause else 0.0)
        self.may_send_at = max(self.may_send_at, now - burst_s) + size_bytes / pace

    def asked(self, now: float) -> None:
        """A datagram that asks has left."""
        self._asked_at = now

    def should_ask(self, parts: list[Part], now: float, *, fills_window: bool) -> bool:
        """Whether the datagram with these parts asks what arrived."""
        spacing_s = self._rate.ask_s
        if not any(isinstance(part, DataPiece) for part in parts) and self._silence.peer_has_answered:
            # Receipts follow each other; what the peer sends will tell by the way which of them it has.
            spacing_s = self._round_trip.smoothed_s
            if now - self._asked_at < spacing_s and self._flight.outstanding:
                return False
        if self._silence.is_amid_bulk and all(isinstance(part, Control) for part in parts):
            return False
        # What was asked before a darkness ended says nothing of what leaves now.
        is_old = now - self._asked_at >= spacing_s or self._asked_at < self._silence.returned_at
        due = is_old and self._flight.outstanding
        # A dialer that goes on will tell by the way what it got.
        ends = self._outbox.empty and (self._is_dialer or not self.peer_goes_on)
        asks = due or ends or fills_window
        if asks or not self._flight.outstanding:
            self._asked_at = now
        return asks

    @property
    def rest_is_worth_waiting(self) -> bool:
        """Where a datagram has its price, what is left of our flight will not take long, and nothing urgent
        that is in what leaves now waits for its receipt meanwhile."""
        outbox = self._outbox
        left_s = (outbox.queued_bytes + HEADERS_BYTES) / self._rate.rate_bytes_s
        is_short = 0 < outbox.queued_bytes and left_s <= REST_SHARE * REST_S
        none_waits = outbox.named == 1 or (outbox.most_urgent or Priority.BULK) > Priority.URGENT
        return self._is_dialer and self._rate.is_thin and is_short and none_waits

    @property
    def may_say_twice(self) -> bool:
        """Where a datagram takes next to no time beside a round trip, one more of what was lost is cheap."""
        unit_s = self._rate.unit_bytes / self._rate.rate_bytes_s
        return unit_s <= TWICE_SHARE * self._round_trip.smoothed_s
