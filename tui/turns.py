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

from .work import start

Stroke = events.Key | events.Paste
STROKES_WAITING_MAX: Final = 4_096
"""Far more than anybody types ahead; what is beyond is not obeyed at all rather than in part."""
SWEEPS: Final = 3
"""Up to the app for the key's own binding, once more for what that posts, once more for what a form posts."""
_PASSED_S: Final = 1.0
"""A page that closes answers no more; the keys behind it must go on all the same."""


class Turns:
    """The keys that wait for their turn."""

    def __init__(self, app: App[Any], obey: Callable[[Stroke], Awaitable[None]]) -> None:
        self._app = app
        self._obey = obey
        self._waiting: deque[Stroke] = deque()
        self._working = False

    def take(self, stroke: Stroke) -> None:
        if len(self._waiting) >= STROKES_WAITING_MAX:
            return
        self._waiting.append(stroke)
        if not self._working:
            self._working = True
            start(self._app, self._work, name="keys")

    def forget(self) -> None:
        """What was typed behind a deed was typed without seeing what came of it."""
        self._waiting.clear()

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._obey(self._waiting.popleft())
                await self._settle()
        finally:
            self._working = False

    async def _settle(self) -> None:
        """Follow the way that a key and its messages go: from the focus up to the app, behind them."""
        for _ in range(SWEEPS):
            for node in (self._app.focused or self._app.screen).ancestors_with_self:
                await _passed(node)


async def _passed(node: DOMNode) -> None:
    """Until `node` has handled all that it was told so far."""
    done = asyncio.Event()
    if node.call_later(done.set):
        with suppress(TimeoutError):
            async with asyncio.timeout(_PASSED_S):
                await done.wait()
