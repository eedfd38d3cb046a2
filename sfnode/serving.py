"""The daemon as a process: one per folder, its readiness announced, ended by signals, its end explained."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from protocol.errors import SuiteUnavailable
from protocol.small_seal import require_small_profile
from sync.stores.ballast import BALLAST_FILE, Ballast
from sync.stores.errors import StoreBusy, StoreError, StoreHalted
from sync.stores.identity import sidecar_of
from sync.stores.lock import StoreLock

from .api.client import IN_USE, READY
from .app import Daemon
from .config import NodeFolder, link_from, read_settings
from .errors import CipherMissing, FolderInUse, NodeError, StorageFailed, StorageHalted
from .spool.spool import Spool
from .surroundings import Surroundings


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """What the command line says about one run."""

    overrides: Mapping[str, Any]
    """Settings of the link that hold for this run only."""
    passphrase: bytes | None
    ready_descriptor: int | None
    """Whoever started us waits there for `READY`, `IN_USE` or the sentence that says why not."""
    announce: Callable[[str], None]


def run_daemon(folder: NodeFolder, options: ServeOptions) -> None:
    """Serve the folder until told to stop. Raises `NodeError` when it cannot, or may not go on."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    try:
        lock = _own(folder)
        try:
            asyncio.run(_serve(folder, lock, options))
        finally:
            lock.release()
    except FolderInUse:
        _report(options, IN_USE)
        raise
    except NodeError as error:
        _report(options, str(error).encode())
        raise
    except StoreError as error:
        _report(options, str(error).encode())
        raise _storage_error(error) from error
    except BaseExceptionGroup as errors:
        raise _explained(errors) from errors


def _require_ciphers() -> None:
    try:
        require_small_profile()
    except SuiteUnavailable as error:
        raise CipherMissing(str(error)) from error


async def _serve(folder: NodeFolder, lock: StoreLock, options: ServeOptions) -> None:
    _require_ciphers()
    settings = read_settings(folder.settings)
    link = link_from(options.overrides, settings.link)
    ballast = Ballast(folder.root / BALLAST_FILE)
    sidecar = sidecar_of(folder.spool, folder.identities)
    spool = await Spool.open(folder.spool, sidecar=sidecar, ballast=ballast)
    try:
        daemon = Daemon(folder, settings, link, spool, Surroundings(ballast=ballast))
        if options.passphrase is not None:
            await daemon.unlock(options.passphrase)
        daemon.server.bind()
    except BaseException:
        await spool.close()
        raise
    _stop_on_signals(daemon)
    _report(options, READY)
    vault = "unlocked" if daemon.unlocked else "locked"
    options.announce(f"ready: {settings.site}, vault {vault}, {folder.socket}")
    async with asyncio.TaskGroup() as group:
        # The socket goes last: a client that waits for its end knows that the folder is free then.
        serving = group.create_task(daemon.server.serve())
        try:
            await daemon.run()
        finally:
            await spool.close()
            lock.release()
            serving.cancel()


def _own(folder: NodeFolder) -> StoreLock:
    try:
        return StoreLock(folder.daemon)
    except StoreBusy as error:
        raise FolderInUse(
            f"A daemon serves {folder.root} already. Nothing was changed. Commands use it by themselves; "
            "end it with `sfnode stop`."
        ) from error
    except OSError as error:
        raise StorageFailed(
            f"{folder.root} cannot be used ({error.strerror}). Nothing was changed."
        ) from error


def _stop_on_signals(daemon: Daemon) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, daemon.stopping.set)


def _report(options: ServeOptions, message: bytes) -> None:
    if options.ready_descriptor is not None:
        try:
            os.write(options.ready_descriptor, message + b"\n")
            os.close(options.ready_descriptor)
        except OSError:
            # Whoever started us is gone; that is no reason not to serve.
            return


def _storage_error(error: StoreError) -> StorageFailed:
    return (StorageHalted if isinstance(error, StoreHalted) else StorageFailed)(str(error))


def _explained(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The sentence of a store that failed; `errors` themselves when they are a fault of ours."""
    stores, others = errors.split(StoreError)
    if stores is None or others is not None:
        return errors
    first: BaseException = stores
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return _storage_error(first) if isinstance(first, StoreError) else errors
