"""The modems dial, answer, carry bytes and drop the call, over real pseudo-terminals."""

from __future__ import annotations

import asyncio
import os
import tty
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path

from click.testing import CliRunner

from simulations.emulator.command import link
from simulations.emulator.modem import ModemPair
from simulations.links import LinkProfile, Outage
from tests.simulations.emulator.fast_links import fast_link

WAIT_S = 10.0
"""For an answer that comes in milliseconds: only a broken modem needs it."""


class Program:
    """A program that has opened a modem."""

    def __init__(self, path: Path) -> None:
        self._device = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self._device)
        self._readable = asyncio.Event()
        self._received = b""
        asyncio.get_running_loop().add_reader(self._device, self._read)

    def write(self, data: bytes) -> None:
        os.write(self._device, data)

    async def read_until(self, awaited: bytes) -> bytes:
        """All that came up to and with these bytes."""
        async with asyncio.timeout(WAIT_S):
            while awaited not in self._received:
                self._readable.clear()
                await self._readable.wait()
        before, _, self._received = self._received.partition(awaited)
        return before + awaited

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._device)
        os.close(self._device)

    def _read(self) -> None:
        self._received += os.read(self._device, 65_536)
        self._readable.set()


@contextmanager
def opened(path: Path) -> Iterator[Program]:
    program = Program(path)
    try:
        yield program
    finally:
        program.close()


@asynccontextmanager
async def modems(folder: Path, profile: LinkProfile) -> AsyncIterator[tuple[ModemPair, Program, Program]]:
    pair = ModemPair(profile, site=folder / "site", hub=folder / "hub", seed=1)
    try:
        with opened(pair.site.path) as site, opened(pair.hub.path) as hub:
            yield pair, site, hub
    finally:
        pair.close()


async def call(site: Program, hub: Program) -> None:
    hub.write(b"ATE0\rATS0=1\r")
    await hub.read_until(b"OK\r\n\r\nOK\r\n")
    site.write(b"ATE0\r")
    await site.read_until(b"OK\r\n")
    site.write(b"ATDT0088160000500\r")
    await hub.read_until(b"RING\r\n")
    await site.read_until(b"CONNECT 50000000\r\n")
    await hub.read_until(b"CONNECT 50000000\r\n")


async def test_a_call_carries_bytes_both_ways_unchanged(tmp_path: Path) -> None:
    async with modems(tmp_path, fast_link()) as (pair, site, hub):
        await call(site, hub)
        site.write(bytes(range(256)) * 4 + b"END")
        assert await hub.read_until(b"END") == bytes(range(256)) * 4 + b"END"
        hub.write(b"answer\n")
        assert await site.read_until(b"\n") == b"answer\n"
        assert pair.counters().up.bytes_delivered >= 1_027
        hub.write(b"+")  # No escape: it stands for itself.
        await site.read_until(b"+")
    assert not (tmp_path / "site").is_symlink()


async def test_a_program_can_escape_and_hang_up(tmp_path: Path) -> None:
    async with modems(tmp_path, fast_link()) as (pair, site, hub):
        await call(site, hub)
        await asyncio.sleep(1.05)  # The guard time is of the essence of the escape.
        site.write(b"+++")
        await site.read_until(b"OK\r\n")
        site.write(b"ATO\r")
        await site.read_until(b"CONNECT")
        await asyncio.sleep(1.05)
        site.write(b"+++")
        await site.read_until(b"OK\r\n")
        site.write(b"ATH\r")
        await hub.read_until(b"NO CARRIER\r\n")
        assert pair.site.connected_s > 2


async def test_without_service_nobody_is_reached_and_a_call_drops(tmp_path: Path) -> None:
    async with modems(tmp_path, replace(fast_link(), outages=(Outage(0.3, 1_000),))) as (pair, site, hub):
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(pair.run())
            await call(site, hub)
            await site.read_until(b"NO CARRIER\r\n")
            await hub.read_until(b"NO CARRIER\r\n")
            site.write(b"ATD1\r")
            await site.read_until(b"NO CARRIER\r\n")
            watching.cancel()


async def test_what_a_modem_does_not_know_is_an_error_and_long_nonsense_is_bounded(tmp_path: Path) -> None:
    async with modems(tmp_path, fast_link()) as (_, site, _hub):
        site.write(b"hello\rATJ\rATA\rAT" + b"y" * 1_000 + b"\r")
        await site.read_until(b"ERROR\r\n")
        await site.read_until(b"ERROR\r\n")
        await site.read_until(b"NO CARRIER\r\n")
        assert b"ERROR" in await site.read_until(b"\r\nERROR\r\n")


def test_the_command_refuses_what_it_would_overwrite_and_what_dials_nobody(tmp_path: Path) -> None:
    (tmp_path / "site").write_text("mine")
    paths = ("--site", str(tmp_path / "site"), "--hub", str(tmp_path / "hub"))
    refused = CliRunner().invoke(link, ("modem", "lan", *paths))
    assert refused.exit_code == 1
    assert "is no modem of ours. Nothing was changed." in refused.output
    assert (tmp_path / "site").read_text() == "mine"
    refused = CliRunner().invoke(link, ("modem", "iridium-sbd", *paths))
    assert "carries whole messages: no modem dials over it" in refused.output
