"""Plain words: no kind is told in silence, and a value is never told without its unit."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from protocol.chronic import CarePlan, PrescriptionAction, PrescriptionChanged, Target
from protocol.clinical import Layer, PictureRegion
from protocol.consent import Consent, ConsentBy, ConsentHow, ConsentScope, Decision
from protocol.findings import BodySite, BodySystem, Finding, Findings, FindingState, Measure, Side
from protocol.fold import fold
from protocol.identity import CalendarDate, Document, DocumentKind, Identity
from protocol.imaging import MediaRequest
from protocol.opinions import VoiceAdvice, VoiceOrder
from protocol.plain_words import described, standing_words
from protocol.questions import Answer, AnswerState, Question
from protocol.records import BODIES, Kind, NewRecord, Record, Reference, Relation, UnknownBody
from protocol.voyage import Position
from tests.protocol.bodies import bodies_of
from tests.protocol.cases import MEDIC, SPECIALIST, WALL_S

OWN_RENDERING = {
    Kind.ACTOR,
    Kind.PATIENT,
    Kind.CASE_OPENED,
    Kind.HEADLINE,
    Kind.NOTE,
    Kind.VITALS,
    Kind.TREATMENT,
    Kind.MEDIA,
    Kind.CAPABILITY,
    Kind.CASE_SEEN,
    Kind.REPLY_SEEN,
    Kind.ORDER_CONFIRMED,
    Kind.ORDER_GIVEN,
    Kind.ORDER_REFUSED,
    Kind.PLAN_ACCEPTED,
    Kind.CLOSED,
    Kind.PREKEY,
    Kind.REVOCATION,
    Kind.REPLY,
    Kind.ADVICE,
    Kind.ORDER_STOPPED,
    Kind.VOIDED,
    Kind.REPLY_HEADLINE,
}
"""Kinds that the surfaces of site and hub show in their own way, or that concern machines."""


def record_of(body: Any, kind: Kind | None = None) -> Record:
    return MEDIC.entry(NewRecord(body, kind=kind), counter=1, introduced=False).records[0]


def words(body: Any) -> str:
    said = described(record_of(body))
    assert said is not None
    return said.text


@pytest.mark.parametrize("kind", sorted(set(Kind) - OWN_RENDERING), ids=lambda kind: kind.name)
def test_every_other_kind_is_told_whatever_it_holds(kind: Kind) -> None:
    @settings(max_examples=25)
    @given(bodies_of(BODIES[kind]))
    def is_told(body: Any) -> None:
        said = described(record_of(body, kind))
        assert said is not None
        assert said.title
        assert said.text.strip()

    is_told()


@pytest.mark.parametrize("kind", sorted(OWN_RENDERING), ids=lambda kind: kind.name)
def test_a_kind_with_its_own_rendering_is_not_told_twice(kind: Kind) -> None:
    @settings(max_examples=25)
    @given(bodies_of(BODIES[kind]))
    def is_left(body: Any) -> None:
        assert described(record_of(body, kind)) is None

    is_left()


def test_an_unknown_kind_is_nobodys_guess() -> None:
    record = record_of(Question(code=1))
    unknown = Record(
        **{
            name: getattr(record, name)
            for name in ("case_id", "patient_id", "author", "stamp", "version", "refs", "record_id")
        },
        kind=99,
        body=UnknownBody({}, critical=False),
    )
    assert described(unknown) is None


def test_what_was_not_done_is_told_apart_from_what_is_absent() -> None:
    items = (
        Finding(system=BodySystem.ABDOMEN, state=FindingState.ABSENT, text="guarding"),
        Finding(system=BodySystem.NEUROLOGICAL, state=FindingState.NOT_DONE),
        Finding(system=BodySystem.EYES, state=FindingState.CANNOT, text="no light"),
        Finding(
            system=BodySystem.CARDIOVASCULAR,
            state=FindingState.PRESENT,
            site=BodySite.UPPER_ARM,
            side=Side.LEFT,
            measure=Measure.SYSTOLIC,
            value=158,
        ),
    )
    text = words(Findings(observed_s=WALL_S, items=items))
    assert "abdomen: absent, guarding" in text
    assert "neurological: NOT DONE" in text
    assert "eyes: CANNOT, no light" in text
    assert "left upper arm, systolic pressure 158 mm[Hg]" in text


def test_a_refusal_cannot_be_read_as_consent() -> None:
    text = words(
        Consent(
            decision=Decision.REFUSED,
            scope=(ConsentScope.PHOTOGRAPHS,),
            by=ConsentBy.PATIENT,
            how=ConsentHow.SPOKEN,
            officer_present=True,
        )
    )
    assert text.startswith("REFUSED for photographs, by patient")
    assert "officer present: yes" in text


def test_an_order_by_voice_says_whether_it_was_read_back() -> None:
    orders = (
        VoiceOrder(text="aspirin 300 mg now", read_back="aspirin 300 mg now", agreed=True),
        VoiceOrder(text="morphine 5 mg"),
    )
    text = words(VoiceAdvice(adviser="Specialist on duty", spoken_s=WALL_S, orders=orders))
    assert 'aspirin 300 mg now, read back "aspirin 300 mg now", agreed: yes' in text
    assert "morphine 5 mg, NOT READ BACK" in text


def test_numbers_stand_with_their_units() -> None:
    plan = CarePlan(condition="diabetes", targets=(Target(measure=Measure.GLUCOSE, low=40, high=70),))
    assert "at least glucose by meter 4.0 mmol/L, at most glucose by meter 7.0 mmol/L" in words(plan)
    here = Position(
        observed_s=WALL_S, latitude_tenthousandths=-5, longitude_tenthousandths=1_290_751, speed_deciknots=134
    )
    assert "0.0005° S, 129.0751° E, speed: 13.4 kn" in words(here)
    change = PrescriptionChanged(action=PrescriptionAction.STOP, medicine="warfarin", strength="5 mg")
    assert words(change) == "STOP warfarin, 5 mg"


def test_papers_and_partial_dates_read_as_they_are() -> None:
    papers = (Document(kind=DocumentKind.PASSPORT, number="X0000000", country="KOR"),)
    person = Identity(name="Test Person", birth_date=CalendarDate(year=1971, month=5), documents=papers)
    assert words(person) == "Test Person, born: 1971-05, papers: passport X0000000, KOR"


def test_a_region_is_told_in_thousandths() -> None:
    region = PictureRegion(x_permille=100, y_permille=200, width_permille=300, height_permille=400)
    text = words(MediaRequest(reason="edge of the wound", layer=Layer.REGION, region=region))
    assert text == "edge of the wound, region, region 300 by 400 at 100, 200 (thousandths)"


def test_a_question_and_its_answers_say_how_they_stand() -> None:
    asked = SPECIALIST.entry(Question(code=4), counter=5).records[1]
    to = (Reference(Relation.ANSWERS, asked.record_id),)
    yes = MEDIC.entry(NewRecord(Answer(code=4, options=(1,)), to), counter=8).records[1]
    cannot = MEDIC.entry(NewRecord(Answer(code=4, state=AnswerState.CANNOT), to), counter=9).records[1]
    assert standing_words(fold([asked]))[asked.record_id] == "open"
    assert standing_words(fold([asked, yes]))[asked.record_id] == "answered"
    assert standing_words(fold([asked, yes, cannot]))[asked.record_id] == "contradicting answers"
    said = described(yes, "tl")
    assert said is not None
    assert said.text == "oo"


def test_two_names_for_one_patient_contradict_each_other() -> None:
    one, other = record_of(Identity(name="Test Person")), record_of(Identity(name="Another Person"))
    assert standing_words(fold([one])) == {}
    assert set(standing_words(fold([one, other]))) == {one.record_id, other.record_id}
