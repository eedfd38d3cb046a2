"""The command itself: what it refuses, what it imports, and one run on a real terminal."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyte
import pytest

from sfnode.views import to_primitive
from tests.tui import story
from tests.tui.driving import until
from tests.tui.fake_daemon import FakeDaemon, served
from tui.app import TEXTUAL_SETTINGS, main, prepare_environment

COLUMNS, LINES = 80, 24
PAINTED_BYTES_MAX = 1_000
"""Two lines with their colours; the whole screen takes ten times that."""
# Each costs between 100 and 220 ms of start and is needed by nobody who only looks.
HEAVY = (
    "aiohttp",
    "PIL",
    "pydantic",
    "sqlcipher3",
    "aiosqlite",
    "cryptography",
    "jinja2",
    "zstandard",
    "click",
)


@dataclass
class Screen:
    """What a terminal shows of the bytes it got."""

    seen: bytearray = field(default_factory=bytearray)
    screen: pyte.Screen = field(default_factory=lambda: pyte.Screen(COLUMNS, LINES))

    def __post_init__(self) -> None:
        self._stream = pyte.ByteStream(self.screen)

    def feed(self, data: bytes) -> None:
        self.seen += data
        # pyte does not know the private marks of newer protocols, and draws them.
        self._stream.feed(data.replace(b"\x1b[>4;1m", b""))

    @property
    def bells(self) -> int:
        """How often it rang; the same byte also ends a command to the terminal."""
        return re.sub(rb"\x1b\][^\a]*\a", b"", self.seen).count(b"\a")

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)


@dataclass
class Run:
    """The command while it runs."""

    daemon: FakeDaemon
    screen: Screen
    keys: int
    process: asyncio.subprocess.Process


@contextmanager
def open_terminal(screen: Screen) -> Iterator[tuple[int, int]]:
    """Both ends of a pseudo-terminal; what is painted goes into `screen`."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    loop = asyncio.get_running_loop()

    def read() -> None:
        try:
            screen.feed(os.read(ours, 65_536))
        except OSError:
            loop.remove_reader(ours)

    loop.add_reader(ours, read)
    try:
        yield ours, theirs
    finally:
        loop.remove_reader(ours)
        os.close(ours)
        os.close(theirs)


@asynccontextmanager
async def started(folder: Path) -> AsyncIterator[Run]:
    """The command on a terminal of its own, over a daemon that tells the story."""
    (folder / "site.toml").write_text('site = "MV EXAMPLE"\n')
    screen = Screen()
    async with served(folder) as daemon:
        with open_terminal(screen) as (keys, theirs):
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "tui", "--data", str(folder)),
                stdin=theirs,
                stdout=theirs,
                stderr=theirs,
                env={**os.environ, "TERM": "xterm-256color"},
            )
            try:
                await until(lambda: "P-0917" in screen.text and daemon.is_watched)
                yield Run(daemon, screen, keys, process)
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()


async def test_it_answers_keys_rings_and_leaves_with_a_word(tmp_path: Path) -> None:
    async with started(tmp_path) as run:
        os.write(run.keys, b"\r")
        await until(lambda: "ALLERGIES" in run.screen.text)
        run.daemon.raise_alarm(story.alarm())
        await until(lambda: "!! ALARM" in run.screen.text)
        assert run.screen.bells == 1
        os.write(run.keys, b"qq")
        assert await run.process.wait() == 0
        await until(lambda: b"sfnode goes on in the background" in run.screen.seen)
        # The terminal is given back: main screen, and never a keyboard mode that loses composed letters.
        assert b"\x1b[?1049l" in run.screen.seen
        assert b"\x1b[>25u" not in run.screen.seen


async def test_only_what_differs_is_painted(tmp_path: Path) -> None:
    moving = story.transfers()[3]
    async with started(tmp_path) as run:
        os.write(run.keys, b"o")
        await until(lambda: "42%" in run.screen.text)
        # Once a change is on screen, so is all that was painted before it.
        moving = replace(moving, done_bytes=10_000)
        run.daemon.report(moving)
        await until(lambda: "50%" in run.screen.text and "10 kB of 41 kB" in run.screen.text)
        run.screen.seen.clear()
        run.daemon.publish("status", to_primitive(run.daemon.status))
        run.daemon.report(moving)
        run.daemon.report(replace(moving, done_bytes=14_000, eta_s=21.0))
        await until(lambda: "70%" in run.screen.text and "14 kB of 41 kB" in run.screen.text)
        painted = bytes(run.screen.seen)
        for still in (b"MV EXAMPLE", b"OUTBOX", b"headline", b"forearm", b"STORED"):
            assert still not in painted
        assert len(painted) < PAINTED_BYTES_MAX


def test_what_is_heavy_is_not_imported_before_the_first_paint() -> None:
    code = (
        "import sys, tui.shell, tui.daemon, tui.screens.cases, tui.screens.unlock;"
        "import sfnode.api.client, sfnode.services.clock;"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert outcome.stdout.strip() == "[]"


def test_textuals_settings_are_there_when_it_is_imported() -> None:
    code = (
        "import os, sys, tui.app; assert 'textual' not in sys.modules;"
        "tui.app.prepare_environment(os.environ);"
        "from textual import constants; print(constants.DISABLE_KITTY_KEY, constants.TEXTUAL_ANIMATIONS)"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TEXTUAL")}
    outcome = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert outcome.stdout.split() == ["True", "none"]


def test_what_the_user_set_stays() -> None:
    environment = {"ESCDELAY": "25"}
    prepare_environment(environment)
    assert environment == {**TEXTUAL_SETTINGS, "ESCDELAY": "25"}


def test_a_folder_without_a_site_is_refused_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--data", str(tmp_path)]) == 3
    assert "There is no site in" in capsys.readouterr().err


def test_without_a_terminal_it_says_what_works_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "site.toml").write_text('site = "MV EXAMPLE"\n')
    assert main(["--data", str(tmp_path)]) == 2
    assert "sfnode case list --json" in capsys.readouterr().err
