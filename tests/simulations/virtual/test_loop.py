"""Virtual time: it jumps, it never waits, and it refuses what would make two runs differ."""

from __future__ import annotations

import asyncio
import os
import secrets
import threading
import time

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from simulations.virtual.entropy import seeded_entropy
from simulations.virtual.loop import STANDSTILL_TURNS_MAX, StandStill, run_virtual

YEAR_S = 365 * 86_400.0


async def a_year() -> float:
    began_s = asyncio.get_running_loop().time()
    await asyncio.sleep(YEAR_S)
    return asyncio.get_running_loop().time() - began_s


def test_a_year_passes_at_once() -> None:
    began_s = time.monotonic()
    assert run_virtual(a_year()) == pytest.approx(YEAR_S)
    assert time.monotonic() - began_s < 5


def test_waiting_for_what_never_comes_is_a_fault() -> None:
    async def forever() -> None:
        await asyncio.Event().wait()

    with pytest.raises(StandStill, match="never come"):
        run_virtual(forever())


def test_spinning_is_a_fault() -> None:
    async def spin() -> None:
        loop = asyncio.get_running_loop()
        turns = 0

        def again() -> None:
            nonlocal turns
            turns += 1
            if turns <= STANDSTILL_TURNS_MAX + 10:
                loop.call_soon(again)

        again()
        await asyncio.sleep(1)

    with pytest.raises(StandStill, match="spins"):
        run_virtual(spin())


def test_work_for_a_thread_is_done_in_the_callers_step() -> None:
    async def work() -> int:
        return await asyncio.to_thread(threading.get_ident)

    assert run_virtual(work()) == threading.get_ident()


def test_of_one_moment_what_was_set_first_comes_first() -> None:
    async def work() -> list[int]:
        loop, came = asyncio.get_running_loop(), list[int]()
        at_s = loop.time() + 5.0
        for number in range(20):
            loop.call_at(at_s, came.append, number)
        await asyncio.sleep(6.0)
        return came

    assert run_virtual(work()) == list(range(20))


def test_a_cancelled_timer_is_not_called_and_holds_nothing() -> None:
    async def work() -> tuple[list[int], bool]:
        loop, came = asyncio.get_running_loop(), list[int]()
        kept = loop.call_later(1.0, came.append, 1)
        dropped = loop.call_later(1.0, came.append, 2)
        dropped.cancel()
        await asyncio.sleep(2.0)
        return came, dropped.cancelled() and not kept.cancelled()

    assert run_virtual(work()) == ([1], True)


def test_a_callback_that_fails_is_told_and_stops_nothing() -> None:
    async def work() -> list[str]:
        loop, told = asyncio.get_running_loop(), list[str]()
        loop.set_exception_handler(lambda _, context: told.append(repr(context["exception"])))
        loop.call_soon([].pop)
        await asyncio.sleep(1.0)
        return told

    assert run_virtual(work()) == ["IndexError('pop from empty list')"]


def test_sockets_of_the_machine_are_refused() -> None:
    """A name is that of a simulated host, of which there is none here."""

    async def connect() -> None:
        await asyncio.open_connection("127.0.0.1", 9)

    with pytest.raises(OSError, match="unreachable"):
        run_virtual(connect())


def drawn() -> tuple[bytes, bytes, bytes]:
    return os.urandom(8), secrets.token_bytes(8), X25519PrivateKey.generate().private_bytes_raw()


def test_every_random_byte_follows_from_the_seed_and_only_while_a_world_lives() -> None:
    with seeded_entropy(1):
        first = drawn()
    with seeded_entropy(1):
        assert drawn() == first
    with seeded_entropy(2):
        assert drawn() != first
    assert drawn() != drawn()
