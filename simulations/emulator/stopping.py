"""Turns Ctrl-C and a request to terminate into an early end, so that what had crossed is still told."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """Whether somebody asked to stop, and by which signal."""

    def __init__(self) -> None:
        self.by: signal.Signals | None = None
        self._asked = asyncio.Event()

    def ask(self, by: signal.Signals) -> None:
        """The first one counts."""
        self.by = self.by or by
        self._asked.set()

    async def wait_ended(self, process: asyncio.subprocess.Process) -> bool:
        """Until the process ends, or somebody asks to stop: then False."""
        async with asyncio.TaskGroup() as group:
            waits = [group.create_task(process.wait()), group.create_task(self._asked.wait())]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for each in waits:
                each.cancel()
        return process.returncode is not None


@contextmanager
def stop_by_signal() -> Iterator[Stop]:
    """Listens for the signals in the running loop, which must be of the main thread."""
    loop, stop = asyncio.get_running_loop(), Stop()
    for each in SIGNALS:
        loop.add_signal_handler(each, stop.ask, each)
    try:
        yield stop
    finally:
        for each in SIGNALS:
            loop.remove_signal_handler(each)
