"""How much may be on its way without a receipt, and how large a chunk is: learnt from the receipts alone.

The link's rate is the best recent rate at which receipts confirmed bytes; its round trip is the shortest time
from sending a chunk to its receipt, which includes making it durable at the peer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from protocol.limits import CHUNK_BYTES_MAX

WINDOW_START_BYTES: Final = 4 * 1024
"""Before anything is known: a few seconds of the slowest voice-band link, one packet flight of a fast one."""
WINDOW_GUESSED_BYTES_MIN: Final = 2 * 1024
"""A short consult goes out in one flight even where a round trip holds less."""
WINDOW_GUESSED_BYTES_MAX: Final = 32 * 1024
"""A remembered link may have changed; half of the credit every peer grants unasked."""
CHUNK_START_BYTES: Final = 1024
CHUNK_BYTES_MIN: Final = 512
CHUNK_GUESSED_BYTES_MIN: Final = 880
"""A short text; behind a greeting it fits in two packets of a thin link, of which the second is answered."""
CHUNK_GUESSED_BYTES_MAX: Final = 4 * 1024
WINDOW_PACED_BYTES: Final = 1 << 30
"""None, where the link finds the rate and holds us back by itself: the peer's credit is the limit."""
CHUNK_PACED_BYTES_MIN: Final = 256
"""What is urgent can be handed over once the chunk before has been."""
CHUNK_PACED_BYTES_MAX: Final = 8 * 1024
"""There a chunk is cut again; one lost datagram should hold up the receipt of few bytes."""
CHUNK_S: Final = 0.4
"""What is urgent waits for the chunk before it, and a cut costs the chunk in the air."""
PROBE_GAIN: Final = 2.0
CRUISE_GAIN: Final = 1.25
"""A quarter above the measured product of rate and round trip finds a rate that grows."""
KERNEL_RATE_BYTES_S_MIN: Final = 4_000
"""From 32 kbit/s on, a link that lets no queue grow by itself is left to that: behind each lost packet
receipts come late, and a window of ours would empty the link meanwhile. The peer's credit is the limit. On a
thin link a cut that wastes so much wastes minutes."""
ASKED_S: Final = 1.0
ASKED_BYTES_MAX: Final = 192 * 1024
"""While there is room for more, the peer is asked for word so often, or for half of that room: each word
takes a packet, and another that acknowledges it. At most a sixteenth of the usual credit."""
GROWTH: Final = 1.25
STALE_ROUNDS_MAX: Final = 3
"""Rounds without growth that end the probing (as BBR judges a full pipe)."""
RATE_ROUNDS: Final = 4
"""Rounds a rate is remembered for; a link that faded is believed after so many full windows."""
_ELAPSED_S_MIN: Final = 1e-3


@dataclass(frozen=True, slots=True)
class Launch:
    """One chunk on its way, with what had been confirmed when it left."""

    size_bytes: int
    at: float
    confirmed_bytes: int
    confirmed_at: float


