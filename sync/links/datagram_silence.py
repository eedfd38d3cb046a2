"""When the peer's silence means that the link is dark, and how often to knock until it is not."""

from __future__ import annotations

import math
from typing import Final

from protocol.datagram_parts import Acknowledged, Part, Ping

from .datagram_flight import Flight, RoundTrip
from .datagram_parting import Parting
from .datagram_rate import ACKNOWLEDGE_S, RateControl
from .datagram_sizes import UNIT_BYTES, UNIT_BYTES_MIN

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
PROBE_GROWTH: Final = 1.5
PROBE_LATE_S_MAX: Final = 15.0
PROBE_BYTES: Final = 64
PROBE_SHARE: Final = 0.25
"""Of a thin link, for knocking."""
INTRODUCED_EACH: Final = 4
"""Knocks: each byte of one is paid for without use, where the link is dark."""
LATE_S: Final = 0.02
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
        self._bulk_heard_at = -math.inf
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
        if size_bytes >= UNIT_BYTES_MIN:
            self._bulk_heard_at = now
        self.peer_has_answered = True
        self.probe_at, self._probes = None, 0

    def hear_word(self, word: Acknowledged) -> None:
        """The peer tells what arrived: perhaps just what we had given up, too soon."""
        if self._given_up is not None and word.covers(self._given_up):
            self._given_up = None
            self._leniency = min(2 * self._leniency, LENIENCY_MAX)
        else:
            self._leniency = max(self._leniency * LENIENCY_DECAY, 1.0)

    def overdue_at(self) -> float | None:
        """When an answer that is due will be overdue."""
        if self.probe_at is not None:
            return None
        asking = self._flight.oldest_asking
        if asking is None:
            # What nobody asked about is told of by the way, or asked about when that does not happen.
            return self._unasked_overdue_at()
        due_at = asking.departs_at + self._round_trip.expected_s
        return max(self._heard_at, due_at) + self._patience_s * self._leniency

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
            self.probe_at = now

    def knock(self, now: float, room_bytes: float) -> tuple[Part, ...]:
        """What to ask with: first the bytes that are overdue, if there is room, then as little as can be."""
        self._probes += 1
        eager_s = min(max(PROBE_RETURN_S - self._round_trip.least_s, PROBE_S_MIN), PROBE_S_MAX)
        eager_s = max(eager_s, PROBE_BYTES / (PROBE_SHARE * self._rate.rate_bytes_s))
        late = min(max(0, self._probes - self._probes_eager), _GROWTHS_MAX)
        self.probe_at = now + min(eager_s * PROBE_GROWTH**late, PROBE_LATE_S_MAX)
        oldest = self._flight.oldest
        is_bulk = len(self._flight.in_order) > SMALL_FLIGHT
        if self._probes > 1 or oldest is None or is_bulk or oldest.size_bytes > room_bytes:
            return (Ping(),)
        self._given_up = oldest.number
        self._flight.lose(oldest)
        return oldest.parts

    @property
    def should_introduce(self) -> bool:
        """Whether the next knock says who knocks, as one in four does: our address may have changed."""
        return self._probes % INTRODUCED_EACH == 1

    def _unasked_overdue_at(self) -> float | None:
        unasked = self._flight.oldest
        if unasked is not None:
            return unasked.departs_at + 2 * self._round_trip.expected_s + self._round_trip.margin_s
        if self._is_dialer and self.peer_has_answered and not self._parting.is_at_rest:
            # The peer still owes something: if that was lost, asking makes it think of it.
            return self._heard_at + max(RESTLESS_S, 2 * self._round_trip.expected_s)
        return None

    @property
    def _patience_s(self) -> float:
        """The answer may stand behind a datagram of the peer's, or come in one."""
        rate_bytes_s = self._rate.rate_bytes_s
        if not (self.peer_has_answered and self._round_trip.is_measured):
            return self._round_trip.margin_s + UNIT_BYTES / rate_bytes_s
        hears_bulk = self._heard_at - self._bulk_heard_at < 2 * self._round_trip.expected_s
        behind_s = (self._rate.unit_bytes if hears_bulk else PROBE_BYTES) / rate_bytes_s
        return min(self._round_trip.margin_s + behind_s, max(PATIENCE_S_MAX, behind_s))
