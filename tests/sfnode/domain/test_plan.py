"""The current plan: what a reply did not know, which orders are open, and who accepted what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice, permutations
from typing import Any

import pytest

from protocol.clinical import AllergyState, Note, Patient, Pregnancy, Treatment, Vitals, Voided
from protocol.ids import Mailbox
from protocol.orders import (
    Advice,
    Disposition,
    Order,
    OrderConfirmed,
    OrderGiven,
    OrderRefused,
    OrderStopped,
    PlanAccepted,
    PriorOrder,
    Seen,
)
from protocol.records import Kind, NewRecord, Record, Reference, Relation
from sfnode.domain.case_file import CaseFile
from sfnode.domain.plan import Surroundings, current_plan, unaccepted, unread
from sfnode.domain.written_before import SHOWN_MAX
from sfnode.views import OrderView, PlanView
from tests.sfnode.domain.chart import Chart, about

ASPIRIN = Order(number=1, name="Aspirin", strength="300 mg", dose="300 mg", route="by mouth")
REST = Order(number=2, name="Keep lying down")


def plan(chart: Chart) -> PlanView:
    return current_plan(chart.file(), Surroundings(now=chart.now, capability=None))


def orders(chart: Chart) -> dict[int, OrderView]:
    return {view.number: view for reply in plan(chart).replies for view in reply.orders}


def patient(chart: Chart, **changes: Any) -> Record:
    """A new statement about the patient that supersedes the present ones."""
    case = chart.file()
    assert case.patient is not None
    body = Patient(**{**{name: getattr(case.patient, name) for name in Patient.__slots__}, **changes})
    refs = tuple(Reference(Relation.SUPERSEDES, record.record_id) for record in case.state.patients)
    return chart.site(NewRecord(body, refs))[0]


def allergic(chart: Chart, name: str = "penicillin") -> Record:
    return patient(chart, allergies=(name,), allergy_state=AllergyState.LISTED)


def done(body: object, reply: Record) -> NewRecord:
    return NewRecord(body, (about(reply),))


# Written before


def test_an_allergy_after_the_basis_marks_the_reply_and_one_before_does_not() -> None:
    chart = Chart()
    allergic(chart, "latex")
    basis = chart.basis()
    allergic(chart)
    chart.reply(basis=basis, orders=(ASPIRIN,))
    assert plan(chart).written_before == (
        "allergy: penicillin, 21:00Z",
        "no longer listed as allergy: latex, 21:00Z",
    )
    assert "WRITTEN BEFORE allergy: penicillin" in plan(chart).headline
    known = Chart()
    allergic(known)
    known.reply(orders=(ASPIRIN,))
    assert plan(known).written_before == ()
    assert "BEFORE" not in plan(known).headline


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"weight_hg": 825, "weight_measured": True}, "weight: 82.5 kg measured"),
        ({"pregnancy": Pregnancy.YES}, "pregnancy: YES"),
        ({"medicines": ("warfarin",)}, "medicine: warfarin"),
        ({"history": ("stroke",)}, "history: stroke"),
        ({"allergy_state": AllergyState.NONE_KNOWN}, "allergies: none known"),
        ({"age_years": 45}, "age or sex corrected"),
    ],
)
def test_each_fact_about_the_patient_has_its_words(changes: dict[str, Any], text: str) -> None:
    chart = Chart()
    chart.reply()
    patient(chart, **changes)
    assert plan(chart).written_before == (f"{text}, 21:00Z",)


def test_only_vitals_that_are_worse_than_the_author_knew() -> None:
    chart = Chart()
    chart.vitals(spo2_percent=96, heart_rate_min=95)
    chart.reply()
    chart.vitals(spo2_percent=97, heart_rate_min=100)
    assert plan(chart).written_before == ()
    chart.pass_time(1_800)
    chart.vitals(spo2_percent=84, heart_rate_min=100)
    assert plan(chart).written_before == ("SpO2 84 % (NEWS2 at least 4), 21:30Z",)


def test_first_vitals_and_those_that_cannot_be_scored_count() -> None:
    chart = Chart()
    chart.reply()
    chart.vitals(pain=9)
    assert plan(chart).written_before == (
        "vitals: NEWS2 not scored: none of its inputs was measured, 21:00Z",
    )
    child = Chart(age_years=5)
    child.vitals(heart_rate_min=100)
    child.reply()
    child.vitals(heart_rate_min=160)
    assert plan(child).written_before == ("vitals: NEWS2 does not apply under 16, 21:00Z",)


def test_notes_treatments_and_struck_records_count() -> None:
    chart = Chart()
    wrong = chart.vitals(spo2_percent=99)
    chart.reply()
    chart.site(Note(language="en", text="She says she may be pregnant."))
    chart.site(Treatment(given_s=1, what="Aspirin", dose="300 mg"))
    chart.site(NewRecord(Voided(reason="other patient"), (Reference(Relation.VOIDS, wrong.record_id),)))
    assert plan(chart).written_before == (
        "a note was written, 21:00Z",
        "treatment: Aspirin 300 mg, 21:00Z",
        "struck as entered in error: other patient, 21:00Z",
    )


def test_doing_what_the_reply_says_is_no_news_to_it() -> None:
    chart = Chart()
    reply = chart.reply(orders=(ASPIRIN,))
    chart.site(done(OrderGiven(order=1, given_s=1), reply))
    assert plan(chart).written_before == ()
    chart.hub(NewRecord(chart.reply(basis=reply.body.basis).body))
    assert "order 1 of another reply done, 21:00Z" in plan(chart).written_before


def test_an_earlier_fact_that_had_not_arrived_is_said_though_not_which() -> None:
    chart = Chart()
    early = chart.basis()
    chart.vitals(spo2_percent=99)
    late = chart.basis()
    chart.reply(basis=type(late)(counter=late.counter, count=early.count, digest=early.digest))
    assert plan(chart).written_before == ("an earlier entry of this case that had not reached its author",)


def test_a_reply_whose_author_had_read_what_is_not_here_says_so() -> None:
    """Fewer entries are here than the author had read; one of them may be what the author lacked."""
    chart = Chart()
    seen = chart.basis()
    chart.reply(basis=type(seen)(counter=seen.counter, count=seen.count + 2, digest=b"12345678"))
    (words,) = plan(chart).written_before
    assert words.startswith("something its author had read that is not here yet")


def test_many_facts_are_counted_not_dropped() -> None:
    chart = Chart()
    chart.reply()
    for number in range(SHOWN_MAX + 3):
        chart.site(Treatment(given_s=1, what=f"fluid {number}"))
    assert len(plan(chart).written_before) == SHOWN_MAX + 1
    assert plan(chart).written_before[-1] == "and 3 more"


# Accepting


def test_a_named_person_accepts_and_a_later_fact_needs_accepting_again() -> None:
    chart = Chart()
    reply = chart.reply()
    fact = allergic(chart)
    assert plan(chart).accepted_by is None
    chart.site(NewRecord(PlanAccepted(), (about(reply), about(fact))))
    assert plan(chart).accepted_by == "medic on duty"
    # What the author did not know stays on screen.
    assert plan(chart).written_before == ("allergy: penicillin, 21:00Z",)
    assert "accepted by medic on duty" in plan(chart).headline
    patient(chart, pregnancy=Pregnancy.YES)
    assert plan(chart).accepted_by is None
    assert [len(facts) for _, facts in unaccepted(chart.file())] == [2]


def test_accepting_one_of_two_replies_accepts_not_both() -> None:
    for accepted in (0, 1):
        chart = Chart()
        replies = [chart.reply()]
        replies.append(chart.reply(basis=replies[0].body.basis))
        fact = allergic(chart)
        chart.site(NewRecord(PlanAccepted(), (about(replies[accepted]), about(fact))))
        assert plan(chart).accepted_by is None
        assert "2 REPLIES stand side by side and nobody has chosen" in plan(chart).headline


# Orders


def test_an_order_goes_from_open_to_done_with_its_words() -> None:
    chart = Chart()
    reply = chart.reply(orders=(ASPIRIN, REST))
    assert orders(chart)[1].text == "Aspirin 300 mg: 300 mg, by mouth"
    assert (orders(chart)[1].status, orders(chart)[1].status_by) == ("open", "")
    chart.site(done(OrderConfirmed(order=1), reply))
    assert orders(chart)[1].status == "confirmed"
    chart.site(done(OrderGiven(order=1, given_s=chart.now.wall_s, dose="300 MG"), reply))
    assert orders(chart)[1].status == "done"
    assert orders(chart)[1].status_by.endswith("given 21:00Z by medic on duty: 300 MG")
    assert orders(chart)[1].mismatch is None
    assert orders(chart)[2].status == "open"


def test_another_dose_is_recorded_and_both_are_shown() -> None:
    chart = Chart()
    reply = chart.reply(orders=(ASPIRIN, REST))
    chart.site(done(OrderGiven(order=1, given_s=1, dose="150 mg"), reply))
    assert orders(chart)[1].status == "done"
    assert orders(chart)[1].mismatch == "ordered 300 mg, given 150 mg"
    chart.site(done(OrderGiven(order=2, given_s=1, dose="1 h"), reply))
    assert orders(chart)[2].mismatch == "ordered without a dose, given 1 h"


def test_a_refused_order_says_why() -> None:
    chart = Chart()
    reply = chart.reply(orders=(ASPIRIN,))
    chart.site(done(OrderRefused(order=1, reason="vomiting"), reply))
    assert (orders(chart)[1].status, orders(chart)[1].status_by) == (
        "refused",
        "refused 21:00Z by medic on duty: vomiting",
    )


def test_a_stopped_order_never_opens_again_whatever_comes_in_whatever_order() -> None:
    chart = Chart()
    reply = chart.reply(orders=(ASPIRIN,))
    (stop,) = chart.hub(done(OrderStopped(order=1, reason="bleeding"), reply))
    chart.site(done(OrderConfirmed(order=1), reply))
    chart.site(done(OrderGiven(order=1, given_s=1), reply))
    chart.site(NewRecord(Voided(reason="by mistake"), (Reference(Relation.VOIDS, stop.record_id),)))
    chart.hub(NewRecord(Voided(reason="by mistake"), (Reference(Relation.VOIDS, stop.record_id),)))
    continued = PriorOrder(reply=reply.record_id, order=1, disposition=Disposition.CONTINUE)
    chart.reply(prior=(continued,))
    first, *others = chart.kept
    for some in (2, len(others)):
        for arrived in islice(permutations(others, some), 200):
            chart.kept = [first, *arrived]
            if stop in chart.file().state.records and reply in chart.file().state.records:
                assert orders(chart)[1].status == "stopped"


def test_a_site_cannot_strike_a_hubs_reply_nor_a_hub_a_sites_allergy() -> None:
    chart = Chart()
    allergy = allergic(chart)
    reply = chart.reply(orders=(ASPIRIN,))
    chart.site(NewRecord(Voided(reason="x"), (Reference(Relation.VOIDS, reply.record_id),)))
    chart.hub(NewRecord(Voided(reason="x"), (Reference(Relation.VOIDS, allergy.record_id),)))
    chart.reply(refs=(Reference(Relation.SUPERSEDES, allergy.record_id),))
    assert orders(chart)[1].status == "open"
    body = chart.file().patient
    assert body is not None
    assert body.allergies == ("penicillin",)


def test_a_second_hub_strikes_nothing_that_the_first_wrote() -> None:
    chart = Chart()
    reply = chart.reply(orders=(ASPIRIN,))
    chart.hub(NewRecord(Voided(reason="x"), (Reference(Relation.VOIDS, reply.record_id),)))
    assert orders(chart) == {}
    chart.kept[-1] = replace(chart.kept[-1], place=Mailbox(b"h2" * 4))
    assert orders(chart)[1].status == "open"


def test_an_older_reply_that_arrives_later_rearms_nothing() -> None:
    chart = Chart()
    chart.hub(Advice(text="Aspirin now."))
    old = chart.reply(orders=(ASPIRIN,), recheck_every_min=15, valid_for_min=60)
    chart.reply(refs=(Reference(Relation.SUPERSEDES, old.record_id),), orders=(REST,))
    old_entry = next(each for each in chart.kept if old in each.entry.records)
    chart.kept.remove(old_entry)
    before = plan(chart)
    chart.kept.append(old_entry)
    assert plan(chart) == before
    assert [reply.superseded for reply in before.replies] == [False]
    assert all(state.status.value == "stopped" for state in chart.file().state.orders if state.reply == old)


def test_an_order_that_the_new_reply_continues_stays_on_screen_with_its_old_reply() -> None:
    chart = Chart()
    old = chart.reply(orders=(ASPIRIN, REST), recheck_every_min=15)
    prior = (
        PriorOrder(reply=old.record_id, order=1, disposition=Disposition.CONTINUE),
        PriorOrder(reply=old.record_id, order=2, disposition=Disposition.STOP),
    )
    chart.reply(refs=(Reference(Relation.SUPERSEDES, old.record_id),), prior=prior)
    views = plan(chart).replies
    assert [view.superseded for view in views] == [False, True]
    assert [order.status for order in views[1].orders] == ["open", "stopped"]
    assert (views[1].recheck, views[1].recheck_due_s) == ("", None)


# Reading


def test_replies_and_advice_are_unread_until_somebody_opened_them() -> None:
    chart = Chart()
    (advice,) = chart.hub(Advice(text="Aspirin now."))
    assert plan(chart).advice == ("21:00Z specialist on duty: Aspirin now.",)
    assert plan(chart).headline == "Immediate advice from specialist on duty; the full reply follows"
    reply = chart.reply()
    assert unread(chart.file()) == (reply, advice)
    chart.site(NewRecord(Seen(), (about(reply),), Kind.REPLY_SEEN))
    assert unread(chart.file()) == (advice,)


def test_without_a_reply_the_plan_says_where_the_case_is() -> None:
    around = Surroundings(now=Chart().now, capability=None, transit="sent 21:00Z, waiting for link")
    assert current_plan(Chart().file(), around).headline == "No reply yet: sent 21:00Z, waiting for link"


# The law of the file


def test_entries_of_another_case_or_patient_are_never_folded_in() -> None:
    one, other = Chart(offset=1), Chart(offset=2)

    def fold(entries: Sequence[Any]) -> CaseFile:
        one.kept = list(entries)
        return one.file()

    with pytest.raises(ValueError, match="another case or patient"):
        fold([*one.kept, other.kept[0]])
    stranger = Chart(offset=1)
    stranger.patient_id = other.patient_id
    stranger.site(Vitals(observed_s=1, pain=1))
    with pytest.raises(ValueError, match="another case or patient"):
        fold([*Chart(offset=1).kept, stranger.kept[-1]])
