"""Fields keep the order in which keys were pressed, however fast they arrive."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType

from tui.widgets.fields import LineField, NoteField


class TwoFields(App[None]):
    """A line and a note, between which Tab goes at once, as in a form."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("tab", "app.focus_next", "next field", priority=True)]

    def compose(self) -> ComposeResult:
        yield LineField(id="line")
        yield NoteField(id="note")


def burst(app: App[None], keys: Sequence[str]) -> None:
    """All in one piece, as a slow line delivers them."""
    for key in keys:
        app.post_message(events.Key(key, key if len(key) == 1 else None))


@pytest.mark.parametrize("name", ["line", "note"])
async def test_a_burst_of_keys_is_obeyed_in_its_order(name: str) -> None:
    app = TwoFields()
    async with app.run_test() as pilot:
        field = app.query_one(f"#{name}")
        assert isinstance(field, LineField | NoteField)
        field.focus()
        await pilot.pause()
        burst(app, [*"840", "backspace", "backspace", *"9", "left", "delete", *"7"])
        await pilot.pause()
        assert field.answer == "87"


async def test_what_is_deleted_before_a_tab_is_deleted_where_it_stands() -> None:
    app = TwoFields()
    async with app.run_test() as pilot:
        line, note = app.query_one(LineField), app.query_one(NoteField)
        note.fill("kept")
        line.focus()
        await pilot.pause()
        burst(app, [*"12", "backspace", "tab", *"s"])
        await pilot.pause()
        assert (line.answer, note.answer) == ("1", "kepts")
