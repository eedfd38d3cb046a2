"""The client's way to a node's daemon: connected, and started first if it is not running."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, Final

from sfnode.config import NodeFolder
from sfnode.errors import DaemonGone, NodeError
from sync.local_socket import CallFailed, ConnectionLost, LocalClient, NotRunning

READY: Final = b"ready"
"""What a daemon writes to its ready descriptor once it listens."""
IN_USE: Final = b"in use"
"""What it writes when another one owns the folder already."""
START_TIMEOUT_S: Final = 20.0
"""A daemon is ready in well under two seconds; an old laptop that swaps may need more."""
_RETRY_S: Final = 0.05
_READY_BYTES_MAX: Final = 4096


class CallRefused(NodeError):
    """The daemon's own fault, with its own code, sentence and exit status."""

    def __init__(self, failed: CallFailed) -> None:
        super().__init__(failed.fault.message)
        self.code = failed.fault.code
        self.exit_code = failed.fault.exit_code


async def connect(folder: NodeFolder) -> LocalClient:
    """A connection to the folder's daemon. `NotFound` without a site, `DaemonGone` when it will not start."""
    try:
        return await LocalClient.connect(folder.socket)
    except NotRunning:
        folder.require()
    await asyncio.to_thread(start_daemon, folder)
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            while True:
                try:
                    return await LocalClient.connect(folder.socket)
                except NotRunning:
                    # Another client started it at the same time and it is not listening yet.
                    await asyncio.sleep(_RETRY_S)
    except TimeoutError as error:
        raise DaemonGone(f"The daemon does not answer. What was saved is safe. See {folder.log}.") from error


async def ask(client: LocalClient, method: str, params: Mapping[str, object] | None = None) -> Any:
    """The daemon's answer; `CallRefused` with its sentence, `DaemonGone` when it ended meanwhile."""
    try:
        return await client.call(method, params)
    except CallFailed as failed:
        raise CallRefused(failed) from failed
    except ConnectionLost as error:
        raise daemon_gone() from error


def start_daemon(folder: NodeFolder) -> None:
    """Start it in a session of its own; returns once it or another one listens. Raises `DaemonGone`."""
    readable, writable = os.pipe()
    try:
        _spawn(folder, writable)
    finally:
        os.close(writable)
    with open(readable, "rb") as pipe:
        answer = pipe.read(_READY_BYTES_MAX)
    if not answer.startswith((READY, IN_USE)):
        reason = answer.decode(errors="replace").strip() or f"it ended at once; see {folder.log}"
        raise DaemonGone(f"The daemon did not start: {reason}")


def daemon_gone() -> DaemonGone:
    """For whoever was talking to it."""
    return DaemonGone(
        "The daemon ended in the middle of the command. What it had acknowledged is saved; "
        "look whether this command was carried out before you repeat it."
    )


def _spawn(folder: NodeFolder, ready_descriptor: int) -> None:
    command = [sys.executable, "-m", "sfnode.cli", "--data", str(folder.root), "serve"]
    with folder.log.open("ab") as log:
        subprocess.Popen(
            [*command, "--ready-fd", str(ready_descriptor)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[ready_descriptor],
            start_new_session=True,
        )
