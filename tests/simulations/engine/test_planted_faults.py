"""Each checker catches the fault that it is there for, planted where a world is put together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from protocol.entry import SignedEntry, read_entry
from protocol.header import Priority
from protocol.ids import CaseId
from protocol.records import Kind
from sfhub.app import Hub
from sfhub.services import admission
from sfhub.storage.entries import add_entry
from sfhub.views import QueueRow
from simulations.checkers import CapsAreKept, NobodyStarves
from simulations.checkers.observations import CaseTaken, ContactPaid
from simulations.engine.consult_schedule import (
    Answer,
    ConsultAct,
    ConsultSchedule,
    NewConsult,
    ReadPlan,
    draw_consults,
)
from simulations.engine.consult_world import Setup, play_consults
from simulations.engine.hub_host import HubHost
from simulations.engine.pair_world import plain_store, play_pair
from simulations.engine.place import StoreMaker
from simulations.engine.schedule import draw_schedule
from simulations.engine.site import Site
from sync.ports import ChunkOutcome, OutgoingBundle
from sync.stores import MemoryStore
from sync.stores.connection import Connection

SEEDS = range(1, 13)
HOUR_S = 3_600.0


def broken_laws(make_store: StoreMaker) -> str:
    """What the checkers say of some worlds with such stores."""
    courts = [play_pair(draw_schedule(seed), make_store=make_store) for seed in SEEDS]
    return "\n".join(violation for court in courts for violation in court.violations)


class EarlyAcknowledgement(MemoryStore):
    """Says of the first piece of a bundle that all of it is durable."""

    async def persist(self, chunks: Any) -> tuple[ChunkOutcome, ...]:
        outcomes = await super().persist(chunks)
        return tuple(ChunkOutcome.STORED if one is ChunkOutcome.PARTIAL else one for one in outcomes)


class NoDeduplication(MemoryStore):
    """Forgets once of every bundle that the application took it."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._forgotten: set[int] = set()

    async def take(self, row: int) -> None:
        if row in self._forgotten:
            await super().take(row)
        self._forgotten.add(row)


class LeastUrgentFirst(MemoryStore):
    """Tells the session the opposite of how urgent its bundles are."""

    async def outgoing(self, beside: Any) -> tuple[OutgoingBundle, ...]:
        return tuple(map(upside_down, await super().outgoing(beside)))

    def _view(self) -> Any:
        view = super()._view()
        return replace(view, pending=tuple(map(upside_down, view.pending)))


def upside_down(bundle: OutgoingBundle) -> OutgoingBundle:
    priority = Priority(Priority.BULK - bundle.offer.priority)
    return replace(bundle, offer=replace(bundle.offer, priority=priority))


class LosesWhatItPromised(MemoryStore):
    """Lets go of what it is told of, without sending it."""

    async def read(self, sequence: int, offset: int, size_bytes: int) -> bytes:
        data = await super().read(sequence, offset, size_bytes)
        return bytes(len(data))


@pytest.mark.parametrize(
    ("store", "law"),
    [
        (EarlyAcknowledgement, "What is acknowledged is durable."),
        (EarlyAcknowledgement, "Somebody always has custody."),
        (NoDeduplication, "A bundle is delivered once"),
        (LosesWhatItPromised, "Everything arrives once the link heals."),
        (LeastUrgentFirst, "The most urgent byte goes first."),
    ],
)
def test_a_store_with_a_fault_is_found_out(store: type[MemoryStore], law: str) -> None:
    assert law in broken_laws(lambda new_incarnation, state: store(new_incarnation, state=state))


class GivesNothingBack(MemoryStore):
    """Promises what a peer lost, and forgets it."""

    async def note_return(self, incarnation: Any, sequences: Any) -> None:
        return None


def test_a_promise_to_give_back_that_is_forgotten_is_found_out() -> None:
    """Few worlds lose a bundle that only the other end still has, so many are played."""
    found = [
        violation
        for seed in range(1, 201)
        for violation in play_pair(
            draw_schedule(seed, recovers=True),
            make_store=lambda new_incarnation, state: GivesNothingBack(new_incarnation, state=state),
        ).violations
    ]
    assert any("Everything arrives once the link heals." in violation for violation in found)


def test_the_product_store_passes_the_same_worlds() -> None:
    assert broken_laws(plain_store) == ""


# Whole sites.


def quiet(*acts: tuple[float, ConsultAct]) -> ConsultSchedule:
    """A world in which nothing goes wrong but what is planted."""
    return ConsultSchedule(seed=1, sites=2, datagrams=True, loss=0.0, acts=acts)


