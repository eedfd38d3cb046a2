"""One session's end of a UDP link: the transport's datagrams in and out, at the times it asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from protocol.errors import ProtocolError

from ..ports import LinkError, LinkProperties, LinkShape
from .datagram_sizes import DATAGRAM_BYTES_MAX, HEADERS_BYTES
from .datagram_transport import DatagramTransport
from .rate_memory import RateMemory

SOCKET_BUFFER_BYTES: Final = 4 * 1024 * 1024
"""Three round trips of a 10 Mbit/s satellite link: bursts that come while we store must not be lost here."""
PEER_LET_GO: Final = "The other end let go of the session."
STRANGERS_MAX: Final = 10_000
"""Datagrams that are not the peer's before the session is given up: somebody floods it."""


def udp_properties(*, rate_bit_s: int, rtt_s: float, usd_per_megabyte: float = 0.0) -> LinkProperties:
    """What UDP is, with guesses for one link."""
    return LinkProperties(
        name="udp",
        shape=LinkShape.DATAGRAM,
        unit_bytes_max=DATAGRAM_BYTES_MAX,
        full_duplex=True,
        ordered=False,
        rate_bit_s_guess=rate_bit_s,
        rtt_s_guess=rtt_s,
        usd_per_megabyte=usd_per_megabyte,
        carries_frames=True,
    )


def _nobody(word: object) -> None:
    """Hears it."""


class UdpConnection:
    """Carries whole frames, and gives messages of a `BareChannel`."""

    def __init__(
        self,
        transport: DatagramTransport,
        properties: LinkProperties,
        *,
        transmit: Callable[[bytes], None],
        closed: Callable[[RateMemory], None],
    ) -> None:
        self.properties = properties
        self.strangers = 0
        """Datagrams that were not the peer's."""
        self.has_heard = False
        """The peer has proven to be there."""
        self.medium_bytes_up = 0
        self.medium_bytes_down = 0
        self._transport = transport
        self._send_datagram = transmit
        self._closed = closed
        self._failure: str | None = None
        self._is_closed = False
        self._is_finished = False
        self._timer: asyncio.TimerHandle | None = None
        self._readable = asyncio.Event()
        self._writable = asyncio.Event()

    @property
    def is_dark(self) -> bool:
        """Nothing is heard of the peer, although it should be."""
        return self._transport.is_dark

    def described(self) -> tuple[str, ...]:
        """How the bytes travel, in short lines."""
        memory = self._transport.memory
        found = "found" if memory.is_proven else "guessed"
        return (
            # Two digits: a line that changes with each measurement would keep every screen awake.
            f"udp, about {float(f'{memory.rate_bytes_s * 8 / 1000:.2g}'):g} kbit/s ({found})",
            *(("the link is dark",) if self.is_dark else ()),
        )

    async def send(self, data: bytes) -> None:
        self._check_writable()
        self._transport.write(data, self._now())
        self._settle()
        while not self._transport.has_room and not self._transport.has_parted:
            self._check_writable()
            self._writable.clear()
            await self._writable.wait()

    def overtake(self, data: bytes) -> None:
        if self._failure is None and not self._is_finished:
            self._transport.write(data, self._now())
            self._settle()

    async def receive(self) -> bytes:
        while True:
            if message := self._transport.take():
                return message
            if self._failure is not None:
                raise LinkError(self._failure)
            if self._transport.has_ended:
                return b""
            self._readable.clear()
            await self._readable.wait()

    async def finish(self) -> None:
        """On return it is said, unless the link is too busy or dark to say it yet."""
        self._check_writable(finishing=True)
        self._is_finished = True
        self._transport.finish(self._now())
        self._settle()

    async def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        ends_well = self._transport.has_parted or self._transport.is_at_rest
        if self._transport.has_spoken and not ends_well and self._failure is None:
            self._transmit(self._transport.closing_datagram())
        self._stop()
        self.fail("This end of the link was closed.")
        self._closed(self._transport.memory)

    # For whoever owns the socket.

    def arrived(self, datagram: bytes) -> bool:
        """A datagram came that may be the peer's; whether it was, and new."""
        self.medium_bytes_down += len(datagram) + HEADERS_BYTES
        try:
            is_new = self._transport.receive(datagram, self._now())
        except ProtocolError:
            self.strangers += 1
            if self.strangers > STRANGERS_MAX:
                self.fail("Somebody floods this session with datagrams that are not the peer's.")
            return False
        self.has_heard |= is_new
        if is_new or self._transport.peer_has_closed:
            self._settle()
        return is_new

    def fail(self, reason: str) -> None:
        """The medium is gone."""
        self._failure = self._failure or reason
        self._stop()
        self._readable.set()
        self._writable.set()

    def forget(self) -> None:
        """Nothing is sent or told any more: it lets go of its owner, who holds it, so that both can go at
        once and not when rings of garbage are next looked for."""
        self._stop()
        self._send_datagram = self._closed = _nobody

    # Inside.

    def _transmit(self, datagram: bytes) -> None:
        self.medium_bytes_up += len(datagram) + HEADERS_BYTES
        self._send_datagram(datagram)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _check_writable(self, *, finishing: bool = False) -> None:
        if self._failure is not None:
            raise LinkError(self._failure)
        if self._is_finished and not finishing:
            raise LinkError("This end of the link said that it sends no more.")

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _settle(self) -> None:
        """Send what may leave, and come back when more may."""
        for datagram in self._transport.datagrams(self._now()):
            self._transmit(datagram)
        self._stop()
        if self._transport.peer_has_closed:
            self.fail(f"{PEER_LET_GO} What was receipted is safe.")
            return
        deadline = self._transport.deadline()
        if deadline is not None and self._failure is None:
            self._timer = asyncio.get_running_loop().call_at(deadline, self._settle)
        if self._transport.has_room or self._transport.has_parted:
            self._writable.set()
        if self._transport.is_readable:
            self._readable.set()
