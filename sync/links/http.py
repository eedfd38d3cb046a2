"""Dials a hub over HTTP: both directions of a session in one streaming POST, or else in turns.

The listener's side is `http_listener`, apart from this because a node never needs aiohttp's server.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import suppress
from dataclasses import replace
from typing import Final

from ..pins import PublicKeyPin
from ..ports import LinkError, LinkProperties, LinkShape
from ..way_out import WayOut
from .byte_queue import ByteQueue
from .http_path import HttpWay
from .http_request import StreamingRequest, new_client, socket_for
from .http_terms import INBOX_BYTES_MAX, SYNC_PATH
from .http_turns import Turns
from .light_search import LightSearch, StandingSocket
from .sockets import TcpSettings, settings_of
from .thin_link import cork_s
from .tls import PinnedKey, Trust

ANSWER_ROUND_TRIPS: Final = 3
ANSWER_S_MIN: Final = 5.0
"""A hub answers one round trip after our first record reached it; it opens its custody in less than this."""
FIRST_RECORD_BYTES: Final = 4 * 1024
"""Greeting, first offers and the first chunk, of which nothing can be read before all of it is there."""
REPLAY_BYTES_MAX: Final = 128 * 1024
"""What is kept of a session's first bytes while no answer proves that they arrived: more than a session sends
before it has heard its peer."""
FLUSH_ROUND_TRIPS: Final = 3
FLUSH_S_MIN: Final = 2.0
"""For the last words of a connection that was finished and closed; a session's end needs no such wait."""


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
        pin: PublicKeyPin | None = None,
        way: HttpWay | None = None,
        answer_s: float | None = None,
        way_out: WayOut | None = None,
    ) -> None:
        """`base_url` is the hub's, without a path. The guesses of rate and round trip choose socket options.

        Bundles are sealed end to end and sessions are encrypted, so https hides who talks to whom, no more;
        `pin` names the one key to trust for it, `tls` replaces the system's authorities. `answer_s` is how
        long a hub that was reached may stay silent before the session goes on in turns; `way` is what earlier
        dialers of this hub have found out; `way_out` is where packets leave, else wherever routes lead.
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
            bridges_gaps=True,
        )
        self._url = base_url.rstrip("/") + SYNC_PATH
        self._trust: Trust = PinnedKey(pin) if pin is not None else tls or True
        self.way = way or HttpWay()
        """What sessions have found out of the way to the hub."""
        self._way_out = way_out
        usual_s = max(ANSWER_ROUND_TRIPS * rtt_s, ANSWER_S_MIN) + FIRST_RECORD_BYTES * 8 / rate_bit_s
        self._answer_s = usual_s if answer_s is None else answer_s

    async def dial(self) -> HttpConnection:
        """A connection over which bytes can be sent at once; `LinkError` when nobody answers.

        The hub's answer comes with its first bytes, so a refusal is raised by `receive`; in turns, whether
        anybody is there at all.
        """
        connection = HttpConnection(
            self._url,
            self.properties,
            self._trust,
            way=self.way,
            answer_s=self._answer_s,
            way_out=self._way_out,
        )
        try:
            await connection.open()
        except BaseException:
            await connection.close()
            raise
        return connection


class HttpConnection:
    """The dialer's end: requests' bodies are what we send, responses' bodies what we receive."""

    def __init__(
        self,
        url: str,
        properties: LinkProperties,
        trust: Trust,
        *,
        way: HttpWay,
        answer_s: float,
        way_out: WayOut | None = None,
        standing: StandingSocket | None = None,
    ) -> None:
        """`standing`: what to begin with, where a connection stands already."""
        self.properties = properties
        self.tcp: TcpSettings | None = None
        """What the kernel made of our wishes, once the connection is open."""
        self._url = url
        self._trust = trust
        self._way = way
        self._way_out = way_out
        self._answer_s = answer_s
        self._flush_s = max(FLUSH_ROUND_TRIPS * properties.rtt_s_guess, FLUSH_S_MIN)
        self._client = new_client(
            properties.rate_bit_s_guess,
            properties.rtt_s_guess,
            trust,
            self._note_socket,
            way_out=way_out,
            standing=standing,
        )
        self._light = LightSearch(
            self._another_socket, rate_bit_s=properties.rate_bit_s_guess, rtt_s=properties.rtt_s_guess
        )
        self._socket: socket.socket | None = None
        """The newest."""
        self._inbox = ByteQueue(INBOX_BYTES_MAX)
        self._streaming = StreamingRequest(
            self._client,
            url,
            self._inbox,
            rate_bit_s=properties.rate_bit_s_guess,
            rtt_s=properties.rtt_s_guess,
            went_dark=self._went_dark,
            refused_as_too_large=self._remember_too_large,
        )
        self._turns: Turns | None = None
        self._first_bytes: bytearray | None = bytearray()
        """What was sent while nothing was heard, to be sent again in turns; None when that cannot be."""
        self._beside: asyncio.Task[None] | None = None
        """Owned by this connection, ended by `close`: watches for an answer, then runs the turns."""
        self._is_finished = False
        self._is_closed = False

    async def open(self) -> None:
        """Connect; `LinkError` when nobody answers."""
        loop = asyncio.get_running_loop()
        if self._way.is_in_turns(loop.time()):
            self._beside = loop.create_task(self._begin_turns(b"").run())
            return
        await self._streaming.open()
        self._note_settings()
        self._beside = loop.create_task(self._fall_back_if_unanswered())

    def described(self) -> tuple[str, ...]:
        """For status: how the bytes travel."""
        way = "both directions at once" if self._turns is None else "in turns, something holds requests back"
        return (f"http: {way}", *(self.tcp.described() if self.tcp is not None else ()))

    async def send(self, data: bytes) -> None:
        if self._is_closed:
            raise LinkError("This end of the link was closed.")
        if self._turns is not None:
            await self._turns.send(data)
            return
        self._keep_first(data)
        try:
            await self._streaming.send(data)
        except LinkError:
            # Fallen back meanwhile: these bytes were kept, and go again with those before them.
            if self._turns is None:
                raise

    @property
    def gather_s(self) -> float:
        return cork_s(self.properties.rate_bit_s_guess) if self._turns is None else 0.0

    def push(self) -> None:
        if self._turns is None:
            self._streaming.push()

    async def receive(self) -> bytes:
        return await self._inbox.get()

    @property
    def is_back(self) -> bool:
        """The link went dark, so that this connection broke, and another one stands."""
        return self._light.is_found and self._turns is None

    async def revived(self) -> HttpConnection:
        """The connection that stands in place of this one. Raises `LinkError` if it has broken since."""
        revived = HttpConnection(
            self._url,
            self.properties,
            self._trust,
            way=self._way,
            answer_s=self._answer_s,
            way_out=self._way_out,
            standing=self._light.take(),
        )
        try:
            await revived.open()
        except BaseException:
            await revived.close()
            raise
        return revived

    async def finish(self) -> None:
        self._is_finished = True
        if self._turns is not None:
            self._turns.finish()
        else:
            await self._streaming.finish()

    async def close(self) -> None:
        """What was sent before still leaves, if the link lets it."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            if self._beside is not None:
                await self._flush()
                self._beside.cancel()
                await asyncio.wait([self._beside])
            await self._light.end()
            await self._streaming.close()
        finally:
            self._inbox.fail(LinkError("This end of the link was closed."))
            await self._client.close()

    async def _flush(self) -> None:
        if self._turns is None:
            return
        try:
            async with asyncio.timeout(self._flush_s):
                await self._turns.wait_told()
        except TimeoutError:
            return

    def _keep_first(self, data: bytes) -> None:
        if self._first_bytes is None:
            return
        self._first_bytes += data
        if self._streaming.answered.is_set() or len(self._first_bytes) > REPLAY_BYTES_MAX:
            self._first_bytes = None

    async def _fall_back_if_unanswered(self) -> None:
        """What we send arrives somewhere, and nothing comes back: then go on in turns."""
        if not await self._streaming.is_ignored(self._answer_s):
            return
        if self._first_bytes is None:
            self._remember_turns()
            self._inbox.fail(
                LinkError(
                    "Something between here and the hub holds requests back until they are whole. What was "
                    "receipted is safe; the next contact goes in turns."
                )
            )
            return
        turns = self._begin_turns(bytes(self._first_bytes))
        if self._is_finished:
            turns.finish()
        await self._streaming.abandon()
        # If the hub did get that request, let it see first that it is over: this is the same session.
        await asyncio.sleep(self.properties.rtt_s_guess)
        await turns.run()

    def _begin_turns(self, first: bytes) -> Turns:
        self._turns = Turns(
            self._client,
            self._url,
            self._inbox,
            rate_bit_s=self.properties.rate_bit_s_guess,
            rtt_s=self.properties.rtt_s_guess,
            answered=self._remember_turns,
            refused_as_too_large=self._remember_too_large,
            body_bytes_max=self._way.body_bytes_max(asyncio.get_running_loop().time()),
            first=first,
        )
        self.properties = replace(self.properties, full_duplex=False)
        return self._turns

    def _remember_turns(self) -> None:
        self._note_settings()
        self._way.remember_turns(asyncio.get_running_loop().time())

    def _remember_too_large(self, size_bytes: int | None = None) -> None:
        self._way.remember_too_large(size_bytes, asyncio.get_running_loop().time())

    def _went_dark(self) -> None:
        target = self._socket
        if target is not None and target.fileno() >= 0 and self._turns is None:
            with suppress(OSError):  # It has broken in this moment.
                self._light.begin(target.getpeername(), self._light_is_back)

    def _light_is_back(self) -> None:
        if self._turns is not None:
            return
        self._inbox.fail(LinkError("The link was dark. It is back, and the session goes on."))
        self._streaming.break_off()

    def _another_socket(self) -> socket.socket:
        if self._socket is None:
            raise OSError("nothing was connected yet")
        like = self._socket
        address = (like.family, like.type, like.proto, "", ("", 0))
        guess = self.properties
        return socket_for(guess.rate_bit_s_guess, guess.rtt_s_guess, address, self._way_out)

    def _note_socket(self, made: socket.socket) -> None:
        self._socket = made

    def _note_settings(self) -> None:
        target = self._streaming.socket or self._socket
        if target is not None and target.fileno() >= 0:
            self.tcp = settings_of(target)
            self.properties = replace(self.properties, bounds_queue=self.tcp.bounds_queue)
