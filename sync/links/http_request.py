"""One streaming POST: its body is written while its response may already come; and failures in words."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from aiohttp import hdrs
from aiohttp.http import HttpProcessingError

from ..ports import LinkError, LinkRefused
from ..way_out import WayOut
from .byte_queue import ByteQueue
from .http_body import pour
from .http_upload import Upload
from .light_search import StandingSocket
from .packet_sizes import packet_sizes
from .sockets import TcpSocket, tuned_socket
from .tls import Trust, trouble_of

CONNECT_S: Final = 60.0
"""For TCP alone: at 40 s of round trip a handshake with one lost packet still fits."""
DIAL_S: Final = 90.0
"""For names, TCP and TLS together."""
LOOK_S: Final = 0.5
"""How often the kernel is asked whether the other end has acknowledged anything."""
REFUSALS: Final = frozenset((400, 403, 408, 409, 410, 503))
"""Statuses with which a listener says no, in a sentence of its own."""
TOO_LARGE: Final = 413
"""Only something in between finds a body too large; the hub has seen nothing of it then."""
PAGES: Final = frozenset(("text/html", "application/xhtml+xml"))
"""What a captive portal shows in place of whatever was asked for, as often as not with status 200."""
REFUSAL_CHARACTERS_MAX: Final = 400
FAILURES: Final = (aiohttp.ClientError, HttpProcessingError, OSError)
"""What aiohttp raises when the medium or the other end fails; a TimeoutError is an OSError."""

_NO_HEADERS: Final = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
"""127 bytes that nobody reads."""


def new_client(
    rate_bit_s: int,
    rtt_s: float,
    trust: Trust,
    made: Callable[[socket.socket], None],
    *,
    way_out: WayOut | None = None,
    standing: StandingSocket | None = None,
) -> aiohttp.ClientSession:
    """A client for one session; its sockets are tuned before they connect, and `made` is told of each.

    `standing` is its first one, if that stands already.
    """
    begun_with = [] if standing is None else [standing]

    def make(address: aiohttp.AddrInfoType) -> socket.socket:
        created = begun_with.pop() if begun_with else socket_for(rate_bit_s, rtt_s, address, way_out)
        made(created)
        return created

    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=trust, socket_factory=make),
        timeout=aiohttp.ClientTimeout(total=None, connect=DIAL_S, sock_connect=CONNECT_S),
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=_NO_HEADERS,
        auto_decompress=False,
    )


def socket_for(
    rate_bit_s: int, rtt_s: float, address: aiohttp.AddrInfoType, way_out: WayOut | None
) -> socket.socket:
    """Tuned for such a link; family, kind and protocol are those of `address`."""
    sizes = packet_sizes(rate_bit_s, rtt_s)
    segment_bytes = sizes.segment_bytes if sizes is not None else None
    return tuned_socket(rate_bit_s, *address[:3], segment_bytes=segment_bytes, way_out=way_out)


class StreamingRequest:
    """Both directions of a session in one request; what comes back goes into an inbox."""

    def __init__(
        self,
        client: aiohttp.ClientSession,
        url: str,
        inbox: ByteQueue,
        *,
        rate_bit_s: int,
        rtt_s: float,
        went_dark: Callable[[], None],
        refused_as_too_large: Callable[[], None],
    ) -> None:
        """`went_dark` is called when the kernel hears no more of what is under way."""
        self.answered = asyncio.Event()
        """Set when the response has begun, or never will."""
        self._client = client
        self._url = url
        self._inbox = inbox
        self._refused_as_too_large = refused_as_too_large
        self._upload = Upload(rate_bit_s, rtt_s, headers_bytes=_headers_bytes(url), went_dark=went_dark)
        self._task: asyncio.Task[None] | None = None
        self._is_abandoned = False

    @property
    def socket(self) -> TcpSocket | None:
        """Of the connection, while it stands."""
        return self._upload.socket

    async def open(self) -> None:
        """Connect; `LinkError` when nobody answers."""
        # aiohttp hands out a response only when its headers are here, a round trip after our first bytes have
        # to leave. So the request runs beside us, in a task that this object owns: `close` ends it.
        self._task = asyncio.get_running_loop().create_task(self._run())
        self._task.add_done_callback(lambda _: self._upload.begun.set())
        await self._upload.begun.wait()
        if self._inbox.failure is not None:
            raise self._inbox.failure

    async def send(self, data: bytes) -> None:
        """Returns when there is room for more. Raises `LinkError`."""
        try:
            await self._upload.send(data)
        except FAILURES as error:
            raise broken(self._url, error) from error

    def push(self) -> None:
        """What waits to share a packet leaves."""
        self._upload.push()

    async def finish(self) -> None:
        """End the body; the response goes on."""
        try:
            await self._upload.finish()
        except FAILURES as error:
            raise broken(self._url, error) from error

    async def is_ignored(self, patience_s: float) -> bool:
        """Wait for the answer; True when bytes of ours were acknowledged so long ago, and none has begun."""
        while not self._upload.is_acknowledged:
            if await self._wait_answered(LOOK_S):
                return False
        return not await self._wait_answered(patience_s)

    async def close(self) -> None:
        """What was sent before still leaves, if the link lets it."""
        if self._task is not None and not self._task.done():
            await self._upload.flush()
        self._upload.hang_up()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def break_off(self) -> None:
        """Nothing arrives over this connection any more."""
        self._upload.abort()

    async def abandon(self) -> None:
        """What was sent before need not arrive any more: the link is too thin to carry it in vain."""
        self._is_abandoned = True
        self._upload.abort()
        await self.close()

    async def _run(self) -> None:
        try:
            async with self._client.post(self._url, data=self._upload, allow_redirects=False) as response:
                self.answered.set()
                if response.status == TOO_LARGE:
                    self._refused_as_too_large()
                if not is_answer(response):
                    raise LinkRefused(await refusal_of(response))
                transport = transport_of(response)
                await pour(response.content, transport, self._inbox, heard=self._upload.heard)
                self._inbox.finish()
        except LinkError as error:
            self._fail(error)
        except FAILURES as error:
            self._fail(broken(self._url, error))
        finally:
            self.answered.set()

    def _fail(self, error: LinkError) -> None:
        if not self._is_abandoned:
            self._inbox.fail(error)

    async def _wait_answered(self, patience_s: float) -> bool:
        try:
            async with asyncio.timeout(patience_s):
                return await self.answered.wait()
        except TimeoutError:
            return False


def broken(url: str, error: Exception) -> LinkError:
    """What became of the link, for the person who waits."""
    if trouble := trouble_of(error):
        return LinkRefused(f"{trouble} Nothing is lost: everything stays here.")
    cause = str(error) or type(error).__name__
    if isinstance(error, aiohttp.ServerDisconnectedError) and url.startswith("http:"):
        cause = (
            "it hung up without an answer; if the hub serves TLS, its address begins with https://; else it "
            "has a newer session of this site open"
        )
    return LinkError(
        f"The link to {url} broke or cannot be reached ({cause}). What was receipted is safe; "
        "the rest goes on at the next contact."
    )


def _headers_bytes(url: str) -> int:
    """What a streaming request's headers take."""
    split = urlsplit(url)
    line = f"{hdrs.METH_POST} {split.path} HTTP/1.1\r\n{hdrs.HOST}: {split.netloc}\r\n"
    return len(f"{line}{hdrs.TRANSFER_ENCODING}: chunked\r\n\r\n")


def transport_of(response: aiohttp.ClientResponse) -> asyncio.Transport | None:
    """The connection that a response still comes over."""
    return response.connection.transport if response.connection is not None else None


def is_answer(response: aiohttp.ClientResponse) -> bool:
    """Whether a session's bytes follow; a page for people does not become one by its status."""
    return response.status == 200 and response.content_type not in PAGES


def is_of_a_listener(response: aiohttp.ClientResponse) -> bool:
    """Whether a hub speaks, and nobody in between."""
    return is_answer(response) or (response.status in REFUSALS and response.content_type == "text/plain")


async def refusal_of(response: aiohttp.ClientResponse) -> str:
    """What the other end said, fit for a screen; anything but our plain text is somebody in between."""
    if not is_of_a_listener(response):
        return (
            f"{response.url} answered {response.status}, which is no answer of a hub. Nothing was given away "
            "and everything stays here. A login page of the network or a proxy may be in between: check the "
            "address and the network."
        )
    said = (await response.content.read(REFUSAL_CHARACTERS_MAX)).decode("utf-8", "replace")
    return "".join(character if character.isprintable() else " " for character in said).strip()
