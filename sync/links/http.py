"""Dials a hub over HTTP: both directions of a session in one streaming POST.

The listener's side is `http_listener`, apart from this because a node never needs aiohttp's server.
"""

from __future__ import annotations

import asyncio
import ssl
from functools import partial
from typing import Final

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import HttpProcessingError

from ..ports import LinkError, LinkProperties, LinkRefused, LinkShape
from .sockets import TcpSettings, settings_of, tuned_socket

SYNC_PATH: Final = "/sync"
CONNECT_S: Final = 60.0
"""For TCP alone: at 40 s of round trip a handshake with one lost packet still fits."""
DIAL_S: Final = 90.0
"""For names, TCP and TLS together."""
FIRST_BYTES_S: Final = 0.25
"""How long the headers wait to leave in one packet with the first bytes of the session."""
BUFFER_BYTES_MAX: Final = 16 * 1024
"""What may wait in this process for the kernel before a sender is held back."""
REFUSALS: Final = frozenset((400, 403, 408, 503))
"""Statuses with which a listener says no, in a sentence of its own."""
REFUSAL_CHARACTERS_MAX: Final = 400

_FAILURES: Final = (aiohttp.ClientError, HttpProcessingError, OSError)
"""What aiohttp raises when the medium or the other end fails; a TimeoutError is an OSError."""
_NO_HEADERS: Final = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
"""127 bytes that nobody reads."""


class HttpDialer:
    """Opens sessions with one hub."""

    def __init__(
        self,
        base_url: str,
        *,
        rate_bit_s: int = 22_000,
        rtt_s: float = 0.9,
        usd_per_megabyte: float = 0.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`base_url` is the hub's, without a path. The guesses of rate and round trip choose socket options.

        Bundles are sealed end to end and sessions are encrypted, so https hides who talks to whom, no more;
        `tls` replaces the system's trust for it.
        """
        self.properties = LinkProperties(
            name="http",
            shape=LinkShape.STREAM,
            unit_bytes_max=None,
            full_duplex=True,
            ordered=True,
            rate_bit_s_guess=rate_bit_s,
            rtt_s_guess=rtt_s,
            usd_per_megabyte=usd_per_megabyte,
        )
        self._url = base_url.rstrip("/") + SYNC_PATH
        self._tls = tls

    async def dial(self) -> HttpConnection:
        """A connection over which bytes can be sent at once; `LinkError` when nobody answers.

        The hub's answer comes with its first bytes, so a refusal is raised by `receive`.
        """
        connection = HttpConnection(self._url, self.properties, self._tls)
        try:
            await connection.open()
        except BaseException:
            await connection.close()
            raise
        return connection


class HttpConnection:
    """The dialer's end: the request's body is what we send, the response's body what we receive."""

    def __init__(self, url: str, properties: LinkProperties, tls: ssl.SSLContext | None) -> None:
        self.properties = properties
        self.tcp: TcpSettings | None = None
        """What the kernel made of our wishes, once the connection is open."""
        self._url = url
        self._upload = _Upload()
        self._client = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                ssl=tls or True,
                socket_factory=lambda address: tuned_socket(properties.rate_bit_s_guess, *address[:3]),
            ),
            timeout=aiohttp.ClientTimeout(total=None, connect=DIAL_S, sock_connect=CONNECT_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=_NO_HEADERS,
            auto_decompress=False,
        )
        self._exchange: asyncio.Task[aiohttp.ClientResponse] | None = None
        self._is_closed = False

    async def open(self) -> None:
        """Connect; `LinkError` when nobody answers."""
        # aiohttp hands out a response only when its headers are here, a round trip after our first bytes have
        # to leave. So the request runs beside us, in a task that this connection owns: `close` ends it.
        self._exchange = asyncio.get_running_loop().create_task(self._request())
        self._exchange.add_done_callback(lambda _: self._upload.begun.set())
        await self._upload.begun.wait()
        if self._exchange.done():
            await self._answer()
        self.tcp = self._upload.tcp_settings()

    async def send(self, data: bytes) -> None:
        if self._is_closed:
            raise LinkError("This end of the link was closed.")
        try:
            await self._upload.send(data)
        except _FAILURES as error:
            raise self._broken(error) from error

    async def receive(self) -> bytes:
        response = await self._answer()
        try:
            return await response.content.readany()
        except _FAILURES as error:
            raise self._broken(error) from error

    async def finish(self) -> None:
        try:
            await self._upload.finish()
        except _FAILURES as error:
            raise self._broken(error) from error

    async def close(self) -> None:
        """What was sent before still leaves, if the link lets it."""
        if self._is_closed:
            return
        self._is_closed = True
        self._upload.end()
        try:
            if self._exchange is not None:
                self._exchange.cancel()
                await asyncio.wait([self._exchange])
                if not self._exchange.cancelled() and self._exchange.exception() is None:
                    self._exchange.result().close()
        finally:
            await self._client.close()

    async def _request(self) -> aiohttp.ClientResponse:
        return await self._client.post(self._url, data=self._upload, allow_redirects=False)

    async def _answer(self) -> aiohttp.ClientResponse:
        """The hub's response, waiting for its headers; `LinkRefused` if it is a refusal."""
        if self._exchange is None:
            raise LinkError("This link was never opened.")
        await asyncio.wait([self._exchange])
        if self._exchange.cancelled():
            raise LinkError("This end of the link was closed.")
        try:
            response = self._exchange.result()
            if response.status != 200:
                raise LinkRefused(await _refusal(response))
        except _FAILURES as error:
            raise self._broken(error) from error
        return response

    def _broken(self, error: Exception) -> LinkError:
        cause = str(error) or type(error).__name__
        return LinkError(
            f"The link to {self._url} broke or cannot be reached ({cause}). What was receipted is safe; "
            "the rest goes on at the next contact."
        )


