"""Ends what a program started and left behind: found by a word in its environment, which children inherit."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

MARK: Final = "SFSIM_RUN"
POLL_S: Final = 0.05
_PROCESSES: Final = Path("/proc")


class Offspring:
    """All processes of one run, however deep, and whether or not their parents live."""

    def __init__(self) -> None:
        self._mark = f"{MARK}={os.getpid()}-{os.urandom(8).hex()}"

    def environment(self) -> Mapping[str, str]:
        """What each program of the run is started with."""
        name, _, value = self._mark.partition("=")
        return os.environ | {name: value}

    def living(self) -> list[int]:
        """The ids of those that run; a program that clears its environment is not found."""
        entries = (int(entry.name) for entry in _PROCESSES.iterdir() if entry.name.isdecimal())
        return sorted(number for number in entries if self._is_ours(number))

    async def end(self, timeout_s: float) -> None:
        """Ask them to go, and insist after a while."""
        for word in (signal.SIGTERM, signal.SIGKILL):
            for number in self.living():
                self._send(number, word)
            for _ in range(round(timeout_s / POLL_S)):
                if not self.living():
                    return
                await asyncio.sleep(POLL_S)

    def _is_ours(self, number: int) -> bool:
        try:
            environment = (_PROCESSES / str(number) / "environ").read_bytes()
        except OSError:  # Gone, or of another user.
            return False
        return self._mark.encode() in environment.split(b"\0")

    def _send(self, number: int, word: signal.Signals) -> None:
        try:
            descriptor = os.pidfd_open(number)
        except OSError:
            return
        try:
            # Another process may have got the number meanwhile; the descriptor stands for one of them only.
            if self._is_ours(number):
                signal.pidfd_send_signal(descriptor, word)
        except OSError:
            return
        finally:
            os.close(descriptor)


@asynccontextmanager
async def offspring(timeout_s: float) -> AsyncIterator[Offspring]:
    """Whatever still runs at the end of the block is ended."""
    family = Offspring()
    try:
        yield family
    finally:
        await family.end(timeout_s)
