"""A burst of keys means what the same keys mean one by one: each value in its field, none done by chance."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from textual import events

from tests.tui import story
from tests.tui.driving import Terminal, terminal
from tui.screens.acts import OrderPage
from tui.screens.case import CasePage
from tui.screens.form import FormPage
from tui.turns import STROKES_WAITING_MAX
from tui.widgets import Sheet
from tui.widgets.form import FormBody

SET = ("24", "91", "a", "98/60", "118", "a", "386", "15", "4", "6.3")
"""One of each sign, in the order of the form."""
SAVED = {
    "respiratory_rate_min": 24,
    "spo2_percent": 91,
    "on_oxygen": False,
    "systolic_mmhg": 98,
    "diastolic_mmhg": 60,
    "heart_rate_min": 118,
    "consciousness": "A",
    "temperature_c": "38.6",
    "glasgow_coma": 15,
    "pain": 4,
    "glucose_mmol_l": "6.3",
}


def burst(driven: Terminal, *parts: str | Sequence[str]) -> None:
    """All in one piece, as a slow line delivers them; a text is typed, a list names keys."""
    for part in parts:
        for key in part:
            name = {"/": "slash", " ": "space", ".": "full_stop"}.get(key, key)
            driven.shell.post_message(events.Key(name, key if len(key) == 1 else None))


def then_enter(values: Sequence[str]) -> list[str]:
    return [key for value in values for key in (*value, "enter")]


async def long_enough_to_obey_them_all() -> None:
    """If they did not wait."""
    for _ in range(2_000):
        await asyncio.sleep(0)


async def open_case(driven: Terminal) -> None:
    await driven.press("enter")
    await driven.wait_text("ALLERGIES")
    await driven.wait_text("1 TO DO")


async def test_a_set_of_vital_signs_in_one_burst_puts_each_value_into_its_field(tmp_path: Path) -> None:
    async with terminal(tmp_path) as driven:
        await open_case(driven)
        burst(driven, "v", then_enter(SET), ["enter", "enter"])
        await driven.wait(lambda: bool(driven.daemon.asked("vitals_add")))
        assert driven.daemon.asked("vitals_add")[0]["sets"] == [SAVED]


async def test_enter_goes_on_from_a_choice_and_from_a_line(tmp_path: Path) -> None:
    async with terminal(tmp_path) as driven:
        await driven.press("n")
        await driven.wait_text("Chest pain   ")
        burst(driven, "1", "u", ["enter"], "P-0930", ["enter"], "Pain", ["enter"], "Heart?")
        await driven.wait_text("Heart?")
        answers = driven.shell.screen.query_one(FormBody).answers
        known = {key: answers[key] for key in ("urgency", "patient_code", "complaint", "question")}
        assert known == {
            "urgency": "urgent",
            "patient_code": "P-0930",
            "complaint": "Pain",
            "question": "Heart?",
        }


async def test_keys_wait_for_the_case_that_they_are_about(tmp_path: Path) -> None:
    """On a page that is not loaded `v` would open nothing, and the values after it command."""
    async with terminal(tmp_path) as driven:
        gate = driven.daemon.gates["case"] = asyncio.Event()
        burst(driven, ["enter"], "v", then_enter(SET), ["enter", "enter"])
        await driven.wait(lambda: bool(driven.daemon.asked("case")))
        await long_enough_to_obey_them_all()
        gate.set()
        await driven.wait(lambda: bool(driven.daemon.asked("vitals_add")))
        assert driven.daemon.asked("vitals_add")[0]["sets"] == [SAVED]


async def test_keys_wait_for_the_forms_there_are(tmp_path: Path) -> None:
    """The digits of a patient's code would pick another form."""
    async with terminal(tmp_path) as driven:
        gate = driven.daemon.gates["templates"] = asyncio.Event()
        burst(driven, "n", "1", "u", ["enter"], "P-0230", ["enter"], "Pain")
        await driven.wait(lambda: bool(driven.daemon.asked("templates")))
        await long_enough_to_obey_them_all()
        gate.set()
        await driven.wait(lambda: _answers(driven).get("complaint") == "Pain")
        assert "NEW CASE   Chest pain" in driven.text
        assert _answers(driven)["patient_code"] == "P-0230"


async def test_what_is_typed_behind_a_case_that_cannot_be_shown_does_nothing(tmp_path: Path) -> None:
    async with terminal(tmp_path) as driven:
        driven.daemon.refusals["case"] = "That case is damaged."
        burst(driven, ["enter"], "n", "24", ["enter"], "a")
        await driven.wait_text("That case is damaged.")
        await driven.press("down")
        assert isinstance(driven.shell.page, CasePage)


async def test_keys_for_a_case_that_does_not_come_do_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.shell.ARRIVAL_S", 0.01)
    async with terminal(tmp_path) as driven:
        gate = driven.daemon.gates["case"] = asyncio.Event()
        burst(driven, ["enter"], "v24", ["enter"], "a")
        await driven.wait_text("That is not here yet: what you typed did nothing.")
        gate.set()
        await driven.wait_text("ALLERGIES")
        await long_enough_to_obey_them_all()
        assert isinstance(driven.shell.page, CasePage)


