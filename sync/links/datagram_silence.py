"""When the peer's silence means that the link is dark, and how often to knock until it is not."""

from __future__ import annotations

import math
from typing import Final

from protocol.datagram_parts import Acknowledged, Part, Ping

from .datagram_flight import Flight, RoundTrip
from .datagram_parting import Parting
from .datagram_rate import ACKNOWLEDGE_S, RateControl
from .datagram_reading import BULK_BYTES_MIN, Reading
from .datagram_sizes import UNIT_BYTES

PATIENCE_S_MAX: Final = 1.0
"""How late an answer may be: with the round trip, so long we send into a link that has gone dark."""
RESTLESS_S: Final = 10.0
"""How long a dialer that waits for the peer alone leaves it in peace."""
PROBE_RETURN_S: Final = 2.0
PROBE_S_MIN: Final = 0.5
PROBE_S_MAX: Final = 1.0
"""A link that returns is used again within two seconds or one round trip."""
DIALER_PROBES_EAGER: Final = 75
"""For more than a minute; then less and less often."""
LISTENER_PROBES_EAGER: Final = 1
"""The dialer pays and may have gone: it is for the dialer to knock."""
READER_PROBES_EAGER: Final = 120
"""But who was in the middle of reading bulk knocks as well, for a minute."""
READER_PROBE_S: Final = 0.5
WRITER_PROBE_S: Final = 5.0
"""So rarely knocks whose bulk the peer was reading: that one's knocks are half a round trip nearer."""
PROBE_GROWTH: Final = 1.5
PROBE_LATE_S_MAX: Final = 15.0
PROBE_BYTES: Final = 64
PROBE_SHARE: Final = 0.25
"""Of a thin link, for knocking."""
INTRODUCED_EACH: Final = 6
"""Knocks: each byte of one is paid for without use, where the link is dark."""
WRITER_INTRODUCED_EACH: Final = 3
"""Of those that come so rarely: nobody else finds a way back to an address that has changed."""
LATE_S: Final = 0.02
DARKNESS_S_MIN: Final = 3.0
"""A full queue may hold an answer back for less."""
SMALL_FLIGHT: Final = 2
"""Datagrams. One of so few was probably just lost; of many, the link itself."""
LENIENCY_MAX: Final = 16.0
LENIENCY_DECAY: Final = 0.97
_GROWTHS_MAX: Final = 20


