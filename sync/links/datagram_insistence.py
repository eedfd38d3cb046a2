"""When to ask what became of an urgent text, long before its silence means that a link is dark.

On a thin link bulk behind a text takes seconds to tell that the text was lost, and darkness longer still.
"""

from __future__ import annotations

from protocol.header import Priority

from .datagram_flight import Flight, RoundTrip
from .datagram_silence import Silence


class Insistence:
    """One end's impatience for its urgent texts."""

    def __init__(self, flight: Flight, round_trip: RoundTrip, silence: Silence) -> None:
        self._flight = flight
        self._round_trip = round_trip
        self._silence = silence

    def asks_at(self) -> float | None:
        """When to ask by a datagram that holds nothing else; None while no urgent text is on its way."""
        text = self._flight.latest_urgent
        if text is None:
            return None
        asking = self._flight.latest_asking
        awaited = text if asking is None or asking.number < text.number else asking
        if awaited.at < self._silence.returned_at:
            return self._silence.returned_at  # It was sent into darkness, or just before.
        if awaited is text and text.urgency is Priority.EMERGENCY:
            # Right behind it: an answer to this one, and none to the text, says that the text was lost.
            return text.departs_at
        return awaited.departs_at + self._round_trip.expected_s + self._silence.answer_patience_s
