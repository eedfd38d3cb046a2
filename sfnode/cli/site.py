"""Commands that set a site up: `init` and `enrol`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import click

from sfnode.config import SiteSettings, write_settings
from sfnode.errors import BadRequest, Refused, StorageFailed, ValueRefused

from .terminal import Terminal, pass_terminal, read_text

_CODE_FILE_BYTES_MAX: Final = 256
_MESSAGE_FILE_BYTES_MAX: Final = 4096


@click.command()
@click.option("--site", required=True, help="Name of the site, as the hub knows it.")
@click.option("--medic", required=True, help="Name of the person who will write here.")
@click.option("--role", type=click.Choice(["medic", "nurse", "master"]), default="medic", show_default=True)
@click.option("--language", default="en", show_default=True, help="Language of notes, ISO 639-1.")
@pass_terminal
def init(terminal: Terminal, site: str, medic: str, role: str, language: str) -> None:
    """Set up a site: its data folder, its keys, its first person.

    Nothing leaves the machine. The passphrase protects cases on this disk; nobody can read them without it.
    """
    if terminal.folder.settings.exists():
        raise Refused(
            f"There is a site in {terminal.folder.root} already. Nothing was changed. "
            "Use it, or choose another folder with --data."
        )
    terminal.folder.create()
    passphrase = terminal.ask_passphrase(confirm=True)
    settings = asyncio.run(_found(terminal, passphrase, site, medic, role, language))
    write_settings(terminal.folder.settings, settings)
    shown = {"site": settings.site, "data": str(terminal.folder.root), "language": settings.language}
    terminal.show(shown, [f"{settings.site} is set up in {terminal.folder.root}."])
    terminal.say("Next: ask the hub for a one-time code, then `sfnode enrol --hub URL --code CODE`.")


@click.command()
@click.option("--hub", "hub_url", help="Address of the hub, such as http://hub.example:8080.")
@click.option("--code", help="The one-time code.")
@click.option(
    "--code-file", type=click.Path(path_type=Path), help="File with the one-time code; - for stdin."
)
@click.option(
    "--again", metavar="HUB", help="It is this hub, which the site has or had, with new keys or address."
)
@click.option("--pin", help="The hub's key for https, sha256:… as `sfhub serve` prints it.")
@click.option("--request-out", type=click.Path(path_type=Path), help="Write the request to a file instead.")
@click.option("--response-in", type=click.Path(path_type=Path), help="Read the hub's answer from a file.")
@pass_terminal
def enrol(
    terminal: Terminal,
    hub_url: str | None,
    code: str | None,
    code_file: Path | None,
    again: str | None,
    pin: str | None,
    request_out: Path | None,
    response_in: Path | None,
) -> None:
    """Join a hub with the one-time code it gave you, over the link or by two small files.

    A site may have several hubs: another one is added, and the same one again is not.

    \b
    Over the link:  sfnode enrol --hub URL --code CODE
    By files:       sfnode enrol --code CODE --request-out FILE   (bring FILE to the hub)
                    sfnode enrol --response-in FILE --hub URL     (with the hub's answer)
    """
    if response_in is not None:
        if hub_url is None or code or code_file or request_out:
            raise BadRequest("With --response-in give --hub, and neither a code nor --request-out.")
        response = _read_message(response_in)
        params = _given(hub=hub_url, again=again, pin=pin, response=response)
        _show_enrolled(terminal, terminal.call("enrol_response", params))
        return
    secret = _code(code, code_file)
    if request_out is not None:
        params = _given(code=secret, again=again)
        request: bytes = terminal.call("enrol_request", params)["request"]
        _write_message(request_out, request)
        terminal.show({"request": str(request_out), "bytes": len(request)}, [f"Wrote {request_out}."])
        terminal.say("Bring it to the hub; then `sfnode enrol --response-in FILE --hub URL`.")
        return
    if hub_url is None:
        raise BadRequest("Give the hub's address with --hub, or --request-out FILE to enrol without a link.")
    _show_enrolled(terminal, terminal.call("enrol", _given(hub=hub_url, code=secret, again=again, pin=pin)))


def _given(**params: object) -> dict[str, object]:
    return {name: value for name, value in params.items() if value is not None}


async def _found(
    terminal: Terminal, passphrase: bytes, site: str, medic: str, role: str, language: str
) -> SiteSettings:
    """The vault; its settings come last, so a vault without settings was killed half-way and is finished."""
    from protocol.actors import Role
    from protocol.errors import InvalidRecord
    from sfnode.vault.vault import Vault
    from sync.stores.errors import StoreError

    folder = terminal.folder.root
    try:
        try:
            vault = await Vault.create(
                folder,
                passphrase,
                site_name=site,
                person_name=medic,
                role=Role[role.upper()],
                language=language,
            )
        except Refused:
            vault = await Vault.unlock(folder, passphrase)
        try:
            identity = await vault.directory.identity()
        finally:
            await vault.close()
    except InvalidRecord as error:
        raise ValueRefused(f"{error}. Nothing was set up.") from error
    except StoreError as error:
        raise StorageFailed(str(error)) from error
    return SiteSettings(site=identity.site_name, language=identity.language)


def _code(code: str | None, code_file: Path | None) -> str:
    if (code is None) == (code_file is None):
        raise BadRequest("Give the one-time code with --code or --code-file, one of the two.")
    return code or read_text(Path(code_file or "-"), size_bytes_max=_CODE_FILE_BYTES_MAX).strip()


def _read_message(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_MESSAGE_FILE_BYTES_MAX + 1)
    except OSError as error:
        raise Refused(f"{path} cannot be read ({error.strerror}). Nothing was changed.") from error
    if len(data) > _MESSAGE_FILE_BYTES_MAX:
        raise BadRequest(f"{path} is too large to be an enrolment answer. Nothing was changed.")
    return data


def _write_message(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise Refused(f"{path} cannot be written ({error.strerror}). Choose another file.") from error


def _show_enrolled(terminal: Terminal, answer: dict[str, object]) -> None:
    terminal.show(answer, [f"{answer['site']} is enrolled with {answer['hub']} ({answer['organisation']})."])
    if answer["link_added"] is not None:
        terminal.say(
            f"The link {answer['link_added']} leads there, on the terms of the first link to the home hub. "
            f'Look at its price and caps: `sfnode link show "{answer["link_added"]}"`.'
        )
