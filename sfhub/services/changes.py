"""Tells whoever watches that a case has changed; a slow watcher misses nothing and holds nobody up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from protocol.ids import CaseId

WATCHERS_MAX: Final = 256
CASES_REMEMBERED_MAX: Final = 1000
"""Changed cases one watcher may leave unread; beyond it he is told only that something changed."""


class Watcher:
    """What has changed since its owner looked last."""

    def __init__(self) -> None:
        self._cases: set[CaseId] = set()
        self._changed = asyncio.Event()
        self._is_closed = False

    def note(self, cases: Iterable[CaseId]) -> None:
        if len(self._cases) < CASES_REMEMBERED_MAX:
            self._cases.update(cases)
        self._changed.set()

    def close(self) -> None:
        """There will be no more changes."""
        self._is_closed = True
        self._changed.set()

    async def next_batch(self) -> frozenset[CaseId] | None:
        """The cases that changed since the last call, once some did; None at the end."""
        await self._changed.wait()
        if self._is_closed:
            return None
        self._changed.clear()
        cases, self._cases = frozenset(self._cases), set()
        return cases


class Changes:
    """Where services say what changed."""

    def __init__(self) -> None:
        self._watchers: set[Watcher] = set()
        self._listeners: list[Callable[[frozenset[CaseId]], object]] = []

    def listen(self, listener: Callable[[frozenset[CaseId]], object]) -> None:
        """Call `listener` at every change, for as long as the hub runs; it must not wait or raise."""
        self._listeners.append(listener)

    def publish(self, cases: Iterable[CaseId]) -> None:
        """Never waits."""
        changed = frozenset(cases)
        for watcher in self._watchers:
            watcher.note(changed)
        for listener in self._listeners:
            listener(changed)

    def close(self) -> None:
        """The hub ends: let every watcher go."""
        for watcher in self._watchers:
            watcher.close()

    @property
    def is_full(self) -> bool:
        return len(self._watchers) >= WATCHERS_MAX

    @contextmanager
    def watching(self) -> Iterator[Watcher]:
        """A watcher for as long as the context lasts."""
        watcher = Watcher()
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)
