"""The same case, at the same time, over a second link of the same kind, the usual way: one HTTPS POST."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from simulations.emulator import EmulatedLink, LinkCounters, open_link
from simulations.emulator.link import ModeName
from simulations.links import LinkProfile
from simulations.peers.certificate import write_certificate
from simulations.peers.https_curl import case_as_json

PORT: Final = 8443
START_TIMEOUT_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Posted:
    """What the one POST took; `seconds` is None when it did not get through."""

    seconds: float | None
    body_bytes: int
    counters: LinkCounters


async def post_case(
    profile: LinkProfile,
    folder: Path,
    text: Mapping[str, object],
    photographs: Sequence[bytes],
    *,
    seed: int,
    mode: ModeName,
) -> Posted:
    """Post the case and wait for the answer; the link has no cut and the sender is not killed."""
    body = case_as_json(json.dumps(text).encode(), photographs, "image/avif")
    case_file = await asyncio.to_thread(_write_case, folder, body)
    async with open_link(profile, seed=seed, mode=mode) as link:
        write_certificate(folder, link.hub_address(PORT)[0])
        server = await _serve(link, folder)
        try:
            before = link.counters()
            started_s = time.monotonic()
            url = link.hub_url(PORT, "https")
            sender = await asyncio.create_subprocess_exec(
                *link.site_command(
                    [*_python("simulations.demo.https_post"), url, str(folder), str(case_file)]
                ),
                stderr=asyncio.subprocess.DEVNULL,
            )
            status = await sender.wait()
            seconds = time.monotonic() - started_s
            return Posted(
                seconds=seconds if status == 0 else None,
                body_bytes=len(body),
                counters=link.counters() - before,
            )
        finally:
            server.kill()
            await server.wait()


def _write_case(folder: Path, body: bytes) -> Path:
    folder.mkdir()
    case_file = folder / "case.json"
    case_file.write_bytes(body)
    return case_file


async def _serve(link: EmulatedLink, folder: Path) -> asyncio.subprocess.Process:
    argv = [*_python("simulations.peers.https_server"), link.hub_listen_host, str(PORT), str(folder)]
    server = await asyncio.create_subprocess_exec(
        *link.hub_command(argv), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    if server.stdout is not None:
        async with asyncio.timeout(START_TIMEOUT_S):
            await server.stdout.readline()
    return server


def _python(module: str) -> list[str]:
    return [sys.executable, "-m", module]
