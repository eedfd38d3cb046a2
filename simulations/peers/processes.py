"""Programs at the ends of an emulated link: started in their own session, and ended whatever happens."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from simulations.emulator import EmulatorError

END_TIMEOUT_S: Final = 5.0


@asynccontextmanager
async def running(argv: Sequence[str], said: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A program without a terminal, whose words go to the file `said`; ended when the block is left."""
    with said.open("ab") as words:
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=words,
                stderr=words,
                start_new_session=True,
            )
        except OSError as error:
            raise EmulatorError(f"{argv[0]} cannot be started: {error.strerror}.") from error
    try:
        yield process
    finally:
        await end(process)


async def end(process: asyncio.subprocess.Process) -> None:
    """Ask the program and its children to go, then insist; idempotent."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(TimeoutError):
            async with asyncio.timeout(END_TIMEOUT_S):
                await process.wait()
    await process.wait()
