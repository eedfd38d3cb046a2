"""Calls to the daemon from a command, with the vault unlocked first if that is needed and possible."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Any

from sfnode.api.client import CallRefused, ask, connect, daemon_gone
from sfnode.config import NodeFolder
from sfnode.errors import VaultLocked
from sync.local_socket import ConnectionLost, Event, LocalClient, NotRunning

from .terminal import Terminal


def call_daemon(terminal: Terminal, method: str, params: Mapping[str, object]) -> Any:
    """Start if need be, call, unlock and call again if the vault was locked and the passphrase can be had."""
    return asyncio.run(_call(terminal, method, params))


def stop_running(folder: NodeFolder) -> bool:
    """End the daemon and wait until it has let go of the folder; False when none was running."""

    async def stop() -> bool:
        try:
            client = await LocalClient.connect(folder.socket)
        except NotRunning:
            return False
        async with client:
            await ask(client, "stop")
            await client.wait_gone()
        return True

    return asyncio.run(stop())


def follow(terminal: Terminal, topics: Collection[str], show: Callable[[Event], None]) -> None:
    """Show the status, and from then on every event, until the daemon ends, which is a `DaemonGone`."""

    async def watch() -> None:
        async with await connect(terminal.folder) as listening, await connect(terminal.folder) as asking:
            await ask(listening, "subscribe", {"topics": list(topics)})
            # Whoever reads this first line knows that no later event is missed.
            show(Event("status", await ask(asking, "status")))
            await asking.close()
            async for event in listening.events():
                show(event)

    try:
        asyncio.run(watch())
    except ConnectionLost as error:
        raise daemon_gone() from error


async def _call(terminal: Terminal, method: str, params: Mapping[str, object]) -> Any:
    async with await connect(terminal.folder) as client:
        try:
            return await ask(client, method, params)
        except CallRefused as refused:
            if refused.code != VaultLocked.code or not (terminal.passphrase.given or terminal.may_ask):
                raise
        await ask(client, "unlock", {"passphrase": terminal.ask_passphrase()})
        return await ask(client, method, params)
