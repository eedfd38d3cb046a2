"""The listener's side of sessions in turns: each outlives its requests, which take turns at one connection.

How many there are, and how long one waits for its next request, is bounded.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from aiohttp import web

from ..ports import LinkError
from .byte_queue import ByteQueue
from .http_answers import (
    FAILURES,
    LISTENER_PROPERTIES,
    Refusal,
    SyncResponse,
    caller_broke,
)
from .http_body import pour
from .http_terms import (
    ANSWER_BYTES_MAX,
    BETWEEN_TURNS_S,
    BUFFER_BYTES_MAX,
    FINAL,
    GATHER_S,
    GOES_ON,
    HOLD_S,
    INBOX_BYTES_MAX,
    SYNC_PATH,
)
from .sockets import LISTENER_RATE_BIT_S, TcpSettings, settings_of, socket_of, tune

TURN_PATH: Final = SYNC_PATH + "/{session:[A-Za-z0-9_-]{12}}/{turn:[1-9][0-9]{0,8}}"

Talk = Callable[["TurnsConnection"], Awaitable[Refusal | None]]
"""Holds one conversation; its result is what a caller reads who gets none."""

_GONE: Final = Refusal(
    410,
    "The hub no longer knows this session. Nothing is lost: what was receipted is safe, the rest goes on at "
    "the next contact.",
)
_FAULT: Final = Refusal(500, "The hub met a fault of its own. What was saved before is safe.")
_OUT_OF_TURN: Final = Refusal(409, "This request came out of turn, or came twice. The session is given up.")
_log = logging.getLogger(__name__)


class TurnSessions:
    """The live sessions in turns, by name."""

    def __init__(self, talk: Talk, *, between_s: float = BETWEEN_TURNS_S, hold_s: float = HOLD_S) -> None:
        self._talk = talk
        self._between_s = between_s
        self._hold_s = hold_s
        self._open: dict[str, TurnsConnection] = {}
        self._group: asyncio.TaskGroup | None = None

    async def running(self, _: web.Application) -> AsyncIterator[None]:
        """For as long as the application serves: the owner of every conversation in turns."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            yield
            self._group = None
            for connection in list(self._open.values()):
                connection.talk.cancel()

    def __len__(self) -> int:
        return len(self._open)

    def knows(self, request: web.Request) -> bool:
        """Whether this is a turn of a session that is under way."""
        return request.match_info["session"] in self._open

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """One turn, of a new session if it is the first."""
        name, number = request.match_info["session"], int(request.match_info["turn"])
        connection = self._open.get(name)
        if connection is None:
            if number != 1 or self._group is None:
                return _GONE.response()
            connection = TurnsConnection(request, between_s=self._between_s, hold_s=self._hold_s)
            self._open[name] = connection
            connection.talk = self._group.create_task(self._run(name, connection))
        return await connection.take_turn(request, number)

    async def _run(self, name: str, connection: TurnsConnection) -> None:
        try:
            connection.refusal = await self._talk(connection)
        except Exception:  # noqa: BLE001 - recorded with its trace; one session must not end the others.
            _log.exception("a session in turns failed")
            connection.refusal = _FAULT
        finally:
            del self._open[name]
            await connection.close()


