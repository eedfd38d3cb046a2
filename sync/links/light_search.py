"""Finds out that a link which went dark is back: dials beside, again and again; the first connection stays.

The kernel asks a silent link ever more seldom, with a full packet each time, and misreads what it hears first
afterwards: seconds of light pass unused. A packet that opens a connection is small, and a connection that was
answered knows nothing of the darkness.
"""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

EVERY_S_MIN: Final = 1.0
EVERY_SHARE: Final = 0.05
"""Of what the link can carry, for a link that is not dark but slower than anybody thought."""
OPENING_BYTES: Final = 60
JITTER: Final = 0.25
"""A fleet whose satellite comes up over the horizon does not dial in step."""
PATIENCE_ROUND_TRIPS: Final = 2
PATIENCE_S: Final = 2.0


class StandingSocket(socket.socket):
    """One that stands already: whoever connects it finds it so."""

    def connect(self, address: Any) -> None:  # As typeshed has it: each family has addresses of its own.
        """It is."""


class LightSearch:
    """One for each connection; it begins when that one falls silent, and ends with it."""

    def __init__(self, make: Callable[[], socket.socket], *, rate_bit_s: int, rtt_s: float) -> None:
        """`make`: a socket that is not connected, tuned as the connection's own."""
        self._make = make
        self._every_s = max(EVERY_S_MIN, OPENING_BYTES * 8 / (EVERY_SHARE * rate_bit_s))
        self._patience_s = PATIENCE_ROUND_TRIPS * rtt_s + PATIENCE_S
        self._found: socket.socket | None = None
        self._search: asyncio.Task[None] | None = None
        """Owned by this object, ended by `end`."""

    @property
    def is_found(self) -> bool:
        """The link is back."""
        return self._found is not None

    def begin(self, address: Any, found: Callable[[], None]) -> None:
        """Dial `address` until somebody answers; `found` is called then. Idempotent while it lasts."""
        if self._search is None:
            self._search = asyncio.get_running_loop().create_task(self._run(address, found))

    def take(self) -> StandingSocket | None:
        """The connection that was found, for its next owner."""
        found, self._found = self._found, None
        return None if found is None else StandingSocket(fileno=found.detach())

    async def end(self) -> None:
        """Search no more; what was found stays."""
        if self._search is not None and not self._search.done():
            self._search.cancel()
            await asyncio.wait([self._search])

    async def _run(self, address: Any, found: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        is_answered = asyncio.Event()
        attempts: set[asyncio.Task[None]] = set()
        try:
            while self._found is None:
                attempts = {attempt for attempt in attempts if not attempt.done()}
                attempts.add(loop.create_task(self._attempt(address, is_answered)))
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._every_s * random.uniform(1 - JITTER, 1 + JITTER)):
                        await is_answered.wait()
        finally:
            for attempt in attempts:
                attempt.cancel()
            await asyncio.wait(attempts)
        found()

    async def _attempt(self, address: Any, is_answered: asyncio.Event) -> None:
        try:
            made = self._make()
        except OSError:
            return  # The way out of this machine is away as well.
        try:
            async with asyncio.timeout(self._patience_s):
                await asyncio.get_running_loop().sock_connect(made, address)
        except OSError:
            made.close()  # Nobody answered in time, or somebody said no: a later one may find more.
        except BaseException:
            made.close()
            raise
        else:
            if self._found is None:
                self._found = made
            else:
                made.close()
            is_answered.set()
