"""Takes a body off aiohttp as fast as it comes: what aiohttp still holds when a link breaks, it drops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiohttp

from .byte_queue import ByteQueue


async def pour(
    content: aiohttp.StreamReader,
    source: asyncio.Transport | None,
    into: ByteQueue,
    *,
    but_last_bytes: int = 0,
    heard: Callable[[], None] | None = None,
) -> bytes:
    """Read to the end; the last so many bytes are kept out of the queue and returned.

    A full queue holds `source` back, the connection that the body comes from; None if that is gone.
    `heard` is called whenever something came.
    """
    if source is None and not content.is_eof():
        into.append(content.read_nowait())
        raise ConnectionResetError("the other end has gone")
    into.fed_by(source)
    held = b""
    try:
        while data := await content.readany():
            if heard is not None:
                heard()
            held += data
            cut = max(len(held) - but_last_bytes, 0)
            into.append(held[:cut])
            held = held[cut:]
    finally:
        into.fed_by(None)
    return held
