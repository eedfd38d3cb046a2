"""The specialists of a hub: who is free, who may answer what, and how long a reply takes them."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from protocol.header import Priority
from sfhub.domain.worklist import Waiting, worklist_order
from simulations.world.world import Clinicians

READING_SIGMA: Final = 0.4
ADVICE_SHARE: Final = 0.25
"""Of the reading time, after which an emergency has its first advice."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A case that a specialist has taken: when the immediate advice goes out, if any, and the reply."""

    case: int
    person: int
    """Who, counted over all of the world's specialists."""
    taken_s: float
    advised_s: float | None
    answered_s: float


class Desk:
    """Gives the most urgent case to whoever is free, at work and skilled; the hub's own order decides."""

    def __init__(self, clinicians: Iterable[Clinicians], *, seed: str) -> None:
        self._people = [each for each in clinicians for _ in range(each.count)]
        self._free_s = [0.0] * len(self._people)
        self._draw = random.Random(seed)
        self._waiting: dict[int, tuple[Waiting, str]] = {}

    def add(
        self, case: int, *, priority: Priority, complaint: str, at_s: float, score_worst: int = 0
    ) -> None:
        """A case can be read from now on, or has news since its answer."""
        waiting = Waiting(
            case=f"{case:09d}",
            urgency=priority,
            needs_answer=True,
            score_worst=score_worst,
            waiting_since_s=at_s,
        )
        self._waiting.setdefault(case, (waiting, complaint))

    def in_order(self, waiting: list[Waiting]) -> Iterable[Waiting]:
        """As the hub's worklist shows them."""
        return worklist_order(waiting)

    def waiting(self) -> tuple[int, int, int, int]:
        """Cases that nobody has taken, by class."""
        counts = [0, 0, 0, 0]
        for waiting, _ in self._waiting.values():
            counts[waiting.urgency] += 1
        return counts[0], counts[1], counts[2], counts[3]

    def take(self, now_s: float) -> list[Reading]:
        """Whatever is taken up now."""
        begun: list[Reading] = []
        free = [index for index, free_s in enumerate(self._free_s) if self._may_take(index, free_s, now_s)]
        if not free or not self._waiting:
            return begun
        for waiting in self.in_order([waiting for waiting, _ in self._waiting.values()]):
            case = int(waiting.case)
            complaint = self._waiting[case][1]
            able = [index for index in free if self._can_answer(index, complaint)]
            if not able:
                continue
            # The narrowest expert who can, so that whoever can answer anything stays free for the rest.
            chosen = min(able, key=lambda index: (len(self._people[index].skills) or 1_000, index))
            free.remove(chosen)
            del self._waiting[case]
            begun.append(self._read(case, chosen, waiting.urgency, now_s))
            if not free:
                break
        return begun

    def next_s(self, now_s: float) -> float:
        """When somebody may next be free for what waits; infinity with nothing waiting."""
        if not self._waiting:
            return math.inf
        moments = (
            person.next_at_work_s(max(now_s, free_s))
            for person, free_s in zip(self._people, self._free_s, strict=True)
        )
        return min((moment for moment in moments if moment > now_s), default=math.inf)

    def _may_take(self, index: int, free_s: float, now_s: float) -> bool:
        return free_s <= now_s and self._people[index].is_at_work(now_s)

    def _can_answer(self, index: int, complaint: str) -> bool:
        skills = self._people[index].skills
        return not skills or complaint in skills

    def _read(self, case: int, index: int, priority: Priority, now_s: float) -> Reading:
        takes_s = self._people[index].reading_s * self._draw.lognormvariate(0.0, READING_SIGMA)
        self._free_s[index] = now_s + takes_s
        is_emergency = priority is Priority.EMERGENCY
        return Reading(
            case=case,
            person=index,
            taken_s=now_s,
            advised_s=now_s + ADVICE_SHARE * takes_s if is_emergency else None,
            answered_s=now_s + takes_s,
        )
