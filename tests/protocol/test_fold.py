"""The fold and the basis: one state per set of records, whatever the order and however often they came."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from protocol.basis import basis_of, outside_basis
from protocol.clinical import AllergyState, Note, Patient, Vitals, Voided
from protocol.fold import OrderStatus, fold
from protocol.orders import (
    Advice,
    Disposition,
    Order,
    OrderConfirmed,
    OrderGiven,
    OrderStopped,
    PriorOrder,
    Reply,
)
from protocol.records import NewRecord, Record, Reference, Relation
from tests.protocol.cases import MEDIC, SPECIALIST, WALL_S


def about(record: Record) -> tuple[Reference, ...]:
    return (Reference(Relation.ABOUT, record.record_id),)


def story() -> dict[str, Record]:
    """A consult from first patient record to a stopped order."""
    patient = MEDIC.entry(Patient(code="P-1"), counter=1).records[1]
    vitals = MEDIC.entry(Vitals(observed_s=WALL_S, heart_rate_min=100), counter=5).records[1]
    wrong = MEDIC.entry(Vitals(observed_s=WALL_S, heart_rate_min=10), counter=8).records[1]
    void = MEDIC.entry(
        NewRecord(Voided(reason="typing error"), (Reference(Relation.VOIDS, wrong.record_id),)), counter=10
    ).records[1]
    orders = (Order(number=1, name="aspirin"), Order(number=2, name="morphine"))
    reply = SPECIALIST.entry(
        Reply(basis=basis_of([patient, vitals]), assessment="ACS", orders=orders), counter=20
    ).records[1]
    confirmed = MEDIC.entry(NewRecord(OrderConfirmed(order=1), about(reply)), counter=25).records[1]
    given_ = MEDIC.entry(NewRecord(OrderGiven(order=1, given_s=WALL_S), about(reply)), counter=30).records[1]
    stopped = SPECIALIST.entry(
        NewRecord(OrderStopped(order=2, reason="allergy"), about(reply)), counter=35
    ).records[1]
    allergy = MEDIC.entry(
        NewRecord(
            Patient(code="P-1", allergy_state=AllergyState.LISTED, allergies=("morphine",)),
            (Reference(Relation.SUPERSEDES, patient.record_id),),
        ),
        counter=33,
    ).records[1]
    advice = SPECIALIST.entry(Advice(text="oxygen now"), counter=15).records[1]
    note = MEDIC.entry(Note(language="en", text="pain eased"), counter=40).records[1]
    return {name: value for name, value in locals().items() if isinstance(value, Record)}


RECORDS = story()
ALL = tuple(RECORDS.values())


@given(st.permutations(ALL), st.lists(st.sampled_from(ALL), max_size=8))
def test_order_and_duplicates_do_not_matter(shuffled: list[Record], again: list[Record]) -> None:
    assert fold([*shuffled, *again]) == fold(ALL)


@given(st.sets(st.integers(0, len(ALL) - 1)), st.sets(st.integers(0, len(ALL) - 1)))
def test_folding_in_parts_is_folding_the_union(left: set[int], right: set[int]) -> None:
    parts = fold([ALL[i] for i in left]).records + fold([ALL[i] for i in right]).records
    assert fold(parts) == fold([ALL[i] for i in left | right])


def test_the_state_tells_the_story() -> None:
    state = fold(ALL)
    assert state.patients == (RECORDS["allergy"],)
    assert [record.body.heart_rate_min for record in state.vitals] == [100]
    assert RECORDS["wrong"] in state.records
    assert [(order.order.number, order.status) for order in state.orders] == [
        (1, OrderStatus.GIVEN),
        (2, OrderStatus.STOPPED),
    ]


@given(st.permutations([RECORDS["reply"], RECORDS["confirmed"], RECORDS["given_"], RECORDS["stopped"]]))
def test_a_stopped_order_is_never_open_again(arrival: list[Record]) -> None:
    late = MEDIC.entry(NewRecord(OrderConfirmed(order=2), about(RECORDS["reply"])), counter=90).records[1]
    second = fold([*arrival, late]).orders[1]
    assert second.status is OrderStatus.STOPPED


def test_an_older_reply_that_comes_later_rearms_nothing() -> None:
    old = RECORDS["reply"]
    newer = SPECIALIST.entry(
        NewRecord(
            Reply(
                basis=basis_of([]),
                assessment="changed",
                prior=(PriorOrder(reply=old.record_id, order=1, disposition=Disposition.CONTINUE),),
            ),
            (Reference(Relation.SUPERSEDES, old.record_id),),
        ),
        counter=50,
    ).records[1]
    state = fold([newer, old])
    assert state.replies == (newer,)
    assert {order.order.number: order.status for order in state.orders} == {
        1: OrderStatus.OPEN,
        2: OrderStatus.STOPPED,
    }


def test_two_answers_that_did_not_know_of_each_other_stand_side_by_side() -> None:
    other = SPECIALIST.entry(Reply(basis=basis_of([]), assessment="different"), counter=21).records[1]
    assert fold([RECORDS["reply"], other]).replies == (RECORDS["reply"], other)


def test_the_basis_names_what_came_after_and_what_was_missing() -> None:
    seen = [RECORDS["patient"], RECORDS["vitals"]]
    basis = basis_of(seen)
    assert not outside_basis(seen, basis)
    later = outside_basis([*seen, RECORDS["allergy"]], basis)
    assert later.later == (RECORDS["allergy"],)
    assert not later.earlier_missing
    missing = outside_basis(
        [*seen, MEDIC.entry(Note(language="en", text="early"), counter=3).records[1]], basis
    )
    assert missing.earlier_missing
    assert not missing.not_here


def test_a_site_that_lacks_more_than_the_author_did_still_says_written_before() -> None:
    """The author had two facts of the hub that are not here; a note of the site had not reached him."""
    of_hub = [SPECIALIST.entry(Note(language="en", text=f"{n}"), counter=n).records[1] for n in (6, 7)]
    unseen = MEDIC.entry(Note(language="en", text="allergic"), counter=3).records[1]
    basis = basis_of([RECORDS["patient"], RECORDS["vitals"], *of_hub])
    here = outside_basis([RECORDS["patient"], RECORDS["vitals"], unseen], basis)
    assert here.earlier_missing
    assert here.not_here
    assert outside_basis([RECORDS["patient"], RECORDS["vitals"], *of_hub, unseen], basis).earlier_missing


def test_what_no_basis_counts_never_marks_a_reply() -> None:
    seen = [RECORDS["patient"], RECORDS["vitals"]]
    assert not outside_basis([*seen, RECORDS["confirmed"], RECORDS["advice"]], basis_of(seen))