async def test_what_is_pasted_waits_for_the_keys_before_it(tmp_path: Path) -> None:
    async with terminal(tmp_path) as driven:
        await open_case(driven)
        burst(driven, "v", "24", ["enter"])
        driven.shell.post_message(events.Paste("91"))
        await driven.wait(lambda: _answers(driven).get("sign spo2_percent") == "91")
        assert _answers(driven)["sign respiratory_rate_min"] == "24"


async def test_keys_behind_a_submit_do_nothing_on_the_page_behind(tmp_path: Path) -> None:
    """`c` would confirm the order under the cursor, `y` accept the reply, `s` send."""
    async with terminal(tmp_path) as driven:
        await open_case(driven)
        burst(driven, "jc", "2.5 mg", ["enter"], "kccyss", ["escape", "q"])
        await driven.wait_text("Order 2 confirmed.")
        await driven.press("down")
        assert [asked["order"] for asked in driven.daemon.asked("order_confirm")] == [2]
        assert len(driven.shell.screen_stack) == 3


async def test_while_the_daemon_works_only_esc_is_heard(tmp_path: Path) -> None:
    async with terminal(tmp_path) as driven:
        gate = driven.daemon.gates["order_confirm"] = asyncio.Event()
        await open_case(driven)
        burst(driven, "jc", "2.5 mg", ["enter"])
        await driven.wait(lambda: bool(driven.daemon.asked("order_confirm")))
        await driven.press("q", "o", "1", "enter")
        assert isinstance(driven.shell.page, OrderPage)
        assert driven.shell.page.form.answers["read_back"] == "2.5 mg"
        await driven.press("escape")
        await driven.wait(lambda: not isinstance(driven.shell.page, OrderPage))
        gate.set()
        await driven.wait_text("Confirm: done.")
        assert len(driven.daemon.asked("order_confirm")) == 1


async def test_keys_behind_a_submit_that_lacks_an_answer_fill_nothing(tmp_path: Path) -> None:
    async with terminal(tmp_path) as driven:
        await open_case(driven)
        burst(driven, "x", ["tab", "enter"], "80", ["enter"])
        await driven.wait_text("Still needed: Why it is not done")
        await driven.press("end")
        assert _answers(driven)["reason"] == ""
        assert not driven.daemon.asked("order_refuse")


async def test_one_name_in_a_burst_acknowledges_one_alarm(tmp_path: Path) -> None:
    async with terminal(tmp_path) as driven:
        driven.daemon.raise_alarm(story.alarm(1))
        driven.daemon.raise_alarm(story.alarm(2))
        await driven.wait_text("!! ALARM")
        burst(driven, "a")
        await driven.wait_text("Who has seen")
        # Behind the first Enter, its letters would open the next alarm and sign it.
        burst(driven, "anna", ["enter"], "anna", ["enter"])
        await driven.wait_text("Acknowledged by anna.")
        await driven.press("down")
        assert [asked["alarm"] for asked in driven.daemon.asked("alarm_ack")] == [1]


async def test_a_search_in_a_burst_opens_what_it_found(tmp_path: Path) -> None:
    async with terminal(tmp_path) as driven:
        burst(driven, "/", "burn", ["enter", "enter"])
        await driven.wait_text("sulfonamides (rash), latex")
        assert driven.shell.screen.query_one("#main", Sheet).has_focus


async def test_a_long_text_and_what_follows_it_stay_apart(tmp_path: Path) -> None:
    """Letters wait for each other only now and then; Tab waits for all of them."""
    what, dose, route = "tablet " * 30, "300 mg " * 10, "mouth"
    async with terminal(tmp_path) as driven:
        await open_case(driven)
        burst(driven, "m", what, ["tab"], dose, ["enter"], route, ["up"], "x")
        await driven.wait(lambda: _answers(driven).get("dose", "").endswith("x"))
        assert _answers(driven) == {
            "what": what.strip(),
            "dose": f"{dose}x",
            "route": route,
            "given_s": "",
            "effect": "",
        }


async def test_what_is_typed_right_before_esc_is_kept_whole(tmp_path: Path) -> None:
    async with terminal(tmp_path) as driven:
        await open_case(driven)
        burst(driven, "m", "amoxicillin 500 mg", ["escape"])
        await driven.wait_text("Kept while this terminal runs")
        burst(driven, "m")
        await driven.wait(lambda: "what" in _answers(driven))
        assert _answers(driven)["what"] == "amoxicillin 500 mg"


async def test_keys_behind_the_one_that_leaves_open_nothing(tmp_path: Path) -> None:
    async with terminal(tmp_path) as driven:
        burst(driven, "q", "n" * 40, ["enter"])
        await driven.wait(lambda: not driven.shell.is_running)
        assert driven.shell.return_code == 0
        assert not driven.daemon.asked("templates")


async def test_what_is_too_much_to_wait_is_said_to_be_missing(tmp_path: Path) -> None:
    async with terminal(tmp_path) as driven:
        gate = driven.daemon.gates["order_confirm"] = asyncio.Event()
        await open_case(driven)
        burst(driven, "jc", "2.5 mg", ["enter"])
        await driven.wait(lambda: bool(driven.daemon.asked("order_confirm")))
        burst(driven, "x" * STROKES_WAITING_MAX, ["escape"])
        await driven.wait_text("Too much came at once: its end is missing.")
        gate.set()
        await driven.wait_text("Order 2 confirmed.")


def _answers(driven: Terminal) -> dict[str, str]:
    page = driven.shell.page
    return page.form.answers if isinstance(page, FormPage) and page.is_ready else {}
