"""The terminal's shell: which page is in front, what it hears of the site, and when it rings."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Final

from textual import events
from textual.app import App
from textual.binding import Binding, BindingType
from textual.filter import LineFilter

from sfnode.errors import NodeError
from sync.ports import Clock

from .answers import Happening
from .daemon import Daemon
from .drafts import Drafts
from .following import Follower
from .inert import inert
from .lines import Tone
from .moments import size
from .palette import THEMES, OnlyRed, Palette
from .screens.page import Page
from .site import Site
from .turns import Turns
from .work import start

CLOCK_PERIOD_S: Final = 5.0
"""The clock shows minutes; looking costs no byte while it shows the same."""
RELOAD_PERIOD_S: Final = 30.0
"""Everything is asked for again now and then: an event lost while we connected is not lost for ever."""
ARRIVAL_S: Final = 2.0
"""For what a key waits on a page that loads; who has waited longer has begun to type something else."""


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
        self._follower = Follower(self, daemon, self.site, show=self._settle, fail=self.say_failure)
        # Before the style sheet is read: it names our colours.
        for theme in THEMES.values():
            self.register_theme(theme)
        self.theme = palette

    @property
    def now_s(self) -> float:
        return self._clock.wall_s()

    @property
    def steady_s(self) -> float:
        """For how long something stands; no clock that is set changes it."""
        return self._clock.monotonic_s()

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
            if not self._turns.take(event):
                self.say("Too much came at once: its end is missing. Read what stands here.", Tone.WARNING)
        else:
            await super().on_event(event)

    def forget_keys(self) -> None:
        """Something is being done: what was typed behind it must not act on what comes next."""
        self._turns.forget()

    async def _obey(self, stroke: events.Key | events.Paste) -> None:
        """While a page does what it was told, only Esc is heard; while it loads, keys wait."""
        page = self.page
        if page is not None and not _is_escape(stroke):
            if page.is_busy:
                return
            if not await _has_arrived(page):
                self.forget_keys()
                self.say("That is not here yet: what you typed did nothing.", Tone.WARNING)
                return
        await super().on_event(stroke)

    def on_mount(self) -> None:
        self.set_interval(CLOCK_PERIOD_S, self._tick)
        self.set_interval(RELOAD_PERIOD_S, self.reload)
        self._show_home()
        start(self, self._follower.follow, name="follow the daemon")

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
        self._follower.reload()

    def action_nothing(self) -> None:
        """A key that does nothing, on purpose."""

    def action_leave_hint(self) -> None:
        self.say("q leaves this terminal; sfnode goes on without it.")

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
        await self._follower.load()

    def _tick(self) -> None:
        if self.page is not None:
            self.page.renew_frame()


async def _has_arrived(page: Page) -> bool:
    """Whether what its keys act on is there, or comes soon."""
    with suppress(TimeoutError):
        async with asyncio.timeout(ARRIVAL_S):
            await page.arrived.wait()
    return page.arrived.is_set()


def _is_escape(stroke: events.Key | events.Paste) -> bool:
    return isinstance(stroke, events.Key) and stroke.key == "escape"
