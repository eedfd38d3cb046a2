"""The terminal's shell: it follows the daemon, keeps what is known of the site, and rings."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import ClassVar, Final

from textual import events
from textual.app import App
from textual.binding import Binding, BindingType
from textual.filter import LineFilter

from sfnode.errors import DaemonGone, NodeError
from sfnode.views import AlarmView, StatusView, TransferView
from sync.ports import Clock

from .answers import Happening
from .daemon import Daemon
from .drafts import Drafts
from .inert import inert
from .lines import Tone
from .moments import size
from .palette import THEMES, OnlyRed, Palette
from .screens.page import Page
from .site import Site
from .turns import Turns
from .work import start

PROGRESS_PERIOD_S: Final = 0.25
"""Progress is painted at most four times a second, and only where the text differs."""
CASES_PERIOD_S: Final = 0.25
CLOCK_PERIOD_S: Final = 5.0
"""The clock shows minutes; looking costs no byte while it shows the same."""
RELOAD_PERIOD_S: Final = 30.0
"""Everything is asked for again now and then: an event lost while we connected is not lost for ever."""
RETRY_S: Final = 1.0
SUBSCRIBED_S: Final = 1.0
_GONE: Final = "sfnode does not answer: trying again"
_REFUSED: Final = "sfnode cannot tell: what is shown may be old"


class Shell(App[None]):
    """Screens over one site; only a client: nothing that happens here stops saving, sending or ringing."""

    TITLE = "sftui"
    CSS_PATH = "style.tcss"
    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = "Sheet, LineField, NoteField, ChoiceField"
    BINDINGS: ClassVar[list[BindingType]] = [
        # Textual's own Ctrl-Q is XON on a serial line, and must not end anything.
        Binding("ctrl+q", "nothing", show=False, system=True, priority=True),
        Binding("ctrl+c", "leave_hint", show=False, system=True),
    ]

    def __init__(
        self,
        daemon: Daemon,
        *,
        clock: Clock,
        local_offset_minutes: Callable[[], int],
        photo_folder: Path,
        palette: Palette = Palette.DUSK,
    ) -> None:
        super().__init__()
        self.daemon = daemon
        self.site = Site()
        self.drafts = Drafts()
        self.photo_folder = photo_folder
        self.palette = palette
        self.seen_replies: set[str] = set()
        self._clock = clock
        self._local_offset_minutes = local_offset_minutes
        self._only_red = OnlyRed()
        self._turns = Turns(self, self._obey)
        # Before the style sheet is read: it names our colours.
        for theme in THEMES.values():
            self.register_theme(theme)
        self.theme = palette
        self._progress: dict[str | None, TransferView] = {}
        self._changed_cases: set[str] = set()

    @property
    def now_s(self) -> float:
        return self._clock.wall_s()

    @property
    def offset_minutes(self) -> int:
        return self._local_offset_minutes()

    @property
    def palette_word(self) -> str:
        """Said in words too: a medic must know why everything is red."""
        return "NIGHT" if self.palette is Palette.NIGHT else ""

    @property
    def parting_words(self) -> str:
        """What the medic should know after leaving: the daemon goes on without a terminal."""
        status = self.site.status
        if status is None or self.site.trouble:
            return ""
        waiting = (
            f"; unsent: {status.unsent_count}, {size(status.unsent_bytes)}" if status.unsent_count else ""
        )
        return f"sfnode goes on in the background (link {status.link}{waiting})."

    @property
    def page(self) -> Page | None:
        front = self.screen_stack[-1] if self.screen_stack else None
        return front if isinstance(front, Page) else None

    def get_line_filters(self) -> list[LineFilter]:
        filters = list(super().get_line_filters())
        return [*filters, self._only_red] if self.palette is Palette.NIGHT else filters

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            self._turns.take(event)
        else:
            await super().on_event(event)

    def forget_keys(self) -> None:
        """Something is being done: what was typed behind it must not act on what comes next."""
        self._turns.forget()

    async def _obey(self, stroke: events.Key | events.Paste) -> None:
        """While a page does what it was told, only Esc is heard."""
        if self.page is None or not self.page.is_busy or _is_escape(stroke):
            await super().on_event(stroke)

    def on_mount(self) -> None:
        self.set_interval(CLOCK_PERIOD_S, self._tick)
        self.set_interval(RELOAD_PERIOD_S, self.reload)
        self._show_home()
        start(self, self._follow, name="follow the daemon")

    async def on_unmount(self) -> None:
        self.workers.cancel_all()
        await self.daemon.close()

    def next_palette(self) -> None:
        self.palette = self.palette.next
        self.theme = self.palette
        self.refresh_css(animate=False)
        self.say(f"Palette: {self.palette.capitalize()}.")

    # Textual's own calls can be awaited until the screen is up; nothing here has to wait for that.

    def open(self, page: Page) -> None:
        """In front of the page there is."""
        _ = self.push_screen(page)

    def open_once(self, page: Page) -> None:
        """In front, or back to the one of its kind that is open: going to and fro piles nothing up."""
        kinds = [type(screen) for screen in self.screen_stack]
        if type(page) not in kinds:
            self.open(page)
            return
        while type(self.screen) is not type(page):
            self.leave()

    def open_instead(self, page: Page) -> None:
        """In the place of the page there is."""
        _ = self.switch_screen(page)

    def leave(self, words: str = "", tone: Tone = Tone.GOOD) -> None:
        """Back to the page behind, which says what became of it."""
        _ = self.pop_screen()
        self.say(words, tone)

    def say(self, words: str, tone: Tone = Tone.PLAIN) -> None:
        """On the page in front, which may not be the one where it began."""
        if words and self.page is not None:
            self.page.say(words, tone)

    def say_failure(self, error: NodeError) -> None:
        """The daemon's own sentence."""
        self.say(inert(str(error)), Tone.WARNING)

    def lock(self) -> None:
        """Lock the vault; sending, receiving and alarms go on."""
        start(self, self._lock, name="lock")

    def reload(self) -> None:
        """Ask for everything again; what did not change is not painted."""
        start(self, self.load, name="reload", instead_of_earlier=True)

    async def load(self) -> None:
        """Status, alarms, and the cases if the vault is open."""
        try:
            self.site.status = await self.daemon.status()
            self.site.alarms = await self.daemon.alarms()
            if self.site.unlocked:
                self.site.cases = await self.daemon.cases()
                self.site.transfers = await self.daemon.transfers()
            self.site.trouble = None
        except NodeError as error:
            self._trouble(error)
        self._settle(None)

    def action_nothing(self) -> None:
        """A key that does nothing, on purpose."""

    def action_leave_hint(self) -> None:
        self.say("q leaves this terminal; sfnode goes on without it.")

    async def _follow(self) -> None:
        """Load, then take events as they come; for ever, because the daemon may be started again."""
        while True:
            await self.load()
            # An event between this answer and the subscription would be missed: ask once more when it stands.
            self.set_timer(SUBSCRIBED_S, self.reload)
            try:
                async with aclosing(self.daemon.happenings()) as events:
                    async for event in events:
                        self._take(event)
            except NodeError as error:
                self._trouble(error)
                self._settle(None)
            await asyncio.sleep(RETRY_S)

    def _take(self, event: Happening) -> None:
        match event:
            case StatusView():
                self.site.status = event
                self._settle(event)
            case AlarmView():
                self.site.take_alarm(event)
                self._settle(event)
            case TransferView():
                self.site.take_transfer(event)
                if not self._progress:
                    self.set_timer(PROGRESS_PERIOD_S, self._paint_progress)
                self._progress[event.case] = event
            case str():
                if not self._changed_cases:
                    self.set_timer(CASES_PERIOD_S, self._reload_cases)
                self._changed_cases.add(event)

    def _trouble(self, error: NodeError) -> None:
        """What is shown may be old now: the status line says so, and once a whole sentence why."""
        known, self.site.trouble = self.site.trouble, _GONE if isinstance(error, DaemonGone) else _REFUSED
        if known != self.site.trouble:
            self.say_failure(error)

    def _paint_progress(self) -> None:
        progress, self._progress = self._progress, {}
        for event in progress.values():
            self._settle(event)

    def _reload_cases(self) -> None:
        changed, self._changed_cases = self._changed_cases, set()
        start(self, partial(self._load_cases, changed), name="reload cases")

    async def _load_cases(self, changed: Collection[str]) -> None:
        if not self.site.unlocked:
            return
        try:
            self.site.cases = await self.daemon.cases()
            self.site.transfers = await self.daemon.transfers()
        except NodeError as error:
            self._trouble(error)
        for case in changed:
            self._settle(case)

    def _settle(self, event: Happening | None) -> None:
        """Show what is known now: the right home, the bell, the screen in front."""
        if not self.is_running:
            return
        self._show_home()
        if self.site.alarms_to_ring():
            self.bell()
        if self.page is not None:
            self.page.know_better(event)

    def _show_home(self) -> None:
        """A locked vault shows the lock screen and nothing behind it."""
        from .screens.cases import CasesPage
        from .screens.unlock import UnlockPage

        locked = self.site.status is not None and not self.site.unlocked
        wanted = UnlockPage if locked else CasesPage
        if any(isinstance(screen, wanted) for screen in self.screen_stack):
            return
        if locked:
            self.site.lock()
        while len(self.screen_stack) > 1:
            self.leave()
        self.open(wanted())

    async def _lock(self) -> None:
        try:
            await self.daemon.lock()
        except NodeError as error:
            self.say_failure(error)
        await self.load()

    def _tick(self) -> None:
        if self.page is not None:
            self.page.renew_frame()


def _is_escape(stroke: events.Key | events.Paste) -> bool:
    return isinstance(stroke, events.Key) and stroke.key == "escape"
