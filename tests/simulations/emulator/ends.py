"""Programs at both ends of an emulated link: what they say is what crossed it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from simulations.emulator import EmulatedLink

FAR_ENDS = str(Path(__file__).with_name("far_ends.py"))
PORT = "9000"
UDP_IP_HEADER_BYTES = 28


@asynccontextmanager
async def at_hub(
    link: EmulatedLink, role: str, *arguments: object, port: str = PORT
) -> AsyncIterator[asyncio.subprocess.Process]:
    words = [role, link.hub_listen_host, port, *map(str, arguments)]
    argv = link.hub_command([sys.executable, FAR_ENDS, *words])
    process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def at_site(link: EmulatedLink, role: str, *arguments: object, hub_port: str = PORT) -> str:
    host, port = link.hub_address(int(hub_port), "udp")
    argv = link.site_command([sys.executable, FAR_ENDS, role, host, str(port), *map(str, arguments)])
    process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    words, _ = await process.communicate()
    assert process.returncode == 0
    return words.decode()


async def sunk(process: asyncio.subprocess.Process) -> tuple[int, float]:
    assert process.stdout is not None
    packets, rate_bit_s = (await process.stdout.read()).split()
    return int(packets), float(rate_bit_s)
