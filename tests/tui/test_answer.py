"""A question of the hub's and a note to be put right, on the smallest screen and by keys alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sfnode.views import CaseView, NoteView, QuestionView
from tests.tui import story
from tests.tui.driving import Terminal, terminal
from tests.tui.fake_daemon import FakeDaemon

AWAKE = QuestionView(
    question="4f" * 16,
    code=4,
    text="Is the patient fully awake and making sense?",
    takes="yes or no",
    choices=("no", "yes"),
    asked_by="Specialist on duty",
    asked_s=story.NOW_S,
    within_min=30,
    answers=(),
)
MINUTES = replace(
    AWAKE,
    question="2a" * 16,
    code=2,
    text="How many minutes ago did it begin?",
    takes="a whole number of min",
    choices=(),
)
NOTES = (
    NoteView(record="a1" * 16, language="en", text="Rash since noon."),
    NoteView(record="b2" * 16, language="en", text="Itching, 4 of 10."),
)


def asking(*questions: QuestionView, **changes: object) -> CaseView:
    """The rash, for which there is no reply yet, so that nothing else takes the cursor."""
    return replace(story.rash(), questions=questions, **changes)  # type: ignore[arg-type]  # Fields by name.


def with_case(view: CaseView) -> Callable[[FakeDaemon], None]:
    def prepare(daemon: FakeDaemon) -> None:
        daemon.cases[view.row.case] = view

    return prepare


def noted() -> CaseView:
    return asking(notes=tuple(f"en: {note.text}" for note in NOTES), note_views=NOTES)


async def open_rash(driven: Terminal) -> None:
    at = next(number for number, row in enumerate(story.rows()) if "Rash" in row.complaint)
    await driven.press(*["j"] * at, "enter")
    await driven.wait_text("ALLERGIES")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_question_stands_in_sight_and_one_key_answers_it(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    view = asking(AWAKE, MINUTES)
    async with terminal(tmp_path, size=size, prepare=with_case(view)) as driven:
        await open_rash(driven)
        await driven.wait_text("THE HUB ASKS")
        await driven.wait_text("Specialist on duty: yes or no, within 30 min")
        await driven.press("w")
        await driven.wait_text("[ Save the answer ]")
        await driven.wait_text(AWAKE.text)
        await driven.press("2", "tab", "tab", "enter")
        await driven.wait_text("Answer saved.")
        (asked,) = driven.daemon.asked("question_answer")
        assert asked == {"case": view.row.case, "question": AWAKE.question, "value": "yes"}


async def test_the_cursor_says_which_question(tmp_path: Path) -> None:
    view = asking(AWAKE, MINUTES)
    async with terminal(tmp_path, prepare=with_case(view)) as driven:
        await open_rash(driven)
        await driven.wait_text("THE HUB ASKS")
        await driven.press("j", "w")
        await driven.wait_text("a whole number of min")
        await driven.press("tab", "tab", "enter")
        await driven.wait_text("Answer, or say why there is no answer.")
        assert not driven.daemon.asked("question_answer")
        await driven.press("up", "up")
        await driven.type("90")
        await driven.press("tab", "tab", "enter")
        await driven.wait(lambda: bool(driven.daemon.asked("question_answer")))
        (asked,) = driven.daemon.asked("question_answer")
        assert (asked["question"], asked["value"]) == (MINUTES.question, "90")


async def test_why_there_is_no_answer_can_be_said_and_not_both(tmp_path: Path) -> None:
    view = asking(AWAKE)
    async with terminal(tmp_path, prepare=with_case(view)) as driven:
        await open_rash(driven)
        await driven.press("w")
        await driven.wait_text("[ Save the answer ]")
        await driven.press("1", "tab", "2", "tab", "enter")
        await driven.wait_text("not both")
        await driven.press("up", "up", "backspace", "tab", "tab", "enter")
        await driven.wait_text("Answer saved.")
        (asked,) = driven.daemon.asked("question_answer")
        assert asked == {"case": view.row.case, "question": AWAKE.question, "state": "cannot"}


async def test_answers_that_contradict_each_other_are_both_shown(tmp_path: Path) -> None:
    view = asking(replace(AWAKE, answers=("yes", "no")))
    async with terminal(tmp_path, prepare=with_case(view)) as driven:
        await open_rash(driven)
        await driven.wait_text("answered: yes")
        await driven.wait_text("answered: no")


async def test_without_a_question_the_key_says_so(tmp_path: Path) -> None:
    async with terminal(tmp_path, prepare=with_case(asking())) as driven:
        await open_rash(driven)
        await driven.press("w")
        await driven.wait_text("The hub asks nothing that waits for an answer.")


async def test_the_note_under_the_cursor_is_put_right(tmp_path: Path) -> None:
    view = noted()
    async with terminal(tmp_path, prepare=with_case(view)) as driven:
        await open_rash(driven)
        await driven.press("end", "e")
        await driven.wait_text("CORRECT A NOTE")
        await driven.wait_text("Itching, 4 of 10.")
        await driven.type(" Less.")
        await driven.press("tab", "enter")
        await driven.wait_text("Note corrected.")
        (asked,) = driven.daemon.asked("note_correct")
        assert asked == {"case": view.row.case, "note": NOTES[1].record, "text": "Itching, 4 of 10. Less."}


async def test_leaving_a_note_as_it_stands_keeps_no_draft(tmp_path: Path) -> None:
    async with terminal(tmp_path, prepare=with_case(noted())) as driven:
        await open_rash(driven)
        await driven.press("end", "e")
        await driven.wait_text("CORRECT A NOTE")
        await driven.press("escape")
        await driven.wait_text("NOTES")
        assert "Kept" not in driven.text


async def test_a_refused_correction_says_why_and_keeps_what_was_typed(tmp_path: Path) -> None:
    async with terminal(tmp_path, prepare=with_case(noted())) as driven:
        driven.daemon.refusals["note_correct"] = "The note says exactly that already. Nothing was saved."
        await open_rash(driven)
        await driven.press("end", "e")
        await driven.wait_text("CORRECT A NOTE")
        await driven.press("tab", "enter")
        await driven.wait_text("The note says exactly that already.")
        assert "Itching" in driven.text
