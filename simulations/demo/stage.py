"""A hub and a site node, separate processes at the two ends of an emulated link, driven by their commands."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from simulations.emulator import EmulatedLink
from sync.local_socket import LocalClient, NotRunning

READY_TIMEOUT_S: Final = 60.0
COMMAND_TIMEOUT_S: Final = 240.0
END_TIMEOUT_S: Final = 10.0
_POLL_S: Final = 0.1
_PASSPHRASE: Final = "synthetic passphrase"


class StageError(Exception):
    """A process of the demonstration did not do what it should; the message quotes what it said."""


class Stage:
    """The two stores, their processes and the link between them."""

    def __init__(self, link: EmulatedLink, folder: Path) -> None:
        self.link = link
        self.hub_data = folder / "hub"
        self.node_data = folder / "node"
        self._passphrase = folder / "passphrase"
        self._logs = folder / "logs"
        identities = str(folder / "identities")
        self._environment = os.environ | {"SFNODE_IDENTITY": identities, "SFHUB_IDENTITY": identities}
        self._hub: asyncio.subprocess.Process | None = None
        self._node: asyncio.subprocess.Process | None = None
        # A command would start a daemon of its own in the moment in which ours lies dead.
        self._node_turn = asyncio.Lock()
        self.hub_port = _free_port()

    async def sfhub(self, *argv: str, stdin: str | None = None) -> Any:
        """One hub command with `--json`; its answer."""
        return await self._command("sfhub", self.hub_data, argv, stdin)

    async def sfnode(self, *argv: str) -> Any:
        """One node command with `--json`; its answer."""
        async with self._node_turn:
            return await self._command("sfnode", self.node_data, argv, None)

    async def open_hub(self, organisation: str, name: str, clinician: str) -> None:
        """A new hub with one specialist, listening at the hub's end of the link."""
        self._logs.mkdir()
        self._passphrase.touch(mode=0o600)
        self._passphrase.write_text(_PASSPHRASE + "\n")
        await self.sfhub("init", "--organisation", organisation, "--name", name)
        await self.sfhub("clinician", "add", "--name", clinician, "--role", "specialist")
        await self.start_hub()

    async def start_hub(self) -> None:
        listen = f"{self.link.hub_listen_host}:{self.hub_port}"
        argv = self.link.hub_command(self._argv("sfhub", self.hub_data, ("serve", "--listen", listen)))
        self._hub = await self._start(argv, "hub")
        await self._ready(self.hub_data / "hub.sock", self._hub, "hub")

    async def open_node(self, site: str, medic: str, usd_per_megabyte: float) -> None:
        """A new node, its daemon running at the site's end of the link, enrolled at the hub across it."""
        await self.sfnode(
            "init", "--site", site, "--medic", medic, "--passphrase-file", str(self._passphrase)
        )
        await self.start_node()
        code = await self.sfhub("enrol", "new", "--site", site)
        code_file = self._passphrase.with_name("code")
        code_file.write_text(code["code"] + "\n")
        url = self.link.hub_url(self.hub_port)
        await self.sfnode("enrol", "--hub", url, "--code-file", str(code_file))
        price = ("--usd-per-megabyte", str(usd_per_megabyte))
        await self.sfnode("link", "set", "--hub", url, "--mode", "hold", *price)

    async def start_node(self) -> None:
        serve = ("serve", "--passphrase-file", str(self._passphrase))
        argv = self.link.site_command(self._argv("sfnode", self.node_data, serve))
        self._node = await self._start(argv, "node")
        await self._ready(self.node_data / "daemon.sock", self._node, "node")

    async def kill_and_restart_node(self, pause_s: float) -> None:
        """SIGKILL, as a power cut would; started again after a while."""
        async with self._node_turn:
            if self._node is not None:
                os.killpg(self._node.pid, signal.SIGKILL)
                await self._node.wait()
            await asyncio.sleep(pause_s)
            await self.start_node()

    async def stop_and_restart_node(self) -> None:
        """End the daemon in order: its session says goodbye, so that both ends have closed their books."""
        await self.sfnode("stop")
        if self._node is not None:
            await self._node.wait()
        await self.start_node()

    @asynccontextmanager
    async def node_client(self) -> AsyncIterator[LocalClient]:
        """A connection to the node's daemon; `NotRunning` while it is down."""
        async with await LocalClient.connect(self.node_data / "daemon.sock") as client:
            yield client

    async def close(self) -> None:
        """End both processes; idempotent."""
        for process in (self._node, self._hub):
            if process is not None and process.returncode is None:
                os.killpg(process.pid, signal.SIGTERM)
                try:
                    async with asyncio.timeout(END_TIMEOUT_S):
                        await process.wait()
                except TimeoutError:
                    os.killpg(process.pid, signal.SIGKILL)
                    await process.wait()

    def _argv(self, program: str, data: Path, argv: Sequence[str]) -> list[str]:
        return [str(Path(sys.executable).with_name(program)), "--data", str(data), *argv]

    async def _command(self, program: str, data: Path, argv: Sequence[str], stdin: str | None) -> Any:
        process = await asyncio.create_subprocess_exec(
            *self._argv(program, data, (*argv, "--json")),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment,
        )
        async with asyncio.timeout(COMMAND_TIMEOUT_S):
            out, err = await process.communicate((stdin or "").encode())
        if process.returncode != 0:
            said = err.decode(errors="replace").strip()
            raise StageError(f"`{program} {' '.join(argv[:2])}` ended with {process.returncode}: {said}")
        return json.loads(out) if out.strip() else None

    async def _start(self, argv: Sequence[str], name: str) -> asyncio.subprocess.Process:
        with (self._logs / f"{name}.log").open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=self._environment,
            )

    async def _ready(self, path: Path, process: asyncio.subprocess.Process, name: str) -> None:
        try:
            async with asyncio.timeout(READY_TIMEOUT_S):
                while process.returncode is None:
                    if await _listens(path):
                        return
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            pass
        said = (self._logs / f"{name}.log").read_text(errors="replace")[-2000:]
        raise StageError(f"The {name} did not start. It said: {said.strip() or 'nothing'}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


async def _listens(path: Path) -> bool:
    try:
        client = await LocalClient.connect(path)
    except NotRunning:
        return False
    await client.close()
    return True
