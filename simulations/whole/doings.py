"""What people do later: tasks of a run that end with it, whatever they wait for.

In these worlds nobody asks the product for what he may not do, and no disk is full: a refusal is told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from sfhub.errors import HubError
from sfnode.errors import NodeError
from sync.stores.errors import StoreError

from .moments import RunTime
from .yard import Yard


class Doings:
    """All that is planned; nothing is begun any more after `end`."""

    def __init__(self, group: asyncio.TaskGroup, time: RunTime, yard: Yard) -> None:
        self._group = group
        self._time = time
        self._yard = yard
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_over = False

    def now(self, act: Coroutine[Any, Any, None]) -> None:
        """Beside whatever is under way."""
        self.later(self._time.now_s(), act)

    def later(self, at_s: float, act: Coroutine[Any, Any, None]) -> None:
        """At that second of the run; not at all once it is over."""
        if self._is_over:
            act.close()
            return
        task = self._group.create_task(self._do(at_s, act))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # Also of what was called off before it began.
        task.add_done_callback(lambda _: act.close())

    async def end(self) -> None:
        """Everybody goes home."""
        self._is_over = True
        tasks = sorted(self._tasks, key=hash)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _do(self, at_s: float, act: Coroutine[Any, Any, None]) -> None:
        try:
            await self._time.wait_s(at_s)
            await act
        except (NodeError, HubError, StoreError) as refused:
            self._yard.refused(getattr(act, "__qualname__", "somebody"), refused)
