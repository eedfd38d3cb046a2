"""Looking for a queue that was there before us, and therefore looks like distance: by leaving the link half
empty for a moment, now and then, where there is reason to suspect one.
"""

from __future__ import annotations

from typing import Final

ROUNDS_MIN: Final = 6
ROUNDS_MAX: Final = 60
"""How often to look, in rounds: each time in vain, half as often."""
SHARE: Final = 0.5
"""Of what fills the link: so little is left on its way,"""
SOUNDED_ROUNDS_MAX: Final = 2
"""but no longer than this: a queue of somebody else's does not go away."""
SUSPICIOUS_LOSS: Final = 0.005
SUSPICIOUS_DISTANCE: Final = 1.1
"""By how much longer than remembered a round trip is where a queue is suspected."""


class Sounding:
    """When to look, and when to stop looking."""

    def __init__(self, known_rtt_s: float | None) -> None:
        self._known_rtt_s = known_rtt_s
        """As an earlier session found it."""
        self._rounds_left = self._pause_rounds = ROUNDS_MIN
        self._found_rtt_s = 0.0
        self._rounds = 0

    def ended_round(self) -> None:
        """One more round of cruising."""
        self._rounds_left -= 1

    def is_due(self, least_s: float, lost_share: float, *, queue_grows: bool) -> bool:
        """Whether to look now; `queue_grows` where trying for more has lengthened a queue."""
        if self._rounds_left > 0:
            return False
        if self._known_rtt_s is not None:
            return least_s > SUSPICIOUS_DISTANCE * self._known_rtt_s
        # A queue that can still grow was not full before.
        return lost_share > SUSPICIOUS_LOSS and not queue_grows

    def begin(self, least_s: float, standing_s: float) -> None:
        """Look; what the last look has found tells how soon to look again."""
        if least_s < self._found_rtt_s - standing_s:
            self._pause_rounds = ROUNDS_MIN
        elif self._found_rtt_s > 0:
            self._known_rtt_s = None
        self._found_rtt_s = least_s
        self._rounds_left = self._pause_rounds
        self._pause_rounds = min(2 * self._pause_rounds, ROUNDS_MAX)
        self._rounds = 0

    def sounded_round(self) -> None:
        """One more round of looking."""
        self._rounds += 1

    def has_seen(self, in_flight_bytes: int, pipe_bytes: float) -> bool:
        """Whether the link has run half empty, or never will."""
        return in_flight_bytes <= SHARE * pipe_bytes or self._rounds >= SOUNDED_ROUNDS_MAX
