"""Drives the terminal as a medic does: keys in, screen text out, the fake daemon behind its real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textual import events
from textual.pilot import Pilot

from sync.local_socket import LocalClient
from tests.tui import story
from tests.tui.fake_daemon import FakeDaemon, served
from tui.daemon import Daemon
from tui.palette import Palette
from tui.shell import Shell

WAIT_S = 20.0
_KEYS = {" ": "space", "/": "slash", "?": "question_mark", ".": "full_stop", "-": "minus", ";": "semicolon"}


class StoryClock:
    """Stands still at the moment of the story, until somebody takes time to read."""

    def __init__(self) -> None:
        self.passed_s = 0.0

    def wall_s(self) -> float:
        return float(story.NOW_S)

    def monotonic_s(self) -> float:
        return self.passed_s


@dataclass
class Terminal:
    """A running terminal with its daemon."""

    daemon: FakeDaemon
    shell: Shell
    pilot: Pilot[Any]
    clock: StoryClock

    @property
    def lines(self) -> list[str]:
        """What stands on the screen."""
        return [strip.text.rstrip() for strip in self.shell.screen._compositor.render_strips()]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def line_with(self, words: str) -> str:
        return next(line for line in self.lines if words in line)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    def read(self) -> None:
        """As long as a person needs to read what is asked."""
        self.clock.passed_s += 1.0

    async def type(self, text: str) -> None:
        """Characters as fast as a terminal sends them; the Pilot's own presses wait after each one."""
        for character in text:
            self.shell.post_message(events.Key(_KEYS.get(character, character), character))
        await self.pilot.pause()

    async def wait(self, condition: Callable[[], bool]) -> None:
        """Until `condition` holds; shows the screen when it never does."""
        try:
            await until(condition)
        except TimeoutError:
            raise AssertionError(f"it never came to that; the screen was\n{self.text}") from None

    async def wait_gone(self, words: str) -> None:
        await self.wait(lambda: words not in self.text)

    async def wait_text(self, words: str) -> None:
        await self.wait(lambda: words in self.text)


async def until(condition: Callable[[], bool]) -> None:
    """What a screen shows is no event of its own: look after each turn of the loop."""
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await _turn()


async def _turn() -> None:
    await asyncio.sleep(0)


@asynccontextmanager
async def terminal(
    folder: Path,
    *,
    size: tuple[int, int] = (80, 24),
    palette: Palette = Palette.DUSK,
    prepare: Callable[[FakeDaemon], None] = lambda daemon: None,
    first: str = "CASES",
) -> AsyncIterator[Terminal]:
    """A terminal of `size` that shows the `first` words and hears events; `prepare` sets the story."""
    async with served(folder) as daemon:
        prepare(daemon)
        clock = StoryClock()
        shell = Shell(
            Daemon(lambda: LocalClient.connect(folder / "daemon.sock")),
            clock=clock,
            local_offset_minutes=lambda: 540,
            photo_folder=folder,
            palette=palette,
        )
        async with shell.run_test(size=size) as pilot:
            driven = Terminal(daemon, shell, pilot, clock)
            await driven.wait(lambda: daemon.is_watched and first in driven.text)
            yield driven
