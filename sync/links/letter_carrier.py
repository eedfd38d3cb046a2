"""Runs one end's letters over a medium of whole messages: a modem's short messages, a mail host, a folder.

Law: a letter is chosen when the medium has taken the one before it, so that what is urgent waits for one at
most; what the medium brings that is no letter of the peer's is told, and stops nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from protocol.errors import ProtocolError
from protocol.header import Priority

from ..letters import Correspondence, LetterRead, LetterWritten
from ..ports import Clock, Connection, LinkError, LinkShape

Told = LetterWritten | LetterRead | ProtocolError
"""What happened: a letter was handed over, one was read, or something came that was none."""
WAIT_S_MAX: Final = 3_600.0
"""Without a deadline it looks again after so long: sleep and suspended machines make timers late."""


class LetterCarrier:
    """One correspondence over one medium, until that ends or it is cancelled."""

    def __init__(
        self,
        letters: Correspondence,
        medium: Connection,
        clock: Clock,
        *,
        floor: Callable[[], Priority | None] = lambda: Priority.BULK,
        observer: Callable[[Told], None] = lambda told: None,
        turn: asyncio.Lock | None = None,
    ) -> None:
        """`floor` is asked before each letter: the least urgent class that may go now, None for answers
        alone. `turn` is held while custody is asked or told: whoever holds sessions over the same custody, or
        letters over another medium, must hold the same one meanwhile, since either may begin a new life, in
        which the other's numbers mean other bundles.

        `ValueError` for a medium that carries no whole messages, or shorter ones than the letters."""
        unit_bytes = medium.properties.unit_bytes_max
        if medium.properties.shape is not LinkShape.MAILBOX or unit_bytes is None:
            raise ValueError(f"{medium.properties.name} carries no whole messages")
        if unit_bytes < letters.letter_bytes_max:
            raise ValueError(
                f"{medium.properties.name} carries {unit_bytes} bytes in a message; letters here have up to "
                f"{letters.letter_bytes_max}"
            )
        self._letters = letters
        self._medium = medium
        self._clock = clock
        self._floor = floor
        self._observer = observer
        self._stirred = asyncio.Event()
        self._turn = turn or asyncio.Lock()

    def stir(self) -> None:
        """Something new waits in custody, or more may go than before."""
        self._stirred.set()

    async def run(self) -> None:
        """Write and read; returns when the medium brings nothing more. Raises `LinkError` when it fails."""
        failed: LinkError | None = None
        try:
            async with asyncio.TaskGroup() as group:
                writing = group.create_task(self._write_on())
                await self._read_on()
                writing.cancel()
        except* LinkError as broken:
            failed = next(each for each in broken.exceptions if isinstance(each, LinkError))
        if failed is not None:
            raise failed

    async def _write_on(self) -> None:
        while True:
            self._stirred.clear()
            async with self._turn:
                now = self._clock.monotonic_s()
                self._letters.give_up(now)
                letter = await self._letters.write(now, self._floor())
            if letter is None:
                await self._wait()
                continue
            await self._medium.send(letter.data)
            self._observer(letter)

    async def _wait(self) -> None:
        wait_s = min(WAIT_S_MAX, max(0.0, self._letters.deadline() - self._clock.monotonic_s()))
        try:
            async with asyncio.timeout(wait_s):
                await self._stirred.wait()
        except TimeoutError:
            return

    async def _read_on(self) -> None:
        while message := await self._medium.receive():
            try:
                async with self._turn:
                    read = await self._letters.read(message, self._clock.monotonic_s())
            except ProtocolError as error:
                self._observer(error)
                continue
            self._observer(read)
            self._stirred.set()
