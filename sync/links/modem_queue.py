"""What lies in a thin link's modem, reckoned by the clock: what is handed over too early cannot be overtaken.

The kernel keeps four packets under way at least, and a modem takes what it gets: ten seconds of a thin link.
So there a sender is held back until the packets before are nearly out. Nothing here reads a clock.
"""

from __future__ import annotations

from typing import Final

from .packet_sizes import ACKNOWLEDGEMENT_BYTES, LEAD_S

THIN_BELOW_BIT_S: Final = 10_000
"""From there on the kernel's four packets are gone in the time of a round trip or two."""
FIRST_FLIGHT_BYTES: Final = 2 * 1024
"""A short consult leaves at once, in as few packets as it fits in."""
LOOK_S: Final = 0.1
"""How often the kernel is asked what has arrived."""
FASTER: Final = 2.0
"""By how much the rate is raised when all has arrived before it could have left."""
QUICKER: Final = 1.1
SLOWER: Final = 0.9
"""Steps of the rate believed in, after each acknowledgement that comes too early or too late."""
TOLERANCE_S: Final = 0.3
"""Acknowledgements wait for 40 ms, and are looked for ten times a second."""


class ModemQueue:
    """The queue of one connection."""

    def __init__(self, rate_bit_s: int) -> None:
        self._rate_bytes_s = rate_bit_s / 8
        self._is_thin = rate_bit_s < THIN_BELOW_BIT_S
        self._free_bytes = FIRST_FLIGHT_BYTES
        self._last_bytes = 0
        self._unacknowledged_bytes = 0
        self._out_at = float("-inf")
        """When the last byte that was handed over leaves the modem."""

    def took(self, size_bytes: int, now: float) -> None:
        """So much was handed over, in one packet."""
        self._last_bytes = size_bytes
        self._free_bytes -= size_bytes
        self._unacknowledged_bytes += size_bytes
        self._fill(size_bytes + ACKNOWLEDGEMENT_BYTES, now)

    def heard(self, now: float) -> None:
        """Something came in; what acknowledges it goes out."""
        self._fill(ACKNOWLEDGEMENT_BYTES, now)

    def room_in_s(self, unacknowledged_bytes: int, rtt_s: float, now: float) -> float:
        """How long to wait before asking again; 0 when there is room for more.

        `unacknowledged_bytes` is what the other end has not acknowledged yet, `rtt_s` the shortest time in
        which it did so: each acknowledgement tells what was out of the modem a round trip ago.
        """
        if not self._is_thin or self._free_bytes > 0:
            return 0.0
        if unacknowledged_bytes < self._unacknowledged_bytes:
            self._arrived(unacknowledged_bytes, rtt_s, now)
        return LOOK_S if self._out_at - LEAD_S > now else 0.0

    def _fill(self, size_bytes: int, now: float) -> None:
        self._out_at = max(self._out_at, now) + size_bytes / self._rate_bytes_s

    def _arrived(self, unacknowledged_bytes: int, rtt_s: float, now: float) -> None:
        self._unacknowledged_bytes = unacknowledged_bytes
        expected_at = self._out_at
        if unacknowledged_bytes:
            packets = -(-unacknowledged_bytes // max(self._last_bytes, 1))
            behind_bytes = unacknowledged_bytes + packets * ACKNOWLEDGEMENT_BYTES
            self._out_at = now - rtt_s + behind_bytes / self._rate_bytes_s
            if self._out_at > expected_at + TOLERANCE_S:
                self._rate_bytes_s *= SLOWER
            elif self._out_at < expected_at - TOLERANCE_S:
                self._rate_bytes_s *= QUICKER
        elif expected_at > now:
            # Not even out, and there already.
            self._rate_bytes_s *= FASTER
            self._out_at = now
        self._is_thin = self._rate_bytes_s * 8 < THIN_BELOW_BIT_S
