"""The alarms, and the one way to acknowledge one: `a`, then a name. An Enter typed elsewhere does not."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.widget import Widget

from sfnode.errors import NodeError
from tui.answers import Happening
from tui.lines import Line, Row, Span, Tone, line
from tui.sheets.alarms import alarm_rows
from tui.sheets.frame import unacknowledged
from tui.widgets import Block, Sheet
from tui.widgets.fields import Left, LineField
from tui.work import start

from .page import Page

NAME_CHARACTERS_MIN: Final = 2
"""A single letter is a command typed in the wrong place, not a name."""


class AlarmsPage(Page):
    """The cursor picks the alarm, the field takes the name of who has seen it."""

    TITLE_WORDS = "alarms"
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "pick(-1)", "alarm before", show=False),
        Binding("down", "pick(1)", "next alarm", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._acknowledging = False

    def body(self) -> Iterable[Widget]:
        yield Block(self._heading, id="heading")
        yield Sheet(self._rows, id="alarm-list")
        yield Block(
            lambda _: (line("  ", Span("Who has seen this alarm? Name, then Enter", Tone.LABEL)),), id="ask"
        )
        yield LineField(hint="your name", characters_max=120, id="name")

    def on_mount(self) -> None:
        self._ask_or_list()

    @property
    def is_busy(self) -> bool:
        return self._acknowledging

    def refreshed(self, event: Happening | None) -> None:
        self.query_one("#heading", Block).renew()
        self.query_one("#alarm-list", Sheet).renew()
        self._ask_or_list()

    def action_pick(self, steps: int) -> None:
        self.query_one("#alarm-list", Sheet).action_move(steps)

    def action_alarms(self) -> None:
        """Already here."""

    def on_left(self, message: Left) -> None:
        message.stop()
        name = message.field.answer
        number = self._picked()
        if number is None:
            self.say("Nobody needs to acknowledge this one any more.")
        elif len(name) < NAME_CHARACTERS_MIN:
            self.say("A name is needed, so that the others know who has seen it.", Tone.WARNING)
        else:
            self.shell.forget_keys()
            self._acknowledging = True
            start(self.shell, partial(self._acknowledge, number, name), name="acknowledge")

    async def _acknowledge(self, number: int, name: str) -> None:
        try:
            await self.shell.daemon.acknowledge(number, name)
            self.site.alarms = await self.shell.daemon.alarms()
        except NodeError as error:
            self.shell.say_failure(error)
            return
        finally:
            self._acknowledging = False
        # One name for one alarm: what is typed next must not acknowledge the one behind it.
        if self.shell.page is self:
            self.shell.leave()
        self.shell.say(f"Acknowledged by {name}.", Tone.GOOD)
        self.shell.reload()

    def _picked(self) -> int | None:
        """The alarm under the cursor, if it still waits for somebody."""
        waiting = unacknowledged(self.site.alarms)
        cursor = self.query_one("#alarm-list", Sheet).cursor
        chosen = [alarm.alarm for alarm in waiting if str(alarm.alarm) == cursor]
        return chosen[0] if chosen else None

    def _ask_or_list(self) -> None:
        """The name is asked for only while an alarm waits for one."""
        waiting = bool(unacknowledged(self.site.alarms))
        field = self.query_one("#name", LineField)
        if waiting == field.display and self.focused is not None:
            return
        field.display = waiting
        self.query_one("#ask", Block).display = waiting
        (field if waiting else self.query_one("#alarm-list", Sheet)).focus()

    def _heading(self, width: int) -> tuple[Line, ...]:
        waiting = len(unacknowledged(self.site.alarms))
        words = f"{waiting} not acknowledged" if waiting else "all acknowledged" if self.site.alarms else ""
        return (line(" "), line("  ", Span("ALARMS", Tone.HEADING), "   ", Span(words, Tone.FAINT)))

    def _rows(self, width: int) -> list[Row]:
        return alarm_rows(self.site.alarms, self.site.cases, self.shell.now_s, width)