class Pacing:
    """The window and chunk size of one session."""

    def __init__(
        self,
        rate_bytes_s: float | None,
        rtt_s: float | None,
        *,
        link_paces: bool = False,
        link_bounds_queue: bool = False,
    ) -> None:
        self._link_paces = link_paces
        self._link_bounds_queue = link_bounds_queue
        self.in_flight_bytes = 0
        self.is_held = False
        """The link has not taken the chunk before: what is chosen now could be overtaken no more."""
        self.rtt_s = rtt_s
        self._rtt_is_measured = False
        self._rates: deque[float] = deque(maxlen=RATE_ROUNDS)
        self._guess_bytes_s = rate_bytes_s
        self._confirmed_bytes = 0
        self._confirmed_at = 0.0
        self._round_ends_bytes = 1
        self._window_filled = False
        self._was_filled = False
        self._probing = True
        self._stale_rounds = 0
        self._grown_bytes_s = 0.0
        self._window_bytes = self._guessed_window()

    @property
    def rate_bytes_s(self) -> float | None:
        """The best recent rate, or the guess until there is one."""
        return max(self._rates) if self._rates else self._guess_bytes_s

    @property
    def proven_rate_bytes_s(self) -> float | None:
        """The rate to remember: a session that never asked for all the link can carry proves nothing new."""
        return self.rate_bytes_s if self._was_filled else self._guess_bytes_s

    @property
    def chunk_bytes(self) -> int:
        """The size of the next chunk."""
        if self.rate_bytes_s is None:
            return CHUNK_START_BYTES
        wanted = int(self.rate_bytes_s * CHUNK_S)
        if self._link_paces:
            return min(max(wanted, CHUNK_PACED_BYTES_MIN), CHUNK_PACED_BYTES_MAX)
        if not self._rates:
            return min(max(wanted, CHUNK_GUESSED_BYTES_MIN), CHUNK_GUESSED_BYTES_MAX)
        return min(max(wanted, CHUNK_BYTES_MIN), CHUNK_BYTES_MAX)

    @property
    def window_bytes(self) -> int:
        """How much may be on its way."""
        if self._link_paces or self._kernel_bounds:
            return WINDOW_PACED_BYTES
        return self._full_bytes

    def grant(self, wanted_bytes: int, credit_bytes: int) -> int:
        """How much of a chunk may go now: all of it, what fills the window if that is half a chunk, or 0."""
        if self.in_flight_bytes + wanted_bytes > min(self._full_bytes, credit_bytes):
            self._window_filled = self._was_filled = True
        if self.is_held:
            return 0
        room_bytes = min(self.window_bytes, credit_bytes) - self.in_flight_bytes
        if room_bytes >= wanted_bytes:
            return wanted_bytes
        return room_bytes if 2 * room_bytes >= min(self.chunk_bytes, credit_bytes) else 0

    def is_word_due(self, unasked_bytes: int) -> bool:
        """Whether the peer is to be asked for word of so much, while the link has no room for more."""
        if not self.is_held:
            return True
        rate_bytes_s = self.rate_bytes_s or 0.0
        return unasked_bytes >= min(rate_bytes_s * ASKED_S, ASKED_BYTES_MAX, self.window_bytes / 2)

    def launch(self, size_bytes: int, now: float) -> Launch:
        """A chunk leaves."""
        if self.in_flight_bytes == 0:
            self._confirmed_at = (
                now  # Nothing was asked of the link until now: the pause says nothing of its rate.
            )
        self.in_flight_bytes += size_bytes
        return Launch(size_bytes, now, self._confirmed_bytes, self._confirmed_at)

    def land(self, launches: Iterable[Launch], now: float) -> None:
        """A receipt covers these chunks."""
        landed = list(launches)
        if not landed:
            return
        size_bytes = sum(launch.size_bytes for launch in landed)
        self.in_flight_bytes -= size_bytes
        self._confirmed_bytes += size_bytes
        self._confirmed_at = now
        latest = max(landed, key=lambda launch: launch.at)
        self._measure_round_trip(now - latest.at)
        elapsed_s = max(now - latest.confirmed_at, _ELAPSED_S_MIN)
        self._measure_rate((self._confirmed_bytes - latest.confirmed_bytes) / elapsed_s)
        if latest.confirmed_bytes >= self._round_ends_bytes:
            self._end_round()
        self._open_window()

    def forget(self, launches: Iterable[Launch]) -> None:
        """No receipt will come for these chunks."""
        self.in_flight_bytes -= sum(launch.size_bytes for launch in launches)

    @property
    def _full_bytes(self) -> int:
        """With so much on its way the link has all that it can carry."""
        if self._link_paces:
            return WINDOW_PACED_BYTES
        return max(self._window_bytes, 2 * self.chunk_bytes)

    @property
    def _kernel_bounds(self) -> bool:
        rate_bytes_s = self.rate_bytes_s or 0.0
        if self._probing:
            rate_bytes_s = max(rate_bytes_s, self._guess_bytes_s or 0.0)  # First receipts tell too little.
        return self._link_bounds_queue and rate_bytes_s > KERNEL_RATE_BYTES_S_MIN

    def _measure_round_trip(self, sample_s: float) -> None:
        if self._rtt_is_measured and self.rtt_s is not None:
            sample_s = min(sample_s, self.rtt_s)
        self.rtt_s, self._rtt_is_measured = sample_s, True

    def _measure_rate(self, sample_bytes_s: float) -> None:
        if self._rates:
            self._rates[-1] = max(self._rates[-1], sample_bytes_s)
        else:
            self._rates.append(sample_bytes_s)

    def _end_round(self) -> None:
        """Every chunk that was on its way when the round began has landed."""
        self._round_ends_bytes = self._confirmed_bytes + self.in_flight_bytes
        best = max(self._rates)
        if best >= self._grown_bytes_s * GROWTH:
            self._grown_bytes_s, self._stale_rounds = best, 0
        elif self._window_filled:
            self._stale_rounds += 1
        if self._window_filled:
            has_outgrown_link = self._window_bytes > self._window_at(PROBE_GAIN * GROWTH)
            self._probing &= self._stale_rounds < STALE_ROUNDS_MAX and not has_outgrown_link
            # Only a round that was asked for all it could carry may make an older, better rate forgotten.
            self._rates.append(0.0)
        self._window_filled = False

    def _open_window(self) -> None:
        if self._probing:
            self._window_bytes = max(self._window_bytes, self._window_at(PROBE_GAIN))
        else:
            self._window_bytes = self._window_at(CRUISE_GAIN)

    def _window_at(self, gain: float) -> int:
        """What the link holds, times `gain`, and the chunk whose receipt can only come when it is whole."""
        return int((self.rate_bytes_s or 0.0) * (self.rtt_s or 0.0) * gain) + self.chunk_bytes

    def _guessed_window(self) -> int:
        if self._guess_bytes_s is None or self.rtt_s is None:
            return WINDOW_START_BYTES
        return min(max(self._window_at(CRUISE_GAIN), WINDOW_GUESSED_BYTES_MIN), WINDOW_GUESSED_BYTES_MAX)