class _Upload(aiohttp.Payload):
    """A request body that others write: it lends out aiohttp's writer until it is told to end."""

    def __init__(self) -> None:
        super().__init__(None)
        self.begun = asyncio.Event()
        """Set once the connection stands, or never will."""
        self._ended = asyncio.Event()
        self._writer: AbstractStreamWriter | None = None
        self._headers_alone: asyncio.TimerHandle | None = None

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Called by aiohttp when it has connected; the body ends when this returns."""
        self._writer = writer
        if writer.transport is not None:
            writer.transport.set_write_buffer_limits(high=BUFFER_BYTES_MAX)
        send_headers = partial(self._send_headers, writer)
        self._headers_alone = asyncio.get_running_loop().call_later(FIRST_BYTES_S, send_headers)
        self.begun.set()
        await self._ended.wait()

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """For aiohttp's logs, which never show what we send."""
        return ""

    async def send(self, data: bytes) -> None:
        writer = self._lent()
        await writer.write(data)
        await writer.drain()

    async def finish(self) -> None:
        """Nothing more will be sent; on return aiohttp has written so."""
        await self._lent().write_eof()
        self.end()

    def end(self) -> None:
        """Give the writer back; idempotent."""
        if self._headers_alone is not None:
            self._headers_alone.cancel()
        self._ended.set()

    def tcp_settings(self) -> TcpSettings | None:
        transport = self._writer.transport if self._writer is not None else None
        connected = transport.get_extra_info("socket") if transport is not None else None
        return settings_of(connected) if connected is not None else None

    def _lent(self) -> AbstractStreamWriter:
        if self._writer is None or self._ended.is_set():
            raise aiohttp.ClientConnectionError("this end said that it sends no more")
        return self._writer

    def _send_headers(self, writer: AbstractStreamWriter) -> None:
        if writer.transport is not None and not writer.transport.is_closing():
            writer.send_headers()


async def _refusal(response: aiohttp.ClientResponse) -> str:
    """What the other end said, fit for a screen; anything but our plain text is somebody in between."""
    if response.status not in REFUSALS or response.content_type != "text/plain":
        return (
            f"{response.url} answered {response.status}, which is no answer of a hub. Nothing was given away "
            "and everything stays here. A login page of the network or a proxy may be in between: check the "
            "address and the network."
        )
    said = (await response.content.read(REFUSAL_CHARACTERS_MAX)).decode("utf-8", "replace")
    return "".join(character if character.isprintable() else " " for character in said).strip()
