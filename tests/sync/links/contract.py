"""What every byte-stream link promises: one suite for `Connection`, run on each adapter.

An adapter's test module subclasses `ConnectionContract` and gives `joined`, an async context manager that
yields both ends of one open connection, dialer first.
"""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager

import pytest

from sync.ports import Connection, LinkError, LinkShape

Joined = AbstractAsyncContextManager[tuple[Connection, Connection]]
BULK_BYTES = 1 << 20
PATIENCE_S = 20.0
"""Far more than any of these takes; a broken promise fails here instead of hanging."""


async def receive_exactly(connection: Connection, size_bytes: int) -> bytes:
    received = b""
    while len(received) < size_bytes:
        data = await connection.receive()
        assert data, f"ended after {len(received)} of {size_bytes} bytes"
        received += data
    return received


async def receive_all(connection: Connection) -> bytes:
    received = bytearray()
    while data := await connection.receive():
        received += data
    return bytes(received)


async def send_and_finish(connection: Connection, data: bytes, piece_bytes: int = 30_000) -> None:
    for start in range(0, len(data), piece_bytes):
        await connection.send(data[start : start + piece_bytes])
    await connection.finish()


class ConnectionContract:
    """Promises of `Connection` over a stream."""

    def joined(self) -> Joined:
        raise NotImplementedError

    async def test_what_is_sent_arrives_both_ways_without_waiting_for_more(self) -> None:
        async with asyncio.timeout(PATIENCE_S), self.joined() as (dialer, listener):
            await dialer.send(b"hello")
            assert await receive_exactly(listener, 5) == b"hello"
            await listener.send(b"good day")
            assert await receive_exactly(dialer, 8) == b"good day"
            await dialer.send(b"!")
            assert await receive_exactly(listener, 1) == b"!"

    async def test_a_link_declares_a_stream(self) -> None:
        async with asyncio.timeout(PATIENCE_S), self.joined() as (dialer, listener):
            for end in (dialer, listener):
                assert end.properties.shape is LinkShape.STREAM
                assert end.properties.rate_bit_s_guess > 0
                assert end.properties.rtt_s_guess > 0

    async def test_bulk_flows_both_ways_at_once(self) -> None:
        up, down = bytes(range(256)) * (BULK_BYTES // 256), bytes(range(255, -1, -1)) * (BULK_BYTES // 256)
        async with asyncio.timeout(PATIENCE_S), self.joined() as (dialer, listener):
            async with asyncio.TaskGroup() as group:
                group.create_task(send_and_finish(dialer, up))
                group.create_task(send_and_finish(listener, down))
                at_listener = group.create_task(receive_all(listener))
                at_dialer = group.create_task(receive_all(dialer))
            assert at_listener.result() == up
            assert at_dialer.result() == down

    async def test_a_dialer_that_finished_still_receives(self) -> None:
        async with asyncio.timeout(PATIENCE_S), self.joined() as (dialer, listener):
            await dialer.send(b"last words")
            await dialer.finish()
            assert await receive_all(listener) == b"last words"
            assert await listener.receive() == b""
            await listener.send(b"answer")
            await listener.finish()
            assert await receive_all(dialer) == b"answer"
            assert await dialer.receive() == b""

    async def test_closing_is_idempotent_and_ends_sending(self) -> None:
        async with asyncio.timeout(PATIENCE_S), self.joined() as (dialer, _):
            await dialer.close()
            await dialer.close()
            with pytest.raises(LinkError):
                await dialer.send(b"too late")

    async def test_the_peer_notices_a_close(self) -> None:
        async with asyncio.timeout(PATIENCE_S), self.joined() as (dialer, listener):
            await dialer.send(b"x")
            await receive_exactly(listener, 1)
            await dialer.close()
            try:
                assert await receive_all(listener) == b""
            except LinkError:
                return

    async def test_a_sender_is_held_back_while_nobody_receives(self) -> None:
        async with asyncio.timeout(PATIENCE_S), self.joined() as (dialer, _unread):
            sent = 0

            async def flood() -> None:
                nonlocal sent
                while sent < 64 * BULK_BYTES:
                    await dialer.send(bytes(30_000))
                    sent += 30_000
                await dialer.finish()

            async with asyncio.TaskGroup() as group:
                flooding = group.create_task(flood())
                before = -1
                while sent != before:  # Until no more goes in: every buffer on the way is full.
                    before = sent
                    for _ in range(2000):
                        await asyncio.sleep(0)
                assert not flooding.done()
                flooding.cancel()
