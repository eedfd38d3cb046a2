"""One of our two ends as a process: started at its side of the link, and heard line by line."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from simulations.emulator import EmulatorError
from simulations.peers.processes import end

START_TIMEOUT_S: Final = 30.0
END_TIMEOUT_S: Final = 20.0
LINE_BYTES_MAX: Final = 64 * 1024
EVENTS_MAX: Final = 100_000
_WORDS_MAX: Final = 800


@dataclass(frozen=True, slots=True)
class Told:
    """One line of an end."""

    event: str
    at_s: float
    facts: dict[str, Any]


class EndProcess:
    """What an end has told so far; `wait` waits for more."""

    def __init__(self, process: asyncio.subprocess.Process, said: Path) -> None:
        self.process = process
        self.told: list[Told] = []
        self._said = said
        self._stirred = asyncio.Condition()
        self._gone = asyncio.Event()

    async def wait(self, condition: Callable[[Sequence[Told]], bool]) -> None:
        """Until `condition` holds of what was told; `EmulatorError` if the process ends before."""
        async with self._stirred:
            while not condition(self.told):
                if self.process.returncode is not None:
                    raise EmulatorError(f"An end of the bench ended too early: {self._last_words()}")
                await self._stirred.wait()

    async def wait_for(self, event: str, *, times: int = 1, timeout_s: float = START_TIMEOUT_S) -> None:
        """Until `event` was told so often; raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            await self.wait(lambda told: sum(line.event == event for line in told) >= times)

    def go(self) -> None:
        """Begin the next round."""
        if self.process.stdin is not None:
            self.process.stdin.write(b"go\n")

    async def finish(self) -> None:
        """End its input, which ends it in order, and hear what it still tells."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        async with asyncio.timeout(END_TIMEOUT_S):
            await self._gone.wait()

    async def hear(self) -> None:
        """Take lines until the process ends."""
        output = self.process.stdout
        while output is not None and len(self.told) < EVENTS_MAX and (line := await output.readline()):
            facts = json.loads(line)
            async with self._stirred:
                self.told.append(Told(facts.pop("event"), facts.pop("at_s"), facts))
                self._stirred.notify_all()
        await self.process.wait()
        self._gone.set()
        async with self._stirred:
            self._stirred.notify_all()

    def _last_words(self) -> str:
        with suppress(OSError):
            return self._said.read_text(errors="replace").strip()[-_WORDS_MAX:]
        return ""


@asynccontextmanager
async def end_process(
    module: str, spec: Path, at: Callable[[Sequence[str]], list[str]]
) -> AsyncIterator[EndProcess]:
    """`python -m module spec`, wrapped by `at` for its side of the link; ended when the block is left."""
    said = spec.with_suffix(".said")
    try:
        with said.open("ab") as words:
            process = await asyncio.create_subprocess_exec(
                *at([sys.executable, "-m", module, str(spec)]),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=words,
                limit=LINE_BYTES_MAX,
                start_new_session=True,
            )
    except OSError as error:
        raise EmulatorError(f"An end of the bench cannot be started: {error.strerror}.") from error
    started = EndProcess(process, said)
    async with asyncio.TaskGroup() as group:
        hearing = group.create_task(started.hear())
        try:
            yield started
        finally:
            await end(process)
            await hearing
