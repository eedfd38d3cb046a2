"""Commands that make a hub, its clinicians and its sites."""

from __future__ import annotations

from pathlib import Path

import click

from protocol.enrolment import MESSAGE_BYTES_MAX

from ..app import init_hub
from ..config import HubIdentity
from ..domain.words import moment
from ..errors import BadRequest, NotFound
from .calling import call_hub
from .terminal import Terminal, json_option, table


@click.command()
@click.option("--organisation", required=True, help="Whom the hub belongs to.")
@click.option("--name", required=True, help="What sites call it; part of its address, never changes.")
@json_option
@click.pass_obj
def init(terminal: Terminal, organisation: str, name: str, as_json: bool) -> None:
    """Make a new hub in its data folder."""
    identity = HubIdentity(organisation, name)
    init_hub(terminal.folder, identity)
    result = {"organisation": organisation, "name": name, "folder": str(terminal.folder.root)}
    terminal.data(
        result, as_json=as_json, text=lambda: [f"{name} of {organisation} is in {terminal.folder.root}"]
    )
    terminal.talk(
        f"Back up {terminal.folder.keys} apart from the rest. This hub has no verified backups yet: sites "
        "keep "
        "their own copies."
    )


@click.group()
def clinician() -> None:
    """Who answers cases."""


@clinician.command("add")
@click.option("--name", required=True)
@click.option(
    "--role", type=click.Choice(["specialist", "coordinator"]), default="specialist", show_default=True
)
@json_option
@click.pass_obj
def clinician_add(terminal: Terminal, name: str, role: str, as_json: bool) -> None:
    """Add one; only specialists may reply."""
    result = call_hub(terminal.folder, "clinician_add", {"name": name, "role": role})
    terminal.data(result, as_json=as_json, text=lambda: [f"{result['name']}, {result['role']}"])


@clinician.command("list")
@json_option
@click.pass_obj
def clinician_list(terminal: Terminal, as_json: bool) -> None:
    """All of them."""
    rows = call_hub(terminal.folder, "clinicians", {})
    terminal.data(
        rows, as_json=as_json, text=lambda: table(("NAME", "ROLE"), ((r["name"], r["role"]) for r in rows))
    )


@click.group()
def enrol() -> None:
    """Let a site join, with a one-time code."""


@enrol.command("new")
@click.option("--site", required=True, help="The site's name, as it is to be known.")
@click.option("--valid-h", type=click.FloatRange(min=0, min_open=True), default=72, show_default=True)
@json_option
@click.pass_obj
def enrol_new(terminal: Terminal, site: str, valid_h: float, as_json: bool) -> None:
    """Print a code, once. Pass it on by voice or on paper."""
    result = call_hub(terminal.folder, "enrol_new", {"site": site, "valid_h": valid_h})
    terminal.data(result, as_json=as_json, text=lambda: [result["code"]])
    terminal.talk(
        f"For {site}, until {moment(result['expires_s'])}, good once. It is not shown again; 3 wrong tries "
        "burn it."
    )


@enrol.command("list")
@json_option
@click.pass_obj
def enrol_list(terminal: Terminal, as_json: bool) -> None:
    """Codes and what became of them; never the codes themselves."""
    rows = call_hub(terminal.folder, "enrol_list", {})
    terminal.data(
        rows,
        as_json=as_json,
        text=lambda: table(
            ("SITE", "STATE", "WRONG TRIES", "MADE", "EXPIRES"),
            ((r["site"], r["state"], r["tries"], moment(r["made_s"]), moment(r["expires_s"])) for r in rows),
        ),
    )


@enrol.command("accept")
@click.argument("request", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False))
@json_option
@click.pass_obj
def enrol_accept(terminal: Terminal, request: Path, out: Path, as_json: bool) -> None:
    """Answer a request that came as a file; carry the answer back."""
    message = _read_request(request)
    result = call_hub(terminal.folder, "enrol_accept", {"request": message})
    out.write_bytes(result["response"])
    terminal.data(
        {"out": str(out), "size_bytes": len(result["response"])},
        as_json=as_json,
        text=lambda: [f"{out}: carry it to the site"],
    )


def _read_request(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            message = file.read(MESSAGE_BYTES_MAX + 1)
    except OSError as error:
        raise NotFound(f"{path} cannot be read ({error.strerror}). Nothing was changed.") from error
    if not 1 <= len(message) <= MESSAGE_BYTES_MAX:
        raise BadRequest(f"{path} is no enrolment request: it has not 1..{MESSAGE_BYTES_MAX} bytes.")
    return message
