"""The dialer's side of a session in turns: a row of short, whole POSTs where bodies cannot flow at once.

One request is under way at a time. The listener may hold its answer until it has news; what we have to say
meanwhile goes in a second request, which makes it answer the first. It has a connection of its own, so it
leaves only when the first one is there: else it might overtake it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from secrets import token_urlsafe
from typing import Final

import aiohttp

from ..ports import LinkError, LinkRefused
from .byte_queue import ByteQueue
from .http_body import pour
from .http_request import (
    FAILURES,
    TOO_LARGE,
    broken,
    is_answer,
    is_of_a_listener,
    refusal_of,
    transport_of,
)
from .http_terms import BODY_BYTES_MAX, FINAL, GATHER_S, GOES_ON, SESSION_NAME_BYTES
from .http_turn_body import TurnBody

BODY_BYTES_MIN: Final = 4 * 1024
"""A short consult goes in one turn."""
BODY_S: Final = 5.0
"""What is urgent waits for the body before it."""
ALONE_ROUND_TRIPS: Final = 2
ALONE_S_MIN: Final = 0.5
"""An answer that takes longer than this is being held; a second request costs a handshake, so not before."""
LOOK_S: Final = 0.1
"""How often the kernel is asked whether a request is there."""


@dataclass(slots=True, eq=False)
class _Turn:
    """One request."""

    number: int
    body: TurnBody
    size_bytes: int
    is_last: bool
    """It says that this was all."""
    before: _Turn | None
    has_begun: bool = False
    """Its answer comes, so it will end soon."""
    over: asyncio.Event = field(default_factory=asyncio.Event)


class Turns:
    """A byte stream each way, carried by requests; what comes back goes into an inbox."""

    def __init__(
        self,
        client: aiohttp.ClientSession,
        url: str,
        inbox: ByteQueue,
        *,
        rate_bit_s: int,
        rtt_s: float,
        answered: Callable[[], None],
        refused_as_too_large: Callable[[int], None],
        body_bytes_max: int = BODY_BYTES_MAX,
        first: bytes = b"",
    ) -> None:
        """`answered` is called at each answer of the listener, be it a refusal. `first` was sent before, in
        vain."""
        self._client = client
        self._url = f"{url}/{token_urlsafe(SESSION_NAME_BYTES)}"
        self._inbox = inbox
        self._body_bytes_max = body_bytes_max
        self._outbox = ByteQueue(self._fitting(int(rate_bit_s / 8 * BODY_S)))
        self._outbox.append(first)
        self._alone_s = max(ALONE_ROUND_TRIPS * rtt_s, ALONE_S_MIN)
        self._answered = answered
        self._refused_as_too_large = refused_as_too_large
        self._number = 0
        self._has_said_final = False
        self._told = asyncio.Event()
        """The listener has answered our last word, or never will."""

    async def wait_told(self) -> None:
        """Once we have finished: until the listener has all we sent, or needs no last word, or it broke."""
        is_over = self._outbox.is_drained and self._inbox.is_finished
        if self._outbox.is_finished and not is_over and self._outbox.failure is None:
            await self._told.wait()

    async def send(self, data: bytes) -> None:
        """Returns when there is room for more. Raises `LinkError`."""
        await self._outbox.put(data)

    def finish(self) -> None:
        """Nothing more will be sent."""
        self._outbox.finish()

    async def run(self) -> None:
        """Turn after turn, until both ends have finished or one turn fails."""
        newest: _Turn | None = None
        async with asyncio.TaskGroup() as group:
            while await self._has_reason():
                turn = self._next_turn(newest)
                group.create_task(self._carry(turn))
                if newest is not None:
                    await newest.over.wait()
                await self._wait_answered(turn)
                newest = turn

    async def _has_reason(self) -> bool:
        """Wait for something to say, or for the moment to ask; False when nothing will be."""
        try:
            async with asyncio.timeout(None if self._inbox.is_finished else GATHER_S):
                while not self._has_news and self._outbox.failure is None:
                    await self._outbox.wait_stirred()
        except TimeoutError:
            return True
        await self._gather()
        return self._outbox.failure is None and (self._has_news or not self._inbox.is_finished)

    async def _gather(self) -> None:
        """Let the body fill: the session hands over one chunk after another."""
        size_bytes = -1
        while size_bytes < self._outbox.size_bytes <= self._outbox.size_bytes_max:
            size_bytes = self._outbox.size_bytes
            if not self._outbox.is_finished and self._outbox.failure is None:
                await asyncio.sleep(GATHER_S)

    @property
    def _has_news(self) -> bool:
        return self._outbox.size_bytes > 0 or (self._outbox.is_finished and not self._has_said_final)

    def _next_turn(self, before: _Turn | None) -> _Turn:
        self._number += 1
        data = self._outbox.take(self._body_bytes_max - len(GOES_ON))
        self._has_said_final = self._outbox.is_drained
        body = data + (FINAL if self._has_said_final else GOES_ON)
        return _Turn(self._number, TurnBody(body), len(body), self._has_said_final, before)

    async def _wait_answered(self, turn: _Turn) -> None:
        """Until the turn is over, or there is news while its answer is being held."""
        while not turn.over.is_set() and not turn.body.is_there:
            await _wait_over(turn, LOOK_S)
        await _wait_over(turn, self._alone_s)
        while not turn.over.is_set() and (turn.has_begun or not self._has_news):
            await self._outbox.wait_stirred()

    async def _carry(self, turn: _Turn) -> None:
        url = f"{self._url}/{turn.number}"
        try:
            await self._exchange(turn, url)
        except LinkError as error:
            self._fail(error)
        except FAILURES as error:
            self._fail(broken(url, error))
        finally:
            turn.over.set()
            turn.before = None  # A session of a day is a chain of thousands.
            self._outbox.stir()

    async def _exchange(self, turn: _Turn, url: str) -> None:
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        async with self._client.post(url, data=turn.body, allow_redirects=False) as response:
            if is_of_a_listener(response):
                self._answered()  # A refusal tells as well as an answer that turns get through.
            if response.status == TOO_LARGE:
                self._refused_as_too_large(turn.size_bytes)
            if not is_answer(response):
                raise LinkRefused(await refusal_of(response))
            if turn.is_last:
                self._told.set()
            turn.has_begun = True  # The listener sends its headers with the first bytes of its answer.
            self._fit_body(turn.size_bytes, loop.time() - began_at)
            if turn.before is not None:
                await turn.before.over.wait()
            self._end(await pour(response.content, transport_of(response), self._inbox, but_last_bytes=1))

    def _end(self, mark: bytes) -> None:
        if mark == FINAL:
            self._inbox.finish()
        elif mark != GOES_ON:
            raise LinkError(
                "Something between here and the hub cut its answer short. What was receipted is safe; the "
                "rest goes on at the next contact."
            )

    def _fit_body(self, body_bytes: int, took_s: float) -> None:
        """The guess of the rate may be far off: full bodies that go fast grow, slow ones shrink."""
        fitted = self._outbox.size_bytes_max
        if took_s > 2 * BODY_S:
            fitted //= 2
        elif body_bytes > fitted and took_s < BODY_S:
            fitted *= 2
        self._outbox.size_bytes_max = self._fitting(fitted)

    def _fitting(self, size_bytes: int) -> int:
        return min(max(size_bytes, BODY_BYTES_MIN), self._body_bytes_max // 2)

    def _fail(self, error: LinkError) -> None:
        self._inbox.fail(error)
        self._outbox.fail(error)
        self._told.set()


async def _wait_over(turn: _Turn, patience_s: float) -> None:
    """At most so long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(patience_s):
            await turn.over.wait()
