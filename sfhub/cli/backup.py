"""Commands around backups: make, check, list, restore."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from sync.local_socket import CallFailed, LocalClient, LocalSocketError, NotRunning
from sync.stores.errors import StoreError

from ..domain.words import moment
from ..errors import HubError
from .calling import Call, call_hub, use_hub
from .refusal import CallRefused
from .terminal import Terminal, json_option, table

_PLACE: Final = click.Path(path_type=Path, file_okay=False)
QUIET_S: Final = 2.0
"""What takes no longer needs no progress."""
_MEGABYTE: Final = 1_000_000


@click.group()
def backup() -> None:
    """Copies of this hub, without its keys. Back up keys/ apart from them."""


@backup.command("create")
@click.argument("into", metavar="DIR", type=_PLACE)
@json_option
@click.pass_obj
def create(terminal: Terminal, into: Path, as_json: bool) -> None:
    """Make a backup in DIR while the hub serves, and read it back."""
    result = _watched(terminal, "backup_create", {"into": str(into.absolute())})
    terminal.data(
        result,
        as_json=as_json,
        text=lambda: [f"{result['folder']}: {_megabytes(result)}, verified"],
    )
    terminal.talk(f"The keys are not in it: back up {terminal.folder.keys} apart from it.")


@backup.command("verify")
@click.argument("place", metavar="DIR", type=_PLACE)
@json_option
@click.pass_obj
def verify(terminal: Terminal, place: Path, as_json: bool) -> None:
    """Read a backup from end to end: DIR, or the newest one in DIR."""
    result = _watched(terminal, "backup_verify", {"place": str(place.absolute())})
    terminal.data(
        result,
        as_json=as_json,
        text=lambda: [
            f"{result['folder']}: of {moment(result['made_s'])}, {result['files']} files, "
            f"{_megabytes(result)}: every row and picture opens"
        ],
    )


@backup.command("list")
@click.argument("into", metavar="DIR", type=_PLACE)
@json_option
@click.pass_obj
def list_all(terminal: Terminal, into: Path, as_json: bool) -> None:
    """The backups in DIR, oldest first."""
    rows = call_hub(terminal.folder, "backup_list", {"into": str(into.absolute())})
    terminal.data(
        rows,
        as_json=as_json,
        text=lambda: _listed(rows) if rows else [f"{into} holds no backup of a hub."],
    )


def _listed(rows: Sequence[dict[str, Any]]) -> Iterable[str]:
    return table(
        ("OF", "HUB", "SIZE", "FOLDER"),
        ((moment(row["made_s"]), row["hub"], _megabytes(row), row["folder"]) for row in rows),
    )


@backup.command("status")
@json_option
@click.pass_obj
def status(terminal: Terminal, as_json: bool) -> None:
    """The last verified backup, and what sites may let go because of it."""
    result = call_hub(terminal.folder, "backup_status", {})
    where = [] if result["folder"] is None else [f"It was written to {result['folder']}"]
    terminal.data(result, as_json=as_json, text=lambda: [result["text"], *where])


@backup.command("restore")
@click.argument("place", metavar="DIR", type=_PLACE)
@click.option("--replace", is_flag=True, help="Put what lies in the data folder aside first.")
@json_option
@click.pass_obj
def restore(terminal: Terminal, place: Path, replace: bool, as_json: bool) -> None:
    """Put a backup in the place of a hub that is not running: DIR, or the newest one in DIR.

    keys/ must be in the data folder already. Sites send again by themselves what came after the backup.
    """
    from ..api.operations import describe
    from ..clock import SystemClock
    from ..services.restore import restore_hub

    shown = _Shown(terminal)
    try:
        done = asyncio.run(
            restore_hub(
                terminal.folder,
                place.absolute(),
                replace=replace,
                clock=SystemClock(),
                progressed=shown.progressed,
            )
        )
    except StoreError as error:
        raise CallRefused(describe(error)) from error
    made_s = done.manifest.made_s
    terminal.data(
        {"folder": str(done.folder), "made_s": made_s},
        as_json=as_json,
        text=lambda: [f"restored: the hub of {moment(made_s)}"],
    )
    terminal.talk(
        "Start it with `sfhub serve`. Sites send again what came since, and give this hub's later replies "
        "back. Open enrolment codes were ended: make new ones."
    )


def _watched(terminal: Terminal, method: str, params: Mapping[str, object]) -> Any:
    """One long call, with progress for whoever waits."""

    async def work(call: Call) -> Any:
        async with asyncio.TaskGroup() as group:
            working = group.create_task(_outcome(call(method, params)))
            await asyncio.wait([working], timeout=QUIET_S)
            if not working.done():
                await _show_progress(terminal, call, working)
        outcome = working.result()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return use_hub(terminal.folder, work)


async def _outcome(answer: Awaitable[Any]) -> Any:
    """What was answered, or the refusal: raised inside a group it would lose its name."""
    try:
        return await answer
    except (CallFailed, LocalSocketError, HubError, StoreError) as error:
        return error


async def _show_progress(terminal: Terminal, call: Call, working: asyncio.Task[Any]) -> None:
    """On a connection of its own, since the other one waits for its answer; without a server all calls are
    made here, and none waits for another."""
    try:
        client = await LocalClient.connect(terminal.folder.socket)
    except NotRunning:
        await _follow(_Shown(terminal), call, working)
        return
    async with client:
        await _follow(_Shown(terminal), client.call, working)


async def _follow(shown: _Shown, call: Call, working: asyncio.Task[Any]) -> None:
    while not working.done():
        if doing := await call("backup_doing", {}):
            shown.progressed(doing["what"], doing["done"], doing["total"])
        await asyncio.wait([working], timeout=1.0)


class _Shown:
    """Says where the work is, once for each percent."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._last = ""

    def progressed(self, what: str, done: int, total: int) -> None:
        sentence = f"{what}: {100 * done // total if total else 100} %"
        if sentence != self._last:
            self._last = sentence
            self._terminal.talk(sentence)


def _megabytes(row: Mapping[str, Any]) -> str:
    return f"{row['size_bytes'] / _MEGABYTE:.1f} MB"
