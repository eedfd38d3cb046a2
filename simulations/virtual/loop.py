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
from contextvars import Context, copy_context
from functools import partial
from typing import Any, Final, TypeVar, TypeVarTuple

from .network import Network
from .stream_loop import StreamLoop
from .tcp_socket import sockets_in_memory

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


class Step(asyncio.TimerHandle):
    """A callback that is due: asyncio's handle, without what helps to debug real loops. A world makes a
    hundred for each contact."""

    __slots__ = ("_at_s",)

    # Of `Handle`.
    _context: Context
    _callback: Callable[..., object]
    _args: tuple[Any, ...]
    _cancelled: bool

    def __init__(  # It is made too often for a call of the parents', which would set the same and more.
        self,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        context: Context | None,
        at_s: float,
    ) -> None:
        self._at_s = at_s
        self._context = copy_context() if context is None else context
        self._callback = callback
        self._args = args
        self._cancelled = False

    def __repr__(self) -> str:
        return f"<Step at {self._at_s:.6f} s: {self._callback!r}>"

    def when(self) -> float:
        return self._at_s

    def cancel(self) -> None:
        # What it held goes now: a cancelled timer stays in the heap until its time.
        self._cancelled = True
        self._callback, self._args = _nothing, ()


def _nothing() -> None:
    """What a cancelled step does."""


class VirtualLoop(StreamLoop):
    """Virtual time from `START_S`, and a network in memory instead of sockets."""

    def __init__(self, network: Network | None = None) -> None:
        self._now_s = START_S
        self._still_turns = 0
        super().__init__()
        self.network = network or Network()
        self.streams = self.network.streams
        self._steps: deque[Step] = deque()
        self._due: list[tuple[float, int, Step]] = []
        """A heap; of one moment the one that was set first comes first."""
        self._set = itertools.count()
        self.set_task_factory(_numbered)
        # Asked for at each wait; the parent's methods would only say the same, through a frame of their own.
        self.create_future = partial(asyncio.Future, loop=self)  # type: ignore[method-assign]  # it is one
        self.get_debug = bool  # type: ignore[method-assign]  # "No", whatever is done.

    def time(self) -> float:
        return self._now_s

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        step = Step(callback, args, context, self._now_s)
        self._steps.append(step)
        return step

    def call_soon_threadsafe(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """There are no other threads."""
        return self.call_soon(callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        step = Step(callback, args, context, when)
        heapq.heappush(self._due, (when, next(self._set), step))
        return step

    def call_later(
        self, delay: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self._now_s + delay, callback, *args, context=context)

    def _run_once(self) -> None:
        """One turn: every callback that is ready."""
        steps, due = self._steps, self._due
        if not steps:
            self._jump()
        self._still_turns += 1
        if self._still_turns > STANDSTILL_TURNS_MAX:
            raise StandStill(f"A simulated program spins at {self._now_s:.3f} s.")
        while due and due[0][0] <= self._now_s:
            steps.append(heapq.heappop(due)[2])
        for _ in range(len(steps)):
            step = steps.popleft()
            if step._cancelled:
                continue
            try:
                step._context.run(step._callback, *step._args)
            except (SystemExit, KeyboardInterrupt):
                raise
            except BaseException as error:  # noqa: BLE001 - As of any callback: it is told, the loop goes on.
                self.call_exception_handler(
                    {"message": f"Exception in {step!r}", "exception": error, "handle": step}
                )

    def _jump(self) -> None:
        """To the next timer. Raises `StandStill` when there is none."""
        due = self._due
        while due and due[0][2]._cancelled:
            heapq.heappop(due)
        if not due:
            raise StandStill("Every simulated program waits for something that will never come.")
        if due[0][0] > self._now_s:
            self._now_s = due[0][0] + LATE_S
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
    with garbage_seldom(), sockets_in_memory():
        with asyncio.Runner(loop_factory=lambda: VirtualLoop(network)) as runner:
            return runner.run(main)


@contextmanager
def garbage_seldom() -> Iterator[None]:
    """While the context lasts, rings among objects are looked for seldom."""
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
