"""The fold over all that can be put right, closed, moved or left open: the set decides, nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.admission import admitted
from protocol.basis import basis_of
from protocol.clinical import Closed, Note, Patient, Vitals, Voided
from protocol.consent import Consent, ConsentBy, ConsentHow, ConsentScope, Decision
from protocol.corrections import MoveAccepted, Moved, Reopened
from protocol.erasure import Tombstone
from protocol.fold import CaseState, OrderStatus, fold
from protocol.fold_loops import LoopStatus, ReferralStatus, TransferStatus
from protocol.fold_orders import MoveStatus
from protocol.header import Priority
from protocol.identity import Identity, PersonLink, SamePerson
from protocol.imaging import MediaRequest
from protocol.movement import (
    Referral,
    ReferralAnswered,
    ReferralDecision,
    Returned,
    Transfer,
    TransferStage,
)
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
from protocol.quality import Course, Outcome
from protocol.questions import Answer, AnswerState, Question
from protocol.records import NewRecord, Record, Reference, Relation, UnknownBody
from tests.protocol.cases import HUB, MEDIC, SITE, SPECIALIST, WALL_S, Author

ARMED = {OrderStatus.OPEN, OrderStatus.CONFIRMED}


def say(author: Author, counter: int, body: Any, *refs: tuple[Relation, Record]) -> Record:
    """One record that refers to others."""
    references = tuple(Reference(relation, record.record_id) for relation, record in refs)
    return author.entry(NewRecord(body, references), counter=counter, introduced=False).records[0]


def reply(
    counter: int,
    *seen: Record,
    supersedes: Record | None = None,
    prior: Iterable[PriorOrder] = (),
    names: Iterable[Record] = (),
) -> Record:
    body = Reply(
        basis=basis_of(seen),
        assessment=f"Written at {counter}.",
        orders=(Order(number=1, name="aspirin"), Order(number=2, name="oxygen")),
        prior=tuple(prior),
    )
    refs = [(Relation.ABOUT, record) for record in names]
    return say(SPECIALIST, counter, body, *refs, *([(Relation.SUPERSEDES, supersedes)] if supersedes else []))


def moved(counter: int, author: Author = MEDIC, *taken: Record) -> Record:
    body = Moved(case=b"case-two-2", patient=b"patient-22", reason="wrong bunk")
    return say(author, counter, body, *((Relation.VOIDS, record) for record in taken))


PATIENT = say(MEDIC, 1, Patient(code="P-1"))
CORRECTED = say(MEDIC, 2, Patient(code="P-1", age_years=44), (Relation.SUPERSEDES, PATIENT))
RIVAL = say(MEDIC, 3, Patient(code="P-1", age_years=54), (Relation.SUPERSEDES, PATIENT))
NAME = say(MEDIC, 4, Identity(name="Test Person"))
VITALS = say(MEDIC, 5, Vitals(observed_s=WALL_S, heart_rate_min=96))
WRONG = say(MEDIC, 6, Vitals(observed_s=WALL_S, heart_rate_min=9))
STRUCK = say(MEDIC, 7, Voided(reason="slip"), (Relation.VOIDS, WRONG))
REFUSAL = say(
    MEDIC,
    8,
    Consent(
        decision=Decision.REFUSED,
        scope=(ConsentScope.PHOTOGRAPHS,),
        by=ConsentBy.PATIENT,
        how=ConsentHow.SPOKEN,
    ),
)
FIRST = reply(10, PATIENT, VITALS)
SECOND = reply(
    14,
    PATIENT,
    VITALS,
    supersedes=FIRST,
    prior=(PriorOrder(reply=FIRST.record_id, order=2, disposition=Disposition.CONTINUE),),
)
CONFIRMED = say(MEDIC, 15, OrderConfirmed(order=1), (Relation.ABOUT, SECOND))
GIVEN = say(MEDIC, 16, OrderGiven(order=1, given_s=WALL_S), (Relation.ABOUT, SECOND))
STOPPED = say(SPECIALIST, 17, OrderStopped(order=2, reason="enough"), (Relation.ABOUT, FIRST))
ASKED = say(SPECIALIST, 20, Question(code=4))
YES = say(MEDIC, 21, Answer(code=4, options=(1,)), (Relation.ANSWERS, ASKED))
NO = say(MEDIC, 22, Answer(code=4, options=(0,)), (Relation.ANSWERS, ASKED))
SETTLED = say(MEDIC, 23, Answer(code=4, options=(1,)), (Relation.ANSWERS, ASKED), (Relation.SUPERSEDES, NO))
SHOW = say(SPECIALIST, 24, MediaRequest(reason="edge of the wound"))
REFERRED = say(SPECIALIST, 30, Referral(to=HUB, service="Ward", urgency=Priority.URGENT, reason="operation"))
TAKEN = say(
    SPECIALIST, 31, ReferralAnswered(decision=ReferralDecision.ACCEPTED), (Relation.ANSWERS, REFERRED)
)
BACK = say(SPECIALIST, 60, Returned(diagnosis="healed"), (Relation.ANSWERS, REFERRED))
BED_ASKED = say(MEDIC, 32, Transfer(stage=TransferStage.ASKED, at_s=WALL_S, place="Port hospital"))
BED_GIVEN = say(
    SPECIALIST,
    33,
    Transfer(stage=TransferStage.ACCEPTED, at_s=WALL_S, place="Port hospital"),
    (Relation.ABOUT, BED_ASKED),
)
LEFT = say(
    MEDIC,
    34,
    Transfer(stage=TransferStage.DEPARTED, at_s=WALL_S, place="Port hospital"),
    (Relation.ABOUT, BED_ASKED),
)
MOVE = moved(40, MEDIC, VITALS)
UNMOVED = say(MEDIC, 41, Voided(reason="it was the right bunk"), (Relation.VOIDS, MOVE))
WHOLE_MOVE = moved(42)
GOES_ON = say(MEDIC, 43, MoveAccepted(orders_go_on=True), (Relation.ABOUT, WHOLE_MOVE))
ENDS = say(MEDIC, 44, MoveAccepted(orders_go_on=False), (Relation.ABOUT, WHOLE_MOVE))
CLOSED = say(MEDIC, 50, Closed(outcome="better"))
OPENED_AGAIN = say(SPECIALIST, 51, Reopened(reason="fever"), (Relation.ABOUT, CLOSED))
CLOSED_AGAIN = say(MEDIC, 52, Closed(outcome="well"))
SAME = say(MEDIC, 53, PersonLink(patient=b"patient-22", verdict=SamePerson.SAME, grounds="papers"))
NOT_SAME = say(SPECIALIST, 54, PersonLink(patient=b"patient-22", verdict=SamePerson.NOT_SAME, grounds="age"))
ENDED = say(MEDIC, 55, Outcome(course=Course.RECOVERED, judged_s=WALL_S))
ERASED = say(MEDIC, 56, Tombstone(reason="asked for by the patient"))
NEWER = replace(say(MEDIC, 57, Note(language="en", text="x")), kind=250, body=UnknownBody({}, critical=True))

ALL = tuple(value for value in globals().copy().values() if isinstance(value, Record))
SITE_AUTHORS = {MEDIC.actor}


def as_admitted(records: Iterable[Record]) -> CaseState:
    """Folded as site and hub fold it: references that may not take effect are left out first."""
    stated = ((record, SITE if record.author in SITE_AUTHORS else HUB) for record in records)
    return fold(admitted(stated))


def order(state: CaseState, of: Record, number: int = 1) -> OrderStatus:
    return next(
        each.status
        for each in state.orders
        if each.reply.record_id == of.record_id and each.order.number == number
    )


@settings(max_examples=150)
@given(st.data())
def test_the_set_decides_and_not_the_order_it_came_in(data: st.DataObject) -> None:
    """Any part of the case, shuffled and with repeats, folds as that part does; the rest makes it whole."""
    part = data.draw(st.lists(st.sampled_from(ALL), unique_by=lambda record: record.record_id))
    in_order = sorted(part, key=lambda record: record.order_key)
    repeated = [*data.draw(st.permutations(part)), *part[: data.draw(st.integers(0, len(part)))]]
    assert fold(repeated) == fold(in_order)
    assert as_admitted(repeated) == as_admitted(in_order)
    held = {record.record_id for record in part}
    rest = data.draw(st.permutations([record for record in ALL if record.record_id not in held]))
    assert fold([*rest, *repeated]) == fold(ALL)
    assert as_admitted([*fold(repeated).records, *rest]) == as_admitted(ALL)


@settings(max_examples=150)
@given(st.sets(st.sampled_from(range(len(ALL)))))
def test_whatever_is_missing_no_stopped_or_suspended_order_is_armed(held: set[int]) -> None:
    state = fold(ALL[i] for i in held)
    present = {record.record_id for record in state.records}
    for each in state.orders:
        concerned = STOPPED.record_id in present and each.reply is FIRST and each.order.number == 2
        unaccepted = WHOLE_MOVE.record_id in present and GOES_ON.record_id not in present
        refused = {WHOLE_MOVE.record_id, ENDS.record_id} <= present
        if concerned or unaccepted or refused:
            assert each.status not in ARMED


def test_two_statements_about_the_patient_stand_side_by_side() -> None:
    state = fold(ALL)
    assert state.patients == (CORRECTED, RIVAL)
    assert state.identities == (NAME,)
    assert state.person_links == (SAME, NOT_SAME)


def test_a_refusal_stands_until_it_is_superseded() -> None:
    given_ = say(MEDIC, 70, replace(REFUSAL.body, decision=Decision.GIVEN), (Relation.SUPERSEDES, REFUSAL))
    assert fold([REFUSAL]).consents == (REFUSAL,)
    assert fold([given_, REFUSAL]).consents == (given_,)
    assert REFUSAL in fold([given_, REFUSAL]).records


def test_a_question_is_open_until_it_is_answered_and_two_answers_are_not_one() -> None:
    def status(*answers: Record) -> LoopStatus:
        return fold([ASKED, *answers]).questions[0].status

    assert status() is LoopStatus.OPEN
    assert status(YES) is LoopStatus.ANSWERED
    assert status(YES, say(MEDIC, 71, YES.body, (Relation.ANSWERS, ASKED))) is LoopStatus.ANSWERED
    assert status(YES, NO) is LoopStatus.CONTRADICTED
    assert status(YES, NO, SETTLED) is LoopStatus.ANSWERED
    cannot = say(MEDIC, 72, Answer(code=4, state=AnswerState.CANNOT), (Relation.ANSWERS, ASKED))
    assert status(cannot) is LoopStatus.ANSWERED
    assert fold([YES]).questions == ()


def test_a_request_for_a_picture_stays_open_until_one_answers_it() -> None:
    assert fold(ALL).media_requests[0].status is LoopStatus.OPEN


@pytest.mark.parametrize(
    ("answers", "status"),
    [
        ((), ReferralStatus.SENT),
        ((ReferralDecision.RECEIVED,), ReferralStatus.RECEIVED),
        ((ReferralDecision.RECEIVED, ReferralDecision.ACCEPTED), ReferralStatus.ACCEPTED),
        ((ReferralDecision.DECLINED,), ReferralStatus.DECLINED),
        ((ReferralDecision.DECLINED, ReferralDecision.ACCEPTED), ReferralStatus.CONTRADICTED),
    ],
)
def test_a_referral_says_where_it_stands(
    answers: tuple[ReferralDecision, ...], status: ReferralStatus
) -> None:
    said = [
        say(SPECIALIST, 80 + at, ReferralAnswered(decision=decision), (Relation.ANSWERS, REFERRED))
        for at, decision in enumerate(answers)
    ]
    assert fold([*said, REFERRED]).referrals[0].status is status
    assert fold([*said, REFERRED, BACK]).referrals[0].status is ReferralStatus.RETURNED


def test_a_journey_says_how_far_it_is_and_a_lonely_step_is_not_lost() -> None:
    assert fold([BED_ASKED]).transfers[0].status is TransferStatus.ASKED
    assert fold([BED_GIVEN, BED_ASKED]).transfers[0].status is TransferStatus.ACCEPTED
    (journey,) = fold([LEFT, BED_ASKED, BED_GIVEN]).transfers
    assert (journey.status, journey.steps) == (TransferStatus.DEPARTED, (BED_ASKED, BED_GIVEN, LEFT))
    (lonely,) = fold([LEFT]).transfers
    assert (lonely.journey, lonely.status) == (BED_ASKED.record_id, TransferStatus.DEPARTED)
    no_bed = say(
        SPECIALIST,
        81,
        Transfer(stage=TransferStage.DECLINED, at_s=WALL_S, place="Port"),
        (Relation.ABOUT, BED_ASKED),
    )
    assert fold([BED_ASKED, BED_GIVEN, no_bed]).transfers[0].status is TransferStatus.CONTRADICTED


def test_a_case_is_open_again_until_somebody_closes_it_anew() -> None:
    assert fold([CLOSED]).closed == (CLOSED,)
    assert fold([CLOSED, OPENED_AGAIN]).closed == ()
    assert fold([CLOSED_AGAIN, OPENED_AGAIN, CLOSED]).closed == (CLOSED_AGAIN,)


def test_a_moved_case_suspends_its_orders_until_the_site_says_for_whom_they_were() -> None:
    base = [PATIENT, VITALS, SECOND, CONFIRMED]
    assert order(fold(base), SECOND) is OrderStatus.CONFIRMED
    assert order(fold([*base, WHOLE_MOVE]), SECOND) is OrderStatus.SUSPENDED
    assert order(fold([*base, WHOLE_MOVE]), SECOND, 2) is OrderStatus.SUSPENDED
    assert order(fold([*base, WHOLE_MOVE, GOES_ON]), SECOND) is OrderStatus.CONFIRMED
    assert order(fold([*base, WHOLE_MOVE, ENDS]), SECOND) is OrderStatus.STOPPED
    both = fold([*base, WHOLE_MOVE, GOES_ON, ENDS])
    assert both.moves[0].status is MoveStatus.CONTRADICTED
    assert order(both, SECOND) is OrderStatus.STOPPED


def test_what_was_given_before_a_move_stays_given() -> None:
    assert order(fold([SECOND, CONFIRMED, GIVEN, WHOLE_MOVE]), SECOND) is OrderStatus.GIVEN


def test_a_second_move_suspends_what_the_first_let_go_on() -> None:
    again = moved(90)
    state = fold([SECOND, WHOLE_MOVE, GOES_ON, again])
    assert [move.status for move in state.moves] == [MoveStatus.GOES_ON, MoveStatus.OPEN]
    assert order(state, SECOND) is OrderStatus.SUSPENDED


def test_a_reply_that_names_the_move_is_armed() -> None:
    knowing = reply(95, PATIENT, WHOLE_MOVE, names=[WHOLE_MOVE])
    state = fold([PATIENT, SECOND, WHOLE_MOVE, knowing])
    assert order(state, knowing) is OrderStatus.OPEN
    assert order(state, SECOND) is OrderStatus.SUSPENDED


def test_moved_records_no_longer_count_here_and_come_back_when_the_move_was_an_error() -> None:
    gone = fold([VITALS, MOVE])
    assert gone.vitals == ()
    assert VITALS in gone.records
    back = fold([VITALS, MOVE, UNMOVED])
    assert back.vitals == (VITALS,)
    assert back.moves == ()


def test_nobody_moves_away_a_stop_or_what_another_place_wrote() -> None:
    of_hub = moved(91, SPECIALIST, VITALS)
    assert as_admitted([VITALS, of_hub]).vitals == (VITALS,)
    of_stop = moved(92, SPECIALIST, STOPPED)
    state = as_admitted([FIRST, STOPPED, of_stop])
    assert order(state, FIRST, 2) is OrderStatus.STOPPED
    assert order(fold([FIRST, STOPPED, of_stop]), FIRST, 2) is OrderStatus.STOPPED


def test_a_tombstone_says_who_erased_and_takes_nothing_away_here() -> None:
    """Whether it is erased here too is for a person here; a plan that is in use never vanishes by itself."""
    state = as_admitted([PATIENT, VITALS, SECOND, ERASED])
    assert state.tombstones == (ERASED,)
    assert state.vitals == (VITALS,)
    void = say(MEDIC, 93, Voided(reason="back again"), (Relation.VOIDS, ERASED))
    assert as_admitted([ERASED, void]).tombstones == (ERASED,)


def test_outcomes_and_unknown_critical_records_are_shown() -> None:
    state = fold(ALL)
    assert state.outcomes == (ENDED,)
    assert state.not_understood == (NEWER,)
    assert NEWER not in state.standing


def test_advice_by_another_way_arms_nothing() -> None:
    assert fold([say(SPECIALIST, 97, Advice(text="oxygen now"))]).orders == ()
