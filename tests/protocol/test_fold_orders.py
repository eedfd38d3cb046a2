"""Orders: what was ended, done or suspended never asks for anything again because more came to be known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.admission import admitted
from protocol.basis import basis_of
from protocol.clinical import Note, Vitals, Voided
from protocol.corrections import MoveAccepted, Moved
from protocol.fold import CaseState, OrderStatus, fold
from protocol.ids import ActorId, Mailbox, RecordId, mailbox_of
from protocol.orders import (
    Disposition,
    Order,
    OrderConfirmed,
    OrderGiven,
    OrderRefused,
    OrderStopped,
    PriorOrder,
    Reply,
)
from protocol.records import Kind, NewRecord, Record, Reference, Relation
from tests.protocol.cases import COORDINATOR, HUB, MEDIC, SITE, SPECIALIST, WALL_S, Author

ARMED = {OrderStatus.OPEN, OrderStatus.CONFIRMED}
SECOND_HUB = mailbox_of("Elsewhere", "second hub")
NUMBERS = (1, 2)


def say(author: Author, counter: int, body: Any, *refs: tuple[Relation, Record]) -> Record:
    references = tuple(Reference(relation, record.record_id) for relation, record in refs)
    return author.entry(NewRecord(body, references), counter=counter, introduced=False).records[0]


def prior(of: Record, number: int, disposition: Disposition) -> PriorOrder:
    return PriorOrder(reply=of.record_id, order=number, disposition=disposition)


def reply(
    counter: int,
    *prior_orders: PriorOrder,
    supersedes: Iterable[Record] = (),
    names: Iterable[Record] = (),
    seen: Iterable[Record] = (),
) -> Record:
    body = Reply(
        basis=basis_of(seen),
        assessment=f"Written at {counter}.",
        orders=tuple(Order(number=number, name=f"drug {number}") for number in NUMBERS),
        prior=prior_orders,
    )
    replaced = [(Relation.SUPERSEDES, record) for record in supersedes]
    return say(SPECIALIST, counter, body, *replaced, *((Relation.ABOUT, record) for record in names))


def void(record: Record, counter: int, author: Author = SPECIALIST) -> Record:
    return say(author, counter, Voided(reason="slip"), (Relation.VOIDS, record))


def move(counter: int) -> Record:
    return say(MEDIC, counter, Moved(case=b"case-two-2", patient=b"patient-22", reason="wrong bunk"))


def accept(moved: Record, counter: int, *, go_on: bool) -> Record:
    return say(MEDIC, counter, MoveAccepted(orders_go_on=go_on), (Relation.ABOUT, moved))


def status(state: CaseState, of: Record, number: int = 1) -> OrderStatus | None:
    """None for an order of a reply that does not stand."""
    found = (each for each in state.orders if (each.reply.record_id, each.order.number) == key(of, number))
    return next((each.status for each in found), None)


def key(of: Record, number: int) -> tuple[RecordId, int]:
    return of.record_id, number


FIRST = reply(10)


def test_a_move_that_the_reply_does_not_name_suspends_its_orders_whatever_the_counters() -> None:
    """Notes of the hub raise the counter of the basis above that of a move it has never seen."""
    vitals = say(MEDIC, 5, Vitals(observed_s=WALL_S, heart_rate_min=90))
    unseen = move(6)
    notes = [say(SPECIALIST, 6 + n, Note(language="en", text=f"note {n}")) for n in range(3)]
    blind = reply(20, seen=[vitals, *notes])
    assert blind.body.basis.counter > unseen.stamp.counter
    assert status(fold([vitals, unseen, *notes, blind]), blind) is OrderStatus.SUSPENDED
    knowing = reply(21, seen=[vitals, unseen, *notes], names=[unseen])
    assert status(fold([vitals, unseen, *notes, knowing]), knowing) is OrderStatus.OPEN


@pytest.mark.parametrize(
    "said",
    [(), (prior(FIRST, 1, Disposition.STOP),), (prior(FIRST, 1, Disposition.REPLACE),)],
    ids=["nothing", "stop", "replace"],
)
def test_striking_a_reply_arms_nothing_that_it_ended(said: tuple[PriorOrder, ...]) -> None:
    second = reply(11, *said, supersedes=[FIRST])
    for records in permutations([FIRST, second, void(second, 12)]):
        state = fold(records)
        assert state.replies == (FIRST,)
        assert status(state, FIRST) is OrderStatus.STOPPED


def test_striking_a_reply_that_went_on_with_an_order_leaves_it_open() -> None:
    second = reply(11, prior(FIRST, 1, Disposition.CONTINUE), supersedes=[FIRST])
    state = fold([FIRST, second, void(second, 12)])
    assert (status(state, FIRST), status(state, FIRST, 2)) == (OrderStatus.OPEN, OrderStatus.STOPPED)


def test_every_reply_that_took_its_place_must_go_on_with_an_order() -> None:
    second = reply(11, prior(FIRST, 1, Disposition.CONTINUE), supersedes=[FIRST])
    silent = reply(12, supersedes=[second])
    assert status(fold([FIRST, second]), FIRST) is OrderStatus.OPEN
    assert status(fold([FIRST, second, silent]), FIRST) is OrderStatus.STOPPED
    going_on = reply(12, prior(FIRST, 1, Disposition.CONTINUE), supersedes=[second])
    assert status(fold([FIRST, second, going_on]), FIRST) is OrderStatus.OPEN
    beside = reply(13, supersedes=[FIRST])
    for records in permutations([FIRST, second, beside]):
        assert status(fold(records), FIRST) is OrderStatus.STOPPED


def test_an_order_that_somebody_only_meant_to_do_ends_with_its_reply() -> None:
    confirmed = say(MEDIC, 15, OrderConfirmed(order=1), (Relation.ABOUT, FIRST))
    silent = reply(16, supersedes=[FIRST])
    assert status(fold([FIRST, confirmed, silent]), FIRST) is OrderStatus.STOPPED


CONFIRMED, REFUSED, GIVEN = (
    OrderConfirmed(order=1),
    OrderRefused(order=1, reason="sick"),
    OrderGiven(order=1, given_s=WALL_S),
)


@pytest.mark.parametrize("bodies", list(permutations([CONFIRMED, REFUSED, GIVEN])), ids=lambda _: "")
def test_a_dose_that_was_given_is_not_asked_for_again(bodies: tuple[Any, ...]) -> None:
    events = [say(MEDIC, 20 + at, body, (Relation.ABOUT, FIRST)) for at, body in enumerate(bodies)]
    assert status(fold([FIRST, *events]), FIRST) is OrderStatus.GIVEN
    without = [event for event in events if event.kind != Kind.ORDER_GIVEN]
    assert status(fold([FIRST, *without]), FIRST) is OrderStatus.REFUSED
    stopped = say(SPECIALIST, 19, OrderStopped(order=1, reason="allergy"), (Relation.ABOUT, FIRST))
    assert status(fold([FIRST, stopped, *events]), FIRST) is OrderStatus.STOPPED


def test_a_word_that_stopped_the_orders_of_a_moved_case_keeps_them_stopped_when_it_is_struck() -> None:
    moved = move(30)
    ends, goes_on = accept(moved, 31, go_on=False), accept(moved, 32, go_on=True)
    state = fold([FIRST, moved, ends, goes_on, void(ends, 33, MEDIC)])
    assert status(state, FIRST) is OrderStatus.STOPPED
    assert state.moves[0].acceptances == (goes_on,)


# Who may strike what: by place, and by role.


def stands(
    target: Record, at: Mailbox, striking: Record, by: Mailbox, *others: tuple[Record, Mailbox]
) -> bool:
    records = admitted([(striking, by), (target, at), *others])
    return target.record_id not in fold(records).voided


def test_a_hub_strikes_nothing_of_another_hub() -> None:
    note = say(SPECIALIST, 40, Note(language="en", text="watch the pulse"))
    assert not stands(note, HUB, void(note, 41), HUB)
    assert stands(note, HUB, void(note, 41), SECOND_HUB)
    taken = say(
        SPECIALIST,
        42,
        Moved(case=b"case-two-2", patient=b"patient-22", reason="wrong bunk"),
        (Relation.VOIDS, note),
    )
    assert stands(note, HUB, taken, SECOND_HUB)
    correction = say(SPECIALIST, 43, Note(language="en", text="watch nothing"), (Relation.SUPERSEDES, note))
    assert len(fold(admitted([(note, HUB), (correction, SECOND_HUB)])).notes) == 2
    assert len(fold(admitted([(note, HUB), (correction, HUB)])).notes) == 1


def introduced(author: Author) -> Record:
    return author.entry(Note(language="en", text="x"), counter=1).records[0]


def test_only_a_prescriber_strikes_what_only_prescribers_write() -> None:
    second = replace(SPECIALIST, actor=ActorId(b"doctor-2"))
    of_coordinator = void(FIRST, 50, COORDINATOR)
    assert stands(FIRST, HUB, of_coordinator, HUB, (introduced(COORDINATOR), HUB))
    assert not stands(FIRST, HUB, void(FIRST, 51), HUB)
    assert stands(FIRST, HUB, void(FIRST, 52, second), HUB)
    assert not stands(FIRST, HUB, void(FIRST, 52, second), HUB, (introduced(second), HUB))
    assert stands(FIRST, HUB, void(FIRST, 52, second), HUB, (introduced(second), SECOND_HUB))
    note = say(SPECIALIST, 53, Note(language="en", text="x"))
    assert not stands(note, HUB, void(note, 54, COORDINATOR), HUB)


# Whatever is known, more of it arms nothing.


@st.composite
def cases(draw: st.DrawFn) -> list[tuple[Record, Mailbox]]:
    """A case in which anybody who may says anything about what came before, in any order of counters."""
    replies: list[Record] = [FIRST]
    moves: list[Record] = []
    other: list[tuple[Record, Mailbox]] = [(introduced(SPECIALIST), HUB), (introduced(COORDINATOR), HUB)]
    for counter in range(11, 11 + draw(st.integers(1, 9))):
        what = draw(st.sampled_from(["reply", "event", "stop", "void", "move", "accept"]))
        target, number = draw(st.sampled_from(replies)), draw(st.sampled_from(NUMBERS))
        about = (Relation.ABOUT, target)
        match what:
            case "reply":
                chosen = draw(
                    st.dictionaries(
                        st.tuples(st.sampled_from(replies), st.sampled_from(NUMBERS)).map(
                            lambda pair: (replies.index(pair[0]), pair[1])
                        ),
                        st.sampled_from(Disposition),
                        max_size=3,
                    )
                )
                said = [prior(replies[at], of, how) for (at, of), how in chosen.items()]
                named = [each for each in moves if draw(st.booleans())]
                replaced = [each for each in replies if draw(st.booleans())]
                replies.append(reply(counter, *said, supersedes=replaced, names=named))
            case "event":
                body = draw(
                    st.sampled_from(
                        [
                            OrderConfirmed(order=number),
                            OrderGiven(order=number, given_s=WALL_S),
                            OrderRefused(order=number, reason="sick"),
                        ]
                    )
                )
                other.append((say(MEDIC, counter, body, about), SITE))
            case "stop":
                stop = say(SPECIALIST, counter, OrderStopped(order=number, reason="no"), about)
                other += [(stop, HUB), (void(stop, counter + 20), HUB)]
            case "void":
                author = draw(st.sampled_from([SPECIALIST, COORDINATOR]))
                other.append((void(target, counter, author), draw(st.sampled_from([HUB, SECOND_HUB]))))
            case "move":
                moves.append(move(counter))
            case "accept" if moves:
                accepted = accept(draw(st.sampled_from(moves)), counter, go_on=draw(st.booleans()))
                other += [(accepted, SITE), (void(accepted, counter + 20, MEDIC), SITE)]
    return [*((each, HUB) for each in replies), *((each, SITE) for each in moves), *other]


def arms(record: Record) -> bool:
    """The one word that lets a suspended order go on."""
    return isinstance(record.body, MoveAccepted) and record.body.orders_go_on


@settings(max_examples=400, deadline=None)
@given(cases(), st.data())
def test_more_records_never_arm_an_order_but_by_the_sites_word(
    stated: list[tuple[Record, Mailbox]], data: st.DataObject
) -> None:
    held = [each for each in stated if data.draw(st.booleans())]
    late = [each for each in stated if each not in held and not arms(each[0])]
    before, after = fold(admitted(held)), fold(admitted(data.draw(st.permutations([*held, *late]))))
    for each in before.orders:
        if each.status not in ARMED:
            assert status(after, each.reply, each.order.number) not in ARMED
