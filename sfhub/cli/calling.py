"""Calls from a command: to the server if one runs, else to the hub's folder itself, with the same result."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from protocol.errors import ProtocolError
from sync.local_socket import CallFailed, LocalClient, LocalSocketError, NotRunning
from sync.stores.errors import StoreError

from ..api.operations import describe, perform
from ..app import open_hub
from ..config import HubFolder
from ..errors import HubError, HubNotReachable
from .refusal import CallRefused

Call = Callable[[str, Mapping[str, object]], Awaitable[Any]]


def call_hub(folder: HubFolder, method: str, params: Mapping[str, object]) -> Any:
    """One call and its result; `CallRefused` says what the hub said."""
    return use_hub(folder, lambda call: call(method, params))


def use_hub(folder: HubFolder, work: Callable[[Call], Awaitable[Any]]) -> Any:
    """Several calls in a row; whatever they wrote without a server is sealed before this returns."""
    return asyncio.run(_use(folder, work))


async def _use(folder: HubFolder, work: Callable[[Call], Awaitable[Any]]) -> Any:
    try:
        client = await LocalClient.connect(folder.socket)
    except NotRunning:
        return await _use_folder(folder, work)
    async with client:
        try:
            return await work(client.call)
        except CallFailed as error:
            raise CallRefused(error.fault) from error
        except LocalSocketError as error:
            raise HubNotReachable(
                f"The running hub stopped answering ({error}) Whether the last call was carried out is not "
                "known."
            ) from error


async def _use_folder(folder: HubFolder, work: Callable[[Call], Awaitable[Any]]) -> Any:
    try:
        async with open_hub(folder) as hub:

            async def call(method: str, params: Mapping[str, object]) -> Any:
                return await perform(hub, method, params)

            result = await work(call)
            await hub.returning.flush()
            await hub.outbox.flush()
            return result
    except (HubError, ProtocolError, StoreError) as error:
        raise CallRefused(describe(error)) from error
