"""The specialists of the hub: they take cases from the product's own worklist, in its order, and reply.

Shifts, skills and reading times are the world's; what waits, and what comes first, only the hub says.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from protocol.header import Priority
from sfhub.app import Hub
from sfhub.domain.worklist import Waiting
from simulations.checkers.observations import CaseTaken
from simulations.fleet.desk_side import ADVICE_BYTES, SIZE_SIGMA
from simulations.hosts.hub_host import HubHost
from simulations.hosts.life import Crashed
from simulations.report import QueueRow
from simulations.workload import Desk, Reading
from simulations.world import Clinicians, World

from .doings import Doings
from .moments import RunTime
from .stories import Stories
from .texts import ASSESSMENT_LETTERS_MAX, text_of
from .yard import Yard

EMPTY_REPLY_BYTES: Final = 260
"""Of a sealed reply with one order and an assessment of one letter."""
EMPTY_ADVICE_BYTES: Final = 198
LOOK_EVERY_S: Final = 5.0
"""Nobody looks at a worklist more often; a burst of arrivals is one look."""
RECHECK_EVERY_MIN: Final = 240
"""What replies to urgent cases ask for: new readings every four hours."""
VALID_FOR_MIN: Final = 2 * 1_440

Row = Mapping[str, Any]
"""One line of the worklist, as the hub shows it."""


class WorklistDesk(Desk):
    """Whoever is free takes the first case that he can answer of a list that the hub has put in order."""

    def __init__(self, clinicians: Iterable[Clinicians], *, seed: str) -> None:
        super().__init__(clinicians, seed=seed)
        self._places: dict[str, int] = {}

    def show(self, rows: Iterable[tuple[int, Row, str, float]]) -> None:
        """What waits now, in its order: number of the case, line, complaint, and since when."""
        self._waiting.clear()
        self._places.clear()
        for place, (case, row, complaint, since_s) in enumerate(rows):
            self.add(case, priority=Priority(row["urgency"]), complaint=complaint, at_s=since_s)
            self._places[self._waiting[case][0].case] = place

    def in_order(self, waiting: list[Waiting]) -> Iterable[Waiting]:
        return sorted(waiting, key=lambda each: self._places[each.case])


class Specialists:
    """All of them."""

    def __init__(
        self,
        world: World,
        hub: HubHost,
        stories: Stories,
        *,
        time: RunTime,
        seed: int,
        doings: Doings,
        yard: Yard,
        desk: type[WorklistDesk] = WorklistDesk,
    ) -> None:
        self._world = world
        self._hub = hub
        self._stories = stories
        self._time = time
        self._doings = doings
        self._yard = yard
        self._desk = desk(world.clinicians, seed=f"desk/{seed}")
        self._sizes = random.Random(f"replies/{seed}")
        self._words = random.Random(f"words/{seed}")
        self._names = [f"{each.name}, {n + 1}" for each in world.clinicians for n in range(each.count)]
        self._rows: dict[int, Row] = {}
        """What waits and nobody has taken, by the number of its story."""
        self._in_hand: set[int] = set()
        self._stirred = asyncio.Event()
        self._is_open = asyncio.Event()
        self._most = (0, 0, 0, 0)
        self.samples: list[QueueRow] = []

    # The hub.

    def hub_opened(self, hub: Hub) -> None:
        """A life of it begins: whatever changes there may be a case for somebody."""
        hub.changes.listen(lambda cases: self._stirred.set())
        self._is_open.set()
        self._stirred.set()

    def hub_closed(self) -> None:
        """Nobody can look or answer until it is there again."""
        self._is_open.clear()

    async def sign_in(self) -> None:
        """Before the first case."""
        for name in self._names:
            await self._ask("clinician_add", name=name, role="specialist")

    async def run(self) -> None:
        """Look, take and answer until cancelled."""
        while True:
            self._stirred.clear()
            await self._look()
            now_s = self._time.now_s()
            for reading in self._desk.take(now_s):
                self._take(reading, now_s)
            next_s = self._desk.next_s(self._time.now_s())
            await self._wait_stirred(next_s)
            await asyncio.sleep(LOOK_EVERY_S)

    def sample(self) -> None:
        """The most that waited at once since the last sample, for the report."""
        emergency, urgent, routine, bulk = self._most
        self._most = self._desk.waiting()
        self.samples.append(
            QueueRow(at_s=self._time.now_s(), emergency=emergency, urgent=urgent, routine=routine, bulk=bulk)
        )

    # At the worklist.

    async def _look(self) -> None:
        rows = await self._ask("queue")
        waiting = [(self._stories.of(row["case"]), row) for row in rows if row["needs_answer"]]
        shown = [
            (story, row) for story, row in waiting if story is not None and story.case not in self._in_hand
        ]
        self._rows = {story.case: row for story, row in shown}
        self._desk.show(
            (story.case, row, story.consult.complaint, self._since_s(row)) for story, row in shown
        )
        emergency, urgent, routine, bulk = map(max, self._most, self._desk.waiting())
        self._most = emergency, urgent, routine, bulk

    def _take(self, reading: Reading, now_s: float) -> None:
        row = self._rows[reading.case]
        story = self._stories.opened[reading.case]
        story.taken_s = now_s if story.taken_s is None else story.taken_s
        self._yard.observe(
            CaseTaken(
                at_s=now_s,
                place=self._hub.name,
                case=bytes.fromhex(row["case"]),
                priority=Priority(row["urgency"]),
                since_s=self._since_s(row),
                waiting=tuple(self._waiting_beside(story.consult.complaint)),
            )
        )
        del self._rows[reading.case]
        self._in_hand.add(reading.case)
        self._doings.now(self._answer(reading, row["case"]))

    def _waiting_beside(self, complaint: str) -> Sequence[tuple[bytes, Priority, float]]:
        """Those that the same skill answers: a skin case passed over for a free surgeon is not starved."""
        return [
            (bytes.fromhex(row["case"]), Priority(row["urgency"]), self._since_s(row))
            for case, row in self._rows.items()
            if self._stories.opened[case].consult.complaint == complaint
        ]

    async def _answer(self, reading: Reading, case: str) -> None:
        try:
            await self._read(reading, case)
        finally:
            self._in_hand.discard(reading.case)
            self._stirred.set()

    async def _read(self, reading: Reading, case: str) -> None:
        story, name = self._stories.opened[reading.case], self._names[reading.person]
        await self._ask("case_seen", case=case, by=name)
        if reading.advised_s is not None and story.answered_s is None:
            await self._time.wait_s(reading.advised_s)
            text = text_of(ADVICE_BYTES - EMPTY_ADVICE_BYTES, self._words)
            await self._ask("advice", case=case, by=name, text=text)
        await self._time.wait_s(reading.answered_s)
        await self._ask("reply", case=case, by=name, reply=self._reply(story.consult.priority))
        if story.answered_s is None:
            story.answered_s = self._time.now_s()

    def _reply(self, priority: Priority) -> dict[str, object]:
        size_bytes = self._world.reply_bytes * self._sizes.lognormvariate(0.0, SIZE_SIGMA)
        reply: dict[str, object] = {
            "assessment": text_of(
                size_bytes - EMPTY_REPLY_BYTES, self._words, letters_max=ASSESSMENT_LETTERS_MAX
            ),
            "orders": [{"name": "Rest", "details": "until it is better"}],
            "valid_for_min": VALID_FOR_MIN,
        }
        return reply | ({"recheck_every_min": RECHECK_EVERY_MIN} if priority <= Priority.URGENT else {})

    def _since_s(self, row: Row) -> float:
        return self._time.of_wall_s(row["since_s"])

    async def _ask(self, method: str, **values: Any) -> Any:
        """Of a hub that was down, once it is there again."""
        while True:
            await self._is_open.wait()
            try:
                return await self._hub.ask(method, **values)
            except Crashed:
                self._is_open.clear()

    async def _wait_stirred(self, until_s: float) -> None:
        due = None
        if not math.isinf(until_s):
            wait_s = max(0.0, until_s - self._time.now_s())
            due = asyncio.get_running_loop().call_later(wait_s, self._stirred.set)
        try:
            await self._stirred.wait()
        finally:
            if due is not None:
                due.cancel()
