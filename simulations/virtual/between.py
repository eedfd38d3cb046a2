"""Something between sites and hub that takes HTTP requests and passes them on, more or less.

It is a host of its own, with a real server and a real client; to the sites it looks like the hub.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, suppress
from typing import Final

import aiohttp
from aiohttp import web
from aiohttp.http import HttpProcessingError

from simulations.links import DirectionProfile, LinkProfile

from .meddling import REFUSALS, Meddle, Meddling, Web
from .network import HOST, Network
from .tcp_socket import MemorySocket
from .wire import Wire

BETWEEN: Final = "between"
PORT: Final = 80
PATIENCE_S: Final = 60.0
"""As the usual ones wait for either side."""
SHUTDOWN_S: Final = 1.0
DELAY_S_MAX: Final = 50.0
WHOLE_BYTES_MAX: Final = 16 * 1024 * 1024
_LOGIN_PAGE: Final = "<html><title>Welcome aboard</title><form>Room number: <input></form></html>"
_FAILURES: Final = (aiohttp.ClientError, HttpProcessingError, OSError)
_CABLE: Final = DirectionProfile(rate_bit_s=100_000_000.0, delay_ms=2.0, queue_bytes=1_000_000)
_CABLES: Final = LinkProfile(
    name="cable", title="from a proxy to its hub", source="made up", up=_CABLE, down=_CABLE, mtu_bytes=1_500
)


class Between:
    """One of them, in front of one hub."""

    def __init__(
        self, network: Network, hub: str, meddling: Meddling, tell: Callable[[str, str], None]
    ) -> None:
        """`tell` hears of everything that it does to a request beside passing it on."""
        self._network = network
        self._hub = hub
        self._meddling = meddling
        self._tell = tell
        self._random = random.Random(f"between/{meddling.seed}")
        self._client: aiohttp.ClientSession

    def be_kind(self) -> None:
        """From now on nothing befalls a request but what befalls all of them."""
        self._meddling = self._meddling.kind()

    async def run(self) -> None:
        """Until it is cancelled."""
        HOST.set(BETWEEN)
        self._network.join(BETWEEN, self._hub, Wire(_CABLES, seed=self._meddling.seed))
        # A caller that hangs up ends what it has begun, unless this one does not look.
        server = web.Server(
            self._answer, access_log=None, handler_cancellation=not self._meddling.ignores_hang_ups
        )
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                socket_factory=lambda address: MemorySocket(*address[:2]),
                force_close=not self._meddling.keeps_connections,
                limit=0,
            ),
            timeout=aiohttp.ClientTimeout(total=None, connect=PATIENCE_S, sock_read=PATIENCE_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        ) as self._client:
            listening = await asyncio.get_running_loop().create_server(server, BETWEEN, PORT)
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                listening.close()
                await server.shutdown(SHUTDOWN_S)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        meddle = self._meddling.draw(self._random)
        if meddle is not Meddle.PASSES:
            self._tell(BETWEEN, str(meddle))
        match meddle:
            case Meddle.REFUSES:
                return _page(self._random.choice(REFUSALS))
            case Meddle.LOGIN:
                return web.Response(text=_LOGIN_PAGE, content_type="text/html")
            case Meddle.DELAYS:
                await asyncio.sleep(self._random.uniform(0.0, DELAY_S_MAX))
        try:
            return await self._pass_on(request, meddle)
        except _FAILURES as error:
            status = 504 if isinstance(error, TimeoutError) else 502
            self._tell(BETWEEN, f"answers {status}")
            return _page(status)

    async def _pass_on(self, request: web.BaseRequest, meddle: Meddle) -> web.StreamResponse:
        if request.transport is None:
            raise ConnectionResetError("the caller has gone")
        body: bytes | AsyncIterator[bytes] = _pieces(request.content)
        if self._meddling.holds_requests or meddle is Meddle.REPEATS:
            whole = await self._whole(request)
            if whole is None:
                self._tell(BETWEEN, "finds a request too large")
                return _page(413)
            body = whole
        if meddle is Meddle.REPEATS:
            with suppress(*_FAILURES):
                async with self._ask(request, body) as first:
                    await first.read()
        async with self._ask(request, body) as answer:
            if meddle is Meddle.LOSES:
                await answer.content.readany()
                return _page(502)
            return await self._hand_back(request, answer, meddle)

    def _ask(
        self, request: web.BaseRequest, body: bytes | AsyncIterator[bytes]
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        url = f"http://{self._hub}{request.path_qs}"
        return self._client.request(request.method, url, data=body, allow_redirects=False)

    async def _hand_back(
        self, request: web.BaseRequest, answer: aiohttp.ClientResponse, meddle: Meddle
    ) -> web.StreamResponse:
        response = web.StreamResponse(status=answer.status)
        response.content_type = answer.content_type
        if answer.content_length is not None:
            response.content_length = answer.content_length
        held = b""
        if self._meddling.holds_answers:
            held = b"".join([piece async for piece in _pieces(answer.content)])
        try:
            await response.prepare(request)
            await response.write(self._marred(held, meddle))
            async for piece in _pieces(answer.content):
                await response.write(self._marred(piece, meddle))
                if meddle is Meddle.BREAKS:
                    break
        except _FAILURES:
            # In the middle of an answer all it can do is hang up.
            self._tell(BETWEEN, "is broken off")
            meddle = Meddle.BREAKS
        if meddle is Meddle.BREAKS and request.transport is not None:
            request.transport.abort()
        return response

    def _marred(self, data: bytes, meddle: Meddle) -> bytes:
        if not data:
            return data
        if meddle is Meddle.BREAKS:
            return data[: self._random.randrange(len(data))]
        if meddle is Meddle.FLIPS:
            changed = bytearray(data)
            changed[self._random.randrange(len(data))] ^= 1 << self._random.randrange(8)
            return bytes(changed)
        return data

    async def _whole(self, request: web.BaseRequest) -> bytes | None:
        """All of a request's body; None if that is more than it takes."""
        limit_bytes = self._meddling.body_bytes_max or WHOLE_BYTES_MAX
        body = b""
        async for piece in _pieces(request.content):
            body += piece
            if len(body) > limit_bytes:
                return None
        return body


def standing_between(
    network: Network, hub: str, web: Web | None, tell: Callable[[str, str], None]
) -> Between | None:
    """What such a world has there, if anything."""
    return None if web is None or web.meddling is None else Between(network, hub, web.meddling, tell)


async def _pieces(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """As they come, as long as they come."""
    while True:
        async with asyncio.timeout(PATIENCE_S):
            piece = await content.readany()
        if not piece:
            return
        yield piece


def _page(status: int) -> web.Response:
    return web.Response(status=status, text=f"<html><h1>{status}</h1></html>", content_type="text/html")
