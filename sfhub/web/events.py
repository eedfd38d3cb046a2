"""GET /events: tells open pages that something has changed; they fetch it when their reader says so."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Final

from aiohttp import web

from .keys import HUB
from .sessions import signed_in

BEAT_S: Final = 20.0
"""A comment line this often keeps proxies and broken connections honest."""


async def events(request: web.Request) -> web.StreamResponse:
    """Server-sent events: `changed` with the ids of cases, until the browser or the hub ends."""
    await signed_in(request)
    changes = request.app[HUB].changes
    if changes.is_full:
        raise web.HTTPServiceUnavailable(text="Too many open pages.", headers={"Retry-After": "30"})
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
    await response.prepare(request)
    with changes.watching() as watcher, suppress(ConnectionError):  # The browser goes when it likes.
        await response.write(b"retry: 3000\n\n")
        while True:
            try:
                async with asyncio.timeout(BEAT_S):
                    cases = await watcher.next_batch()
            except TimeoutError:
                await signed_in(request)  # A session that has ended is told nothing more.
                await response.write(b": still here\n\n")
                continue
            if cases is None:
                break
            data = json.dumps([case.hex() for case in sorted(cases)])
            await response.write(f"event: changed\ndata: {data}\n\n".encode())
    return response