class Silence:
    """One end's patience."""

    def __init__(
        self,
        flight: Flight,
        round_trip: RoundTrip,
        rate: RateControl,
        parting: Parting,
        now: float,
        *,
        is_dialer: bool,
    ) -> None:
        self.peer_has_answered = False
        self.probe_at: float | None = None
        """When to knock next; None while the link is not dark."""
        self._flight = flight
        self._round_trip = round_trip
        self._rate = rate
        self._parting = parting
        self._is_dialer = is_dialer
        self._probes_eager = DIALER_PROBES_EAGER if is_dialer else LISTENER_PROBES_EAGER
        self._heard_at = now
        self._reading = Reading()
        self.is_reader = False
        """It is bulk of the peer's that stays away."""
        self._is_read = False
        """The peer is reading bulk of ours."""
        self._bulk_confirmed = 0
        self._dark_since = now
        self.returned_at = -math.inf
        """When the last darkness ended, or what was taken for one."""
        self.has_returned = False
        """What came last ended a darkness: what was lost in it tells nothing of a queue."""
        self._probes = 0
        self._given_up: int | None = None
        self._leniency = 1.0
        """Grows where we knocked although the answer was only late: the link is slower than we think."""

    @property
    def is_dark(self) -> bool:
        """Nothing is heard, although it should be."""
        return self.probe_at is not None

    def heard(self, now: float, size_bytes: int) -> None:
        """The peer spoke."""
        self._heard_at = now
        self._reading.heard(now, size_bytes)
        self.has_returned = self.is_dark and now - self._dark_since >= DARKNESS_S_MIN
        if self.is_dark:
            self.returned_at = now
        self.peer_has_answered = True
        self.probe_at, self._probes = None, 0

    def hear_word(self, word: Acknowledged) -> None:
        """The peer tells what arrived: perhaps just what we had given up, too soon."""
        if self._given_up is not None and word.covers(self._given_up):
            self._given_up = None
            self._leniency = min(2 * self._leniency, LENIENCY_MAX)
        else:
            self._leniency = max(self._leniency * LENIENCY_DECAY, 1.0)

    def confirmed(self, size_bytes: int) -> None:
        """The newest of ours that arrived is as long as that."""
        self._bulk_confirmed = self._bulk_confirmed + 1 if size_bytes >= BULK_BYTES_MIN else 0
        self._is_read = self._bulk_confirmed > 1

    @property
    def is_amid_bulk(self) -> bool:
        """The peer sends one long datagram after the other: by the way it tells what it got of ours."""
        return self._awaits_bulk and not self.is_dark

    def overdue_at(self) -> float | None:
        """When an answer that is due, or more of the peer's bulk, will be overdue."""
        if self.probe_at is not None:
            return None
        answer_at = self._answer_overdue_at()
        # Mostly no bulk is awaited; this is asked twice for each datagram.
        bulk_at = self._reading.overdue_at() if self._awaits_bulk else None
        if answer_at is None or bulk_at is None:
            return bulk_at if answer_at is None else answer_at
        return min(answer_at, bulk_at)

    def is_late(self, now: float) -> bool:
        """No answer in its usual time: nobody knows yet what that means, but where a datagram takes long to
        leave, it is dear to find out."""
        asking = self._flight.oldest_asking
        if asking is None or not self._rate.is_slow:
            return False
        due_at = max(self._heard_at, asking.departs_at + self._round_trip.expected_s)
        return now >= due_at + ACKNOWLEDGE_S + LATE_S

    def judge(self, now: float) -> None:
        """Is it dark by now?"""
        overdue_at = self.overdue_at()
        if overdue_at is not None and now >= overdue_at:
            self.is_reader = self._awaits_bulk
            self.probe_at = self._dark_since = now

    def knock(self, now: float, room_bytes: float) -> tuple[Part, ...]:
        """What to ask with: first the bytes that are overdue, if there is room, then as little as can be."""
        self._probes += 1
        probes_eager = READER_PROBES_EAGER if self.is_reader else self._probes_eager
        late = min(max(0, self._probes - probes_eager), _GROWTHS_MAX)
        self.probe_at = now + min(self._eager_s * PROBE_GROWTH**late, PROBE_LATE_S_MAX)
        oldest = self._flight.oldest
        is_bulk = len(self._flight.in_order) > SMALL_FLIGHT
        if oldest is not None and oldest.urgency is None:
            is_bulk |= self._flight.latest_urgent is not None  # What it tells, the text waits for.
        if self._probes > 1 or oldest is None or is_bulk or oldest.size_bytes > room_bytes:
            return (Ping(),)
        self._given_up = oldest.number
        self._flight.lose(oldest)
        return oldest.parts

    @property
    def should_introduce(self) -> bool:
        """Whether the next knock says who knocks, as some do: our address may have changed."""
        each = WRITER_INTRODUCED_EACH if self._is_read and not self.is_reader else INTRODUCED_EACH
        return self._probes % each == 1

    @property
    def _eager_s(self) -> float:
        """How often to knock as long as the link may be back at any moment."""
        eager_s = READER_PROBE_S
        if not self.is_reader:
            eager_s = min(max(PROBE_RETURN_S - self._round_trip.least_s, PROBE_S_MIN), PROBE_S_MAX)
            eager_s = max(eager_s, WRITER_PROBE_S if self._is_read else 0.0)
        return max(eager_s, PROBE_BYTES / (PROBE_SHARE * self._rate.rate_bytes_s))

    @property
    def _awaits_bulk(self) -> bool:
        return self._reading.is_in_bulk and not self._parting.peer_is_idle

    def _answer_overdue_at(self) -> float | None:
        asking = self._flight.oldest_asking
        if asking is None:
            # What nobody asked about is told of by the way, or asked about when that does not happen.
            return self._unasked_overdue_at()
        due_at = asking.departs_at + self._round_trip.expected_s
        return max(self._heard_at, due_at) + self._patience_s * self._leniency

    def _unasked_overdue_at(self) -> float | None:
        unasked = self._flight.oldest
        if unasked is not None:
            return unasked.departs_at + 2 * self._round_trip.expected_s + self._round_trip.margin_s
        if self._is_dialer and self.peer_has_answered and not self._parting.is_at_rest:
            # The peer still owes something: if that was lost, asking makes it think of it.
            return self._heard_at + max(RESTLESS_S, 2 * self._round_trip.expected_s)
        return None

    @property
    def answer_patience_s(self) -> float:
        """By how much an answer may be late before it is worth a small datagram to ask again."""
        is_known = self.peer_has_answered and self._round_trip.is_measured
        return self._patience_s if is_known else PATIENCE_S_MAX

    @property
    def _patience_s(self) -> float:
        """The answer may stand behind a datagram of the peer's, or come in one."""
        rate_bytes_s = self._rate.rate_bytes_s
        if not (self.peer_has_answered and self._round_trip.is_measured):
            return self._round_trip.margin_s + UNIT_BYTES / rate_bytes_s
        hears_bulk = self._reading.heard_bulk_since(self._heard_at - 2 * self._round_trip.expected_s)
        behind_s = (self._rate.unit_bytes if hears_bulk else PROBE_BYTES) / rate_bytes_s
        return min(self._round_trip.margin_s + behind_s, max(PATIENCE_S_MAX, behind_s))
