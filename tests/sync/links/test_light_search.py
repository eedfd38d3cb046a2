"""A link that went dark is asked for with small packets, until one is answered; nothing is left open."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import pairwise
from typing import Any

import pytest

from sync.links.light_search import (
    EVERY_S_MIN,
    EVERY_SHARE,
    JITTER,
    OPENING_BYTES,
    PATIENCE_S,
    LightSearch,
    StandingSocket,
)

from ..virtual_time import run_virtual, virtual_time_s
from .contract import PATIENCE_S as TEST_PATIENCE_S

RTT_S = 1.0
FAST_BIT_S, THIN_BIT_S = 128_000, 2_400


@contextmanager
def darkness() -> Iterator[Any]:
    """The address of one that answers nobody: it has all the callers that it can keep waiting."""
    with socket.socket() as server, ExitStack() as callers:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(2):
            with suppress(BlockingIOError):
                callers.enter_context(unconnected()).connect(server.getsockname())
        yield server.getsockname()


def unconnected() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setblocking(False)
    return made


def listening() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


async def test_what_answers_first_is_kept_and_stands_already() -> None:
    loop = asyncio.get_running_loop()
    with listening() as server:
        search = LightSearch(unconnected, rate_bit_s=FAST_BIT_S, rtt_s=RTT_S)
        found = asyncio.Event()
        search.begin(server.getsockname(), found.set)
        async with asyncio.timeout(TEST_PATIENCE_S):
            await found.wait()
        assert search.is_found
        standing = search.take()
        assert isinstance(standing, StandingSocket)
        accepted, _ = server.accept()
        with standing, accepted:
            await loop.sock_connect(standing, ("192.0.2.1", 9))  # Where to is not asked any more.
            await loop.sock_sendall(standing, b"on")
            assert accepted.recv(2) == b"on"
        assert not search.is_found
        assert search.take() is None
        await search.end()


@pytest.mark.parametrize(
    ("rate_bit_s", "every_s"),
    [(FAST_BIT_S, EVERY_S_MIN), (THIN_BIT_S, OPENING_BYTES * 8 / (EVERY_SHARE * THIN_BIT_S))],
)
def test_it_asks_again_and_again_and_takes_little_of_a_thin_link(rate_bit_s: int, every_s: float) -> None:
    asked_at: list[float] = []
    made: list[socket.socket] = []
    seconds = 60.0

    def make() -> socket.socket:
        asked_at.append(virtual_time_s())
        made.append(unconnected())
        return made[-1]

    async def scenario(address: Any) -> None:
        search = LightSearch(make, rate_bit_s=rate_bit_s, rtt_s=RTT_S)
        search.begin(address, never)
        search.begin(address, never)
        await asyncio.sleep(seconds)
        waiting = [one for one in made if one.fileno() >= 0]
        assert len(waiting) <= (2 * RTT_S + PATIENCE_S) / ((1 - JITTER) * every_s) + 1
        await search.end()

    with darkness() as address:
        run_virtual(scenario(address))
    gaps_s = [later - earlier for earlier, later in pairwise(asked_at)]
    assert all((1 - JITTER) * every_s <= gap_s <= (1 + JITTER) * every_s + 1e-6 for gap_s in gaps_s)
    assert len(asked_at) >= seconds / ((1 + JITTER) * every_s)
    assert all(one.fileno() < 0 for one in made)


def test_it_goes_on_while_the_way_out_of_this_machine_is_away() -> None:
    tries: list[float] = []

    def make() -> socket.socket:
        tries.append(virtual_time_s())
        raise OSError("no such interface")

    async def scenario() -> None:
        search = LightSearch(make, rate_bit_s=FAST_BIT_S, rtt_s=RTT_S)
        search.begin(("192.0.2.1", 9), never)
        await asyncio.sleep(10.0)
        await search.end()

    run_virtual(scenario())
    assert len(tries) >= 8


def test_a_refusal_is_no_light() -> None:
    with listening() as server:
        address = server.getsockname()
    made: list[socket.socket] = []

    def make() -> socket.socket:
        made.append(unconnected())
        return made[-1]

    async def scenario() -> None:
        search = LightSearch(make, rate_bit_s=FAST_BIT_S, rtt_s=RTT_S)
        search.begin(address, never)
        await asyncio.sleep(5.0)
        assert not search.is_found
        await search.end()

    run_virtual(scenario())
    assert len(made) >= 4
    assert all(one.fileno() < 0 for one in made)


async def test_ending_what_never_began_is_no_trouble() -> None:
    await LightSearch(unconnected, rate_bit_s=FAST_BIT_S, rtt_s=RTT_S).end()


def never() -> None:
    raise AssertionError("Nobody answered.")
