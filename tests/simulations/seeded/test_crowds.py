"""A hub whom many call at once, and one whose disk is full: it goes on, and loses nothing."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from protocol.ids import Pseudonym
from sfhub.app import Hub
from simulations.hosts.foundation import HUB, site_name
from simulations.hosts.hub_host import HubHost
from simulations.seeded.consult_schedule import (
    HOUR_S,
    Answer,
    Blackout,
    ConsultSchedule,
    FillDisk,
    MoreFindings,
    NewConsult,
    ReadPlan,
)
from simulations.seeded.consult_world import Setup, play_consults
from simulations.virtual.loop import START_S, virtual_loop
from simulations.virtual.trace import Trace
from sync.links.callee import Callee

SITES = 4
DARK_FROM_S = 1 * HOUR_S
DARK_S = 5.5 * HOUR_S


def test_after_a_blackout_everything_arrives_and_nobody_calls_in_step() -> None:
    names = [site_name(number) for number in range(SITES)]
    written = [
        (DARK_FROM_S + 600.0 + number, NewConsult(name, "urgent", "Written in the dark."))
        for number, name in enumerate(names)
    ]
    schedule = ConsultSchedule(
        seed=1,
        sites=SITES,
        datagrams=True,
        loss=0.02,
        acts=((DARK_FROM_S, Blackout(DARK_S)), *written, (DARK_FROM_S + DARK_S + HOUR_S, ReadPlan(names[0]))),
    )
    calls_s: list[float] = []

    class Counting(HubHost):
        """Notes when somebody calls."""

        def prepare(self, hub: Hub) -> None:
            setattr(hub.contacts, "callee", noting(hub.contacts.callee, calls_s))  # noqa: B010 - Of one hub.

    lines: list[str] = []
    court = play_consults(schedule, trace=Trace(lines.append), setup=Setup(hub=Counting))
    assert not court.violations
    back_s = DARK_FROM_S + DARK_S
    storm = sorted(at_s - START_S - back_s for at_s in calls_s if 0.0 <= at_s - START_S - back_s < HOUR_S)
    assert len(storm) >= SITES
    assert storm[SITES - 1] - storm[0] >= 30.0, "they all call at once"
    assert max(sum(first <= each < first + 1.0 for each in storm) for first in storm) <= 2
    stored_s = [float(line.split()[0]) for line in lines if f"{HUB}:" in line and "ReceiptWritten" in line]
    assert max(stored_s) - START_S - back_s <= HOUR_S


def noting(
    callee: Callable[[Pseudonym], Coroutine[Any, Any, Callee | None]], calls_s: list[float]
) -> Callable[[Pseudonym], Coroutine[Any, Any, Callee | None]]:
    async def noted(pseudonym: Pseudonym) -> Callee | None:
        calls_s.append(virtual_loop().time())
        return await callee(pseudonym)

    return noted


def test_a_hub_with_a_full_disk_goes_on_and_takes_what_comes_once_there_is_room() -> None:
    schedule = ConsultSchedule(
        seed=1,
        sites=1,
        datagrams=True,
        loss=0.0,
        acts=(
            (10.0, NewConsult("site-0", "urgent", "Before.")),
            (1 * HOUR_S, FillDisk(HUB, 3 * HOUR_S)),
            (2 * HOUR_S, MoreFindings("site-0", "While there was no room.")),
            (6 * HOUR_S, Answer(1, False)),
            (8 * HOUR_S, ReadPlan("site-0")),
        ),
    )
    lines: list[str] = []
    court = play_consults(schedule, trace=Trace(lines.append))
    assert not court.violations
    assert sum("had no room" in line for line in lines) == 1
    assert not any("starts again" in line for line in lines), "it died of it"
    assert court.heard["OrderShown"] >= 1
