"""A case on screen: facts in sight, orders done by key, replies weighed, nothing sent by accident."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from tests.tui import story
from tests.tui.driving import Terminal, terminal
from tests.tui.fake_daemon import FakeDaemon

SIZES = [(80, 24), (120, 40)]


def with_unknown_allergy(daemon: FakeDaemon) -> None:
    plan = story.plan(written_before=("allergy: penicillin, 21:38Z",))
    daemon.cases[story.CHEST] = story.chest(allergies="penicillin", plan=plan)


async def open_case(driven: Terminal, words: str) -> None:
    """The case whose row holds `words`."""
    at = next(number for number, row in enumerate(story.rows()) if words in row.complaint)
    await driven.press(*["j"] * at, "enter")
    await driven.wait_text("ALLERGIES")


@pytest.mark.parametrize("size", SIZES)
async def test_the_plan_is_shown_as_orders_with_what_is_aboard(tmp_path: Path, size: tuple[int, int]) -> None:
    async with terminal(tmp_path, size=size) as driven:
        await open_case(driven, "Chest")
        await driven.wait_text(">  1 TO DO")
        for words in (
            "Aspirin 300 mg tablet: 300 mg, by mouth",
            "aboard: 40 of list 3",
            "READ BACK",
            "NOT ON LIST 3",
        ):
            await driven.wait_text(words)
        await driven.wait_text("IF")


@pytest.mark.parametrize("size", SIZES)
async def test_allergies_stay_in_sight_while_the_case_is_scrolled(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with terminal(tmp_path, size=size) as driven:
        await open_case(driven, "burn")
        for _ in range(6):
            await driven.press("pagedown")
            await driven.wait_text("sulfonamides (rash), latex")
            assert "P-0920 41 F" in driven.lines[1]


async def test_what_is_watched_says_when(tmp_path: Path) -> None:
    async with terminal(tmp_path, size=(120, 40)) as driven:
        await open_case(driven, "Chest")
        assert driven.text.count("watched only when values are entered") == 2


async def test_one_key_confirms_a_plain_order(tmp_path: Path) -> None:
    async with terminal(tmp_path) as driven:
        await open_case(driven, "Chest")
        await driven.press("c")
        await driven.wait_text("Order 1 confirmed.")
        (asked,) = driven.daemon.asked("order_confirm")
        assert asked == {"case": story.CHEST, "order": 1, "reply": story.REPLY}


async def test_a_high_alert_order_is_read_back_by_typing_it(tmp_path: Path) -> None:
    async with terminal(tmp_path) as driven:
        await open_case(driven, "Chest")
        await driven.press("j", "c")
        await driven.wait_text("Type the dose again")
        await driven.wait_text("Morphine 10 mg/ml ampoule: 2.5 mg")
        await driven.press("enter")
        assert not driven.daemon.asked("order_confirm")
        await driven.type("2.5 mg")
        await driven.press("enter")
        await driven.wait_text("Order 2 confirmed.")
        (asked,) = driven.daemon.asked("order_confirm")
        assert (asked["order"], asked["read_back"]) == (2, "2.5 mg")


async def test_a_refused_read_back_says_so_and_keeps_the_form(tmp_path: Path) -> None:
    async with terminal(tmp_path) as driven:
        driven.daemon.refusals["order_confirm"] = (
            "The read-back differs from the order. Nothing was recorded."
        )
        await open_case(driven, "Chest")
        await driven.press("j", "c")
        await driven.wait_text("Type the dose again")
        await driven.type("25 mg")
        await driven.press("enter")
        await driven.wait_text("The read-back differs from the order.")
        assert "25 mg" in driven.line_with("Type the dose again")


async def test_done_is_recorded_with_two_keys_and_details_can_be_added(tmp_path: Path) -> None:
    async with terminal(tmp_path) as driven:
        await open_case(driven, "Chest")
        await driven.press("d")
        await driven.wait_text("[ Done now, as ordered ]")
        await driven.press("enter")
        await driven.wait_text("DONE")
        await driven.wait_text("given 21:42Z by J. Medic")
        assert driven.daemon.asked("order_done") == [{"case": story.CHEST, "order": 1, "reply": story.REPLY}]


async def test_what_is_known_of_the_patient_is_completed(tmp_path: Path) -> None:
    async with terminal(tmp_path) as driven:
        await open_case(driven, "Rash")
        await driven.press("u")
        await driven.wait_text("[ Save what is new ]")
        await driven.press(*["tab"] * 8, "enter")
        await driven.wait_text("Nothing is filled in")
        await driven.press(*["up"] * 8)
        for answer in ("0", "f", "penicillin, latex", "3,4", "m", "does", "", "asthma"):
            await driven.type(answer)
            await driven.press("enter")
        await driven.press("enter")
        await driven.wait(lambda: bool(driven.daemon.asked("patient_update")))
        assert driven.daemon.asked("patient_update") == [
            {
                "case": story.RASH,
                "age_years": 0,
                "sex": "f",
                "add_allergies": ["penicillin", "latex"],
                "weight_kg": "3.4",
                "weight_measured": True,
                "pregnancy": "not-applicable",
                "add_history": ["asthma"],
            }
        ]


async def test_an_age_that_is_no_number_is_refused(tmp_path: Path) -> None:
    async with terminal(tmp_path) as driven:
        await open_case(driven, "Rash")
        await driven.press("u")
        await driven.wait_text("[ Save what is new ]")
        await driven.type("about 40")
        await driven.press(*["tab"] * 8, "enter")
        await driven.wait_text("Age is a whole number of years, not 'about 40'.")
        assert not driven.daemon.asked("patient_update")


async def test_a_dose_that_is_typed_on_the_last_row_records_nothing(tmp_path: Path) -> None:
    async with terminal(tmp_path) as driven:
        await open_case(driven, "Chest")
        await driven.press("d")
        await driven.wait_text("[ Done now, as ordered ]")
        await driven.type("150 mg")
        await driven.press("up")
        assert not driven.daemon.asked("order_done")


async def test_another_dose_and_time_are_recorded_as_given(tmp_path: Path) -> None:
    async with terminal(tmp_path) as driven:
        await open_case(driven, "Chest")
        await driven.press("d")
        await driven.wait_text("[ Done now, as ordered ]")
        await driven.press("up", "up", "up")
        await driven.type("150 mg")
        await driven.press("enter")
        await driven.type("20m ago")
        await driven.press("enter", "enter", "enter")
        await driven.wait(lambda: bool(driven.daemon.asked("order_done")))
        (asked,) = driven.daemon.asked("order_done")
        assert (asked["dose"], asked["given_s"]) == ("150 mg", story.NOW_S - 1200)


async def test_a_refused_order_needs_a_reason(tmp_path: Path) -> None:
    async with terminal(tmp_path) as driven:
        await open_case(driven, "Chest")
        await driven.press("x")
        await driven.wait_text("Why it is not done")
        await driven.press("tab", "enter")
        await driven.wait_text("Still needed: Why it is not done")
        await driven.type("vomits")
        await driven.press("enter")
        await driven.wait(lambda: bool(driven.daemon.asked("order_refuse")))
        assert driven.daemon.asked("order_refuse")[0]["reason"] == "vomits"


async def test_a_key_that_cannot_act_stays_and_says_why(tmp_path: Path) -> None:
    done = replace(
        story.reply(), orders=(story.order(1, "Aspirin 300 mg", status="done", status_by="given 21:40Z"),)
    )
    async with terminal(
        tmp_path,
        prepare=lambda daemon: daemon.cases.update(
            {story.CHEST: story.chest(plan=story.plan(replies=(done,)))}
        ),
    ) as driven:
        await open_case(driven, "Chest")
        await driven.wait_text("c confirm order")
        await driven.press("c")
        await driven.wait_text("Order 1 is done already.")
        assert not driven.daemon.asked("order_confirm")


@pytest.mark.parametrize("size", SIZES)
async def test_what_the_reply_did_not_know_stands_above_it_until_it_is_accepted(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with terminal(tmp_path, size=size, prepare=with_unknown_allergy) as driven:
        await open_case(driven, "Chest")
        text = driven.text
        assert text.index("WRITTEN BEFORE") < text.index("Aspirin")
        assert "allergy: penicillin, 21:38Z" in text
        await driven.press("y")
        await driven.wait_text("I have weighed this")
        await driven.press("enter")
        assert not driven.daemon.asked("plan_accept"), "an Enter too many must not accept"
        await driven.press("enter")
        await driven.wait_text("Accepted.")
        assert driven.daemon.asked("plan_accept") == [{"case": story.CHEST}]


async def test_an_accepted_reply_still_says_what_it_did_not_know(tmp_path: Path) -> None:
    plan = story.plan(written_before=("allergy: penicillin, 21:38Z",), accepted_by="J. Medic")
    async with terminal(
        tmp_path, prepare=lambda daemon: daemon.cases.update({story.CHEST: story.chest(plan=plan)})
    ) as driven:
        await open_case(driven, "Chest")
        await driven.wait_text("WRITTEN BEFORE")
        await driven.wait_text("accepted by J. Medic")


async def test_two_replies_stand_side_by_side(tmp_path: Path) -> None:
    other = story.reply(reply="88" * 16, author="Night desk", orders=(), contingencies=())
    plan = story.plan(replies=(story.reply(orders=(), contingencies=()), other))
    async with terminal(
        tmp_path,
        size=(80, 40),
        prepare=lambda daemon: daemon.cases.update({story.CHEST: story.chest(plan=plan)}),
    ) as driven:
        await open_case(driven, "Chest")
        await driven.wait_text("Reply from Specialist on duty")
        await driven.wait_text("Reply from Night desk")
        await driven.wait_text("Nobody has chosen")


async def test_opening_a_case_marks_its_reply_seen_once(tmp_path: Path) -> None:
    async with terminal(tmp_path) as driven:
        await open_case(driven, "Chest")
        await driven.wait(lambda: bool(driven.daemon.asked("plan")))
        await driven.press("q", "enter")
        await driven.wait_text("ALLERGIES")
        assert driven.daemon.asked("plan") == [{"case": story.CHEST, "seen": True}]


async def test_a_case_is_sent_by_the_same_key_twice_and_by_no_other(tmp_path: Path) -> None:
    async with terminal(tmp_path) as driven:
        await open_case(driven, "Rash")
        await driven.press("s")
        await driven.wait_text("s again sends it")
        await driven.wait_text("about 39 s, $0.27 over certus-100")
        driven.read()
        await driven.press("j", "s", "down")
        assert not driven.daemon.asked("send")
        await driven.press("s")
        driven.read()
        await driven.press("s")
        await driven.wait_text("Queued 5 items: 47 kB, about 39 s, $0.27.")
        assert driven.daemon.asked("send") == [{"case": story.RASH, "accept_missing": False}]


async def test_a_key_that_repeats_itself_sends_nothing(tmp_path: Path) -> None:
    async with terminal(tmp_path) as driven:
        await open_case(driven, "Rash")
        await driven.press("s", "s", "s")
        await driven.wait_text("s again sends it")
        assert not driven.daemon.asked("send")


async def test_an_emergency_goes_at_the_first_key(tmp_path: Path) -> None:
    urgent = replace(story.rash(), row=replace(story.rows()[2], urgency="EMER"))
    async with terminal(tmp_path, prepare=lambda daemon: daemon.cases.update({story.RASH: urgent})) as driven:
        await open_case(driven, "Rash")
        await driven.press("s")
        await driven.wait_text("Queued 5 items")


async def test_what_is_lacking_for_sending_is_the_daemons_own_sentence(tmp_path: Path) -> None:
    async with terminal(tmp_path) as driven:
        driven.daemon.refusals["send"] = "Still missing: Age, Sex. Nothing was sent."
        await open_case(driven, "Rash")
        await driven.press("s")
        driven.read()
        await driven.press("s")
        await driven.wait_text("Still missing: Age, Sex. Nothing was sent.")


async def test_a_change_made_elsewhere_appears(tmp_path: Path) -> None:
    async with terminal(tmp_path) as driven:
        await open_case(driven, "Rash")
        await driven.wait_text("NOT ASKED")
        driven.daemon.change(replace(story.rash(), allergies="latex"))
        await driven.wait_text("ALLERGIES  latex")


@pytest.mark.parametrize(
    ("key", "typed", "method", "expected"),
    [
        ("n", ("pain less", "tab", "enter"), "note_add", {"text": "pain less"}),
        ("g", ("penicillin", "enter"), "patient_update", {"add_allergies": ["penicillin"]}),
        ("g", ("none known", "enter"), "patient_update", {"no_known_allergies": True}),
        (
            "m",
            ("aspirin", "tab", "300 mg", *["tab"] * 4, "enter"),
            "treatment_add",
            {"what": "aspirin", "dose": "300 mg"},
        ),
    ],
)
async def test_what_was_seen_and_done_is_added(
    tmp_path: Path, key: str, typed: tuple[str, ...], method: str, expected: dict[str, object]
) -> None:
    async with terminal(tmp_path) as driven:
        await open_case(driven, "Chest")
        await driven.press(key)
        await driven.wait_text("[ Save the")
        for part in typed:
            if part in ("tab", "enter"):
                await driven.press(part)
            else:
                await driven.type(part)
        await driven.wait(lambda: bool(driven.daemon.asked(method)))
        assert driven.daemon.asked(method) == [{"case": story.CHEST, **expected}]
        await driven.wait_text("saved.")


async def test_orders_confirmed_in_a_hurry_are_all_confirmed(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with terminal(
        tmp_path, prepare=lambda daemon: daemon.gates.update({"order_confirm": gate})
    ) as driven:
        await open_case(driven, "Chest")
        await driven.press("c", "j", "j", "c")
        gate.set()
        await driven.wait(lambda: len(driven.daemon.asked("order_confirm")) == 2)
        assert [asked["order"] for asked in driven.daemon.asked("order_confirm")] == [1, 3]


async def test_leaving_the_page_does_not_call_off_what_was_said(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with terminal(tmp_path) as driven:
        await open_case(driven, "Chest")
        asked_before = len(driven.daemon.asked("transfers"))
        driven.daemon.gates["transfers"] = gate
        driven.shell.reload()
        await driven.wait(lambda: len(driven.daemon.asked("transfers")) > asked_before)
        # The connection is busy, so the order waits for its turn while the medic goes on.
        await driven.press("c", "q", "question_mark", "q")
        gate.set()
        await driven.wait(lambda: len(driven.daemon.asked("order_confirm")) == 1)
        await driven.wait_text("Order 1 confirmed.")


async def test_a_form_that_was_left_while_it_saved_says_what_became_of_it(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with terminal(tmp_path, prepare=lambda daemon: daemon.gates.update({"note_add": gate})) as driven:
        await open_case(driven, "Chest")
        await driven.press("n")
        await driven.wait_text("[ Save the note ]")
        await driven.type("pain less")
        await driven.press("tab", "enter", "escape")
        await driven.wait_text("Aspirin")
        gate.set()
        await driven.wait_text("Save the note: done.")
        assert len(driven.daemon.asked("note_add")) == 1
