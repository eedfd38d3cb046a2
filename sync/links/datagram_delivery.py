"""At what rate a link delivered lately: to us, and at its best."""

from __future__ import annotations

from typing import Final

RATE_ROUNDS: Final = 10
"""Rounds for which the best delivery is believed; a link that faded is believed after so many."""
LINK_ROUNDS: Final = 40
"""A share of a link says little of how fast it takes one datagram; the best of so many rounds does."""


class Delivery:
    """The best of each of the last rounds."""

    def __init__(self) -> None:
        self.full_rounds = 0
        """In which the link was asked for all it carries."""
        # Kept ready: each is asked for hundreds of times while it stays the same.
        self.best_bytes_s = 0.0
        """Zero before anything arrived."""
        self.link_bytes_s = 0.0
        """What the whole link carries, though part of it may be somebody else's by now."""
        # Lists, as an empty deque takes most of a kilobyte, at a hub with hundreds of idle sessions.
        self._rates = [0.0]
        self._link_rates = [0.0]

    def heard(self, rate_bytes_s: float) -> None:
        """So fast it delivered just now."""
        self._rates[-1] = max(self._rates[-1], rate_bytes_s)
        self._link_rates[-1] = max(self._link_rates[-1], rate_bytes_s)
        self.best_bytes_s = max(self.best_bytes_s, rate_bytes_s)
        self.link_bytes_s = max(self.link_bytes_s, rate_bytes_s)

    def end_round(self, *, shared: bool) -> None:
        """A full round is over; in a shared one, what is left to us tells nothing of the whole link."""
        self.full_rounds += 1
        self._rates = [*self._rates, 0.0][-RATE_ROUNDS:]
        self.best_bytes_s = max(self._rates)
        if not shared:
            self._link_rates = [*self._link_rates, 0.0][-LINK_ROUNDS:]
            self.link_bytes_s = max(self._link_rates)
