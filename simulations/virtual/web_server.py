"""A web application that answers on a simulated host, as the hub's server sets one up; no TLS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

from sync.links.sockets import tune_listening

HTTP_PORT: Final = 80
SHUTDOWN_S: Final = 5.0

MakeProtocol = Callable[[], asyncio.Protocol]


@asynccontextmanager
async def answering(
    app: web.Application, host: str, *, door: Callable[[web.Server], MakeProtocol] | None = None
) -> AsyncIterator[None]:
    """For as long as the context lasts; `door` is what stands in front of the application's protocols."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    if runner.server is None:
        raise RuntimeError("the web server was not set up")
    make = runner.server if door is None else door(runner.server)
    server = await asyncio.get_running_loop().create_server(make, host, HTTP_PORT)
    tune_listening(server.sockets)
    try:
        yield
    finally:
        server.close()
        await runner.cleanup()
