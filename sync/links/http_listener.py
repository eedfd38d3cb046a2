"""Answers sessions that are dialled over HTTP: the handlers behind `POST /sync`.

Sessions in turns are kept by `http_listener_turns`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from protocol.ids import Pseudonym

from ..driver import PREAMBLE_S, answer_session, read_call
from ..ports import Connection, LinkError, LinkRefused
from ..registry import SessionRegistry
from .byte_queue import ByteQueue
from .callee import Lookup, Reported, unreported
from .http_answers import (
    FAILURES,
    LISTENER_PROPERTIES,
    Refusal,
    SyncResponse,
    caller_broke,
    leave_out_unread_headers,
)
from .http_body import pour
from .http_listener_turns import TURN_PATH, TurnSessions
from .http_terms import BETWEEN_TURNS_S, BUFFER_BYTES_MAX, HOLD_S, INBOX_BYTES_MAX, SYNC_PATH
from .sockets import LISTENER_RATE_BIT_S, TcpSettings, TcpSocket, settings_of, socket_of, tune
from .tcp_watch import TcpWatch
from .thin_link import Cork, cork_of_caller_s, corked

SESSIONS_MAX: Final = 512
"""Conversations at once, those counted in which the caller has not yet said who it is. More sites than that
wait their turn: each one costs memory for what its peer has in flight."""
RETRY_AFTER_S: Final = 60
HANG_UP_TURNS: Final = 3
"""Turns of the event loop in which the end of a connection is seen that came with the end of its request."""
PROXY_BUFFER_BYTES: Final = 3_500
"""The first buffer of a proxy, less the head of an answer (nginx takes a page of memory)."""

_BUSY: Final = Refusal(
    503,
    "The hub is talking with as many sites as it can. Nothing is lost: everything stays here and is "
    "sent at the next attempt.",
    RETRY_AFTER_S,
)


class HttpListener:
    """Turns requests into sessions with their callers, one per pair, so many at once."""

    def __init__(
        self,
        lookup: Lookup,
        registry: SessionRegistry,
        *,
        sessions_max: int = SESSIONS_MAX,
        preamble_s: float = PREAMBLE_S,
        between_turns_s: float = BETWEEN_TURNS_S,
        hold_s: float = HOLD_S,
        reported: Reported = unreported,
    ) -> None:
        self._lookup = lookup
        self._registry = registry
        self._sessions_max = sessions_max
        self._preamble_s = preamble_s
        self._reported = reported
        self._streaming = 0
        self._turns = TurnSessions(self._converse, between_s=between_turns_s, hold_s=hold_s)

    @property
    def live(self) -> int:
        """Conversations right now."""
        return self._streaming + len(self._turns)

    def add_to(self, app: web.Application) -> None:
        """Answer `POST /sync` of this application, with as few header bytes as HTTP allows."""
        app.router.add_post(SYNC_PATH, self.handle)
        app.router.add_post(TURN_PATH, self.handle_turn)
        app.on_response_prepare.append(leave_out_unread_headers)
        app.cleanup_ctx.append(self._turns.running)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One conversation. What goes wrong on the link ends it; only failures of our store are raised."""
        if self.live >= self._sessions_max:
            return _BUSY.response()
        self._streaming += 1
        try:
            connection = HttpListenerConnection(request)
            async with connection.reading():
                refusal = await self._converse(connection)
            return connection.response if refusal is None else refusal.response()
        finally:
            self._streaming -= 1

    async def handle_turn(self, request: web.Request) -> web.StreamResponse:
        """One turn of a conversation that goes on beside its requests."""
        if self.live >= self._sessions_max and not self._turns.knows(request):
            return _BUSY.response()
        return await self._turns.answer(request)

    async def _converse(self, connection: Connection) -> Refusal | None:
        try:
            async with asyncio.timeout(self._preamble_s):
                call = await read_call(connection)
        except LinkRefused as refusal:
            return Refusal(400, str(refusal))
        except TimeoutError:
            return Refusal(408, "The caller did not say in time who it is.")
        except LinkError:
            return None
        pseudonym = call.preamble.pseudonym
        try:
            callee = await self._lookup(pseudonym)
        except LinkRefused as refusal:
            return Refusal(403, str(refusal))
        if callee is None:
            return _unknown(pseudonym)
        report = await answer_session(
            connection,
            call,
            link_secret=callee.link_secret,
            registry=self._registry,
            setting=callee.setting,
        )
        self._reported(pseudonym, report)
        return None


