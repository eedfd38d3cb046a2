"""The running hub: web server, local socket, ingest and outbox, until it is told to end."""

from __future__ import annotations

import asyncio
import logging
import signal
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from aiohttp import web

from protocol.ids import CaseId
from sync.links.sockets import tune_listening
from sync.links.udp_listener import UdpListener
from sync.local_socket import Fault, LocalServer
from sync.registry import SessionRegistry
from sync.stores.ballast import BALLAST_FILE, Ballast
from sync.stores.errors import StoreHalted

from .api.operations import describe, perform
from .app import Hub, open_hub
from .config import HubFolder
from .errors import CannotListen
from .web.application import build_application
from .web.guard import Doorkeeper

SHUTDOWN_S: Final = 5.0
"""For answers that are on their way when we are told to end; sessions resume at the next contact."""
BACKLOG: Final = 512

_log = logging.getLogger(__name__)


async def serve_hub(
    folder: HubFolder,
    *,
    host: str,
    port: int,
    base: str,
    announce: Callable[[str], None],
    tls: ssl.SSLContext | None = None,
    udp_port: int | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; `announce` is told the address once everything is ready. `StoreHalted`
    when its disk did not confirm a change."""
    logging.basicConfig(level=logging.WARNING, format="sfhub: %(levelname)s %(name)s: %(message)s")
    loop = asyncio.get_running_loop()
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    async with (
        open_hub(folder, ballast=Ballast(folder.root / BALLAST_FILE)) as hub,
        running(hub, host=host, port=port, base=base, tls=tls, udp_port=udp_port),
    ):
        announce(f"listening on {hub.address.base}")
        if hub.address.udp:
            announce(f"sessions in datagrams on {hub.address.udp}")
        halted = await _wait_end(hub, ending)
    if halted is not None:
        raise halted


async def _wait_end(hub: Hub, ending: asyncio.Event) -> StoreHalted | None:
    """Until we are told to end, or a disk did not confirm a change: what is read after that may never have
    reached it, so the process ends and the next one looks."""
    halted: list[StoreHalted] = []
    try:
        async with asyncio.TaskGroup() as group:
            stores = [group.create_task(store.wait_halted()) for store in (hub.database, hub.custody)]
            await ending.wait()
            for waiting in stores:
                waiting.cancel()
    except* StoreHalted as errors:
        halted += [error for error in errors.exceptions if isinstance(error, StoreHalted)]
    return halted[0] if halted else None


@asynccontextmanager
async def running(
    hub: Hub,
    *,
    host: str,
    port: int,
    base: str = "",
    tls: ssl.SSLContext | None = None,
    udp_port: int | None = None,
) -> AsyncIterator[None]:
    """Everything a hub does, for as long as the context lasts. `CannotListen` if the address is taken."""
    registry = SessionRegistry()
    runner = web.AppRunner(build_application(hub, registry), access_log=None, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    socket = LocalServer(hub.folder.socket, _handler(hub), _described)
    try:
        server = await _listen(runner, host, port, tls)
        hub.address.base = base.rstrip("/") or _base_of(server, "https" if tls else "http")
        socket.bind()
        hub.changes.listen(lambda cases: socket.publish("case_changed", _hex(cases)))
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(work)
                for work in (
                    hub.ingest.run(),
                    hub.outbox.run(),
                    socket.serve(),
                    hub.contacts.run(),
                    hub.returning.run(),
                    hub.prekeys.run(),
                )
            ]
            try:
                async with _datagrams(hub, registry, host, udp_port):
                    yield
                    hub.contacts.end_all()
            finally:
                server.close()
                hub.contacts.end_all()
                hub.changes.close()
                await runner.cleanup()
                for task in tasks:
                    task.cancel()
    finally:
        socket.close()
        await runner.cleanup()


async def _listen(runner: web.AppRunner, host: str, port: int, tls: ssl.SSLContext | None) -> asyncio.Server:
    if runner.server is None:
        raise CannotListen("The web server was not set up.")
    try:
        server = await asyncio.get_running_loop().create_server(
            Doorkeeper(runner.server), host, port, backlog=BACKLOG, reuse_address=True, ssl=tls
        )
    except OSError as error:
        raise CannotListen(
            f"Nothing can listen on {host}:{port} ({error.strerror}). The data is unharmed. Choose another "
            "address with --listen, or end the program that holds this one."
        ) from error
    tune_listening(server.sockets)
    return server


@asynccontextmanager
async def _datagrams(hub: Hub, registry: SessionRegistry, host: str, port: int | None) -> AsyncIterator[None]:
    """Answer sessions over UDP as well, if asked."""
    if port is None:
        yield
        return
    listener = UdpListener(hub.contacts.callee, registry, reported=hub.contacts.session_ended)
    try:
        bound_host, bound_port = await listener.bind(host, port)
    except OSError as error:
        raise CannotListen(
            f"Nothing can listen for datagrams on {host}:{port} ({error.strerror}). The data is unharmed. "
            "Choose another port with --udp, or end the program that holds this one."
        ) from error
    shown = f"[{bound_host}]" if ":" in bound_host else bound_host
    hub.address.udp = f"udp://{shown}:{bound_port}"
    hub.address.udp_described = listener.described
    async with listener.answering():
        yield


def _base_of(server: asyncio.Server, scheme: str) -> str:
    host, port = server.sockets[0].getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _handler(hub: Hub) -> Callable[[str, Mapping[str, Any]], Any]:
    async def handle(method: str, params: Mapping[str, Any]) -> object:
        return await perform(hub, method, params)

    return handle


def _described(error: Exception) -> Fault:
    fault = describe(error)
    if fault.code == "hub-fault":
        _log.error("a call failed", exc_info=error)
    return fault


def _hex(cases: frozenset[CaseId]) -> list[str]:
    return [case_id.hex() for case_id in sorted(cases)]
