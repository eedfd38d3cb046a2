"""Commands that look after keys."""

from __future__ import annotations

import click

from ..domain.words import moment
from .calling import call_hub
from .terminal import Terminal, json_option, table

REASONS = ("lost", "stolen", "replaced", "retired")


@click.group()
def keys() -> None:
    """The hub's opening keys, and devices that are trusted no longer."""


@keys.command("list")
@json_option
@click.pass_obj
def keys_list(terminal: Terminal, as_json: bool) -> None:
    """Opening keys by epoch, then revoked device keys."""
    result = call_hub(terminal.folder, "keys_list", {})
    terminal.data(
        result,
        as_json=as_json,
        text=lambda: [
            *table(
                ("EPOCH", "DRAWN", "STATE", "SITES TOLD"),
                (
                    (
                        str(row["epoch"]),
                        moment(row["made_s"]),
                        _standing(row),
                        "at enrolment" if row["epoch"] == 0 else f"{row['sites_told']} of {result['sites']}",
                    )
                    for row in result["epochs"]
                ),
            ),
            *(
                f"revoked {row['key']} {moment(row['revoked_s'])}: {row['reason']}"
                + (f", {row['remark']}" if row["remark"] else "")
                for row in result["revoked"]
            ),
        ],
    )


@keys.command("rotate")
@json_option
@click.pass_obj
def keys_rotate(terminal: Terminal, as_json: bool) -> None:
    """Draw the next opening key now; every site is told. It happens by itself once a month."""
    result = call_hub(terminal.folder, "keys_rotate", {})
    terminal.data(
        result,
        as_json=as_json,
        text=lambda: [f"epoch {result['epoch']}; on its way to {result['sites_told']} devices"],
    )
    terminal.talk(f"Back up {terminal.folder.keys} again: what is sealed from now on opens with the new key.")


@keys.command("destroy")
@click.option("--older-than", "days", type=click.IntRange(min=0), help="Days since the next was drawn.")
@click.option("--epoch", type=click.IntRange(min=0), help="This one, whatever its age.")
@json_option
@click.pass_obj
def keys_destroy(terminal: Terminal, days: int | None, epoch: int | None, as_json: bool) -> None:
    """Destroy opening keys for good. By age, never the enrolment's key nor one of the last 14 epochs.

    What was sealed for a destroyed key and comes later is asked for again. Copies in backups of the keys are
    not touched: destroy those too.
    """
    params = {"epoch": epoch, "older_than_days": days}
    result = call_hub(terminal.folder, "keys_destroy", params)
    epochs = ", ".join(map(str, result["destroyed"])) or "none was old enough"
    terminal.data(result, as_json=as_json, text=lambda: [f"destroyed: {epochs}"])


@keys.command("revoke")
@click.argument("name", metavar="SITE|KEYID")
@click.option("--reason", type=click.Choice(REASONS), required=True)
@click.option(
    "--since",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="First counter not believed; 0: nothing that comes from now on.",
)
@click.option("--remark", help="For people, at most 200 bytes.")
@json_option
@click.pass_obj
def keys_revoke(
    terminal: Terminal, name: str, reason: str, since: int, remark: str | None, as_json: bool
) -> None:
    """Trust a device no longer, at once. What it sends from now on is put aside, never dropped."""
    params: dict[str, object] = {"name": name, "reason": reason, "since": since}
    if remark:
        params["remark"] = remark
    result = call_hub(terminal.folder, "keys_revoke", params)
    terminal.data(
        result,
        as_json=as_json,
        text=lambda: [f"revoked {result['key']}" + (f", {result['site']}" if result["site"] else "")],
    )


def _standing(row: dict[str, object]) -> str:
    if row["destroyed_s"]:
        return "destroyed"
    if not row["held"]:
        return "NOT HERE: restore it from the backup of the keys"
    return "newest" if row["newest"] else "opens what is old"
