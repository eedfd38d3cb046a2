"""What is planned happens at its moment, or is called off with the run; a refusal is told."""

from __future__ import annotations

import asyncio

from sfnode.errors import Refused
from simulations.checkers.observations import Observation
from simulations.report import AlarmRow
from simulations.virtual.loop import run_virtual
from simulations.virtual.trace import Field
from simulations.whole.doings import Doings
from simulations.whole.moments import RunTime


class Heard:
    """A yard that remembers refusals."""

    def __init__(self) -> None:
        self.refusals: list[str] = []

    def observe(self, observation: Observation) -> None:
        """Nobody asks."""

    def alarm(self, alarm: AlarmRow) -> None:
        """Nobody asks."""

    def note(self, who: str, what: str, **fields: Field) -> None:
        """Nobody asks."""

    def refused(self, place: str, error: Exception) -> None:
        self.refusals.append(str(error))


def test_what_is_planned_is_done_in_time_and_the_rest_is_called_off() -> None:
    done: list[tuple[str, float]] = []
    heard = Heard()

    async def play() -> None:
        time = RunTime.after(0.0)

        async def act(what: str) -> None:
            done.append((what, round(time.now_s(), 3)))

        async def ask_too_much() -> None:
            raise Refused("No.")

        async with asyncio.TaskGroup() as group:
            doings = Doings(group, time, heard)
            doings.later(20.0, act("second"))
            doings.later(10.0, act("first"))
            doings.later(15.0, ask_too_much())
            doings.later(1e6, act("never"))
            await time.wait_s(30.0)
            # Called off before its first step.
            doings.now(act("too late"))
            await doings.end()
            doings.later(40.0, act("after the end"))

    run_virtual(play())
    assert done == [("first", 10.0), ("second", 20.0)]
    assert heard.refusals == ["No."]


def test_a_run_begins_at_a_midnight_after_its_prelude() -> None:
    async def seconds() -> tuple[float, float]:
        time = RunTime.after(3_600.0)
        before_s = time.now_s()
        await time.wait_s(0.0)
        return before_s, time.of_wall_s(1_800_057_600.0)

    before_s, midnight_s = run_virtual(seconds())
    assert before_s <= -3_600.0
    assert midnight_s == 0.0