class AnswersTheLeastUrgent(HubHost):
    """Its worklist stands on its head."""

    def prepare(self, hub: Hub) -> None:
        queue = hub.worklist.queue

        async def from_the_end() -> tuple[QueueRow, ...]:
            return tuple(reversed(await queue()))

        hub.worklist.queue = from_the_end  # type: ignore[method-assign]


class ArmsWhatWasDone(Site):
    """Once an order is done, the next look at the plan shows it as open."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.seen_done: set[tuple[str, int]] = set()

    async def ask(self, method: str, **values: Any) -> Any:
        told = await super().ask(method, **values)
        if method == "plan":
            for reply in told["replies"]:
                for order in reply["orders"]:
                    if (reply["reply"], order["number"]) in self.seen_done:
                        order["status"] = "open"
                    if order["status"] == "done":
                        self.seen_done.add((reply["reply"], order["number"]))
        return told


CONSULTS = (
    (10.0, NewConsult("site-0", "urgent", "First.")),
    (2 * HOUR_S, NewConsult("site-1", "routine", "Second.")),
    (4 * HOUR_S, NewConsult("site-1", "emergency", "Third.")),
)
OF_ONE_SITE = (
    (10.0, NewConsult("site-0", "urgent", "First.")),
    (2 * HOUR_S, NewConsult("site-0", "routine", "Second.")),
)
ANSWERED = (
    (10.0, NewConsult("site-0", "urgent", "First.")),
    (1 * HOUR_S, Answer(1, False)),
    (3 * HOUR_S, ReadPlan("site-0")),
    (4 * HOUR_S, ReadPlan("site-0")),
    (5 * HOUR_S, ReadPlan("site-0")),
)


@pytest.mark.parametrize(
    ("setup", "acts", "law"),
    [
        (
            Setup(hub=AnswersTheLeastUrgent),
            (*CONSULTS, (6 * HOUR_S, Answer(1, False))),
            "The most urgent case is answered first",
        ),
        (Setup(site=ArmsWhatWasDone), ANSWERED, "never armed again"),
    ],
)
def test_a_fault_in_a_service_is_found_out(
    setup: Setup, acts: tuple[tuple[float, ConsultAct], ...], law: str
) -> None:
    assert not play_consults(quiet(*acts)).violations
    violations = play_consults(quiet(*acts), setup=setup).violations
    assert any(law in violation for violation in violations), violations


def test_a_record_in_anothers_case_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    cases: list[CaseId] = []

    def add_to_first(connection: Connection, signed: SignedEntry, *, case_id: CaseId, **named: Any) -> None:
        entry = read_entry(signed)
        if any(record.kind == Kind.CASE_OPENED for record in entry.records):
            cases.append(case_id)
        add_entry(connection, signed, case_id=cases[0] if case_id in cases else case_id, **named)

    assert not play_consults(quiet(*OF_ONE_SITE)).violations
    monkeypatch.setattr(admission, "add_entry", add_to_first)
    violations = play_consults(quiet(*OF_ONE_SITE)).violations
    assert any("No record lies in another patient's case." in violation for violation in violations)


# Laws whose facts other worlds observe.


def test_an_ignored_cap_is_found_out() -> None:
    checker = CapsAreKept()

    def paid(usd: float, day: int) -> ContactPaid:
        return ContactPaid(at_s=1.0, place="site", link="sat", day=day, usd=usd, cap_usd=10.0)

    assert checker.observe(paid(6.0, 1)) is None
    assert checker.observe(paid(6.0, 2)) is None
    assert "12.00 USD" in (checker.observe(paid(6.0, 1)) or "")


def test_a_site_that_is_always_on_and_never_served_is_found_out() -> None:
    checker = NobodyStarves()
    old, young = b"old", b"young"
    hour_s = 3_600.0

    def taken(case: bytes, at_s: float) -> CaseTaken:
        waiting = ((old, Priority.ROUTINE, 0.0), (young, Priority.ROUTINE, at_s - hour_s))
        return CaseTaken(at_s=at_s, place="hub", case=case, priority=Priority.ROUTINE, waiting=waiting)

    assert checker.observe(taken(young, 2 * hour_s)) is None
    assert checker.observe(taken(old, 30 * hour_s)) is None
    assert "passed over" in (checker.observe(taken(young, 30 * hour_s)) or "")


def test_the_consults_that_are_drawn_meet_every_kind_of_mishap() -> None:
    kinds = {type(act).__name__ for seed in range(60) for _, act in draw_consults(seed).acts}
    assert kinds >= {"CrashAt", "StepClock", "FillDisk", "BackUpDisk", "RestoreDisk", "Blackout", "RotDisk"}
