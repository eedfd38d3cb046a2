"""What sessions find out of the way to one hub: whether something on it holds whole requests back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

TURNS_REMEMBERED_S: Final = 24 * 3600.0
"""After a day the better way is tried again: somebody may have mended the proxy."""


@dataclass(frozen=True, slots=True)
class HttpPath:
    """A value to keep, in a row say, and to begin with in the next process."""

    in_turns_s: float = 0.0
    """For so long from now sessions go in turns: a span, since no clock of this process outlives it.
    Who keeps it takes off the time that has passed."""


class HttpWay:
    """The same while dialers of one process share it; `now` is the event loop's clock."""

    def __init__(self, path: HttpPath | None = None) -> None:
        self._begun_with = path
        self._in_turns_until = float("-inf")

    def remind(self, path: HttpPath) -> None:
        """What an earlier process found out; what this one has found stays."""
        if self._begun_with is None and self._in_turns_until == float("-inf"):
            self._begun_with = path

    def path(self, now: float) -> HttpPath:
        """As it is to be kept."""
        self._anchor(now)
        return HttpPath(in_turns_s=max(self._in_turns_until - now, 0.0))

    def is_in_turns(self, now: float) -> bool:
        """Whether to begin in turns."""
        self._anchor(now)
        return now < self._in_turns_until

    def remember_turns(self, now: float) -> None:
        """A listener has answered a turn, or something held a request back."""
        if not self.is_in_turns(now):
            self._in_turns_until = now + TURNS_REMEMBERED_S

    def _anchor(self, now: float) -> None:
        # It may be made before any event loop runs; what is left counts from the first look.
        if self._begun_with is not None:
            self._in_turns_until = now + min(self._begun_with.in_turns_s, TURNS_REMEMBERED_S)
            self._begun_with = None
