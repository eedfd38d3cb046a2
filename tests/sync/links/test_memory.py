"""The memory link keeps the links' promises, and its own about rate, delay and cuts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from sync.links import MemoryLinkConditions, memory_link
from sync.ports import Connection, LinkError

from ..virtual_time import run_virtual, virtual_time_s
from .contract import ConnectionContract, Joined, receive_exactly


@asynccontextmanager
async def joined() -> AsyncIterator[tuple[Connection, Connection]]:
    dialer, listener = memory_link()
    try:
        yield dialer, listener
    finally:
        await dialer.close()
        await listener.close()


class TestMemoryLink(ConnectionContract):
    def joined(self) -> Joined:
        return joined()


def test_bytes_take_their_time() -> None:
    async def scenario() -> None:
        dialer, listener = memory_link(MemoryLinkConditions(rate_bit_s=2400, delay_s=0.75))
        began_at = virtual_time_s()
        await dialer.send(bytes(3000))
        assert virtual_time_s() - began_at == pytest.approx((3000 - 2048) * 8 / 2400, abs=1)
        await receive_exactly(listener, 3000)
        assert virtual_time_s() - began_at == pytest.approx(10.75)

    run_virtual(scenario())


@pytest.mark.parametrize("cut_after_bytes", [0, 1, 255, 256, 257, 5000])
def test_a_cut_lets_through_exactly_what_it_says(cut_after_bytes: int) -> None:
    async def scenario() -> None:
        dialer, listener = memory_link(
            MemoryLinkConditions(rate_bit_s=9600, delay_s=0.5, cut_after_bytes=cut_after_bytes)
        )
        await dialer.send(bytes(7000))
        assert await receive_exactly(listener, cut_after_bytes) == bytes(cut_after_bytes)
        for broken in (listener.receive(), dialer.receive(), listener.send(b"x"), dialer.send(b"x")):
            with pytest.raises(LinkError):
                await broken

    run_virtual(scenario())
