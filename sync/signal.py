"""A sign that is given once and heard without a task that waits for it: a hub holds thousands of sessions."""

from __future__ import annotations

from collections.abc import Callable


class Signal:
    """Not given yet, or given for good."""

    def __init__(self) -> None:
        self._is_set = False
        self._listeners: list[Callable[[], None]] = []

    def is_set(self) -> bool:
        return self._is_set

    def set(self) -> None:
        """Give it: whoever listens is called, once. Idempotent."""
        self._is_set = True
        listeners, self._listeners = self._listeners, []
        for heard in listeners:
            heard()

    def listen(self, heard: Callable[[], None]) -> None:
        """Call `heard` when it is given; at once if it was."""
        if self._is_set:
            heard()
        else:
            self._listeners.append(heard)

    def unlisten(self, heard: Callable[[], None]) -> None:
        """Nobody need be called any more; idempotent."""
        if heard in self._listeners:
            self._listeners.remove(heard)
