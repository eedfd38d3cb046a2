"""One life of a simulated host's programs: started, and ended by their will or by a crash.

Law: after a crash nothing of that life happens any more: no packet, no change on the disk, no last word.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import Context, copy_context
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeVar

from simulations.virtual.network import HOST, Network

T = TypeVar("T")

NEVER: Final = 1 << 60


class Side(Enum):
    """Of a durable step, at which side of it a crash comes."""

    BEFORE = "before"
    """Nothing of the step is on the disk."""
    AFTER = "after"
    """All of it is, and nobody was told."""


class Crashed(Exception):
    """This life ended by a crash; only the world that ordered it sees this."""


@dataclass(frozen=True, slots=True)
class _Raised:
    """What a piece of work raised: for whoever waits for it, and not for the world's task group."""

    error: Exception


async def _caught(work: Coroutine[Any, Any, T]) -> T | _Raised:
    try:
        return await work
    except Exception as error:  # noqa: BLE001 - Whatever it is, it is raised again in `Life.run`.
        return _Raised(error)


class Life:
    """Tasks of one host that die together."""

    def __init__(self, host: str, network: Network, owner: asyncio.TaskGroup) -> None:
        """`owner` outlives the life: it is the world's."""
        self.host = host
        self.network = network
        self.alive = True
        self.steps = 0
        """Durable steps so far."""
        self.on_crash: Callable[[], None] = lambda: None
        """Called at the very moment, before anything of the life is taken apart: the disk is as it is now."""
        self._owner = owner
        self._tasks: set[asyncio.Task[Any]] = set()
        self._crash_at = NEVER
        self._crash_side = Side.BEFORE
        self._ended = asyncio.Event()
        context = copy_context()
        context.run(HOST.set, host)
        self._context = context

    @property
    def context(self) -> Context:
        """To run something in as a program of this host."""
        return self._context.copy()

    def begin(self, work: Coroutine[Any, Any, object]) -> None:
        """Something that this host does until it dies; what it raises ends the world."""
        self._tasks.add(self._start(work))

    def _start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = self._owner.create_task(work, context=self.context)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something as this host's program. `Crashed` if the host crashed meanwhile."""
        if not self.alive:
            work.close()
            raise Crashed(self.host)
        task = self._start(_caught(work))
        waiting = self._owner.create_task(self._ended.wait())
        try:
            await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        if not self.alive:
            if inspect.getcoroutinestate(work) == inspect.CORO_CREATED:
                work.close()  # It died before the first step of it.
            raise Crashed(self.host)
        outcome = task.result()
        if isinstance(outcome, _Raised):
            raise outcome.error
        return outcome

    def crash_at(self, step: int, side: Side) -> None:
        """Die at the `step`-th durable step from now on."""
        self._crash_at, self._crash_side = self.steps + step, side

    def crash_never(self) -> None:
        """No crash is due any more."""
        self._crash_at = NEVER

    def step(self, side: Side) -> None:
        """A durable step begins or has ended; a dead life never gets past it."""
        if side is Side.BEFORE:
            self.steps += 1
        if self.alive and self.steps >= self._crash_at and side is self._crash_side:
            self.crash()
        if not self.alive:
            # Whatever a dead program would still do while it is taken apart ends here.
            raise asyncio.CancelledError

    def crash(self) -> None:
        """Now."""
        if not self.alive:
            return
        self.alive = False
        self.on_crash()
        self.network.sever(self.host)
        for task in sorted(self._tasks, key=hash):
            task.cancel()
        self._ended.set()

    async def end(self, last: Callable[[], Awaitable[None]] | None = None) -> None:
        """By its own will: every task is cancelled and finishes what it must; then `last` is done."""
        for task in sorted(self._tasks, key=hash):
            task.cancel()
        if self._tasks:
            await asyncio.wait(tuple(self._tasks))
        if last is not None and self.alive:
            await last()
        self.alive = False
        self.network.sever(self.host)
        self._ended.set()
