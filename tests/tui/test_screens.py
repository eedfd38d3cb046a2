"""The terminal as a medic meets it: locked, home, alarms, forms, the outbox, and a daemon that goes away."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from textual.widgets import Input

from tests.tui import story
from tests.tui.driving import Terminal, terminal
from tests.tui.fake_daemon import FakeDaemon
from tui.palette import Palette
from tui.screens.cases import CasesPage
from tui.widgets.form import FormBody

NAMES = ("P-0917", "C-7K2M", "Chest pain")


def locked(daemon: FakeDaemon) -> None:
    daemon.status = story.status(vault="locked", unread_replies=2, alarms=1)
    daemon.alarm_list = [story.alarm(text="An alarm: unlock to see it")]


def with_two_hubs(daemon: FakeDaemon) -> None:
    daemon.status = story.status(hubs=story.HUBS)
    burn = daemon.cases[story.BURN]
    daemon.cases[story.BURN] = replace(burn, row=replace(burn.row, hub="Burns centre"))


ANSWERS = {
    "urgency": "urgent",
    "patient_code": "P-0930",
    "complaint": "Pressing chest pain",
    "question": "Is it a heart attack?",
    "age": "54",
    "sex": "m",
    "allergies": "none",
    "sign respiratory_rate_min": "24",
    "sign spo2_percent": "91",
    "sign on_oxygen": "a",
    "sign pressure": "98/60",
    "sign heart_rate_min": "118",
    "sign consciousness": "a",
    "sign temperature_c": "38.6",
}
"""All that sending a chest pain needs."""


async def open_form(driven: Terminal, answers: Mapping[str, str]) -> FormBody:
    """The form of a chest pain, with some answers in it."""
    await driven.press("n")
    await driven.wait_text("Chest pain   ")
    await driven.press("1")
    await driven.wait_text("Urgency")
    form = driven.shell.screen.query_one(FormBody)
    form.fill(answers)
    return form


async def save(driven: Terminal) -> None:
    """Enter on the row that saves."""
    driven.shell.screen.query_one(FormBody).go_to_confirm()
    await driven.press("enter")


class TestLock:
    async def test_it_shows_how_much_waits_and_no_name(self, tmp_path: Path) -> None:
        async with terminal(tmp_path, prepare=locked, first="LOCKED") as driven:
            await driven.wait_text("2 unread replies, 1 alarm")
            assert not [name for name in NAMES if name in driven.text]
            assert not driven.daemon.asked("cases")

    async def test_a_wrong_passphrase_is_said_and_the_right_one_opens(self, tmp_path: Path) -> None:
        async with terminal(tmp_path, prepare=locked, first="Passphrase") as driven:
            await driven.type("wrong")
            assert "wrong" not in driven.text
            await driven.press("enter")
            await driven.wait_text("does not open the vault")
            await driven.type("six quiet words")
            await driven.press("enter")
            await driven.wait_text("P-0917 54 M")

    async def test_locking_leaves_nothing_clinical_on_screen(self, tmp_path: Path) -> None:
        async with terminal(tmp_path) as driven:
            await driven.press("enter")
            await driven.wait_text("ALLERGIES")
            await driven.press("L")
            await driven.wait_text("Passphrase")
            assert not [name for name in NAMES if name in driven.text]
            assert len(driven.shell.screen_stack) == 2

    async def test_a_vault_locked_from_elsewhere_locks_this_terminal(self, tmp_path: Path) -> None:
        async with terminal(tmp_path) as driven:
            driven.daemon.status = story.status(vault="locked")
            driven.daemon.publish("status", {**_primitive(driven)})
            await driven.wait_text("Passphrase")

    async def test_an_alarm_shows_through_the_lock(self, tmp_path: Path) -> None:
        async with terminal(tmp_path, prepare=locked, first="LOCKED") as driven:
            await driven.wait_text("!! ALARM")
            await driven.wait_text("unlock to see it")


class TestCases:
    @pytest.mark.parametrize("size", [(80, 24), (120, 40)])
    async def test_the_list_says_what_a_medic_must_know(self, tmp_path: Path, size: tuple[int, int]) -> None:
        async with terminal(tmp_path, size=size) as driven:
            first = driven.line_with("P-0917")
            for words in (">", "!!", "EMER", "C-7K2M", "7", "reply unread", "4m"):
                assert words in first
            assert "going (2 of 5)" in driven.line_with("P-0920")
            assert "draft" in driven.line_with("P-0911")

    async def test_search_narrows_as_one_types_and_esc_shows_all(self, tmp_path: Path) -> None:
        async with terminal(tmp_path) as driven:
            await driven.press("slash")
            await driven.type("burn")
            await driven.wait_text("1 of 3 cases shown")
            await driven.wait_gone("P-0917")
            await driven.press("enter", "enter")
            await driven.wait_text("sulfonamides")
            await driven.press("q", "escape")
            await driven.wait_text("P-0917")

    async def test_a_new_state_appears_without_a_key_and_the_cursor_stays(self, tmp_path: Path) -> None:
        async with terminal(tmp_path) as driven:
            await driven.press("j")
            changed = replace(story.burn(), row=replace(story.burn().row, state="stored at hub"))
            driven.daemon.change(changed)
            await driven.wait_text("stored at hub")
            assert driven.line_with("P-0920").startswith(">")

    async def test_an_empty_site_says_how_to_begin(self, tmp_path: Path) -> None:
        async with terminal(tmp_path, prepare=lambda daemon: daemon.cases.clear()) as driven:
            await driven.wait_text("No case yet.")
            await driven.press("enter", "j", "k", "end")
            await driven.wait_text("No case yet.")

    async def test_five_thousand_cases_scroll(self, tmp_path: Path) -> None:
        def many(daemon: FakeDaemon) -> None:
            daemon.extra_rows = story.many_rows(4_000)

        async with terminal(tmp_path, prepare=many, first="4003 cases") as driven:
            await driven.press("end")
            await driven.wait_text("P-3999")
            await driven.press("pageup")
            await driven.wait_gone("P-3999")

    async def test_without_a_hub_no_case_is_begun_in_vain(self, tmp_path: Path) -> None:
        def alone(daemon: FakeDaemon) -> None:
            daemon.status = story.status(hub=None)

        async with terminal(tmp_path, prepare=alone) as driven:
            await driven.press("n")
            await driven.wait_text("This site has no hub yet")

    async def test_a_keyboard_in_korean_mode_reaches_the_commands(self, tmp_path: Path) -> None:
        async with terminal(tmp_path) as driven:
            await driven.type("ㅐ")
            await driven.wait_text("OUTBOX")
            await driven.type("ㅂ")
            await driven.wait_text("CASES")


class TestAlarm:
    async def test_it_rings_once_stays_and_is_acknowledged_by_name(self, tmp_path: Path) -> None:
        async with terminal(tmp_path) as driven:
            rung = _count_bells(driven)
            driven.daemon.raise_alarm(story.alarm())
            await driven.wait_text("!! ALARM")
            driven.daemon.publish("status", _primitive(driven))
            await driven.press("enter")
            await driven.wait_text("ALLERGIES")
            await driven.wait_text("give oxygen 10 l/min (order 3)")
            assert rung == ["bell"]
            await driven.press("a")
            await driven.wait_text("Who has seen this alarm?")
            await driven.press("enter")
            await driven.wait_text("A name is needed")
            await driven.type("q")
            await driven.press("enter")
            await driven.press("backspace")
            assert not driven.daemon.asked("alarm_ack")
            await driven.type("J. Medic")
            await driven.press("enter")
            await driven.wait_text("Acknowledged by J. Medic.")
            assert driven.daemon.asked("alarm_ack") == [{"alarm": 1, "by": "J. Medic"}]
            await driven.wait_text("ALLERGIES")
            await driven.wait_gone("!! ALARM")

    async def test_it_never_takes_the_keyboard_from_a_word_half_typed(self, tmp_path: Path) -> None:
        async with terminal(tmp_path) as driven:
            await driven.press("enter")
            await driven.wait_text("ALLERGIES")
            await driven.press("n")
            await driven.wait_text("Save the note")
            await driven.type("pain ")
            driven.daemon.raise_alarm(story.alarm())
            await driven.wait_text("!! ALARM")
            await driven.type("again")
            await driven.press("enter")
            await driven.wait_text("pain again")
            await driven.wait_text("Esc, then a: acknowledge")
            assert not driven.daemon.asked("alarm_ack")

    async def test_the_cursor_picks_which_of_two(self, tmp_path: Path) -> None:
        async with terminal(tmp_path) as driven:
            driven.daemon.raise_alarm(story.alarm(1))
            driven.daemon.raise_alarm(story.alarm(2, text="RECHECK MISSED by 20 min", severity="warning"))
            await driven.wait_text("(1 of 2)")
            await driven.press("a")
            await driven.wait_text("Who has seen")
            await driven.press("down")
            await driven.type("J. Medic")
            await driven.press("enter")
            await driven.wait(lambda: bool(driven.daemon.asked("alarm_ack")))
            assert driven.daemon.asked("alarm_ack")[0]["alarm"] == 2
            await driven.wait_text("CASES")
            await driven.wait_text("!! ALARM")
            await driven.wait_gone("(1 of 2)")


class TestNewCase:
    async def test_a_case_is_made_of_what_was_typed(self, tmp_path: Path) -> None:
        async with terminal(tmp_path) as driven:
            await open_form(driven, {})
            await driven.press("2", "tab")
            for answer in ("P-0930", "Pressing chest pain", "Is it a heart attack?", "54"):
                await driven.type(answer)
                await driven.press("enter")
            await driven.press("m", "tab")
            await driven.type("none")
            await driven.press("enter")
            for sign in ("24", "91", "a", "98/60", "118", "a", "386"):
                await driven.type(sign)
                await driven.press("tab")
            await driven.wait_text("NEWS2 10 HIGH")
            await driven.wait_text("Complete: it can be sent once it is saved.")
            await driven.press("tab", "tab", "tab", "enter")
            await driven.wait_text("Draft saved on this machine.")
            (opened,) = driven.daemon.asked("case_new")
            assert opened == {
                "template": "chest-pain",
                "urgency": "urgent",
                "patient_code": "P-0930",
                "complaint": "Pressing chest pain",
                "question": "Is it a heart attack?",
                "age_years": 54,
                "sex": "m",
                "no_known_allergies": True,
                "answers": {},
            }
            (vitals,) = driven.daemon.asked("vitals_add")[0]["sets"]
            assert (vitals["temperature_c"], vitals["systolic_mmhg"]) == ("38.6", 98)

    async def test_with_several_hubs_it_can_be_said_which_one_is_asked(self, tmp_path: Path) -> None:
        async with terminal(tmp_path, prepare=with_two_hubs) as driven:
            await driven.wait_text("Burns cen~")
            await open_form(driven, {})
            await driven.wait_text("1 Duty desk (unless you pick)  2 Burns centre")
            await driven.press("2", "tab")
            await driven.type("P-0930")
            await driven.press("enter", "b", "tab")
            await driven.wait_text("[Burns centre]")
            for answer in ("Scald of the arm", "Is it deep?"):
                await driven.type(answer)
                await driven.press("enter")
            await save(driven)
            await driven.wait_text("Draft saved")
            (opened,) = driven.daemon.asked("case_new")
            assert (opened["hub"], opened["complaint"]) == ("Burns centre", "Scald of the arm")

    async def test_a_name_that_is_typed_at_a_choice_commands_nothing(self, tmp_path: Path) -> None:
        async with terminal(tmp_path) as driven:
            await open_form(driven, {})
            driven.daemon.raise_alarm(story.alarm())
            await driven.wait_text("Esc, then a: acknowledge")
            await driven.type("Loqat?")
            await driven.press("down")
            await driven.wait_text("> Patient code")
            assert driven.shell.palette is Palette.DUSK
            assert not driven.daemon.asked("lock")
            assert "Esc back" in driven.lines[-1]

    async def test_with_one_hub_nobody_is_asked_which(self, tmp_path: Path) -> None:
        async with terminal(tmp_path) as driven:
            await open_form(driven, {})
            await driven.wait_text("Patient code")
            assert "Hub to ask" not in driven.text

    async def test_what_is_still_needed_is_named_and_the_cursor_goes_there(self, tmp_path: Path) -> None:
        async with terminal(tmp_path) as driven:
            await driven.press("n")
            await driven.wait_text("General illness")
            await driven.press("2")
            await driven.wait_text("Urgency")
            await driven.press("up", "enter")
            await driven.wait_text("Still needed: Urgency, Patient code, Main complaint")
            await driven.press("1")
            await driven.wait_text("[emergency]")

    async def test_esc_keeps_what_was_typed_and_says_where(self, tmp_path: Path) -> None:
        async with terminal(tmp_path) as driven:
            await open_form(driven, ANSWERS)
            await driven.wait_text("NEWS2 10 HIGH")
            await driven.press("escape")
            await driven.wait_text("Kept while this terminal runs, not saved on disk.")
            await driven.press("q")
            await driven.wait_text("q again drops it")
            await driven.press("n")
            await driven.wait_text("begun here, not saved")
            await driven.press("1")
            await driven.wait_text("Pressing chest pain")
            for words in ("[urgent]", "P-0930", "[male]", "98/60", "38.6", "NEWS2 10 HIGH"):
                await driven.wait_text(words)

    async def test_a_second_enter_does_not_open_it_twice(self, tmp_path: Path) -> None:
        async with terminal(tmp_path) as driven:
            driven.daemon.gates["case_new"] = asyncio.Event()
            await open_form(driven, ANSWERS)
            await save(driven)
            await driven.press("enter", "enter")
            driven.daemon.gates["case_new"].set()
            await driven.wait_text("Draft saved")
            assert len(driven.daemon.asked("case_new")) == 1

    async def test_vitals_that_failed_do_not_open_the_case_again(self, tmp_path: Path) -> None:
        async with terminal(tmp_path) as driven:
            driven.daemon.refusals["vitals_add"] = (
                "The disk is full. The case is saved, these values are not."
            )
            await open_form(driven, ANSWERS)
            await save(driven)
            await driven.wait_text("The disk is full.")
            driven.daemon.refusals.clear()
            await driven.press("enter")
            await driven.wait_text("Draft saved")
            assert len(driven.daemon.asked("case_new")) == 1
            assert len(driven.daemon.asked("vitals_add")) == 2

    async def test_the_score_is_refused_for_a_child(self, tmp_path: Path) -> None:
        async with terminal(tmp_path) as driven:
            form = await open_form(driven, ANSWERS)
            await driven.wait_text("NEWS2 10 HIGH")
            form.fill({"age": "9"})
            await driven.wait_text("NEWS2 does not apply under 16")


class TestVitals:
    async def open(self, driven: Terminal) -> None:
        await driven.press("enter")
        await driven.wait_text("ALLERGIES")
        await driven.press("v")
        await driven.wait_text("VITAL SIGNS")

    async def test_an_impossible_value_is_refused_and_an_improbable_one_asked_once(
        self, tmp_path: Path
    ) -> None:
        async with terminal(tmp_path) as driven:
            await self.open(driven)
            await driven.press("tab")
            await driven.type("912")
            await driven.wait_text("SpO2 912 is not possible")
            await save(driven)
            assert not driven.daemon.asked("vitals_add")
            spo2 = next(field for field in driven.shell.screen.query(Input) if field.value == "912")
            spo2.value = "9"
            await save(driven)
            await driven.wait_text("SpO2 9: is that right?")
            assert not driven.daemon.asked("vitals_add")
            await driven.press("enter")
            await driven.wait_text("Vital signs saved.")
            assert driven.daemon.asked("vitals_add")[0]["sets"] == [{"spo2_percent": 9}]

    async def test_nothing_measured_is_not_saved(self, tmp_path: Path) -> None:
        async with terminal(tmp_path) as driven:
            await self.open(driven)
            await save(driven)
            await driven.wait_text("Nothing was measured yet")

    async def test_earlier_sets_are_all_there(self, tmp_path: Path) -> None:
        async with terminal(tmp_path) as driven:
            await self.open(driven)
            for moment in ("21:30Z", "21:07Z", "20:42Z", "20:07Z"):
                await driven.wait_text(moment)


class TestPhoto:
    async def test_the_newest_picture_is_two_keys_and_a_caption_away(self, tmp_path: Path) -> None:
        (tmp_path / "ecg.jpg").write_bytes(b"\xff\xd8\xff")
        async with terminal(tmp_path) as driven:
            await driven.press("enter")
            await driven.wait_text("ALLERGIES")
            await driven.press("p")
            await driven.wait_text("> ecg.jpg")
            await driven.press("enter")
            await driven.type("Paper ECG")
            await driven.press("enter", "enter")
            await driven.wait_text("Photograph saved: preview 3.1 kB, standard 19 kB. Camera data removed.")
            (asked,) = driven.daemon.asked("photo_add")
            assert asked == {"case": story.CHEST, "path": str(tmp_path / "ecg.jpg"), "caption": "Paper ECG"}

    async def test_a_folder_is_no_picture(self, tmp_path: Path) -> None:
        async with terminal(tmp_path) as driven:
            await driven.press("enter")
            await driven.wait_text("ALLERGIES")
            await driven.press("p")
            await driven.wait_text("No picture here.")
            await driven.press("tab")
            await driven.type("x")
            await driven.press("enter", "enter")
            await driven.wait_text("That is no file")
            assert not driven.daemon.asked("photo_add")


class TestOutbox:
    async def test_progress_moves_in_words_and_nothing_is_stored_early(self, tmp_path: Path) -> None:
        async with terminal(tmp_path) as driven:
            await driven.press("o")
            await driven.wait_text("OUTBOX")
            assert "42%" in driven.line_with("standard: right")
            moving = story.transfers()[3]
            driven.daemon.report(replace(moving, done_bytes=14_000, eta_s=21.0))
            await driven.wait_text("70%")
            assert "[#######---]" in driven.line_with("standard: right")
            driven.daemon.report(replace(moving, done_bytes=19_800, eta_s=None))
            await driven.wait_text("100%")
            assert driven.text.index("standard: right") < driven.text.index("STORED AT HUB")
            driven.daemon.report(
                replace(moving, done_bytes=19_800, eta_s=None, state="stored at hub", stored_s=story.NOW_S)
            )
            await driven.wait(lambda: "stored 21:42Z" in driven.text)
            assert driven.text.index("standard: right") > driven.text.index("STORED AT HUB")

    async def test_with_several_hubs_each_is_told_apart(self, tmp_path: Path) -> None:
        async with terminal(tmp_path, prepare=with_two_hubs) as driven:
            driven.daemon.transfer_list = [replace(each, hub="Burns centre") for each in story.transfers()]
            await driven.press("o")
            await driven.wait_text("ON THE WAY TO BURNS CENTRE")
            for words in ("HUBS", "Duty desk", "up, Burns centre", "2 of 2 hubs reached"):
                assert words in driven.text
            assert "link up" not in driven.text


class TestFrame:
    async def test_the_help_lists_every_key_of_the_screen_with_reasons(self, tmp_path: Path) -> None:
        async with terminal(tmp_path, size=(80, 40)) as driven:
            await driven.press("enter")
            await driven.wait_text("ALLERGIES")
            await driven.press("question_mark")
            await driven.wait_text("KEYS: CASE")
            for words in (
                "confirm order",
                "refuse order",
                "vitals",
                "photo",
                "new allergy",
                "Day, Dusk, Night",
            ):
                await driven.wait_text(words)
            await driven.wait_text("not now: This case was sent")
            assert "Scroll" not in driven.text

    async def test_a_footer_has_at_most_six_keys_on_every_screen(self, tmp_path: Path) -> None:
        async with terminal(tmp_path) as driven:
            for keys in (("enter",), ("v",), ("escape", "p"), ("escape", "q", "o"), ("q", "n")):
                await driven.press(*keys)
                page = driven.shell.page
                assert page is not None
                assert 1 <= len(page.key_hints()) <= 6

    async def test_back_leads_home_from_everywhere(self, tmp_path: Path) -> None:
        async with terminal(tmp_path) as driven:
            for keys in (("enter", "v"), ("enter", "d"), ("o", "a", "o", "a"), ("n", "question_mark")):
                await driven.press(*keys)
                for _ in range(4):
                    if not isinstance(driven.shell.screen, CasesPage):
                        await driven.press("escape")
                assert isinstance(driven.shell.screen, CasesPage)

    async def test_the_palette_goes_round_and_night_is_said(self, tmp_path: Path) -> None:
        async with terminal(tmp_path, palette=Palette.DUSK) as driven:
            await driven.press("t")
            await driven.wait_text("NIGHT")
            await driven.press("t")
            assert driven.shell.palette is Palette.DAY

    async def test_at_night_every_cell_is_red_or_black(self, tmp_path: Path) -> None:
        async with terminal(tmp_path, palette=Palette.NIGHT) as driven:
            driven.daemon.raise_alarm(story.alarm())
            await driven.wait_text("!! ALARM")
            await driven.press("enter")
            await driven.wait_text("ALLERGIES")
            for strip in driven.shell.screen._compositor.render_strips():
                for segment in strip:
                    for colour in (segment.style.color, segment.style.bgcolor) if segment.style else ():
                        assert colour is None or colour.get_truecolor()[1:] == (0, 0)

    async def test_remote_text_cannot_style_the_screen(self, tmp_path: Path) -> None:
        hostile = replace(story.rows()[0], complaint="[red]x[/] \x1b[31mred\x1b[0m @click=app.exit")
        view = story.chest(row=hostile, notes=("[b]bold[/b] [@click=app.quit]press[/]",))
        async with terminal(
            tmp_path, size=(120, 60), prepare=lambda daemon: daemon.cases.update({story.CHEST: view})
        ) as driven:
            await driven.wait_text("[red]x[/]")
            await driven.press("enter")
            await driven.wait_text("[b]bold[/b] [@click=app.quit]press[/]")
            assert "\x1b" not in driven.text

    async def test_a_daemon_that_went_away_is_said_and_found_again(self, tmp_path: Path) -> None:
        async with terminal(tmp_path) as driven:
            driven.shell.site.trouble = None
            driven.daemon.refusals["status"] = "The disk cannot be read. Earlier changes are safe."
            driven.shell.reload()
            await driven.wait_text("The disk cannot be read.")
            driven.daemon.refusals.clear()
            driven.shell.reload()
            await driven.wait_text("link up, certus-100")


def _primitive(driven: Terminal) -> dict[str, object]:
    from sfnode.views import to_primitive

    values: dict[str, object] = to_primitive(driven.daemon.status)
    return values


def _count_bells(driven: Terminal) -> list[str]:
    """Each bell the terminal was asked to ring from now on."""
    rung: list[str] = []
    driven.shell.bell = lambda: rung.append("bell")  # type: ignore[method-assign]  # a headless driver has no bell
    return rung
