"""UDP keeps the promises of a link, over real sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import cast

import pytest

from protocol.bare_channel import BareChannel
from protocol.channel import DialerPreamble, Phase
from protocol.datagrams import SALT_BYTES, DialerSeal, ListenerSeal
from protocol.frames import Data
from protocol.framing import encode_frame, next_bounds
from protocol.header import Priority
from protocol.ids import Pseudonym
from protocol.varint import encode_varint
from sync.links.datagram_transport import DatagramTransport
from sync.links.rate_memory import RateMemory
from sync.links.udp import UdpDialer
from sync.links.udp_connection import UdpConnection, udp_properties
from sync.ports import Connection, LinkError, LinkShape

from .contract import PATIENCE_S, ConnectionContract, Joined
from .test_datagram_boxes import offer

SECRET = bytes(range(32))
PAIR = Pseudonym(b"pair")
NOTE = 0x3F
"""A kind of frame that nobody knows and everybody may skip: the transport carries it in order."""


class NotesOverFrames:
    """A byte stream made of frames, so that the contract of streams can be held against a link of frames."""

    def __init__(self, connection: UdpConnection) -> None:
        self.connection = connection
        self.properties = replace(connection.properties, shape=LinkShape.STREAM, carries_frames=False)

    async def send(self, data: bytes) -> None:
        for start in range(0, len(data), 1000):
            piece = data[start : start + 1000]
            await self.connection.send(bytes((NOTE,)) + encode_varint(len(piece)) + piece)

    async def receive(self) -> bytes:
        message = await self.connection.receive()
        return b"".join(notes_in(message)) if message else b""

    async def finish(self) -> None:
        await self.connection.finish()

    async def close(self) -> None:
        await self.connection.close()


def notes_in(message: bytes) -> list[bytes]:
    notes: list[bytes] = []
    for opened in BareChannel().receive(message):
        frames = opened.plaintext
        while (bounds := next_bounds(frames)) is not None:
            notes.append(frames[bounds[0] : bounds[1]])
            frames = frames[bounds[1] :]
        assert not frames, "a message holds whole frames"
    return notes


class OneCaller(asyncio.DatagramProtocol):
    """The listening end of one call, without a session behind it."""

    def __init__(self) -> None:
        self.called = asyncio.Event()
        self.connection: UdpConnection | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.socket = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self.connection is None:
            seal = ListenerSeal(SECRET, DialerPreamble(PAIR, data[5 : 5 + SALT_BYTES]), bytes(SALT_BYTES))
            now = asyncio.get_running_loop().time()
            transport = DatagramTransport(seal, RateMemory(2750.0, 0.9), now, is_dialer=False)
            self.connection = UdpConnection(
                transport,
                udp_properties(rate_bit_s=22_000, rtt_s=0.9),
                transmit=lambda datagram: self.socket.sendto(datagram, addr),
                closed=lambda _: None,
            )
            self.called.set()
        self.connection.arrived(data)


@asynccontextmanager
async def joined_bare() -> AsyncIterator[tuple[UdpConnection, UdpConnection]]:
    """Both ends, once the dialer has said a first word (which is read already)."""
    loop = asyncio.get_running_loop()
    bound, caller = await loop.create_datagram_endpoint(OneCaller, local_addr=("127.0.0.1", 0))
    host, port = bound.get_extra_info("sockname")
    dialer = await UdpDialer(host, port, pseudonym=PAIR, link_secret=SECRET).dial()
    try:
        await dialer.send(bytes((NOTE, 1)) + b"!")
        await caller.called.wait()
        assert caller.connection is not None
        assert notes_in(await caller.connection.receive()) == [b"!"]
        yield dialer, caller.connection
    finally:
        await dialer.close()
        if caller.connection is not None:
            await caller.connection.close()
        bound.close()


@asynccontextmanager
async def joined() -> AsyncIterator[tuple[Connection, Connection]]:
    async with joined_bare() as (dialer, listener):
        yield NotesOverFrames(dialer), NotesOverFrames(listener)


class TestUdpConnection(ConnectionContract):
    def joined(self) -> Joined:
        return joined()


async def test_it_declares_datagrams_that_carry_frames() -> None:
    async with asyncio.timeout(PATIENCE_S), joined_bare() as (dialer, listener):
        for end in (dialer, listener):
            assert end.properties.shape is LinkShape.DATAGRAM
            assert end.properties.carries_frames
            assert not end.properties.ordered
            assert end.properties.unit_bytes_max is not None


async def test_the_first_flight_is_early_and_what_follows_an_answer_is_fresh() -> None:
    async with asyncio.timeout(PATIENCE_S), joined_bare() as (dialer, listener):
        await listener.send(bytes((NOTE, 1)) + b"a")
        assert phases_in(await dialer.receive()) == [Phase.FRESH]
        await dialer.send(bytes((NOTE, 1)) + b"b")
        assert phases_in(await listener.receive()) == [Phase.FRESH]


def phases_in(message: bytes) -> list[Phase]:
    return [opened.phase for opened in BareChannel().receive(message)]


async def test_nobody_there_is_a_link_error() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    async with asyncio.timeout(PATIENCE_S):
        connection = await UdpDialer("127.0.0.1", port, pseudonym=PAIR, link_secret=SECRET).dial()
        await connection.send(bytes((NOTE, 1)) + b"!")
        with pytest.raises(LinkError, match="Nobody listens"):
            await connection.receive()
        await connection.close()
        with pytest.raises(LinkError, match="cannot be reached"):
            await UdpDialer("no-such-host.invalid", 1, pseudonym=PAIR, link_secret=SECRET).dial()


async def test_what_the_link_carried_is_remembered_by_its_dialer() -> None:
    loop = asyncio.get_running_loop()
    bound, caller = await loop.create_datagram_endpoint(OneCaller, local_addr=("127.0.0.1", 0))
    dialer = UdpDialer(*bound.get_extra_info("sockname"), pseudonym=PAIR, link_secret=SECRET, rtt_s=5.0)
    async with asyncio.timeout(PATIENCE_S):
        connection = await dialer.dial()
        await connection.send(bytes((NOTE, 1)) + b"!")
        await caller.called.wait()
        assert caller.connection is not None
        await caller.connection.send(bytes((NOTE, 1)) + b"?")
        await connection.receive()
        await connection.close()
        await caller.connection.close()
        bound.close()
    assert dialer.memory.rtt_s < 1.0


async def test_what_is_urgent_leaves_although_there_is_no_room() -> None:
    sent: list[bytes] = []
    has_begun = asyncio.Event()

    def transmit(datagram: bytes) -> None:
        sent.append(datagram)
        has_begun.set()

    thin = RateMemory(300.0, 1.5, is_told=True)
    now = asyncio.get_running_loop().time()
    transport = DatagramTransport(DialerSeal(SECRET, PAIR, bytes(SALT_BYTES)), thin, now, is_dialer=True)
    properties = udp_properties(rate_bit_s=2_400, rtt_s=1.5)
    connection = UdpConnection(transport, properties, transmit=transmit, closed=lambda _: None)
    bulk = encode_frame(offer(1, 5_000_000, Priority.BULK)) + encode_frame(Data(1, 0, bytes(3_000)))
    text = encode_frame(offer(2, 700, Priority.EMERGENCY)) + encode_frame(Data(2, 0, bytes(700)))
    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
        sending = group.create_task(connection.send(bulk))
        await has_begun.wait()
        left = len(sent)
        assert not sending.done(), "it waits for room"
        connection.overtake(text)
        assert len(sent) == left + 1
        assert len(sent[-1]) > 700, "all of it in one datagram"
        sending.cancel()
    await connection.close()
