"""Each checker catches the fault that it is there for, planted where a world is put together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from protocol import fold_orders
from protocol.entry import SignedEntry
from protocol.header import Priority
from protocol.ids import Incarnation
from protocol.ranges import RangeSet
from sfhub.services import admission
from sfhub.storage.entries import add_entry
from simulations.checkers import CapsAreKept, NobodyStarves
from simulations.checkers.observations import CaseTaken, ContactPaid
from simulations.hosts.disk import Plant, Store, nothing_planted
from simulations.hosts.life import Side
from simulations.hosts.site import Site
from simulations.seeded.consult_schedule import (
    Answer,
    ConsultAct,
    ConsultSchedule,
    NewConsult,
    ReadPlan,
    draw_consults,
)
from simulations.seeded.consult_world import Setup, play_consults
from simulations.seeded.dear_links import draw_dear_links
from simulations.seeded.failing_disks import draw_failing_disks
from simulations.seeded.pair_world import HEALED, play_pair
from simulations.seeded.schedule import NODE, Add, BackUp, CrashOn, Meet, Restore, Schedule, draw_schedule
from simulations.seeded.setbacks import draw_setbacks
from simulations.seeded.strangers import draw_strangers
from simulations.virtual.wire import Mischief
from sync.ports import (
    ChunkOutcome,
    IncomingChunk,
    OutgoingBundle,
    SafeMark,
    SessionView,
    ToReturn,
)
from sync.stores.connection import Connection

from .whole_plants import WHOLE_FAULTS

Draw = Callable[[int], ConsultSchedule]

SEEDS = range(1, 13)
SETBACK_SEEDS = range(1, 61)
HEALING_SEEDS = range(1, 16)
"""The seeds of setbacks that `test_worlds` plays."""
HOUR_S = 3_600.0


def first_broken(law: str, schedules: Iterable[Schedule], plant: Plant) -> str | None:
    """What the checker of that law says of the first world in which it finds something."""
    for schedule in schedules:
        for violation in play_pair(schedule, plant=plant).violations:
            if law in violation:
                return violation
    return None


# Faults of a store, each planted in an instance of the product's: in memory and in files alike.


def acknowledges_early(store: Store) -> None:
    """Says of the first piece of a bundle that all of it is durable."""
    persist = store.persist

    async def early(chunks: Sequence[IncomingChunk]) -> tuple[ChunkOutcome, ...]:
        outcomes = await persist(chunks)
        return tuple(ChunkOutcome.STORED if one is ChunkOutcome.PARTIAL else one for one in outcomes)

    replace_method(store, early, "persist")


def forgets_what_was_taken(store: Store) -> None:
    """Forgets once of every bundle that the application took it."""
    take, forgotten = store.take, set[int]()

    async def forgetful(row: int) -> None:
        if row in forgotten:
            await take(row)
        forgotten.add(row)

    replace_method(store, forgetful, "take")


def sends_zeros(store: Store) -> None:
    """Lets go of what it is told of, without sending it."""
    read = store.read

    async def nothing(sequence: int, offset: int, size_bytes: int) -> bytes:
        return bytes(len(await read(sequence, offset, size_bytes)))

    replace_method(store, nothing, "read")


def sends_the_least_urgent(store: Store) -> None:
    """Tells the session the opposite of how urgent its bundles are."""
    outgoing, open_session = store.outgoing, store.open_session

    async def from_the_end(beside: RangeSet) -> tuple[OutgoingBundle, ...]:
        return tuple(map(upside_down, await outgoing(beside)))

    async def opened() -> SessionView:
        view = await open_session()
        return replace(view, pending=tuple(map(upside_down, view.pending)))

    replace_method(store, from_the_end, "outgoing")
    replace_method(store, opened, "open_session")


def upside_down(bundle: OutgoingBundle) -> OutgoingBundle:
    priority = Priority(Priority.BULK - bundle.offer.priority)
    return replace(bundle, offer=replace(bundle.offer, priority=priority))


def forgets_what_it_lost(store: Store) -> None:
    """Notes nowhere which numbers of its own the peer holds and it does not know."""
    ignore(store, "note_foreign")


def believes_promises_unsaid(store: Store) -> None:
    """Takes what it is about to ask back for promised."""
    note_foreign = store.note_foreign

    async def promised_at_once(incarnation: Incarnation, sequences: RangeSet) -> None:
        await note_foreign(incarnation, sequences)
        await store.mark_promised(incarnation, sequences)

    replace_method(store, promised_at_once, "note_foreign")


def forgets_what_it_promised(store: Store) -> None:
    """Promises what a peer lost, and notes it nowhere."""

    async def nothing(_: Incarnation, sequences: RangeSet) -> int:
        return len(sequences)

    replace_method(store, nothing, "note_return")


def returns_nothing(store: Store) -> None:
    """Has it noted, and never tells the application."""

    async def nothing(limit: int) -> tuple[ToReturn, ...]:
        return ()

    replace_method(store, nothing, "to_return")


def calls_all_safe(store: Store) -> None:
    """Says of whatever it holds that it is in a verified backup."""
    open_session = store.open_session

    async def opened() -> SessionView:
        view = await open_session()
        marks = [SafeMark(incarnation=each.incarnation, sequences=each.held) for each in view.received]
        return replace(view, safe_here=tuple(marks))

    replace_method(store, opened, "open_session")


def prunes_what_is_stored(store: Store) -> None:
    """Takes what the peer holds for safe there."""
    prune = store.prune

    async def greedy(*, stored_before_s: float, keep_newest: int) -> int:
        view = await store.open_session()
        await store.mark_safe(view.incarnation, view.stored)
        return await prune(stored_before_s=stored_before_s, keep_newest=keep_newest)

    replace_method(store, greedy, "prune")


def ignores_losses(store: Store) -> None:
    """Goes on believing that the peer holds what it lost."""
    ignore(store, "mark_lost")


def ignore(store: Store, name: str) -> None:
    async def nothing(*_: object) -> None:
        return None

    replace_method(store, nothing, name)


def replace_method(store: Store, method: object, name: str) -> None:
    setattr(store, name, method)


ARRIVES = "Everything arrives once the link heals."
SAFE = "What is called safe, or pruned"


@pytest.mark.parametrize(
    ("plant", "law"),
    [
        (acknowledges_early, "What is acknowledged is durable."),
        (acknowledges_early, "Somebody always has custody."),
        (forgets_what_was_taken, "A bundle is delivered once"),
        (sends_zeros, ARRIVES),
        (sends_the_least_urgent, "The most urgent byte goes first."),
    ],
)
def test_a_store_with_a_fault_is_found_out(plant: Plant, law: str) -> None:
    assert first_broken(law, map(draw_schedule, SEEDS), plant)


RECOVERS_WRONGLY = [
    (forgets_what_it_promised, ARRIVES),
    (returns_nothing, ARRIVES),
    (calls_all_safe, SAFE),
    (prunes_what_is_stored, SAFE),
    (ignores_losses, ARRIVES),
]


@pytest.mark.parametrize(("plant", "law"), RECOVERS_WRONGLY)
def test_a_store_that_recovers_wrongly_is_found_out(plant: Plant, law: str) -> None:
    """With no more seeds than the worlds without a fault."""
    assert first_broken(law, map(draw_setbacks, SETBACK_SEEDS), plant)


@pytest.mark.parametrize("plant", [forgets_what_it_lost, believes_promises_unsaid])
def test_what_is_forgotten_of_a_loss_is_found_out_again(plant: Plant) -> None:
    """Neither fault loses anything: each comparison finds all numbers that stand for nothing here."""
    assert first_broken("", map(draw_setbacks, HEALING_SEEDS), plant) is None
    acts = (
        Add(NODE, "before", 60, Priority.ROUTINE),
        Meet(node=NODE, datagrams=True),
        BackUp(NODE),
        Add(NODE, "lost", 60, Priority.ROUTINE),
        Meet(node=NODE, datagrams=True),
        Restore(NODE, 0),
        Meet(node=NODE, datagrams=True, crash=CrashOn(NODE, "renew_incarnation", Side.AFTER)),
    )
    schedule = Schedule(seed=1, profile=HEALED, mischief=Mischief(), acts=acts, recovers=True)
    assert not play_pair(schedule, plant=plant).violations


@pytest.mark.parametrize(("plant", "law"), RECOVERS_WRONGLY)
def test_a_store_in_files_that_recovers_wrongly_is_found_out(plant: Plant, law: str) -> None:
    schedules = (replace(draw_setbacks(seed), on_files=True) for seed in SETBACK_SEEDS)
    assert first_broken(law, schedules, plant)


def test_the_product_store_passes_the_same_worlds() -> None:
    assert first_broken("", map(draw_schedule, SEEDS), nothing_planted) is None


# Whole sites.


def quiet(*acts: tuple[float, ConsultAct]) -> ConsultSchedule:
    """A world in which nothing goes wrong but what is planted."""
    return ConsultSchedule(seed=1, sites=2, datagrams=True, loss=0.0, acts=acts)


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


def test_an_order_that_was_done_and_is_shown_as_open_is_found_out() -> None:
    assert not play_consults(quiet(*ANSWERED)).violations
    violations = play_consults(quiet(*ANSWERED), setup=Setup(site=ArmsWhatWasDone)).violations
    assert any("never armed again" in violation for violation in violations), violations


CATCHES: dict[str, tuple[Draw, int]] = {
    "a receipt before the sync": (draw_consults, 4),
    "a receipt before the write": (draw_consults, 4),
    "a receipt for the first piece": (draw_failing_disks, 4),
    "no deduplication": (draw_consults, 4),
    "the least urgent first": (draw_consults, 9),
    "losses ignored": (draw_consults, 3),
    "a wrong case": (draw_consults, 3),
    "an older reply arms again": (draw_consults, 12),
    "one site is put last": (draw_consults, 6),
    "the worklist stands on its head": (draw_consults, 6),
    "an ignored cap": (draw_dear_links, 2),
    "pictures without a sync": (draw_failing_disks, 4),
    "backups not read back": (draw_failing_disks, 5),
    "nothing for a new device": (draw_strangers, 9),
    "strangers admitted": (draw_strangers, 7),
}
"""One world of those that catch each; how many of how many do is in the docs."""


@pytest.mark.parametrize("name", WHOLE_FAULTS)
def test_a_fault_in_whole_sites_or_their_hub_is_found_out(name: str) -> None:
    fault, (draw, seed) = WHOLE_FAULTS[name], CATCHES[name]
    with fault.patched():
        violations = play_consults(draw(seed), setup=fault.setup).violations
    assert any(fault.law in violation for violation in violations), violations


def test_an_older_reply_that_arms_again_what_a_newer_one_stopped_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    acts: tuple[tuple[float, ConsultAct], ...] = (
        (10.0, NewConsult("site-0", "urgent", "First.")),
        (1 * HOUR_S, Answer(2, False)),
        (2 * HOUR_S, Answer(1, True)),
        (5 * HOUR_S, ReadPlan("site-0")),
    )
    court = play_consults(quiet(*acts))
    assert not court.violations
    assert court.heard["OrderEnded"] >= 2
    monkeypatch.setattr(fold_orders, "_stopped", lambda readable: frozenset())
    monkeypatch.setattr(fold_orders, "_passed_over", lambda readable: frozenset())
    violations = play_consults(quiet(*acts)).violations
    assert any("never armed again" in violation for violation in violations), violations


def test_a_part_that_fails_unforeseen_is_found_out_although_all_arrives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failures = [KeyError("planted")]

    def fails_once(connection: Connection, signed: SignedEntry, **named: Any) -> None:
        if failures:
            raise failures.pop()
        add_entry(connection, signed, **named)

    monkeypatch.setattr(admission, "add_entry", fails_once)
    violations = play_consults(quiet(*OF_ONE_SITE)).violations
    assert not failures
    assert any("did not foresee" in violation and "planted" in violation for violation in violations)
    assert not any(ARRIVES in violation for violation in violations)


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
        since_s = dict((each[0], each[2]) for each in waiting)[case]
        return CaseTaken(
            at_s=at_s, place="hub", case=case, priority=Priority.ROUTINE, since_s=since_s, waiting=waiting
        )

    assert checker.observe(taken(young, 2 * hour_s)) is None
    assert checker.observe(taken(old, 30 * hour_s)) is None
    assert "passed over" in (checker.observe(taken(young, 30 * hour_s)) or "")


def test_the_consults_that_are_drawn_meet_every_kind_of_mishap() -> None:
    kinds = {type(act).__name__ for seed in range(60) for _, act in draw_consults(seed).acts}
    assert kinds >= {"CrashAt", "StepClock", "FillDisk", "BackUpDisk", "RestoreDisk", "Blackout", "RotDisk"}
