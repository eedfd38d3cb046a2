"""An event loop whose clock jumps to the next timer: months pass in seconds, and always the same way.

Law: it never waits, starts no thread and touches no socket; what would need one is refused.
"""

from __future__ import annotations

import asyncio
import gc
import heapq
import itertools
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any, Final, TypeVar, TypeVarTuple

from .network import Network

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

START_S: Final = 1_000.0
LATE_S: Final = 1e-6
"""So late is every timer, as in the world: one that ran a rounding error early would find that it is not yet
time, and set itself again for the same moment."""
STANDSTILL_TURNS_MAX: Final = 200_000
"""Turns of the loop without the clock moving on: more is a program that spins."""

_GARBAGE_COUNTS: Final = (100_000, 20, 100)
"""A world makes and drops objects by the million; looking for rings among them at the usual counts takes a
tenth of its time."""


class StandStill(RuntimeError):
    """Nothing that was begun can ever go on; a simulated program waits for what will not come, or spins."""


class NumberedTask(asyncio.Task[T]):
    """A task whose place in a set does not depend on where in memory it lies: a task group cancels its tasks
    in the order of a set."""

    _numbers = itertools.count()

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._number = next(NumberedTask._numbers)
        super().__init__(*arguments, **options)

    def __hash__(self) -> int:
        return self._number


class VirtualLoop(asyncio.BaseEventLoop):
    """Virtual time from `START_S`, and a network in memory instead of sockets."""

    # Of `BaseEventLoop`: what is to be called now, and the heap of what is to be called at a time.
    _ready: deque[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]

    def __init__(self, network: Network | None = None) -> None:
        self._now_s = START_S
        self._still_turns = 0
        super().__init__()
        self.network = network or Network()
        self._due: list[asyncio.TimerHandle] = self._scheduled
        self.set_task_factory(_numbered)

    def time(self) -> float:
        return self._now_s

    def _run_once(self) -> None:
        """One turn: every callback that is ready."""
        if not self._ready:
            self._jump()
        self._still_turns += 1
        if self._still_turns > STANDSTILL_TURNS_MAX:
            raise StandStill(f"A simulated program spins at {self._now_s:.3f} s.")
        while self._due and self._due[0].when() <= self._now_s:
            timer = heapq.heappop(self._due)
            if not timer.cancelled():
                self._ready.append(timer)
        for _ in range(len(self._ready)):
            handle = self._ready.popleft()
            if not handle.cancelled():
                handle._run()

    def _jump(self) -> None:
        """To the next timer. Raises `StandStill` when there is none."""
        while self._due and self._due[0].cancelled():
            heapq.heappop(self._due)
        if not self._due:
            raise StandStill("Every simulated program waits for something that will never come.")
        if self._due[0].when() > self._now_s:
            self._now_s = self._due[0].when() + LATE_S
            self._still_turns = 0

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """At once, in the caller's own step: no thread decides who is first."""
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - Whatever it is, whoever waits for the work gets it.
            future.set_exception(error)
        return future

    async def create_datagram_endpoint(  # type: ignore[override]  # Real loops have options for real sockets.
        self,
        protocol_factory: Callable[[], asyncio.DatagramProtocol],
        local_addr: tuple[str, int] | None = None,
        remote_addr: tuple[str, int] | None = None,
        **options: object,
    ) -> tuple[asyncio.DatagramTransport, asyncio.DatagramProtocol]:
        """On the network in memory; `OSError` if nobody has such an address there."""
        protocol = protocol_factory()
        transport = self.network.open_datagrams(protocol, local=local_addr, remote=remote_addr)
        protocol.connection_made(transport)
        return transport, protocol

    # What `BaseEventLoop` leaves to loops that have sockets.

    def _process_events(self, event_list: list[object]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody sleeps, so nobody needs waking."""


def _numbered(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> NumberedTask[Any]:
    return NumberedTask(coro, loop=loop, **options)


def run_virtual(main: Coroutine[Any, Any, T], *, network: Network | None = None) -> T:
    """Like `asyncio.run`, in virtual time."""
    with _garbage_seldom(), asyncio.Runner(loop_factory=lambda: VirtualLoop(network)) as runner:
        return runner.run(main)


@contextmanager
def _garbage_seldom() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(*_GARBAGE_COUNTS)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def virtual_loop() -> VirtualLoop:
    """The loop that runs; `RuntimeError` outside `run_virtual`."""
    loop = asyncio.get_running_loop()
    if not isinstance(loop, VirtualLoop):
        raise RuntimeError("this runs in virtual time only")
    return loop
