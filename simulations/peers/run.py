"""Carries one case by one peer over one open link, with retries, and takes the time; bytes are the link's."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from simulations.emulator import EmulatedLink, EmulatorError, Mode
from simulations.emulator.listening import listens

from .peer import Peer, PeerCase, Place
from .processes import running

READY_TIMEOUT_S: Final = 30.0
RETRY_S: Final = 2.0
"""Between two tries, as a patient script would wait."""
_PORT: Final = 8443
_POLL_S: Final = 0.05
_WORDS_MAX: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """How it went: `seconds` from the start of the first program to the end of the last."""

    seconds: float | None
    """None when it did not get there; then `reason` says why."""
    tries: int
    reason: str = ""


@asynccontextmanager
async def prepared(
    peer: Peer, case: PeerCase, link: EmulatedLink, folder: Path
) -> AsyncIterator[PreparedPeer]:
    """The peer's hub end listening at the far end of the link, and its site ready to begin.

    `EmulatorError` when the hub end does not come up.
    """
    place = await _prepare_place(peer, link, folder)
    argv = await asyncio.to_thread(peer.hub_command, place, case)
    async with running(link.hub_command(argv), place.hub / "said") as process:
        await _wait_listening(process, place, link.mode, peer.title)
        yield PreparedPeer(peer, case, link, place)


class PreparedPeer:
    """A peer whose hub end listens; `carry` may be called once."""

    def __init__(self, peer: Peer, case: PeerCase, link: EmulatedLink, place: Place) -> None:
        self._peer = peer
        self._case = case
        self._link = link
        self._place = place
        self._tries = 0
        self._words = ""
        """What the last try said that failed by itself."""

    async def carry(self, limit_s: float) -> Carried:
        """Run the site's programs until each has ended well, at most for `limit_s`."""
        began_s = time.monotonic()
        try:
            async with asyncio.timeout(limit_s):
                for argv in self._peer.site_commands(self._place):
                    await self._until_done(argv)
        except TimeoutError:
            words = f"; it said: {self._words}" if self._words else ""
            reason = f"not done in {limit_s:.0f} s{words}"
            return Carried(seconds=None, tries=self._tries, reason=reason)
        seconds = time.monotonic() - began_s
        if not await asyncio.to_thread(self._peer.has_arrived, self._place, self._case):
            return Carried(seconds=None, tries=self._tries, reason="said that it was done, and was not")
        return Carried(seconds=seconds, tries=self._tries)

    async def _until_done(self, argv: list[str]) -> None:
        while True:
            self._tries += 1
            async with running(self._link.site_command(argv), self._place.site / "said") as process:
                status = await process.wait()
            if status == 0:
                return
            self._words = await asyncio.to_thread(_last_words, self._place.site / "said")
            await asyncio.sleep(RETRY_S)


async def _prepare_place(peer: Peer, link: EmulatedLink, folder: Path) -> Place:
    """Folders of its own for both ends, and ports."""
    site, hub = folder / "site", folder / "hub"
    for made in (site, hub):
        made.mkdir(parents=True)
    ports = _ports(link, peer.ports_count)
    return Place(
        site=site,
        hub=hub,
        listen_host=link.hub_listen_host,
        listen_ports=ports,
        dial=tuple([await asyncio.to_thread(link.hub_address, port) for port in ports]),
    )


async def _wait_listening(process: asyncio.subprocess.Process, place: Place, mode: Mode, title: str) -> None:
    said = place.hub / "said"
    try:
        async with asyncio.timeout(READY_TIMEOUT_S):
            while not all(listens(process.pid, port, "tcp", mode) for port in place.listen_ports):
                if process.returncode is not None:
                    words = _last_words(said)
                    raise EmulatorError(f"The hub end of {title} ended before it listened: {words}")
                await asyncio.sleep(_POLL_S)
    except TimeoutError as error:
        raise EmulatorError(f"The hub end of {title} does not listen.") from error


def _last_words(said: Path) -> str:
    with suppress(OSError):
        return said.read_text(errors="replace").strip()[-_WORDS_MAX:]
    return ""


def _ports(link: EmulatedLink, count: int) -> tuple[int, ...]:
    if link.mode is Mode.NAMESPACE:
        return tuple(range(_PORT, _PORT + count))  # A namespace of our own has all of them free.
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return tuple([probe.getsockname()[1] for probe in probes])
    finally:
        for probe in probes:
            probe.close()
