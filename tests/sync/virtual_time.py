"""An event loop whose clock jumps to the next timer: hours pass in no time, and always the same way."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import TypeVar

T = TypeVar("T")

VIRTUAL_S_MAX = 7 * 24 * 3600.0
"""A scenario that lasts longer than a week waits for something that will not come."""


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Never waits: where a real loop would, the clock moves on instead."""

    def __init__(self) -> None:
        self._virtual_s = 1000.0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        return self._virtual_s

    def jump(self, seconds: float) -> None:
        self._virtual_s += seconds
        if self._virtual_s > VIRTUAL_S_MAX:
            raise TimeoutError("the scenario does not end")


class _JumpingSelector(selectors.SelectSelector):
    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("the scenario waits for something that will never come")
        self._loop.jump(max(0.0, timeout))
        return super().select(0)


class VirtualClock:
    """The loop's clock as the engine's port; the wall runs along from a fixed moment."""

    def monotonic_s(self) -> float:
        return virtual_time_s()

    def wall_s(self) -> float:
        return 1_800_000_000 + virtual_time_s()


def virtual_time_s() -> float:
    return asyncio.get_running_loop().time()


def run_virtual(main: Coroutine[object, object, T]) -> T:
    """Like `asyncio.run`, in virtual time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)
