"""What places noted of their own lost numbers, remembered by the world whatever became of their disks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from protocol.ids import Incarnation
from protocol.ranges import RangeSet


@dataclass(frozen=True, slots=True)
class _Numbers:
    """What a place noted of numbers of its own, and when."""

    place: str
    incarnation: Incarnation
    sequences: RangeSet
    at_s: float


class Recollection:
    """Of a whole world."""

    def __init__(self) -> None:
        self._noticed: list[_Numbers] = []
        self._promises: list[_Numbers] = []
        self._replaced_s: dict[str, float] = {}

    def hear(self, place: str, call: str, arguments: tuple[Any, ...], at_s: float) -> None:
        """A place is about to make this call of its store."""
        notes = {"note_foreign": self._noticed, "mark_promised": self._promises}.get(call)
        if notes is not None:
            incarnation, sequences = arguments
            notes.append(_Numbers(place, incarnation, sequences, at_s))

    def disk_replaced(self, place: str, at_s: float) -> None:
        """It went back to a backup."""
        self._replaced_s[place] = at_s

    def has_noticed(self, place: str, incarnation: Incarnation, sequence: int) -> bool:
        """Whether it ever found that its peer holds something unknown under this number."""
        return any(
            noted.place == place and noted.incarnation == incarnation and sequence in noted.sequences
            for noted in self._noticed
        )

    def has_broken_promise(self, place: str, peer: str, incarnation: Incarnation, sequence: int) -> bool:
        """Whether the peer promised to give back what it held up to this number, and one of the two went back
        since then: the peer may have forgotten the promise, or the place that number's second use."""
        replaced_s = max(self._replaced_s.get(each, 0.0) for each in (place, peer))
        return any(
            promise.place == place
            and promise.incarnation == incarnation
            and sequence < promise.sequences.spans[-1][1]
            and promise.at_s <= replaced_s
            for promise in self._promises
        )
