"""Commands about whole cases: case, template, send."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from protocol.limits import TEXT_BYTES_MAX
from sfnode.errors import BadRequest
from sfnode.views import CaseRow, CaseView, TransferView, VitalsView, from_primitive

from .link import show_transfers
from .moments import parse_moment, show_bytes, show_moment, show_span
from .terminal import Terminal, pass_terminal, read_text, table

NOTE_BYTES_MAX: Final = 8 * TEXT_BYTES_MAX
"""A note longer than one record is split into several."""


@click.group()
def case() -> None:
    """Open, list, show and close cases."""


@case.command("new")
@click.option("--template", required=True, help="Form to start from; `sfnode template list` shows them.")
@click.option("--urgency", type=click.Choice(["emergency", "urgent", "routine"]), required=True)
@click.option("--complaint", required=True, help="The one-line problem.")
@click.option("--question", required=True, help="What you want to know.")
@click.option("--patient-code", required=True, help="Code of the patient; no name.")
@click.option("--age", "age_years", type=int)
@click.option("--sex", type=click.Choice(["f", "m", "o", "u"]), default="u")
@click.option("--weight-kg", help="Such as 82.5.")
@click.option("--weight-measured", is_flag=True, help="Measured, not estimated.")
@click.option("--pregnancy", type=click.Choice(["unknown", "no", "yes", "not-applicable"]))
@click.option("--allergy", "allergies", multiple=True, help="Repeat for each.")
@click.option("--no-known-allergies", is_flag=True, help="Asked, and there are none.")
@click.option("--medicine", "medicines", multiple=True, help="Repeat for each.")
@click.option("--history", multiple=True, help="Repeat for each.")
@click.option("--note", help="Free text.")
@click.option("--note-file", type=click.Path(path_type=Path), help="Free text from a file; - for stdin.")
@click.option("--language", help="Language of the text, ISO 639-1.")
@click.option("--onset", help="When it began, such as 2026-11-22T21:40Z.")
@click.option("--reply-wanted-by", help="Until when an answer helps.")
@click.option("--plan-if-silent", help="What you will do if no answer comes.")
@click.option("--answer", "answers", multiple=True, metavar="KEY=TEXT", help="A field of the form.")
@pass_terminal
def new_case(
    terminal: Terminal,
    note: str | None,
    note_file: Path | None,
    onset: str | None,
    reply_wanted_by: str | None,
    answers: tuple[str, ...],
    **fields: Any,
) -> None:
    """Open a case. It stays a draft on this machine until `sfnode send`."""
    if note is not None and note_file is not None:
        raise BadRequest("Give the note with --note or --note-file, one of the two.")
    if note_file is not None:
        note = read_text(note_file, size_bytes_max=NOTE_BYTES_MAX)
    params = {
        **{key: list(value) if isinstance(value, tuple) else value for key, value in fields.items()},
        "note": note,
        "onset_s": parse_moment(onset),
        "reply_wanted_by_s": parse_moment(reply_wanted_by),
        "answers": dict(_answer(answer) for answer in answers),
    }
    answer = terminal.call("case_new", {key: value for key, value in params.items() if value is not None})
    terminal.show(answer, [answer["short"]])
    terminal.say(f"Saved as a draft. Add findings, then `sfnode send {answer['short']}`.")


@case.command("list")
@pass_terminal
def list_cases(terminal: Terminal) -> None:
    """All cases, those that need you first."""
    answer = terminal.call("cases")
    rows = [from_primitive(CaseRow, row) for row in answer]
    terminal.show(answer, table([_row(row) for row in rows]) if rows else ["There is no case yet."])


@case.command("show")
@click.argument("case")
@pass_terminal
def show_case(terminal: Terminal, case: str) -> None:
    """All that is known of one case."""
    answer = terminal.call("case", {"case": case})
    terminal.show(answer, _lines(from_primitive(CaseView, answer)))


@case.command("close")
@click.argument("case")
@click.option("--outcome", required=True, help="How it ended, in a few words.")
@pass_terminal
def close_case(terminal: Terminal, case: str, outcome: str) -> None:
    """End a consult with its outcome."""
    terminal.show(terminal.call("case_close", {"case": case, "outcome": outcome}), ["Closed."])


@click.group()
def template() -> None:
    """The forms a case can start from."""


@template.command("list")
@pass_terminal
def list_templates(terminal: Terminal) -> None:
    """Each form with its fields; those marked * are needed to send."""
    answer = terminal.call("templates")
    lines = []
    for form in answer:
        lines.append(f"{form['name']}  {form['title']} (version {form['version']})")
        lines += [
            f"    {field['key']}{'*' if field['required'] else ''}  {field['label']}"
            for field in form["fields"]
        ]
    terminal.show(answer, lines)


@click.command()
@click.argument("case")
@click.option("--accept-missing", is_flag=True, help="Send although something the form asks for is missing.")
@pass_terminal
def send(terminal: Terminal, case: str, accept_missing: bool) -> None:
    """Send a case; from then on, what you add follows by itself."""
    answer = terminal.call("send", {"case": case, "accept_missing": accept_missing})
    views = [from_primitive(TransferView, row) for row in answer["bundles"]]
    terminal.show(answer, show_transfers(views))
    terminal.say(
        f"Queued {show_bytes(answer['bytes'])}: about {show_span(answer['seconds'])} of link, "
        f"${answer['usd']:.2f}. It goes as soon as the link is there."
    )


def _answer(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key or not value:
        raise BadRequest(f"--answer takes KEY=TEXT, not {text!r}.")
    return key, value


def _row(row: CaseRow) -> tuple[str, ...]:
    score = "" if row.news2 is None else f"N {row.news2}{'+' if row.news2_partial else ''}"
    return (row.urgency, row.short, row.patient, row.complaint, score, row.needs_you or "", row.state)


def _lines(view: CaseView) -> list[str]:
    row = view.row
    lines = [
        f"{row.urgency} {row.short}  {row.patient}  {row.complaint}",
        f"state       {row.state}" + (f"  !! {row.needs_you}" if row.needs_you else ""),
        f"question    {view.question}",
        f"allergies   {view.allergies}",
        f"weight      {view.weight}",
        f"pregnancy   {view.pregnancy}",
    ]
    lists = (
        ("medicine", view.medicines),
        ("history", view.history),
        ("note", view.notes),
        ("treatment", view.treatments),
        ("vitals", tuple(_vitals_line(each) for each in view.vitals)),
        ("photo", tuple(each.caption for each in view.photos)),
        ("update", view.not_understood),
    )
    lines += [f"{name:11} {text}" for name, texts in lists for text in texts]
    if view.plan is not None:
        lines.append(f"plan        {view.plan.headline}")
    return lines + (show_transfers(list(view.transfers)) if view.transfers else [])


def _vitals_line(view: VitalsView) -> str:
    """Every value that was measured, with its unit, and the score."""
    pressure = f"{view.systolic_mmhg or '-'}/{view.diastolic_mmhg or '-'}"
    oxygen = {None: "", True: " on oxygen", False: " on air"}[view.on_oxygen]
    values = (
        ("RR", view.respiratory_rate_min, "/min"),
        ("SpO2", view.spo2_percent, f" %{oxygen}"),
        ("BP", None if pressure == "-/-" else pressure, ""),
        ("HR", view.heart_rate_min, "/min"),
        ("ACVPU", view.consciousness, ""),
        ("T", view.temperature_c, " C"),
        ("GCS", view.glasgow_coma, ""),
        ("pain", view.pain, "/10"),
        ("glucose", view.glucose_mmol_l, " mmol/L"),
    )
    measured = "  ".join(f"{name} {value}{unit}" for name, value, unit in values if value is not None)
    return f"{show_moment(view.observed_s)}  {measured}  ({view.news2_text})"