class HttpListenerConnection:
    """The listener's end: the request's body is what we receive, the response's body what we send."""

    def __init__(self, request: web.Request) -> None:
        self.properties = LISTENER_PROPERTIES
        self.response = SyncResponse()
        self.tcp: TcpSettings | None = None
        """What the kernel made of our wishes."""
        self._request = request
        self._inbox = ByteQueue(INBOX_BYTES_MAX)
        # In this very step: from the next one on, a connection that breaks takes along what is not taken.
        self._inbox.append(request.content.read_nowait())
        self._writer: AbstractStreamWriter | None = None
        self._heard_all = False
        self._sends_no_more = False
        self._is_closed = False
        self._sent_bytes = 0
        self.gather_s = 0.0
        """How long receipts wait for an answer; the round trip of the handshake tells."""
        self._cork: Cork | None = None
        self._watch: TcpWatch | None = None
        self.socket: TcpSocket | None = socket_of(request.transport)
        """None if the caller has gone already."""
        if request.transport is not None:
            request.transport.set_write_buffer_limits(high=BUFFER_BYTES_MAX)
        if self.socket is not None:
            tune(self.socket, LISTENER_RATE_BIT_S)
            self.tcp = settings_of(self.socket)
            self.gather_s = cork_of_caller_s(self.socket)
            self._cork = Cork(self.socket, self.gather_s)
            self._cork.heard()
            self._watch = TcpWatch(self.socket)
            self.properties = replace(LISTENER_PROPERTIES, bounds_queue=self.tcp.bounds_queue)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """While this lasts, the request is read, whether or not somebody waits in `receive`.

        When a link breaks, aiohttp drops what came and was not taken: a site would pay for it twice.
        """
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self._read())
            try:
                yield
            finally:
                task.cancel()

    def described(self) -> tuple[str, ...]:
        """For status: how the bytes travel."""
        return ("http: both directions at once", *(self.tcp.described() if self.tcp is not None else ()))

    async def send(self, data: bytes) -> None:
        if self._is_closed or self._sends_no_more:
            raise LinkError("This end of the link was closed.")
        try:
            if self._writer is None:
                self._writer = await self._begin(data)
            else:
                if self._cork is not None:
                    self._cork.hold()
                await self._write(self._writer, data)
            if self._watch is not None:
                self._watch.stir()
            await self._writer.drain()
        except FAILURES as error:
            raise caller_broke(error) from error

    async def _write(self, writer: AbstractStreamWriter, data: bytes) -> None:
        """A proxy that buffers answers keeps the end of a chunk that a buffer of its has cut, until something
        follows: the last byte follows by itself, in a chunk of six."""
        self._sent_bytes += len(data)
        if self._sent_bytes > PROXY_BUFFER_BYTES and len(data) > 1:
            await writer.write(data[:-1])
            data = data[-1:]
        await writer.write(data)

    def push(self) -> None:
        if self._cork is not None:
            self._cork.release()

    async def receive(self) -> bytes:
        return await self._inbox.get()

    async def finish(self) -> None:
        """Takes effect when the caller has finished too: a client whose response ends stops uploading."""
        self._sends_no_more = True
        try:
            await self._end_if_due()
        except FAILURES as error:
            raise caller_broke(error) from error

    async def close(self) -> None:
        """What was sent before still leaves, if the link lets it."""
        self._is_closed = True
        if self._cork is not None:
            self._cork.close()
        if self._watch is not None:
            self._watch.close()
        self._inbox.fail(LinkError("This end of the link was closed."))
        if self._request.transport is not None:
            self._request.transport.close()

    async def _read(self) -> None:
        try:
            heard = self._cork.heard if self._cork is not None else None
            await pour(self._request.content, self._request.transport, self._inbox, heard=heard)
            self._heard_all = True
            self._inbox.finish()
            for _ in range(HANG_UP_TURNS):
                # A caller that has hung up with its last bytes needs no last chunk: it would only refuse it.
                await asyncio.sleep(0)
            await self._end_if_due()
        except FAILURES as error:
            self._inbox.fail(caller_broke(error))

    async def _begin(self, data: bytes) -> AbstractStreamWriter:
        """Headers and first bytes, in one packet."""
        if self.socket is None:
            raise ConnectionResetError("the caller has gone")
        if self._cork is not None:
            self._cork.hold()
        with corked(self.socket):
            writer = await self.response.prepare(self._request)
            if writer is None:
                raise ConnectionResetError("the response has ended")
            await self._write(writer, data)
        return writer

    async def _end_if_due(self) -> None:
        transport = self._request.transport
        has_hung_up = transport is None or transport.is_closing()
        if self._heard_all and self._sends_no_more and not (self._is_closed or has_hung_up):
            await self.response.prepare(self._request)
            await self.response.write_eof()


def _unknown(pseudonym: Pseudonym) -> Refusal:
    return Refusal(
        403,
        f"This hub does not know the site that calls itself {pseudonym.hex()}. Nothing is lost: "
        "everything stays here. Check the hub's address; if it is right, enrol this site again.",
    )
