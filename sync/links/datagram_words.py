"""What the peer is to hear of the datagrams that arrived, and when at the latest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from protocol.datagram_parts import RUNS_MAX, Acknowledged, Pair, Part
from protocol.datagrams import Opened

from .datagram_rate import ACKNOWLEDGE_S
from .datagram_sizes import UNIT_BYTES_MIN

UNASKED_MAX: Final = 64
"""Datagrams that nobody asked about before we tell of them all the same."""
TOLD_TIMES_MAX: Final = 8
"""What stays unheard for so long is sent once more without need, and that is all."""
GREETING_S: Final = 0.3
"""A listener's first word waits for its greeting, which takes a busy machine a while: by itself it would cost
a datagram, and the greeting one more that has to be answered."""
LONE_GREETING_S: Final = 1.0
"""Where all that came is one short datagram, nothing else waits for that word."""
PAIR_BYTES_MIN: Final = 1000
PAIR_APART_S_MAX: Final = 1.0
"""A slower link is measured soon enough without, and there each byte counts."""


@dataclass(slots=True)
class Arrivals:
    """Which of the peer's datagrams arrived, as far as it may still want to know."""

    runs: list[tuple[int, int]] = field(default_factory=list)
    """(lowest, highest), newest run first."""
    newest_at: float = 0.0
    _told_times: int = 0
    """Words of the older runs, as they are."""

    def add(self, number: int, now: float) -> bool:
        """Take note; whether it came out of turn."""
        if not self.runs or number > self.runs[0][1]:
            self.newest_at = now
        for index, (low, high) in enumerate(self.runs):
            if low - 1 <= number <= high + 1:
                self._told_times *= index == 0
                self.runs[index] = (min(low, number), max(high, number))
                self._join(index)
                return index > 0
            if number > high:
                self._told_times = 0
                self.runs.insert(index, (number, number))
                del self.runs[RUNS_MAX:]
                return True
        self.runs.append((number, number))
        del self.runs[RUNS_MAX:]
        return number > 0 and len(self.runs) > 1

    @property
    def are_one(self) -> bool:
        """The peer's first datagram, and no other."""
        return self.runs == [(0, 0)]

    def word(self, now: float) -> Acknowledged:
        """What to tell the peer; older runs only as often as it takes to be sure that it has heard."""
        self._told_times += 1
        if self._told_times > TOLD_TIMES_MAX:
            del self.runs[1:]
        return Acknowledged(tuple(self.runs), max(0.0, now - self.newest_at))

    def _join(self, index: int) -> None:
        for upper in (index - 1, index):
            if 0 <= upper < len(self.runs) - 1 and self.runs[upper][0] == self.runs[upper + 1][1] + 1:
                self.runs[upper] = (self.runs[upper + 1][0], self.runs[upper][1])
                del self.runs[upper + 1]
                return


class Words:
    """Word of what arrived: it rides on whatever leaves, and goes alone if nothing does in time."""

    def __init__(self, *, is_dialer: bool = True) -> None:
        self._waits_s = ACKNOWLEDGE_S if is_dialer else GREETING_S
        self.due_at: float | None = None
        """When it goes alone."""
        self.is_answer = False
        """The peer asked: what it sets off may be put in the same datagram."""
        self._arrivals = Arrivals()
        self._is_owed = False
        self.covered = 0
        """Datagrams of which nothing was said yet."""
        self._first_at: float | None = None
        self._pair: Pair | None = None

    @property
    def none_are_missed(self) -> bool:
        """The peer waits for none: all were said, or it spoke once, and would have asked with that."""
        return self.due_at is None and (not self._is_owed or self._arrivals.are_one)

    def note(self, opened: Opened, now: float, *, size_bytes: int, says_something: bool) -> None:
        """A datagram came; if it says nothing that its sender could lose, nothing need be said to it."""
        self._watch_pair(opened.number, now, size_bytes)
        out_of_turn = self._arrivals.add(opened.number, now)
        if not says_something:
            return
        self._is_owed = True
        self.covered += 1
        if opened.asks or out_of_turn or self.covered >= UNASKED_MAX:
            is_lone = self._waits_s == GREETING_S and self._arrivals.are_one and size_bytes < UNIT_BYTES_MIN
            due = now + (LONE_GREETING_S if is_lone else self._waits_s)
            self.due_at = min(due, self.due_at or due)
            self.is_answer = True

    def remind(self) -> None:
        """The peer may not have heard what was said: say it again with whatever leaves next."""
        self._is_owed |= bool(self._arrivals.runs)

    def take(self, now: float) -> list[Part]:
        """The word to put before whatever leaves now, if any is owed."""
        if not self._is_owed:
            return []
        self.clear()
        self._waits_s = ACKNOWLEDGE_S
        pair, self._pair = self._pair, None
        return [self._arrivals.word(now), *((pair,) if pair else ())]

    def clear(self) -> None:
        """Nobody waits for it."""
        self.due_at = None
        self.is_answer = self._is_owed = False
        self.covered = 0

    def _watch_pair(self, number: int, now: float, size_bytes: int) -> None:
        """Long datagrams that left together tell how fast the narrowest link is; the peer may search."""
        if number == 0:
            self._first_at = now if size_bytes >= PAIR_BYTES_MIN else None
        elif number == 1 and self._first_at is not None and size_bytes >= PAIR_BYTES_MIN:
            apart_s = now - self._first_at
            self._pair = Pair(size_bytes, apart_s) if apart_s <= PAIR_APART_S_MAX else None
