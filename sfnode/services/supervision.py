"""Keeps a part of the daemon running: a fault in one must not end the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from sync.stores.errors import StoreHalted

RESTART_S: Final = 5.0
"""Before a part that failed starts again: a fault that comes back must not fill the log."""


async def keep_running(
    service: Callable[[], Awaitable[None]],
    *,
    failed: Callable[[Exception], None],
    restart_s: float = RESTART_S,
) -> None:
    """Run `service` again whenever it fails, after telling `failed`, until cancelled.

    Only a store that halted ends it: nothing may go on after a write that the disk did not confirm.
    """
    while True:
        try:
            await service()
        except Exception as error:
            if _is_halted(error):
                raise
            failed(error)
        await asyncio.sleep(restart_s)


def _is_halted(error: Exception) -> bool:
    if isinstance(error, ExceptionGroup):
        return error.subgroup(StoreHalted) is not None
    return isinstance(error, StoreHalted)
