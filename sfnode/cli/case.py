"""Commands about whole cases: case, template, send."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

import click

from protocol.limits import TEXT_BYTES_MAX
from sfnode.errors import BadRequest, Refused
from sfnode.views import (
    CaseRow,
    CaseView,
    NoteView,
    QuestionView,
    TransferView,
    VitalsView,
    from_primitive,
)

from .link_use import show_price, show_transfers
from .moments import parse_moment, show_bytes, show_moment, show_span, show_usd
from .terminal import Terminal, pass_terminal, printable, read_text, table

NAME_LETTERS: Final = 8
"""Of a record's id, where a command names it."""
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
@click.option("--hub", help="The hub that it asks, by name [default: the home hub].")
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
    lines = table([(row.hub, *_row(row)) if any(each.hub for each in rows) else _row(row) for row in rows])
    terminal.show(answer, lines or ["There is no case yet."])


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


@case.command("erase")
@click.argument("case")
@click.option("--reason", required=True, help="Why; it stays readable, so name nobody and no finding.")
@click.option("--withdraw", is_flag=True, help="Also take back what the hub does not have yet.")
@click.option("--yes", is_flag=True, help="Do not ask for the case once more.")
@pass_terminal
def erase_case(terminal: Terminal, case: str, reason: str, withdraw: bool, yes: bool) -> None:
    """Destroy all of a case on this machine, for good. The hub is told, and decides for itself.

    Backups made before still hold it; see the operations guide.
    """
    if not yes:
        _confirm_erasure(terminal, case)
    answer = terminal.call("case_erase", {"case": case, "reason": reason, "withdraw": withdraw})
    terminal.show(answer, ["Erased."])


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
@click.option(
    "--accept-missing",
    is_flag=True,
    help="Send although something the form needs is missing; the case will say so.",
)
@click.option("--dry-run", is_flag=True, help="Only say what it would take: bytes, minutes and money.")
@pass_terminal
def send(terminal: Terminal, case: str, accept_missing: bool, dry_run: bool) -> None:
    """Send a case; from then on, what you add follows by itself."""
    if dry_run:
        show_price(terminal, case)
        return
    answer = terminal.call("send", {"case": case, "accept_missing": accept_missing})
    views = [from_primitive(TransferView, row) for row in answer["bundles"]]
    terminal.show(answer, show_transfers(views))
    terminal.say(_queued_sentence(answer, waiting=sum(view.stored_s is None for view in views)))


def _queued_sentence(answer: Mapping[str, Any], *, waiting: int) -> str:
    """What it takes, over which link; or that no link may carry it, and who says how to lift that."""
    price, held = answer["price"], answer.get("held_count", 0)
    queued = f"Queued {show_bytes(answer['bytes'])}"
    if price is None:
        return f"{queued}. {answer['no_link']}"
    why = f": {price['held']}" if price["held"] else ""
    if held and held >= waiting:
        return (
            f"{queued}, all held back{why}. What was written is safe and stays queued; `sfnode status` says "
            "how to let it go."
        )
    takes = (
        f"{queued}: about {show_span(answer['seconds'])} over {price['link']} ({price['basis']}), "
        f"{show_usd(answer['usd'])}. It goes as soon as the link is there."
    )
    if arrival := answer.get("arrival"):
        takes = f"{takes} Arrival: {arrival}."
    if not held:
        return takes
    return f"{takes} {held} of {waiting} items wait{why}. `sfnode status` says how to let them go."


def _confirm_erasure(terminal: Terminal, case: str) -> None:
    """Typed once more by a person, or refused."""
    if not terminal.may_ask:
        raise BadRequest("Erasing asks for the case once more, and cannot ask here. Add --yes.")
    typed: str = click.prompt(
        f"Nothing of {printable(case)} can be brought back. Type it again to erase it", err=True
    )
    if typed.strip() != case:
        raise Refused(f"{typed.strip()!r} is not what you asked to erase. Nothing was changed.")


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
        *([f"hub         {row.hub}"] if row.hub else []),
        f"state       {row.state}" + (f"  !! {row.needs_you}" if row.needs_you else ""),
        f"question    {view.question}",
        f"allergies   {view.allergies}",
        f"weight      {view.weight}",
        f"pregnancy   {view.pregnancy}",
    ]
    lists = (
        ("medicine", view.medicines),
        ("history", view.history),
        ("asks", tuple(_question_line(each) for each in view.questions)),
        (
            "note",
            tuple(_note_line(text, each) for text, each in zip_longest(view.notes, view.note_views)),
        ),
        ("also", view.others),
        ("treatment", view.treatments),
        ("vitals", tuple(_vitals_line(each) for each in view.vitals)),
        ("photo", tuple(each.caption for each in view.photos)),
        ("update", view.not_understood),
    )
    lines += [f"{name:11} {text}" for name, texts in lists for text in texts]
    if view.plan is not None:
        lines.append(f"plan        {view.plan.headline}")
    return lines + (show_transfers(list(view.transfers)) if view.transfers else [])


def _question_line(view: QuestionView) -> str:
    """With what `question answer` knows it by."""
    name = view.question[:NAME_LETTERS] if view.code is None else str(view.code)
    within = f", within {view.within_min} min" if view.within_min is not None else ""
    answers = f" ANSWERED IN TWO WAYS: {'; or: '.join(view.answers)}" if view.answers else ""
    return f"{name}  {view.text} ({view.takes}{within}){answers}"


def _note_line(text: str, view: NoteView | None) -> str:
    """With what `note correct` knows it by."""
    return text if view is None else f"{text}  ({view.record[:NAME_LETTERS]})"


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
