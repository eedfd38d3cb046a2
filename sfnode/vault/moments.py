"""Moments as columns of a row."""

from __future__ import annotations

from protocol.stamps import Certainty
from sfnode.domain.moments import Moment


def moment_row(moment: Moment) -> tuple[str, float, int, int]:
    return (moment.boot, moment.monotonic_s, moment.wall_s, int(moment.certainty))


def moment_of_row(boot: str, monotonic_s: float, wall_s: int, certainty: int) -> Moment:
    return Moment(boot=boot, monotonic_s=monotonic_s, wall_s=wall_s, certainty=Certainty(certainty))
