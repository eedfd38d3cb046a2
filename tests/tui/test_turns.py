"""A burst of keys means what the same keys mean one by one: each value in its field, none done by chance."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from textual import events

from tests.tui import story
from tests.tui.driving import Terminal, terminal
from tui.screens.acts import OrderPage
from tui.screens.vitals import VitalsPage
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
        driven.daemon.raise_alarm(story.alarm())
        await driven.wait_text("!! ALARM")
        burst(driven, "a")
        await driven.wait_text("Who has seen")
        burst(driven, "medic", ["enter"], "medic", ["enter"])
        await driven.wait_text("Acknowledged by medic.")
        assert [asked["by"] for asked in driven.daemon.asked("alarm_ack")] == ["medic"]


async def test_a_search_in_a_burst_opens_what_it_found(tmp_path: Path) -> None:
    async with terminal(tmp_path) as driven:
        burst(driven, "/", "burn", ["enter", "enter"])
        await driven.wait_text("sulfonamides (rash), latex")
        assert driven.shell.screen.query_one("#main", Sheet).has_focus


def _answers(driven: Terminal) -> dict[str, str]:
    page = driven.shell.page
    return page.form.answers if isinstance(page, VitalsPage | OrderPage) and page.is_ready else {}
