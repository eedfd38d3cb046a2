"""What every screen shares: status on top, alarm below it, a message, and a footer made from its bindings."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, Final, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, TextArea

from sfnode.errors import NodeError
from tui.answers import Happening
from tui.hangul import latin_key
from tui.inert import inert
from tui.lines import Line, Tone, line
from tui.sheets.frame import (
    FOOTER_KEYS_MAX,
    KeyHint,
    alarm_lines,
    key_line,
    message_lines,
    status_line,
)
from tui.site import Site
from tui.widgets import Block
from tui.widgets.fields import ChoiceField

if TYPE_CHECKING:
    from tui.shell import Shell

KEY_WORDS: Final = {
    "escape": "Esc",
    "enter": "Enter",
    "tab": "Tab",
    "question_mark": "?",
    "slash": "/",
    "space": "Space",
    "up": "Up",
    "down": "Down",
    "left": "Left",
    "right": "Right",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "home": "Home",
    "end": "End",
    "backspace": "Backspace",
    "shift+tab": "Shift-Tab",
    "ctrl+l": "Ctrl-L",
}
# Focus and copying as Textual binds them; where we want them said, we bind them ourselves.
_TEXTUALS: Final = {
    (binding.action, binding.description) for binding in Screen.BINDINGS if isinstance(binding, Binding)
}
ALWAYS_SHOWN: Final = ("help", "back")
READING_S: Final = 0.4
"""Nobody has read a question sooner: a key that comes within it was typed for something else."""


class Page(Screen[None]):
    """One screen. A command that cannot be done now stays in the footer, dimmed, and says why if pressed."""

    TITLE_WORDS: ClassVar[str] = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "keys"),
        Binding("q,escape", "back", "back"),
        Binding("a", "alarms", "alarms", show=False),
        Binding("o", "outbox", "outbox", show=False),
        Binding("t", "palette", "Day, Dusk, Night", show=False),
        Binding("L", "lock", "lock", show=False),
        Binding("ctrl+l", "redraw", "draw the screen again", show=False),
    ]

    def __init__(self, *, loads: bool = False) -> None:
        """`loads` says that its keys act on what must be asked for first: then they wait for `arrived`."""
        super().__init__()
        self.arrived = asyncio.Event()
        if not loads:
            self.arrived.set()
        self._message: tuple[str, Tone] = ("", Tone.PLAIN)

    @property
    def shell(self) -> Shell:
        return cast("Shell", self.app)

    @property
    def site(self) -> Site:
        return self.shell.site

    def compose(self) -> ComposeResult:
        yield Block(self._status_lines, id="status")
        yield Block(self._alarm_lines, id="banner")
        yield from self.body()
        yield Block(self._message_lines, id="message")
        yield Block(self._key_lines, id="keys")

    def body(self) -> Iterable[Widget]:
        """The widgets between the frame's lines."""
        return ()

    @property
    def is_ready(self) -> bool:
        """Whether its lines are there: a page is asked to show things before it is, and after."""
        return self.is_mounted and bool(self.query("#keys"))

    @property
    def is_busy(self) -> bool:
        """Whether it does what it was told, so that keys must wait for what comes of it."""
        return False

    def know_better(self, event: Happening | None) -> None:
        """Show the site as it is known now."""
        if self.is_ready:
            self.renew_frame()
            self.refreshed(event)

    def refreshed(self, event: Happening | None) -> None:
        """The site is known better now; None when anything may have changed."""

    def why_not(self, action: str) -> str | None:
        """Why `action` cannot be done now, in a sentence; None when it can."""
        return None

    def refused(self, action: str) -> bool:
        """Whether `action` cannot be done now; the medic is told why."""
        reason = self.why_not(action)
        if reason is not None:
            self.say(reason, Tone.WARNING)
        return reason is not None

    def say(self, text: str, tone: Tone = Tone.PLAIN) -> None:
        """Put a message above the footer; it stays until the next one, or until the cursor moves."""
        self._message = (text, tone)
        if self.is_ready:
            self.query_one("#message", Block).renew()

    def say_failure(self, error: NodeError) -> None:
        """The daemon's own sentence."""
        self.say(inert(str(error)), Tone.WARNING)

    def renew_frame(self) -> None:
        """Status, alarm and footer again; paints only what differs."""
        if not self.is_ready:
            return
        for name in ("#status", "#banner", "#keys"):
            self.query_one(name, Block).renew()

    @property
    def typing(self) -> bool:
        """Whether letters go into a field, so that they command nothing."""
        return isinstance(self.focused, Input | TextArea | ChoiceField)

    def useful(self) -> Sequence[str]:
        """Actions to show in the footer now, most useful first; by default all that want to be."""
        return [active.binding.action for active in self._distinct_bindings() if active.binding.show]

    def key_hints(self) -> list[KeyHint]:
        """The footer: at most six keys; the last two are how to learn the rest and how to go back."""
        known = {active.binding.action: active.binding for active in self._distinct_bindings()}
        own = [action for action in self.useful() if action in known and action not in ALWAYS_SHOWN]
        room = FOOTER_KEYS_MAX - len(ALWAYS_SHOWN)
        return [
            KeyHint(_key_word(known[action]), known[action].description, self.why_not(action) is None)
            for action in (*own[:room], *ALWAYS_SHOWN)
            if action in known
        ]

    def all_keys(self) -> list[tuple[KeyHint, str | None]]:
        """Every key that does something here now, with the reason for those that do not."""
        return [
            (
                KeyHint(_key_word(active.binding), active.binding.description),
                self.why_not(active.binding.action),
            )
            for active in self._distinct_bindings()
            if active.binding.description
            and (active.binding.action, active.binding.description) not in _TEXTUALS
        ]

    def on_mount(self) -> None:
        self.bindings_updated_signal.subscribe(self, lambda _: self._renew_keys())

    def on_screen_resume(self) -> None:
        self.know_better(None)

    def on_sheet_moved(self) -> None:
        self._forget_message()
        self._renew_keys()

    async def on_key(self, event: events.Key) -> None:
        """A keyboard left in Korean mode: the command on the same key, unless a field wanted the letter."""
        character = event.character or ""
        latin = latin_key(character)
        if latin != character and (active := self.active_bindings.get(latin)) is not None:
            event.stop()
            await self.app.run_action(active.binding.action, active.node)

    def action_help(self) -> None:
        from .help import HelpPage

        self.shell.open(HelpPage(self.TITLE_WORDS, self.all_keys()))

    def action_back(self) -> None:
        self.shell.leave()

    def action_alarms(self) -> None:
        from .alarms import AlarmsPage

        self.shell.open_once(AlarmsPage())

    def action_outbox(self) -> None:
        from .outbox import OutboxPage

        self.shell.open_once(OutboxPage())

    def action_palette(self) -> None:
        self.shell.next_palette()
        self.renew_frame()

    def action_lock(self) -> None:
        self.shell.lock()

    def action_redraw(self) -> None:
        self.app.refresh(layout=True)

    def _status_lines(self, width: int) -> tuple[Line, ...]:
        shell = self.shell
        return (
            status_line(
                self.site,
                shell.now_s,
                shell.offset_minutes,
                width,
                palette_word=shell.palette_word,
            ),
        )

    def _alarm_lines(self, width: int) -> tuple[Line, ...]:
        return alarm_lines(self.site, self.shell.now_s, width, typing=self.typing)

    def _message_lines(self, width: int) -> tuple[Line, ...]:
        return message_lines(*self._message, width)

    def _key_lines(self, width: int) -> tuple[Line, ...]:
        return (key_line(self.key_hints(), width) or line(" "),)

    def _renew_keys(self) -> None:
        self.renew_frame()

    def _forget_message(self) -> None:
        if self._message[0]:
            self.say("")

    def _distinct_bindings(self) -> list[ActiveBinding]:
        """One entry per action, as a key and its alternatives are one thing; this screen's own come first."""
        seen: dict[str, ActiveBinding] = {}
        for active in self.active_bindings.values():
            if self.typing and len(_key_word(active.binding)) == 1:
                continue  # A letter or sign goes into the field.
            seen.setdefault(active.binding.action, active)
        shared = {binding.action for binding in Page.BINDINGS if isinstance(binding, Binding)}
        return sorted(
            seen.values(), key=lambda active: (active.node is not self, active.binding.action in shared)
        )


def _key_word(binding: Binding) -> str:
    return KEY_WORDS.get(binding.key, binding.key)
