"""The hub's people in a run: what arrives, who takes it up, what they answer and when it goes out."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Final, Protocol

from protocol.header import Priority
from simulations.checkers.observations import CaseTaken, Observation
from simulations.report import AlarmRow, QueueRow
from simulations.virtual.trace import Field
from simulations.workload import Reading
from simulations.world import World

from .goods import Goods, Parcel, Story
from .parts import Parts

ADVICE_BYTES: Final = 235
"""A sealed reply headline, as `sfsim bench` measures it."""
SIZE_SIGMA: Final = 0.3
UNCLAIMED_S: Final = 900.0
"""An emergency that nobody takes up for so long is told to a named person."""


class Yard(Protocol):
    """What the desk needs of the run."""

    def later(self, at_s: float, action: Callable[[float], None]) -> None: ...

    def send_down(self, story: Story, what: str, size_bytes: int, now_s: float) -> None: ...

    def observe(self, observation: Observation) -> None: ...

    def alarm(self, alarm: AlarmRow) -> None: ...

    def note(self, at_s: float, who: str, what: str, **fields: Field) -> None: ...


class HubDesk:
    """Stories on the hub's side."""

    def __init__(self, world: World, goods: Goods, yard: Yard, *, seed: int, parts: Parts) -> None:
        self._world = world
        self._goods = goods
        self._yard = yard
        self._desk = parts.desk(world.clinicians, f"desk/{seed}")
        self._draw = random.Random(f"replies/{seed}")
        self._since_s: dict[int, float] = {}
        self._wakes_at = math.inf
        self._most = (0, 0, 0, 0)
        """Cases that waited at once since the last sample, by class."""
        self.samples: list[QueueRow] = []

    def arrived(self, parcel: Parcel, now_s: float) -> None:
        """A bundle of a site is durable at the hub."""
        story = self._goods.stories[parcel.case]
        if parcel.what in ("headline", "text") and story.useful_s is None:
            story.useful_s = now_s
            self._enter(story, now_s)
        if parcel.what == "text":
            story.text_stored_s = now_s
        self.work(now_s)

    def work(self, now_s: float) -> None:
        """Whoever is free takes the most urgent case."""
        for reading in self._desk.take(now_s):
            self._taken(reading, now_s)
        next_s = self._desk.next_s(now_s)
        if next_s < self._wakes_at or self._wakes_at <= now_s:
            self._wakes_at = next_s
            if not math.isinf(next_s):
                self._yard.later(next_s, self.work)

    def sample(self, now_s: float) -> None:
        """The most that waited at once since the last sample, for the report."""
        emergency, urgent, routine, bulk = self._most
        self._most = self._desk.waiting()
        self.samples.append(
            QueueRow(at_s=now_s, emergency=emergency, urgent=urgent, routine=routine, bulk=bulk)
        )

    def _enter(self, story: Story, now_s: float) -> None:
        self._since_s[story.case] = now_s
        consult = story.consult
        self._desk.add(story.case, priority=consult.priority, complaint=consult.complaint, at_s=now_s)
        emergency, urgent, routine, bulk = map(max, self._most, self._desk.waiting())
        self._most = emergency, urgent, routine, bulk
        if consult.priority is Priority.EMERGENCY:
            self._yard.later(now_s + UNCLAIMED_S, lambda at_s: self._check_claimed(story, at_s))

    def _taken(self, reading: Reading, now_s: float) -> None:
        story = self._goods.stories[reading.case]
        story.taken_s = now_s
        self._yard.note(now_s, "hub", "case taken", case=story.case)
        self._yard.observe(
            CaseTaken(
                at_s=now_s,
                place="hub",
                case=_name(story.case),
                priority=story.consult.priority,
                since_s=self._since_s[story.case],
                waiting=tuple(self._waiting_beside(story)),
            )
        )
        del self._since_s[story.case]
        if reading.advised_s is not None:
            self._yard.later(reading.advised_s, lambda at_s: self._advise(story, at_s))
        self._yard.later(reading.answered_s, lambda at_s: self._answer(story, at_s))

    def _waiting_beside(self, story: Story) -> list[tuple[bytes, Priority, float]]:
        """Those that the same skill answers: a skin case passed over for a free surgeon is not starved."""
        complaint = story.consult.complaint
        return [
            (_name(case), self._goods.stories[case].consult.priority, since_s)
            for case, since_s in self._since_s.items()
            if self._goods.stories[case].consult.complaint == complaint
        ]

    def _advise(self, story: Story, now_s: float) -> None:
        self._yard.send_down(story, "advice", ADVICE_BYTES, now_s)

    def _answer(self, story: Story, now_s: float) -> None:
        story.answered_s = now_s
        size_bytes = round(self._world.reply_bytes * self._draw.lognormvariate(0.0, SIZE_SIGMA))
        self._yard.send_down(story, "reply", size_bytes, now_s)

    def _check_claimed(self, story: Story, now_s: float) -> None:
        if story.taken_s is None:
            cause = "an emergency that nobody has claimed"
            self._yard.alarm(AlarmRow(at_s=now_s, site=None, cause=cause, needs_action=True))


def _name(case: int) -> bytes:
    return case.to_bytes(4, "big")
