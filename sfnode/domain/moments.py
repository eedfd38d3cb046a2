"""Moments that outlive a restart, and how much time lies between two of them, if anybody can tell."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.stamps import Certainty


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One instant as this machine knew it."""

    boot: str
    """Which boot `monotonic_s` counts from; "" when nobody can tell."""
    monotonic_s: float
    wall_s: int
    certainty: Certainty

    def earlier_by(self, span_s: float) -> Moment:
        """The instant `span_s` before this one, by the same clocks."""
        return Moment(
            boot=self.boot,
            monotonic_s=self.monotonic_s - span_s,
            wall_s=max(0, int(self.wall_s - span_s)),
            certainty=self.certainty,
        )

    def untold(self) -> Moment:
        """The same claim of the wall clock, from which no span may be measured."""
        return Moment(boot="", monotonic_s=0.0, wall_s=self.wall_s, certainty=Certainty.UNSET)


def elapsed_s(since: Moment, now: Moment) -> float | None:
    """Seconds from `since` to `now`; None when it cannot be told.

    Within one boot the monotonic clock says, whatever the wall clock did. Across boots the wall clock must
    have been set on both sides, and at least the present boot's own age must have passed: a clock set back
    proves nothing.
    """
    if since.boot and since.boot == now.boot:
        return max(0.0, now.monotonic_s - since.monotonic_s)
    if not since.boot or Certainty.UNSET in (since.certainty, now.certainty):
        return None
    passed_s = float(now.wall_s - since.wall_s)
    return passed_s if passed_s >= now.monotonic_s else None
