"""The kernel is told what fits a connection's link, while bytes are under way on it and no longer."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from sync.links.sockets import (
    UNSENT_BYTES_MAX,
    UNSENT_BYTES_MIN,
    is_bbr,
    limit_pace,
    renew_bbr,
    settings_of,
    tuned_socket,
)
from sync.links.tcp_info import progress_of
from sync.links.tcp_watch import REPEAT_S_MIN, TcpWatch

from .contract import PATIENCE_S

TCP_RTO_MAX_MS = 44
SO_MAX_PACING_RATE = 47


@asynccontextmanager
async def joined() -> AsyncIterator[tuple[socket.socket, socket.socket]]:
    """Two ends of a real connection; the first is tuned."""
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        with tuned_socket(22_000, socket.AF_INET, socket.SOCK_STREAM, 0) as dialer:
            await loop.sock_connect(dialer, listening.getsockname())
            accepted, _ = await loop.sock_accept(listening)
            with accepted:
                accepted.setblocking(False)
                yield dialer, accepted


async def carry(dialer: socket.socket, accepted: socket.socket, size_bytes: int, watch: TcpWatch) -> None:
    """Through the watched connection, whole; the watch looks meanwhile."""
    loop = asyncio.get_running_loop()
    sending = loop.create_task(loop.sock_sendall(dialer, bytes(size_bytes)))
    got_bytes = 0
    while got_bytes < size_bytes:
        watch.stir()
        got_bytes += len(await loop.sock_recv(accepted, 16 * 1024))
    await sending


async def looked(watch: TcpWatch) -> None:
    """Until it looks no more."""
    for _ in range(10_000_000):
        if not watch.is_watching:
            return
        await asyncio.sleep(0)
    raise AssertionError("It looks on, and nothing is under way.")


async def test_what_may_wait_unsent_follows_the_rate_that_is_measured() -> None:
    async with joined() as (dialer, accepted):
        if not is_bbr(dialer):
            pytest.skip("This kernel gives no BBR, so nothing is steered.")
        assert settings_of(dialer).unsent_bytes_max == UNSENT_BYTES_MIN
        watch = TcpWatch(dialer)
        async with asyncio.timeout(PATIENCE_S):
            while settings_of(dialer).unsent_bytes_max == UNSENT_BYTES_MIN:
                await carry(dialer, accepted, 1_000_000, watch)
        assert UNSENT_BYTES_MIN < settings_of(dialer).unsent_bytes_max <= UNSENT_BYTES_MAX
        assert settings_of(dialer).congestion_control == "bbr"
        watch.close()


async def test_darkness_is_asked_after_every_few_seconds() -> None:
    async with joined() as (dialer, accepted):
        try:
            before = dialer.getsockopt(socket.IPPROTO_TCP, TCP_RTO_MAX_MS)
        except OSError:
            pytest.skip("This kernel cannot be told how long to wait between repeats.")
        watch = TcpWatch(dialer)
        async with asyncio.timeout(PATIENCE_S):
            while dialer.getsockopt(socket.IPPROTO_TCP, TCP_RTO_MAX_MS) == before:
                await carry(dialer, accepted, 1_000_000, watch)
        told_s = dialer.getsockopt(socket.IPPROTO_TCP, TCP_RTO_MAX_MS) / 1000
        assert REPEAT_S_MIN <= told_s
        assert progress_of(dialer).patience_s <= told_s
        watch.close()


def test_a_pace_can_be_set_and_lifted_again() -> None:
    with tuned_socket(22_000, socket.AF_INET, socket.SOCK_STREAM, 0) as tuned:
        lifted = tuned.getsockopt(socket.SOL_SOCKET, SO_MAX_PACING_RATE, 8)
        limit_pace(tuned, 64_000)
        assert tuned.getsockopt(socket.SOL_SOCKET, SO_MAX_PACING_RATE) == 64_000
        limit_pace(tuned, 1 << 40)
        limit_pace(tuned, None)
        assert tuned.getsockopt(socket.SOL_SOCKET, SO_MAX_PACING_RATE, 8) == lifted


def test_bbr_begins_anew_and_stays_in_force() -> None:
    with tuned_socket(22_000, socket.AF_INET, socket.SOCK_STREAM, 0) as tuned:
        if not is_bbr(tuned):
            pytest.skip("This kernel gives no BBR, so nothing is steered.")
        renew_bbr(tuned)
        assert is_bbr(tuned)


async def test_a_connection_that_is_gone_is_no_trouble() -> None:
    async with joined() as (dialer, _):
        watch = TcpWatch(dialer)
        watch.stir()
        dialer.close()
        await looked(watch)
        watch.close()


async def test_nothing_looks_at_a_connection_on_which_nothing_is_under_way() -> None:
    async with joined() as (dialer, _):
        watch = TcpWatch(dialer)
        watch.stir()
        await looked(watch)
        watch.stir()
        assert watch.is_watching
        watch.close()
        assert not watch.is_watching
