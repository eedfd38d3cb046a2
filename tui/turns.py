"""Hands keys on one by one: a key waits until the one before it has been obeyed, wherever that led.

Law: how fast keys arrive changes nothing. Textual gives each key to the field that has the focus at that
moment, but moves the focus messages later: of a burst, the next value would land in the field before.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

from textual import events
from textual.app import App
from textual.dom import DOMNode
from textual.widgets import Input, TextArea

from .work import start

Stroke = events.Key | events.Paste
STROKES_WAITING_MAX: Final = 16_384
"""More than a whole note that a terminal pastes as keys; what is beyond is refused, and said so."""
LETTERS_AHEAD_MAX: Final = 64
"""Letters of one text move no focus: they wait for each other only now and then."""
SWEEPS: Final = 3
"""Up to the app for the key's own binding, once more for what that posts, once more for what a form posts."""
_LOOK_S: Final = 0.1
"""A page that closes answers no more; the keys behind it must go on all the same."""
_SETTLED_S: Final = 5.0
"""A widget that hangs takes no key with it for longer than this: Esc must still lead out."""


class Turns:
    """The keys that wait for their turn."""

    def __init__(self, app: App[Any], obey: Callable[[Stroke], Awaitable[None]]) -> None:
        self._app = app
        self._obey = obey
        self._waiting: deque[Stroke] = deque()
        self._working = False
        self._unsettled = 0
        """Strokes that may still be on their way to a widget."""

    def take(self, stroke: Stroke) -> bool:
        """Whether it will be obeyed in its turn: not when too many wait."""
        if len(self._waiting) >= STROKES_WAITING_MAX:
            return False
        self._waiting.append(stroke)
        if not self._working:
            self._working = True
            start(self._app, self._work, name="keys")
        return True

    def forget(self) -> None:
        """What was typed behind a deed was typed without seeing what came of it."""
        self._waiting.clear()

    async def _work(self) -> None:
        """Settled only before the next key: behind the last one it would delay what that key paints."""
        try:
            while self._waiting:
                if self._unsettled and not self._may_follow(self._waiting[0]):
                    await self._settle()
                    self._unsettled = 0
                    continue  # What was settled may have forgotten what waits.
                if self._front is None:
                    self._waiting.clear()  # The terminal is being left: nothing behind that key is meant.
                    return
                stroke = self._waiting.popleft()
                self._unsettled += 1 if self._is_letter(stroke) else LETTERS_AHEAD_MAX
                await self._obey(stroke)
        finally:
            self._working = False

    def _may_follow(self, stroke: Stroke) -> bool:
        return self._unsettled < LETTERS_AHEAD_MAX and self._is_letter(stroke)

    @property
    def _front(self) -> DOMNode | None:
        """Where a key goes to now; None before there is a screen, and once the terminal is being left."""
        screens = self._app.screen_stack
        if not screens or not screens[-1].is_attached:
            return None
        return self._app.focused or screens[-1]

    def _is_letter(self, stroke: Stroke) -> bool:
        return (
            isinstance(stroke, events.Key)
            and stroke.is_printable
            and isinstance(self._front, Input | TextArea)
        )

    async def _settle(self) -> None:
        """Follow the way that a key and its messages go: from the focus up to the app, behind them."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_SETTLED_S):
                for _ in range(SWEEPS):
                    front = self._front
                    for node in front.ancestors_with_self if front is not None else ():
                        await _passed(node)


async def _passed(node: DOMNode) -> None:
    """Until `node` has handled all that it was told so far, or is gone."""
    done = asyncio.Event()
    if not node.call_later(done.set):
        return
    while not done.is_set() and node.is_attached:
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_S):
                await done.wait()
