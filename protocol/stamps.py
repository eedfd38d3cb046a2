"""When something was recorded: a counter for order, and a wall clock only as a displayed claim."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from .actors import Party
from .errors import AuthorityRefused, MalformedInput
from .limits import COUNTER_LEAP_MAX, COUNTER_LEAP_OF_HUB_MAX
from .limits import COUNTER_MAX as COUNTER_MAX


class Certainty(IntEnum):
    """How far the author's clock could be trusted."""

    SYNCED = 0
    DRIFTING = 1
    UNSET = 2


OFFSET_MINUTES_MAX: Final = 14 * 60
WALL_S_MAX: Final = 2**40


@dataclass(frozen=True, slots=True)
class Stamp:
    """Lamport counter, and what the author's wall clock said: UTC seconds, offset to local, certainty."""

    counter: int
    wall_s: int
    offset_minutes: int = 0
    certainty: Certainty = Certainty.SYNCED

    def at(self, index: int) -> Stamp:
        """The stamp of the record at `index` of an entry that starts with this one."""
        return Stamp(self.counter + index, self.wall_s, self.offset_minutes, self.certainty)


def check_stamp(counter: object, wall_s: object, offset_minutes: object, certainty: object) -> Stamp:
    """A stamp from outside values; `MalformedInput` when one is out of range."""
    grade = _whole(certainty, Certainty.SYNCED, Certainty.UNSET, "certainty")
    return Stamp(
        _whole(counter, 0, COUNTER_MAX, "counter"),
        _whole(wall_s, 0, WALL_S_MAX, "time"),
        _whole(offset_minutes, -OFFSET_MINUTES_MAX, OFFSET_MINUTES_MAX, "time zone"),
        Certainty(grade),
    )


def check_leap(counter: int, *, known: int, party: Party) -> None:
    """`AuthorityRefused` unless an honest author there can have come to `counter`; `known` is the highest
    that its reader has seen."""
    leap_max = COUNTER_LEAP_OF_HUB_MAX if party is Party.HUB else COUNTER_LEAP_MAX
    if counter > known + leap_max:
        raise AuthorityRefused("its counter is further ahead than any honest one can be")


def _whole(value: object, low: int, high: int, what: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise MalformedInput(f"a stamp's {what} is out of range")
    return value
