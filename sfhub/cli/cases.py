"""Commands on cases: the queue, one case, and what is sent back."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import click

from ..api.operations import QUEUE_ROWS_MAX
from ..clock import SystemClock
from ..domain.words import moment, span
from ..errors import BadRequest, NotAllowed, NotFound
from .calling import Call, call_hub, use_hub
from .terminal import Terminal, json_option, plain, table

REPLY_BYTES_MAX: Final = 256 * 1024


@click.command()
@json_option
@click.pass_obj
def queue(terminal: Terminal, as_json: bool) -> None:
    """Cases in the order in which they should be answered."""
    rows = call_hub(terminal.folder, "queue", {})
    now_s = SystemClock().wall_s()
    titles = ("", "CASE", "PATIENT", "COMPLAINT", "NEWS2", "STATE", "SINCE", "SITE", "PHOTOS", "NOT HERE YET")
    terminal.data(
        rows,
        as_json=as_json,
        text=lambda: table(titles, (_queue_cells(row, now_s) for row in rows)),
    )
    if len(rows) == QUEUE_ROWS_MAX:
        terminal.talk(f"These are the {QUEUE_ROWS_MAX} most urgent; sfhub status counts all of them.")


def _queue_cells(row: Mapping[str, Any], now_s: float) -> tuple[object, ...]:
    return (
        row["urgency_word"],
        f"C-{row['short']}",
        row["patient"],
        row["complaint"],
        row["news2"],
        row["state"],
        span(now_s - row["since_s"]),
        row["site"],
        f"{row['photos_arrived']}/{row['photos_named']}",
        "; ".join(row["missing"]),
    )


@click.group()
def case() -> None:
    """Show a case, mark it seen, save its pictures, erase it."""


@case.command("show")
@click.argument("name", metavar="CASE")
@json_option
@click.pass_obj
def case_show(terminal: Terminal, name: str, as_json: bool) -> None:
    """All that is here of a case, and what is not here yet."""
    view = call_hub(terminal.folder, "case_show", {"case": name})
    terminal.data(view, as_json=as_json, text=lambda: _case_lines(view))


@case.command("seen")
@click.argument("name", metavar="CASE")
@click.option("--by", required=True, help="The clinician who looks at it.")
@json_option
@click.pass_obj
def case_seen(terminal: Terminal, name: str, by: str, as_json: bool) -> None:
    """Tell the site that somebody has opened its case."""
    result = call_hub(terminal.folder, "case_seen", {"case": name, "by": by})
    terminal.data(
        result,
        as_json=as_json,
        text=lambda: ["the site will be told" if result["first"] else "the site knows already"],
    )


@case.command("media")
@click.argument("name", metavar="CASE")
@click.argument("blob")
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False))
@json_option
@click.pass_obj
def case_media(terminal: Terminal, name: str, blob: str, out: Path, as_json: bool) -> None:
    """Save one layer of a photograph (AVIF)."""

    async def fetch(call: Call) -> bytes:
        data = b""
        while True:
            page = await call("case_media", {"case": name, "blob": blob, "offset": len(data)})
            data += bytes(page["data"])
            if len(data) >= page["size_bytes"] or not page["data"]:
                return data

    data = bytes(use_hub(terminal.folder, fetch))
    out.write_bytes(data)
    terminal.data(
        {"out": str(out), "size_bytes": len(data)},
        as_json=as_json,
        text=lambda: [f"{out}: {len(data)} bytes"],
    )


@case.command("erase")
@click.argument("name", metavar="CASE")
@click.option("--by", required=True, help="The clinician who decides it.")
@click.option("--reason", required=True, help="Why; it stays readable, so name nobody and no finding.")
@click.option("--withdraw", is_flag=True, help="Also take back what the site does not have yet.")
@click.option("--yes", is_flag=True, help="Do not ask for the case once more.")
@json_option
@click.pass_obj
def case_erase(
    terminal: Terminal, name: str, by: str, reason: str, withdraw: bool, yes: bool, as_json: bool
) -> None:
    """Destroy all of a case on this hub, for good. The site is told, and decides for itself.

    Backups made before still hold it; see the operations guide.
    """
    if not yes:
        _confirm_erasure(name)
    params = {"case": name, "by": by, "reason": reason, "withdraw": withdraw}
    erased = call_hub(terminal.folder, "case_erase", params)
    terminal.data(erased, as_json=as_json, text=lambda: [erased["text"]])


@case.command("erased")
@json_option
@click.pass_obj
def cases_erased(terminal: Terminal, as_json: bool) -> None:
    """What was erased here, the latest first."""
    rows = call_hub(terminal.folder, "cases_erased", {})
    terminal.data(rows, as_json=as_json, text=lambda: [row["text"] for row in rows])


@click.command()
@click.argument("name", metavar="CASE")
@click.option("--by", required=True, help="The specialist who signs.")
@click.option("--file", "source", required=True, help="JSON file, - for standard input.")
@click.option(
    "--seen", type=int, help="The number `case show --json` gave as seen [default: all that is here]."
)
@json_option
@click.pass_obj
def reply(terminal: Terminal, name: str, by: str, source: str, seen: int | None, as_json: bool) -> None:
    """Send a structured reply.

    Fields: assessment, certainty, orders [{name or item, strength, dose, route, frequency, details,
    read_back}], contingencies [{quantity, below or above, then, confirm_reading, order}],
    recheck_every_min, stop_rule, evacuation, valid_for_min, follow_up,
    prior [{reply, order, disposition}]. Numbers of orders and contingencies are their places.
    """
    params = {"case": name, "by": by, "reply": _read_json(source), "seen": seen}
    show_sent(terminal, call_hub(terminal.folder, "reply", params), as_json=as_json)


@click.command()
@click.argument("name", metavar="CASE")
@click.option("--by", required=True, help="The specialist who signs.")
@click.option("--text", required=True)
@json_option
@click.pass_obj
def advice(terminal: Terminal, name: str, by: str, text: str, as_json: bool) -> None:
    """Send immediate advice; the full reply follows."""
    params = {"case": name, "by": by, "text": text}
    show_sent(terminal, call_hub(terminal.folder, "advice", params), as_json=as_json)


def _confirm_erasure(name: str) -> None:
    """Typed once more by a person, or refused."""
    if not sys.stdin.isatty():
        raise BadRequest("Erasing asks for the case once more, and cannot ask here. Add --yes.")
    typed: str = click.prompt(
        f"Nothing of {plain(name)} can be brought back. Type it again to erase it", err=True
    )
    if typed.strip() != name:
        raise NotAllowed(f"{typed.strip()!r} is not what you asked to erase. Nothing was changed.")


def show_sent(terminal: Terminal, sent: Mapping[str, Any], *, as_json: bool) -> None:
    """What became of something that was sent."""
    terminal.data(
        sent,
        as_json=as_json,
        text=lambda: [f"{sent['what']} {sent['record'][:8]}: at most {sent['size_bytes']} bytes"],
    )
    for caution in sent["cautions"]:
        terminal.talk(f"Look once more: {caution}")


def _read_json(source: str) -> object:
    """A map of fields from a file or standard input."""
    try:
        if source == "-":
            data = sys.stdin.buffer.read(REPLY_BYTES_MAX + 1)
        else:
            with Path(source).open("rb") as file:
                data = file.read(REPLY_BYTES_MAX + 1)
    except OSError as error:
        raise NotFound(f"{source} cannot be read ({error.strerror}). Nothing was sent.") from error
    if len(data) > REPLY_BYTES_MAX:
        raise BadRequest(f"{source} is longer than {REPLY_BYTES_MAX} bytes. Nothing was sent.")
    try:
        values = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"{source} is not JSON ({error}). Nothing was sent.") from error
    if not isinstance(values, dict):
        raise BadRequest(f"{source} does not hold a map of fields. Nothing was sent.")
    return values


def _case_lines(view: Mapping[str, Any]) -> Iterable[str]:
    """One case for a terminal: head, what is missing, then newest first."""
    row, patient = view["row"], view["patient"]
    yield (
        f"C-{row['short']} {row['urgency_word']} {row['complaint']} · {view['site']} · {row['state']} · "
        f"NEWS2 {row['news2']}"
    )
    yield (
        f"{patient['code']} {patient['age_sex']} · {patient['weight']} · allergies: {patient['allergies']} · "
        f"pregnancy: {patient['pregnancy']}"
    )
    yield from (f"NOT HERE YET: {sentence}" for sentence in row["missing"])
    if view["question"]:
        yield f"Question: {view['question']}"
    for asked in view["questions"]:
        answers = f": {'; or: '.join(asked['answers'])}" if asked["answers"] else ""
        yield f"asked ({asked['status']}, {asked['carried']}): {asked['text']}{answers}"
    for reply_view in view["replies"]:
        yield from _reply_lines(reply_view)
    for picture in view["media"]:
        yield f"photo: {picture['caption']} ({picture['banner']})"
    for event in view["timeline"]:
        struck = "STRUCK " if event["struck"] else ""
        said = f"{struck}{event['title']} ({event['author']}): {event['text']}"
        yield f"{event['claimed']}, here {moment(event['arrived_s'])}  {said}"


def _reply_lines(view: Mapping[str, Any]) -> Iterable[str]:
    former = "FORMER " if view["superseded"] else ""
    yield f"{former}reply by {view['author']} ({view['carried']}): {view['assessment']}"
    yield from (f"  WRITTEN BEFORE {fact}" for fact in view["written_before"])
    for order in view["orders"]:
        happened = f" · {'; '.join(order['happened'])}" if order["happened"] else ""
        yield f"  {order['number']}. {order['text']} [{order['status']}]{happened}"
    yield from (f"  {rule}" for rule in view["contingencies"])
