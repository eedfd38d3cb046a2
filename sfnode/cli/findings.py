"""Commands that record findings: vitals, note, question, treatment, patient, photo."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import click

from sfnode.errors import BadRequest
from sfnode.views import PhotoView, from_primitive

from .case import NOTE_BYTES_MAX
from .moments import parse_moment, show_bytes
from .plan import alarm_lines
from .terminal import Terminal, pass_terminal, read_text

SETS_BYTES_MAX: Final = 512 * 1024


@click.group()
def vitals() -> None:
    """Record vital signs."""


@vitals.command("add")
@click.argument("case")
@click.option("--file", "file", type=click.Path(path_type=Path), help="JSON list of sets; - for stdin.")
@click.option("--at", "at", help="When they were taken, such as 2026-11-22T21:40Z [default: now].")
@click.option("--hr", "heart_rate_min", type=int, help="Heart rate per minute.")
@click.option("--rr", "respiratory_rate_min", type=int, help="Breaths per minute.")
@click.option("--spo2", "spo2_percent", type=int, help="Oxygen saturation, %.")
@click.option("--on-oxygen/--on-air", "on_oxygen", default=None, help="While it was measured.")
@click.option("--bp", "pressure", help="Blood pressure in mmHg, such as 98/60.")
@click.option("--temp", "temperature_c", help="Temperature in degrees Celsius, such as 38.6.")
@click.option("--acvpu", "consciousness", type=click.Choice(["A", "C", "V", "P", "U"], case_sensitive=False))
@click.option("--gcs", "glasgow_coma", type=int, help="Glasgow coma scale, 3 to 15.")
@click.option("--pain", type=int, help="0 to 10.")
@click.option("--glucose", "glucose_mmol_l", help="Capillary glucose in mmol/L, such as 5.4.")
@pass_terminal
def add_vitals(
    terminal: Terminal, case: str, file: Path | None, at: str | None, pressure: str | None, **readings: Any
) -> None:
    """Record one set of readings, or many from a file. What is not given was not measured."""
    given = {key: value for key, value in readings.items() if value is not None}
    if file is not None:
        if given or at or pressure:
            raise BadRequest("Give readings as options or with --file, one of the two.")
        sets = _sets(file)
    else:
        systolic, diastolic = _pressure(pressure)
        given |= {"observed_s": parse_moment(at), "systolic_mmhg": systolic, "diastolic_mmhg": diastolic}
        sets = [{key: value for key, value in given.items() if value is not None}]
    answer = terminal.call("vitals_add", {"case": case, "sets": sets})
    count = len(answer["records"])
    terminal.show(answer, [f"Saved {count} set{'s' if count > 1 else ''}.", *alarm_lines(answer["alarms"])])


@click.group()
def note() -> None:
    """Record free text."""


@note.command("add")
@click.argument("case")
@click.option("--text", help="The text.")
@click.option("--file", "file", type=click.Path(path_type=Path), help="The text from a file; - for stdin.")
@click.option("--language", help="Language of the text, ISO 639-1 [default: the site's].")
@pass_terminal
def add_note(
    terminal: Terminal, case: str, text: str | None, file: Path | None, language: str | None
) -> None:
    """Record free text as written."""
    params = {"case": case, "text": _words(text, file)} | ({"language": language} if language else {})
    _saved(terminal, terminal.call("note_add", params))


@note.command("correct")
@click.argument("case")
@click.argument("note", metavar="NOTE")
@click.option("--text", help="The whole note as it should have been.")
@click.option("--file", "file", type=click.Path(path_type=Path), help="The same from a file; - for stdin.")
@click.option("--language", help="Language of the text, ISO 639-1 [default: that of the note].")
@pass_terminal
def correct_note(
    terminal: Terminal, case: str, note: str, text: str | None, file: Path | None, language: str | None
) -> None:
    """Put a note right; what it said before stays readable. `case show` names each note."""
    params = {"case": case, "note": note, "text": _words(text, file)}
    _saved(terminal, terminal.call("note_correct", params | ({"language": language} if language else {})))


@click.group()
def question() -> None:
    """What the hub asks."""


@question.command("answer")
@click.argument("case")
@click.argument("question", metavar="QUESTION")
@click.argument("value", required=False)
@click.option(
    "--why-not",
    type=click.Choice(["not-done", "cannot", "refused", "not-known"]),
    help="There is no answer: why. VALUE may say more.",
)
@pass_terminal
def answer_question(
    terminal: Terminal, case: str, question: str, value: str | None, why_not: str | None
) -> None:
    """Answer what the hub asks. `case show` gives each QUESTION its number, and says what it takes."""
    if value is None and why_not is None:
        raise BadRequest("Give the answer, or --why-not.")
    params = {"case": case, "question": question, "value": value, "state": why_not}
    given = {key: word for key, word in params.items() if word is not None}
    _saved(terminal, terminal.call("question_answer", given))


@click.group()
def treatment() -> None:
    """Record what was done."""


@treatment.command("add")
@click.argument("case")
@click.option("--what", required=True, help="Drug or measure.")
@click.option("--dose", help="With its unit, such as 300 mg.")
@click.option("--route", help="Such as oral.")
@click.option("--effect", help="What it did.")
@click.option("--at", "at", help="When, such as 2026-11-22T21:40Z [default: now].")
@pass_terminal
def add_treatment(terminal: Terminal, case: str, at: str | None, **fields: Any) -> None:
    """Record something done that no order asked for."""
    params = {"case": case, "given_s": parse_moment(at), **fields}
    _saved(
        terminal,
        terminal.call("treatment_add", {key: value for key, value in params.items() if value is not None}),
    )


@click.group()
def patient() -> None:
    """Correct or complete what is known of the patient."""


@patient.command("update")
@click.argument("case")
@click.option("--age", "age_years", type=int, help="In years.")
@click.option("--sex", type=click.Choice(["f", "m", "o", "u"]))
@click.option("--add-allergy", "add_allergies", multiple=True, help="Repeat for each.")
@click.option("--no-known-allergies", is_flag=True, help="Asked, and there are none.")
@click.option("--add-medicine", "add_medicines", multiple=True, help="Repeat for each.")
@click.option("--add-history", "add_history", multiple=True, help="Repeat for each.")
@click.option("--weight-kg", help="Such as 82.5.")
@click.option("--weight-measured", is_flag=True, help="Measured, not estimated.")
@click.option("--pregnancy", type=click.Choice(["unknown", "no", "yes", "not-applicable"]))
@pass_terminal
def update_patient(terminal: Terminal, case: str, **changes: Any) -> None:
    """State something new about the patient; what was said before stays readable."""
    given = {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in changes.items()
        if value is not None and value is not False and value != ()
    }
    if not given:
        raise BadRequest("Say what has changed, such as --add-allergy penicillin.")
    _saved(terminal, terminal.call("patient_update", {"case": case, **given}))


@click.group()
def photo() -> None:
    """Add photographs."""


@photo.command("add")
@click.argument("case")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--caption", required=True, help="What it shows.")
@pass_terminal
def add_photo(terminal: Terminal, case: str, file: Path, caption: str) -> None:
    """Add a photograph: made small for the link, position and camera data removed."""
    answer = terminal.call("photo_add", {"case": case, "path": str(file.absolute()), "caption": caption})
    view = from_primitive(PhotoView, answer)
    layers = ", ".join(f"{layer.layer} {show_bytes(layer.size_bytes)}" for layer in view.layers)
    removed = ["Position and camera data were removed."] if view.metadata_removed else []
    terminal.show(answer, [f"Saved: {view.caption} ({layers}).", *removed])


def _saved(terminal: Terminal, answer: Any) -> None:
    terminal.show(answer, ["Saved.", *alarm_lines(answer["alarms"])])


def _words(text: str | None, file: Path | None) -> str:
    """The text of a note, from the one place where it was given."""
    if text is not None and file is None:
        return text
    if file is None or text is not None:
        raise BadRequest("Give the text with --text or --file, one of the two.")
    return read_text(file, size_bytes_max=NOTE_BYTES_MAX)


def _sets(file: Path) -> list[Any]:
    try:
        sets = json.loads(read_text(file, size_bytes_max=SETS_BYTES_MAX))
    except json.JSONDecodeError as error:
        raise BadRequest(f"{file} is not JSON: {error}. Nothing was saved.") from error
    if not isinstance(sets, list) or not all(isinstance(each, dict) for each in sets):
        raise BadRequest(f"{file} does not hold a list of sets. Nothing was saved.")
    for each in sets:
        if "at" in each:
            moment = each.pop("at")
            each["observed_s"] = parse_moment(moment if isinstance(moment, str) else repr(moment))
    return sets


def _pressure(text: str | None) -> tuple[int | None, int | None]:
    if text is None:
        return None, None
    systolic, slash, diastolic = text.partition("/")
    if not (slash and systolic.isdecimal() and diastolic.isdecimal()):
        raise BadRequest(f"A blood pressure looks like 98/60, not {text!r}. Nothing was saved.")
    return int(systolic), int(diastolic)
