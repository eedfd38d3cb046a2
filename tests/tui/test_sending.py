"""A case that lacks something is sent by a deliberate act only: read first what it lacks; it stays said."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.tui import story
from tests.tui.driving import Terminal, terminal
from tests.tui.test_turns import burst
from tui.screens.send_as_it_is import SendAsItIsPage

VITALS = "A set of vital signs"
MISSING = ("*Age", f"*{VITALS}", "Weight", "Pregnancy")


@asynccontextmanager
async def incomplete(
    folder: Path, *, size: tuple[int, int] = (80, 24), urgency: str = "ROUT"
) -> AsyncIterator[Terminal]:
    """A draft on screen that lacks two answers, with the cursor on none of its orders."""
    row = replace(story.rows()[2], urgency=urgency)
    draft = replace(story.rash(), row=row, missing=MISSING)
    async with terminal(
        folder, size=size, prepare=lambda daemon: daemon.cases.update({story.RASH: draft})
    ) as driven:
        await driven.press("j", "j", "enter")
        await driven.wait_text("NEEDED TO SEND")
        yield driven


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_draft_says_what_it_lacks(tmp_path: Path, size: tuple[int, int]) -> None:
    async with incomplete(tmp_path, size=size) as driven:
        at = driven.lines.index("  NEEDED TO SEND")
        assert f"- Age, {VITALS}" in driven.lines[at + 1]
        await driven.press("end")
        await driven.wait_text("NOT ANSWERED, IF YOU KNOW IT")
        await driven.wait_text("- Weight, Pregnancy")


async def test_what_was_sent_asks_for_nothing_any_more(tmp_path: Path) -> None:
    async with incomplete(tmp_path) as driven:
        driven.daemon.change(replace(driven.daemon.cases[story.RASH], sent=True))
        await driven.wait_gone("NEEDED TO SEND")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_it_is_sent_after_what_it_lacks_was_read_and_says_so(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with incomplete(tmp_path, size=size) as driven:
        await driven.press("s")
        for words in (
            "- Age",
            f"- {VITALS}",
            "about 39 s, $0.27 over certus-100",
            "[ Send it without them ]",
        ):
            await driven.wait_text(words)
        driven.read()
        await driven.press("enter")
        await driven.wait_text("Queued 5 items")
        assert driven.daemon.asked("send") == [{"case": story.RASH, "accept_missing": True}]
        await driven.wait_text(f"Sent without: Age, {VITALS}.")


@pytest.mark.parametrize("keys", [["enter"], ["s", "s", "s"], ["s", "enter", "enter"], ["space", "enter"]])
async def test_no_burst_sends_it(tmp_path: Path, keys: list[str]) -> None:
    async with incomplete(tmp_path) as driven:
        burst(driven, "s", keys)
        await driven.wait_text("[ Send it without them ]")
        await driven.press("down")
        assert not driven.daemon.asked("send")


async def test_an_enter_that_comes_before_it_can_be_read_does_not_send(tmp_path: Path) -> None:
    """A slow line delivers one burst in several pieces."""
    async with incomplete(tmp_path) as driven:
        await driven.press("s")
        await driven.wait_text("[ Send it without them ]")
        await driven.press("enter")
        await driven.wait_text("Not sent: read first what is missing.")
        assert not driven.daemon.asked("send")
        driven.read()
        await driven.press("enter")
        await driven.wait_text("Queued 5 items")


async def test_esc_goes_back_to_fill_it_in_and_a_complete_case_is_asked_as_ever(tmp_path: Path) -> None:
    async with incomplete(tmp_path) as driven:
        await driven.press("s")
        await driven.wait(lambda: isinstance(driven.shell.page, SendAsItIsPage))
        await driven.press("escape")
        await driven.wait(lambda: not isinstance(driven.shell.page, SendAsItIsPage))
        driven.daemon.change(replace(driven.daemon.cases[story.RASH], missing=("Weight",)))
        await driven.wait_gone("NEEDED TO SEND")
        await driven.press("s")
        await driven.wait_text("s again sends it")
        driven.read()
        await driven.press("s")
        await driven.wait_text("Queued 5 items")
        assert driven.daemon.asked("send") == [{"case": story.RASH, "accept_missing": False}]


async def test_with_several_hubs_it_says_which_one_it_goes_to(tmp_path: Path) -> None:
    async with incomplete(tmp_path) as driven:
        draft = driven.daemon.cases[story.RASH]
        asked = replace(draft, row=replace(draft.row, hub="Burns centre"))
        driven.daemon.change(asked)
        await driven.wait_text("with Burns centre")
        await driven.press("s")
        await driven.wait_text("to Burns centre")
        await driven.press("escape")
        driven.daemon.change(replace(asked, missing=()))
        await driven.wait_gone("NEEDED TO SEND")
        await driven.press("s")
        await driven.wait_text("to Burns centre? s again sends it")


async def test_an_emergency_waits_for_no_answer(tmp_path: Path) -> None:
    async with incomplete(tmp_path, urgency="EMER") as driven:
        await driven.press("s")
        await driven.wait_text("Queued 5 items")


async def test_a_refusal_keeps_the_page_and_says_why(tmp_path: Path) -> None:
    async with incomplete(tmp_path) as driven:
        driven.daemon.refusals["send"] = "Not sent: this site has left that hub."
        await driven.press("s")
        await driven.wait_text("[ Send it without them ]")
        driven.read()
        await driven.press("enter")
        await driven.wait_text("Not sent: this site has left that hub.")
        assert isinstance(driven.shell.page, SendAsItIsPage)