class TurnsConnection:
    """The listener's end: the bodies of the requests in their order are what we receive."""

    talk: asyncio.Task[None]

    def __init__(self, request: web.Request, *, between_s: float, hold_s: float) -> None:
        """`request` is the first; it is answered like all others by `take_turn`."""
        self.properties = replace(LISTENER_PROPERTIES, full_duplex=False)
        self.tcp: TcpSettings | None = None
        """What the kernel made of our wishes."""
        self.refusal: Refusal | None = None
        """Set before `close`: what the caller gets to read instead of an answer."""
        self._between_s = between_s
        self._hold_s = hold_s
        self._inbox = ByteQueue(INBOX_BYTES_MAX)
        self._outbox = ByteQueue(BUFFER_BYTES_MAX)
        self._arrived = 0
        """All turns up to this number came."""
        self._ahead: int | None = None
        """Number of one that overtook the turn before it: each of the two has a connection of its own."""
        self._taken = 0
        """Number of the last turn whose body was read to its end."""
        self._moved = asyncio.Event()
        self._present = 0
        """Requests being answered."""
        self._absence: asyncio.TimerHandle | None = None

    def described(self) -> tuple[str, ...]:
        """For status: how the bytes travel."""
        return ("http: in turns", *(self.tcp.described() if self.tcp is not None else ()))

    async def receive(self) -> bytes:
        return await self._inbox.get()

    async def send(self, data: bytes) -> None:
        await self._outbox.put(data)

    async def finish(self) -> None:
        self._outbox.finish()

    async def close(self) -> None:
        """What was sent before still leaves with the request that is there, if there is one."""
        closed = LinkError("This end of the link was closed.")
        self._inbox.fail(closed)
        self._outbox.fail(closed)
        self._moved.set()
        if self._absence is not None:
            self._absence.cancel()

    # One turn.

    async def take_turn(self, request: web.Request, number: int) -> web.StreamResponse:
        """Read the body, then answer with what there is to say; when there is nothing, hold the answer."""
        response = SyncResponse()
        with self._attended(request):
            if not self._is_in_turn(number):
                return _OUT_OF_TURN.response()
            self._moved.set()
            self._outbox.stir()  # A turn before this one that is held is answered now.
            try:
                await self._wait_taken(number - 1)
                await self._take_body(request)
                self._taken = number
                self._moved.set()
                await self._answer(request, response, number)
            except FAILURES as error:
                self._fail(caller_broke(error))
            except LinkError as error:
                self._fail(error)
        return self._ended(request, response)

    def _ended(self, request: web.Request, response: SyncResponse) -> web.StreamResponse:
        """What aiohttp shall make of the turn."""
        if not response.prepared:
            return (self.refusal or _GONE).response()
        broke_off = self._outbox.failure is not None and not self._outbox.is_finished
        if broke_off and request.transport is not None:
            request.transport.abort()  # An answer that broke off must not look whole.
        return response

    @contextmanager
    def _attended(self, request: web.Request) -> Iterator[None]:
        """While requests are here the caller is; after the last, it has a while to come back."""
        self._tune(request)
        self._present += 1
        if self._absence is not None:
            self._absence.cancel()
        try:
            yield
        finally:
            self._present -= 1
            if not self._present:
                loop = asyncio.get_running_loop()
                self._absence = loop.call_later(self._between_s, self._give_up)

    def _give_up(self) -> None:
        self._fail(LinkError(f"The caller did not come back within {self._between_s:.0f} seconds."))

    def _is_in_turn(self, number: int) -> bool:
        """Whether it is the next, or the one behind that."""
        if number == self._arrived + 1:
            self._arrived = self._ahead or number
            self._ahead = None
        elif number == self._arrived + 2 and self._ahead is None:
            self._ahead = number
        else:
            return False
        return True

    async def _wait_taken(self, number: int) -> None:
        """Until the body of this turn was read; it may take its time, but it has to come."""
        async with asyncio.timeout(self._between_s) as patience:
            while self._taken < number:
                self._check_alive()
                if self._arrived >= number:
                    patience.reschedule(None)
                self._moved.clear()
                await self._moved.wait()
        self._check_alive()

    async def _take_body(self, request: web.Request) -> None:
        held = await pour(request.content, request.transport, self._inbox, but_last_bytes=1)
        if held == FINAL:
            self._inbox.finish()
        elif held != GOES_ON:
            raise LinkError("The caller's request was cut short.")

    async def _answer(self, request: web.Request, response: SyncResponse, number: int) -> None:
        loop = asyncio.get_running_loop()
        hold_until, sent_bytes = loop.time() + self._hold_s, 0
        while sent_bytes < ANSWER_BYTES_MAX and await self._has_more(
            number, GATHER_S if sent_bytes else hold_until - loop.time()
        ):
            data = self._outbox.take(ANSWER_BYTES_MAX - sent_bytes)
            if not response.prepared:
                await response.prepare(request)
            await response.write(data)
            sent_bytes += len(data)
        if not self._outbox.is_finished:
            self._check_alive()
        if not response.prepared:
            await response.prepare(request)
        await response.write(FINAL if self._outbox.is_finished and self._outbox.is_drained else GOES_ON)
        await response.write_eof()

    async def _has_more(self, number: int, patience_s: float) -> bool:
        """Wait for bytes to send in this turn; False when it is time to end its answer."""
        try:
            async with asyncio.timeout(patience_s):
                while not self._outbox.size_bytes and not self._outbox.is_drained and self._is_newest(number):
                    await self._outbox.wait_stirred()
        except TimeoutError:
            return False
        return self._outbox.size_bytes > 0

    def _is_newest(self, number: int) -> bool:
        return number == (self._ahead or self._arrived)

    # How it goes.

    def _check_alive(self) -> None:
        if self._outbox.failure is not None:
            raise self._outbox.failure

    def _fail(self, error: LinkError) -> None:
        self._inbox.fail(error)
        self._outbox.fail(error)
        self._moved.set()

    def _tune(self, request: web.Request) -> None:
        if (target := socket_of(request.transport)) is not None:
            tune(target, LISTENER_RATE_BIT_S)
            self.tcp = settings_of(target)
