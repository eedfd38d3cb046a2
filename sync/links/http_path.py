"""What sessions find out of the way to one hub: whether something on it holds whole requests back, or refuses
long ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .http_terms import BODY_BYTES_LEAST, BODY_BYTES_MAX

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
        self._body_bytes_max = BODY_BYTES_MAX

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

    def body_bytes_max(self, now: float) -> int:
        """How large the body of a turn may be for all that is known."""
        return self._body_bytes_max if self.is_in_turns(now) else BODY_BYTES_MAX

    def remember_too_large(self, size_bytes: int | None, now: float) -> None:
        """Something refused a body of this size, or one that flowed and had no size: the next session sends
        shorter ones, for as long as it goes in turns."""
        before_bytes = self.body_bytes_max(now)
        self._body_bytes_max = before_bytes if size_bytes is None else max(size_bytes // 2, BODY_BYTES_LEAST)
        self.remember_turns(now)

    def _anchor(self, now: float) -> None:
        # It may be made before any event loop runs; what is left counts from the first look.
        if self._begun_with is not None:
            self._in_turns_until = now + min(self._begun_with.in_turns_s, TURNS_REMEMBERED_S)
            self._begun_with = None
