"""Commands that look at the whole hub."""

from __future__ import annotations

from typing import Any

import click

from ..clock import SystemClock
from ..domain.words import moment, span
from .calling import call_hub
from .terminal import Terminal, json_option, table


@click.command()
@click.option("--seen", is_flag=True, help="Show what is there; notices that were read are not shown again.")
@json_option
@click.pass_obj
def status(terminal: Terminal, seen: bool, as_json: bool) -> None:
    """The hub at a glance."""
    result = call_hub(terminal.folder, "status", {})
    if seen:
        call_hub(terminal.folder, "notices_seen", {})
    terminal.data(
        result,
        as_json=as_json,
        text=lambda: [
            f"{result['hub']} of {result['organisation']}: {result['cases']} open cases, "
            f"{result['needing_answer']} need an answer",
            f"{result['sites']} sites · {result['unsent']} entries not at their site yet · "
            f"{result['quarantined']} put aside",
            f"keys: epoch {result['key_epoch']}",
            result["backup"]["text"],
            *result["datagrams"]["lines"],
            *_waiting_for_seals(result),
            *(f"TROUBLE: {notice}" for notice in result["notices"]),
            *(f"NOTICE: {sentence}" for sentence in result["told_once"]),
        ],
    )


def _waiting_for_seals(result: dict[str, Any]) -> list[str]:
    lines = []
    if result["to_seal_again"]:
        lines.append(
            f"{result['to_seal_again']} bundles are at their site and cannot be opened there: sealed again "
            "once the site's key is known here"
        )
    if result["asked_to_seal_again"]:
        lines.append(
            f"{result['asked_to_seal_again']} bundles are here and cannot be opened: their sites are asked "
            "to seal them again"
        )
    return lines


@click.command()
@json_option
@click.pass_obj
def sites(terminal: Terminal, as_json: bool) -> None:
    """Who is enrolled, and when each was last heard."""
    rows = call_hub(terminal.folder, "sites", {})
    now_s = SystemClock().wall_s()
    terminal.data(
        rows,
        as_json=as_json,
        text=lambda: table(
            ("SITE", "ENROLLED", "LAST HEARD", "KEYS"),
            (
                (
                    r["site"],
                    moment(r["enrolled_s"]),
                    f"{span(now_s - r['last_heard_s'])} ago",
                    "revoked" if r["revoked"] else "current" if r["current"] else "replaced",
                )
                for r in rows
            ),
        ),
    )


@click.group()
def quarantine() -> None:
    """What was put aside, and why."""


@quarantine.command("list")
@json_option
@click.pass_obj
def quarantine_list(terminal: Terminal, as_json: bool) -> None:
    """Newest first; nothing of it is lost, and nothing behind it waits for it."""
    rows: list[dict[str, Any]] = call_hub(terminal.folder, "quarantine", {})
    terminal.data(
        rows,
        as_json=as_json,
        text=lambda: table(
            ("SINCE", "SITE", "WHAT", "ID", "REASON"),
            ((moment(r["since_s"]), r["site"], r["what"], r["id"][:12], r["reason"]) for r in rows),
        ),
    )
