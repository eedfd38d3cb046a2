"""What each screen says of a view: nothing that matters is cut, nothing is said that is not so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sfnode.views import CaseRow, TransferView
from tests.tui import story
from tui.lines import Row, Tone, text_of, width_of
from tui.sheets.case import head_lines, main_rows, side_rows
from tui.sheets.cases import case_rows, matches, peek_lines, summary
from tui.sheets.hubs import hub_rows
from tui.sheets.plan import OrderKey, accept_needed, find_order, order_lines, plan_rows
from tui.sheets.transfers import bar, forecast, percent, transfer_lines, transfer_rows
from tui.sheets.vitals import set_rows, trend_rows

WIDTHS = [37, 67, 77, 117]


def text(rows: list[Row]) -> str:
    return "\n".join(text_of(content) for each in rows for content in each.lines)


def words(rows: list[Row]) -> str:
    """The same with wrapping undone."""
    return " ".join(text(rows).split())


@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_wider_than_the_screen(width: int) -> None:
    rows = [
        *case_rows(story.rows(), story.NOW_S, max(width, 77)),
        *main_rows(story.chest(), story.NOW_S, width, everything=True),
        *main_rows(story.burn(), story.NOW_S, width, everything=False),
        *side_rows(story.burn(), story.NOW_S, width),
        *transfer_rows(story.transfers(), story.rows(), story.NOW_S, max(width, 67)),
    ]
    assert all(width_of(content) <= max(width, 77) for each in rows for content in each.lines)


@pytest.mark.parametrize("width", WIDTHS)
def test_an_order_is_never_cut(width: int) -> None:
    shown = words([Row(order_lines(order, width)) for order in story.reply().orders])
    for order in story.reply().orders:
        assert order.text in shown
        assert order.aboard in shown


@pytest.mark.parametrize("width", WIDTHS)
def test_allergies_are_never_cut(width: int) -> None:
    view = story.chest(
        allergies="penicillin, sulfonamides, latex, iodine contrast, aspirin (asthma), peanuts"
    )
    shown = " ".join(" ".join(text_of(content) for content in head_lines(view, width)).split())
    assert view.allergies in shown


def test_allergies_that_were_not_asked_for_stand_out() -> None:
    (line,) = [content for content in head_lines(story.rash(), 80) if "ALLERGIES" in text_of(content)]
    assert line[-1].tone is Tone.ALARM


def test_a_mismatch_shows_both_values() -> None:
    order = story.order(1, "Aspirin", status="done", mismatch="ordered 300 mg, given 150 mg")
    shown = words([Row(order_lines(order, 60))])
    assert "MISMATCH ordered 300 mg, given 150 mg" in shown


def test_a_stopped_order_says_so_in_words() -> None:
    assert "STOPPED" in words([Row(order_lines(story.order(1, "Morphine", status="stopped"), 60))])


def test_a_crossed_contingency_is_an_alarm_in_words() -> None:
    crossed = replace(story.reply().contingencies[0], state="CROSSED 21:30Z: SpO2 84 %")
    rows = plan_rows(story.plan(replies=(story.reply(contingencies=(crossed,)),)), story.NOW_S, 77)
    spans = [span for each in rows for content in each.lines for span in content if "CROSSED" in span.text]
    assert [span.tone for span in spans] == [Tone.ALARM]


def test_an_overdue_recheck_is_said() -> None:
    late = story.reply(recheck_due_s=story.NOW_S - 60)
    assert "OVERDUE" in words(plan_rows(story.plan(replies=(late,)), story.NOW_S, 77))
    assert "OVERDUE" not in words(plan_rows(story.plan(), story.NOW_S, 77))


@pytest.mark.parametrize("validity", ["NO LONGER VALID", "cannot tell: confirm"])
def test_a_reply_that_may_not_hold_any_more_stands_out(validity: str) -> None:
    rows = plan_rows(story.plan(replies=(story.reply(valid_until=validity),)), story.NOW_S, 77)
    spans = [span for each in rows for content in each.lines for span in content if validity in span.text]
    assert [span.tone for span in spans] == [Tone.ALARM]


def test_without_a_reply_the_headline_says_how_far_the_case_is() -> None:
    plan = story.plan(replies=(), headline="No reply yet: stored at hub 21:41Z")
    assert words(plan_rows(plan, story.NOW_S, 77)) == "No reply yet: stored at hub 21:41Z"


def test_immediate_advice_comes_before_the_reply() -> None:
    shown = words(plan_rows(story.plan(advice=("21:35Z Specialist: aspirin now",)), story.NOW_S, 77))
    assert shown.index("aspirin now") < shown.index("Reply from")


def test_first_orders_say_that_nobody_signed_them_and_cannot_be_stood_on() -> None:
    unsigned = story.reply(
        provisional=True,
        valid_until="provisional",
        orders=(story.order(1, "Aspirin: 300 mg", status="provisional", aboard=""),),
        contingencies=(),
    )
    rows = plan_rows(story.plan(replies=(unsigned, story.reply())), story.NOW_S, 77)
    shown = words(rows)
    assert "UNSIGNED" in shown
    assert "the signed reply has not arrived yet" in shown
    assert "side by side" not in shown
    stands = [each.key for each in rows if each.key is not None]
    assert len(stands) == len(story.reply().orders)


def test_the_cursor_finds_its_order_again() -> None:
    key = OrderKey(story.REPLY, 2)
    assert OrderKey.parse(str(key)) == key
    order = find_order(story.plan(), key)
    assert order is not None
    assert order.read_back
    assert find_order(story.plan(), OrderKey.parse("no order at all")) is None


def test_acceptance_is_needed_until_somebody_accepts() -> None:
    assert not accept_needed(story.plan())
    assert accept_needed(story.plan(written_before=("allergy",)))
    assert not accept_needed(story.plan(written_before=("allergy",), accepted_by="J. Medic"))


def transfer(**changes: object) -> TransferView:
    return replace(story.transfers()[3], **changes)  # type: ignore[arg-type]  # built from a table of fields


@pytest.mark.parametrize(("done", "shown"), [(0, 0), (19_799, 99), (19_800, 100), (30_000, 100)])
def test_a_hundred_percent_is_said_of_what_is_whole_only(done: int, shown: int) -> None:
    assert percent(transfer(done_bytes=done)) == shown
    assert (bar(transfer(done_bytes=done)) == "[##########]") == (shown == 100)


@pytest.mark.parametrize("width", [47, 77, 117])
def test_progress_is_said_in_words(width: int) -> None:
    shown = " ".join(
        text_of(content) for content in transfer_lines(transfer(), story.NOW_S, width, short="C-3QX8")
    )
    assert "going, ~38 s left" in shown
    assert "[####------]" in shown
    if width >= 60:
        assert "42%" in shown
        assert "8.4 kB of 20 kB" in shown


def test_a_refusal_is_said_whole() -> None:
    reason = "refused: the hub does not know this site any more; enrol it again"
    lines = transfer_lines(transfer(state=reason), story.NOW_S, 77)
    assert reason in " ".join(" ".join(text_of(content) for content in lines).split())


def test_nothing_is_called_stored_that_is_not() -> None:
    shown = text(transfer_rows(story.transfers(), story.rows(), story.NOW_S, 77))
    way, stored = shown.split("STORED AT HUB")
    assert "standard: right h" in way
    assert "standard" not in stored
    for never in ("synced", "sent"):
        assert never not in shown.casefold()


def test_with_several_hubs_each_bundle_stands_under_its_own() -> None:
    pair = story.transfers()[2:4]
    duty, burns = (replace(each, hub=hub.name) for each, hub in zip(pair, story.HUBS, strict=True))
    shown = text(transfer_rows((burns, duty), story.rows(), story.NOW_S, 77))
    assert shown.index("ON THE WAY TO BURNS CENTRE") < shown.index(burns.what[:12])
    assert shown.index(burns.what[:12]) < shown.index("STORED AT DUTY DESK") < shown.index(duty.what[:12])
    far = replace(duty, hub="Burns centre of the University Hospital of a town by the sea")
    rows = transfer_rows((far,), story.rows(), story.NOW_S, 67)
    assert all(width_of(content) <= 67 for each in rows for content in each.lines)
    here = replace(duty, direction="down", state="received")
    assert "RECEIVED FROM DUTY DESK" in text(transfer_rows((here,), (), story.NOW_S, 77))


@pytest.mark.parametrize("width", WIDTHS)
def test_each_of_several_hubs_says_how_it_is_reached_and_what_waits(width: int) -> None:
    duty, burns = story.HUBS
    waiting = replace(
        burns,
        link="no link to Burns centre",
        link_up=False,
        unsent_count=2,
        unsent_bytes=41_200,
        last_contact_s=None,
    )
    rows = hub_rows((duty, waiting), story.NOW_S, width)
    assert all(width_of(content) <= width for each in rows for content in each.lines)
    first, second = (" ".join(text_of(content) for content in each.lines) for each in rows[1:3])
    assert first.startswith("Duty desk     nothing unsent")
    assert second.startswith("Burns centre  unsent 2, 41 kB")
    assert "up, Duty desk" in first
    assert "no link to Burns centre" in second
    if width >= 67:
        assert "heard 21:41Z" in first
        assert "never heard" in second
    assert hub_rows((duty,), story.NOW_S, width) == []


def test_a_forecast_without_measurement_says_so() -> None:
    assert forecast(61_000, None, None) == "61 kB, no forecast yet"
    assert forecast(61_000, 40.0, 0.09) == "61 kB, about 40 s, $0.09"


@pytest.mark.parametrize(
    ("typed", "found"), [("burn", 1), ("CHEST emer", 1), ("p-09", 3), ("chest burn", 0), ("", 3)]
)
def test_a_search_needs_every_word(typed: str, found: int) -> None:
    assert sum(matches(row, typed) for row in story.rows()) == found


def test_the_list_says_how_many_need_a_person() -> None:
    assert summary(story.rows(), 3) == "3 cases, 1 needs you"
    assert summary(story.rows()[1:], 1) == "1 of 2 cases shown, none needs you now"


def test_what_a_row_cut_is_whole_below_the_list() -> None:
    row: CaseRow = replace(story.rows()[0], complaint="Pressing pain behind the breastbone into the left arm")
    assert row.complaint not in text(case_rows((row,), story.NOW_S, 77))
    assert row.complaint in " ".join(text_of(content) for content in peek_lines(row, 77))


def test_a_partial_score_is_never_shown_as_whole() -> None:
    shown = text(case_rows(story.rows(), story.NOW_S, 77))
    assert "3+" in shown


def test_the_trend_has_the_newest_on_the_right_and_counts_the_rest() -> None:
    many = [story.vitals(minutes, heart_rate_min=60 + minutes) for minutes in range(20)]
    rows = trend_rows(many, story.NOW_S, 48)
    (heart,) = [text_of(each.lines[0]) for each in rows if text_of(each.lines[0]).startswith("HR")]
    assert heart.split() == ["HR", "64", "63", "62", "61", "60"]
    assert "15 earlier sets" in text(rows)


def test_what_was_never_measured_takes_no_row() -> None:
    assert "Glucose" not in text(trend_rows(story.chest().vitals, story.NOW_S, 77))


def test_every_set_is_listed_newest_first() -> None:
    times = [text_of(each.lines[0])[:6] for each in set_rows(story.chest().vitals, story.NOW_S, 77)[1:]]
    assert times == ["21:30Z", "21:07Z", "20:42Z", "20:07Z"]
