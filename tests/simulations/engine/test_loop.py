"""Virtual time: it jumps, it never waits, and it refuses what would make two runs differ."""

from __future__ import annotations

import asyncio
import os
import secrets
import threading
import time

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from simulations.engine.entropy import seeded_entropy
from simulations.engine.loop import STANDSTILL_TURNS_MAX, StandStill, run_virtual

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


def test_sockets_are_refused() -> None:
    async def connect() -> None:
        await asyncio.open_connection("127.0.0.1", 9)

    with pytest.raises(NotImplementedError):
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
