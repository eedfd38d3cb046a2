"""Records without a screen of their own are read at the site, and a moved case arms nothing."""

from __future__ import annotations

from protocol.corrections import MoveAccepted, Moved
from protocol.findings import BodySystem, Finding, Findings, FindingState
from protocol.movement import Transfer, TransferStage
from protocol.opinions import VoiceAdvice, VoiceOrder
from protocol.orders import Order
from protocol.questions import Answer, Question
from protocol.records import NewRecord, Reference, Relation
from sfnode.domain.asked import question_views
from sfnode.domain.other_records import other_lines
from sfnode.domain.plan import LIVE, Surroundings, current_plan
from tests.sfnode.domain.chart import NOW_S, Chart, about

REST = Order(number=1, name="Keep lying down")


def lines(chart: Chart) -> tuple[str, ...]:
    return other_lines(chart.file(), chart.now)


def test_a_question_is_read_and_says_whether_it_was_answered() -> None:
    chart = Chart()
    (asked,) = chart.hub(Question(code=4))
    words = "Is the patient fully awake and making sense?"
    assert lines(chart) == ()
    (waiting,) = question_views(chart.file(), "en")
    assert (waiting.text, waiting.takes) == (words, "yes or no")
    chart.site(
        NewRecord(Answer(code=4, options=(1,)), (Reference(Relation.ANSWERS, asked.record_id),)),
    )
    assert lines(chart) == (
        f"21:00Z specialist on duty, question (answered): {words}",
        "21:00Z medic on duty, answer: yes",
    )


def test_what_has_a_screen_of_its_own_is_not_told_twice() -> None:
    chart = Chart()
    chart.vitals(heart_rate_min=80)
    chart.reply(orders=(REST,))
    assert lines(chart) == ()


def test_a_journey_is_read_step_by_step() -> None:
    chart = Chart()
    (asked,) = chart.site(Transfer(stage=TransferStage.ASKED, at_s=NOW_S, place="Port hospital"))
    given = Transfer(stage=TransferStage.ACCEPTED, at_s=NOW_S, place="Port hospital", bed="3 B")
    chart.hub(NewRecord(given, (about(asked),)))
    assert lines(chart) == (
        "21:00Z medic on duty, transfer (accepted): asked: Port hospital, 22 Nov 2025 21:00Z",
        "21:00Z specialist on duty, transfer: accepted: Port hospital, 22 Nov 2025 21:00Z, bed: 3 B",
    )


def test_orders_of_a_moved_case_ask_for_nothing_until_the_site_has_spoken() -> None:
    chart = Chart()
    chart.reply(orders=(REST,))
    (move,) = chart.hub(Moved(case=b"o" * 10, patient=b"p" * 10, reason="wrong bunk"))
    (view,) = current_plan(chart.file(), Surroundings(now=chart.now, capability=None)).replies[0].orders
    assert view.status == "suspended"
    assert not [each for each in chart.file().state.orders if each.status in LIVE]
    assert "moved to another case (waits for the site)" in lines(chart)[0]
    chart.site(NewRecord(MoveAccepted(orders_go_on=True), (about(move),)))
    (view,) = current_plan(chart.file(), Surroundings(now=chart.now, capability=None)).replies[0].orders
    assert view.status == "open"


def test_findings_and_advice_by_voice_after_the_basis_mark_the_reply() -> None:
    chart = Chart()
    basis = chart.basis()
    items = (Finding(system=BodySystem.ABDOMEN, state=FindingState.PRESENT, text="guarding"),)
    chart.site(Findings(observed_s=NOW_S, items=items))
    orders = (VoiceOrder(text="nothing by mouth"),)
    chart.site(VoiceAdvice(adviser="Rescue centre", spoken_s=NOW_S, orders=orders))
    chart.reply(basis=basis)
    before = current_plan(chart.file(), Surroundings(now=chart.now, capability=None)).written_before
    assert before == (
        "findings: 22 Nov 2025 21:00Z, abdomen: present, guarding, 21:00Z",
        "advice by voice: Rescue centre, 22 Nov 2025 21:00Z, orders by voice: nothing by mouth, "
        "NOT READ BACK, 21:00Z",
    )
