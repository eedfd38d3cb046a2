"""Answers sessions that are dialled over HTTP: the handler behind `POST /sync`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import HttpProcessingError

from protocol.ids import Pseudonym

from ..driver import PREAMBLE_S, SessionReport, Setting, answer_session, read_call
from ..ports import LinkError, LinkProperties, LinkRefused, LinkShape
from ..registry import SessionRegistry
from .http import BUFFER_BYTES_MAX, SYNC_PATH
from .sockets import TcpSettings, TcpSocket, corked, settings_of, tune

SESSIONS_MAX: Final = 512
"""Conversations at once, those counted in which the caller has not yet said who it is. More sites than that
wait their turn: each one costs memory for what its peer has in flight."""
RETRY_AFTER_S: Final = 60

PROPERTIES: Final = LinkProperties(
    name="http",
    shape=LinkShape.STREAM,
    unit_bytes_max=None,
    full_duplex=True,
    ordered=True,
    # A caller's link is not known; what the session measures replaces this.
    rate_bit_s_guess=22_000,
    rtt_s_guess=0.9,
)
_UNSENT_RATE_BIT_S: Final = 1_000_000
"""For socket options alone: a hub serves fast sites and slow ones, and its own uplink is fast."""
_FAILURES: Final = (HttpProcessingError, OSError)
_UNREAD_HEADERS: Final = (hdrs.DATE, hdrs.SERVER, hdrs.CONTENT_TYPE)
"""About 120 bytes that no node reads; sessions carry the time themselves, authenticated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Callee:
    """With whom a caller gets to talk."""

    link_secret: bytes
    setting: Setting


Lookup = Callable[[Pseudonym], Awaitable[Callee | None]]
"""Who is called by that name; None for a stranger."""
Reported = Callable[[Pseudonym, SessionReport], None]


def _unreported(_: Pseudonym, __: SessionReport) -> None:
    """Nobody asks."""


class HttpListener:
    """Turns each request into a session with its caller, one per pair, so many at once."""

    def __init__(
        self,
        lookup: Lookup,
        registry: SessionRegistry,
        *,
        sessions_max: int = SESSIONS_MAX,
        preamble_s: float = PREAMBLE_S,
        reported: Reported = _unreported,
    ) -> None:
        self._lookup = lookup
        self._registry = registry
        self._sessions_max = sessions_max
        self._preamble_s = preamble_s
        self._reported = reported
        self._live = 0

    @property
    def live(self) -> int:
        """Conversations right now."""
        return self._live

    def add_to(self, app: web.Application) -> None:
        """Answer `POST /sync` of this application, with as few header bytes as HTTP allows."""
        app.router.add_post(SYNC_PATH, self.handle)
        app.on_response_prepare.append(_leave_out_unread_headers)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One conversation. What goes wrong on the link ends it; only failures of our store are raised."""
        if self._live >= self._sessions_max:
            return _busy()
        self._live += 1
        try:
            return await self._converse(request)
        finally:
            self._live -= 1

    async def _converse(self, request: web.Request) -> web.StreamResponse:
        connection = HttpListenerConnection(request)
        try:
            async with asyncio.timeout(self._preamble_s):
                call = await read_call(connection)
        except LinkRefused as refusal:
            return web.Response(status=400, text=str(refusal))
        except TimeoutError:
            return web.Response(status=408, text="The caller did not say in time who it is.")
        except LinkError:
            return connection.response
        pseudonym = call.preamble.pseudonym
        callee = await self._lookup(pseudonym)
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
        return connection.response


class SyncResponse(web.StreamResponse):
    """The response of a session, told from a page by its type."""


class HttpListenerConnection:
    """The listener's end: the request's body is what we receive, the response's body what we send."""

    def __init__(self, request: web.Request) -> None:
        self.properties = PROPERTIES
        self.response = SyncResponse()
        self.tcp: TcpSettings | None = None
        """What the kernel made of our wishes."""
        self._request = request
        self._writer: AbstractStreamWriter | None = None
        self._heard_all = False
        self._sends_no_more = False
        self._is_closed = False
        self.socket: TcpSocket | None = None
        """None if the caller has gone already."""
        if request.transport is not None:
            request.transport.set_write_buffer_limits(high=BUFFER_BYTES_MAX)
            self.socket = request.transport.get_extra_info("socket")
        if self.socket is not None:
            tune(self.socket, _UNSENT_RATE_BIT_S)
            self.tcp = settings_of(self.socket)

    async def send(self, data: bytes) -> None:
        if self._is_closed or self._sends_no_more:
            raise LinkError("This end of the link was closed.")
        try:
            if self._writer is None:
                self._writer = await self._begin(data)
            else:
                await self._writer.write(data)
            await self._writer.drain()
        except _FAILURES as error:
            raise _broken(error) from error

    async def receive(self) -> bytes:
        try:
            data = await self._request.content.readany()
            if not data:
                self._heard_all = True
                await self._end_if_due()
        except _FAILURES as error:
            raise _broken(error) from error
        return data

    async def finish(self) -> None:
        """Takes effect when the caller has finished too: a client whose response ends stops uploading."""
        self._sends_no_more = True
        try:
            await self._end_if_due()
        except _FAILURES as error:
            raise _broken(error) from error

    async def close(self) -> None:
        """What was sent before still leaves, if the link lets it."""
        self._is_closed = True
        if self._request.transport is not None:
            self._request.transport.close()

    async def _begin(self, data: bytes) -> AbstractStreamWriter:
        """Headers and first bytes, in one packet."""
        if self.socket is None:
            raise ConnectionResetError("the caller has gone")
        with corked(self.socket):
            writer = await self.response.prepare(self._request)
            if writer is None:
                raise ConnectionResetError("the response has ended")
            await writer.write(data)
        return writer

    async def _end_if_due(self) -> None:
        if self._heard_all and self._sends_no_more and not self._is_closed:
            await self.response.prepare(self._request)
            await self.response.write_eof()


def _busy() -> web.Response:
    return web.Response(
        status=503,
        headers={hdrs.RETRY_AFTER: str(RETRY_AFTER_S)},
        text="The hub is talking with as many sites as it can. Nothing is lost: everything stays here and is "
        "sent at the next attempt.",
    )


def _unknown(pseudonym: Pseudonym) -> web.Response:
    return web.Response(
        status=403,
        text=f"This hub does not know the site that calls itself {pseudonym.hex()}. Nothing is lost: "
        "everything stays here. Check the hub's address; if it is right, enrol this site again.",
    )


async def _leave_out_unread_headers(_: web.Request, response: web.StreamResponse) -> None:
    if isinstance(response, SyncResponse):
        for name in _UNREAD_HEADERS:
            response.headers.popall(name, None)


def _broken(error: Exception) -> LinkError:
    return LinkError(f"The caller's link broke ({str(error) or type(error).__name__}).")
