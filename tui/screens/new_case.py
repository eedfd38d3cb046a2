"""A new case: a template by its digit, then one column; what sending needs is marked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from textual import events
from textual.widget import Widget

from sfnode.errors import NodeError
from tui.answers import FieldSpec, Template
from tui.lines import EMPTY, Line, Row, Span, Tone, line, row, spread
from tui.score import patient_facts
from tui.spoken import BadMoment, means_none_known, read_list, read_moment
from tui.vital_signs import Mistyped, improbable
from tui.widgets import Sheet
from tui.widgets.form import FormField, Kind, Need
from tui.widgets.vitals_row import VitalsRow
from tui.work import start

from .form import FormPage, NotYet
from .page import Page

_URGENCIES: Final = {"emergency": "emergency", "urgent": "urgent", "routine": "routine"}
_WORDS: Final = {
    "f": "female",
    "m": "male",
    "o": "other",
    "u": "unknown",
    "not-applicable": "does not apply",
}
# The template's names for what a case has a place of its own for, and the daemon's.
_PARAMETERS: Final = {"age": "age_years", "weight": "weight_kg", "onset": "onset_s"}
_OWN: Final = frozenset(
    {
        "complaint",
        "question",
        "sex",
        "pregnancy",
        "allergies",
        "medicines",
        "history",
        "plan_if_silent",
        "note",
    }
) | frozenset(_PARAMETERS)
_LISTS: Final = frozenset({"medicines", "history"})
_HINTS: Final = {
    "text": "",
    "number": "number",
    "moment": "21:30 (UTC), 40m ago, 2h ago",
    "list": "each one; a comma between them",
    "photo": "after saving: p adds photographs",
}
_WEIGHT_HOW: Final = FormField(
    key="weight_how",
    label="The weight was",
    kind=Kind.CHOICE,
    choices={"measured": "measured", "estimated": "estimated"},
)
_HUB: Final = "asked_hub"
"""No template has a field of this name."""
_SAVED_ANYWAY: Final = frozenset({"complaint", "question"})


class PickTemplatePage(Page):
    """Which form: a digit picks it."""

    TITLE_WORDS = "new case"
    AUTO_FOCUS = "Sheet"

    def __init__(self) -> None:
        super().__init__(loads=True)
        self._templates: tuple[Template, ...] = ()

    def body(self) -> Iterable[Widget]:
        yield Sheet(self._rows, id="templates")

    def on_mount(self) -> None:
        start(self, self._load, name="load templates")

    async def on_key(self, event: events.Key) -> None:
        if event.character and event.character.isdigit() and 0 < int(event.character) <= len(self._templates):
            event.stop()
            self._open(self._templates[int(event.character) - 1])

    def on_sheet_chosen(self, message: Sheet.Chosen) -> None:
        message.stop()
        self._open(next(template for template in self._templates if template.name == message.key))

    def _open(self, template: Template) -> None:
        self.shell.open_instead(NewCasePage(template))

    async def _load(self) -> None:
        try:
            self._templates = await self.shell.daemon.templates()
        except NodeError as error:
            self.shell.forget_keys()
            self.say_failure(error)
            return
        finally:
            self.arrived.set()
        self.query_one("#templates", Sheet).renew()

    def _rows(self, width: int) -> list[Row]:
        rows = [row(), row(Span("NEW CASE", Tone.HEADING), Span("   what is it about?", Tone.FAINT)), row()]
        for number, template in enumerate(self._templates, 1):
            kept = self.shell.drafts.of(_draft_of(template))
            digit = str(number) if number <= 9 else " "
            needed = sum(field.required for field in template.fields)
            more = len(template.fields) - needed
            rows.append(
                row(
                    Span(f"{digit}  ", Tone.KEY),
                    Span(f"{template.title:<24}", Tone.STRONG),
                    Span("begun here, not saved", Tone.WARNING)
                    if kept
                    else Span(f"{needed} answers needed to send, {more} more if known", Tone.FAINT),
                    key=template.name,
                )
            )
        return rows


class NewCasePage(FormPage):
    """Saving makes a draft in the vault; nothing leaves this machine before it is sent."""

    TITLE_WORDS = "new case"
    save_words = "Save the draft"

    def __init__(self, template: Template) -> None:
        super().__init__(_draft_of(template))
        self._template = template
        self._case: str | None = None
        self._asked: tuple[str, ...] = ()

    def sections(self) -> Sequence[tuple[str, Sequence[FormField]]]:
        """What sending needs first; it can be saved without going through the rest."""
        needed = [_form_field(spec) for spec in self._template.fields if spec.required]
        known: list[FormField] = []
        for spec in self._template.fields:
            if not spec.required and spec.kind != "photo":
                known.append(_form_field(spec))
                known.extend([_WEIGHT_HOW] if spec.key == "weight" else [])
        if not any(item.key == "note" for item in known):
            known.insert(0, FormField(key="note", label="Story in your own words", kind=Kind.NOTE))
        return (("", (*_always(), *self._hub_field(), *needed)), ("If you know it", known))

    def _hub_field(self) -> tuple[FormField, ...]:
        """Whom to ask, where there is a choice."""
        status = self.shell.site.status
        hubs = () if status is None else status.hubs
        if len(hubs) < 2:
            return ()
        home = next((hub.name for hub in hubs if hub.home), hubs[0].name)
        names = sorted((hub.name for hub in hubs), key=lambda name: name != home)
        return (
            FormField(
                key=_HUB,
                label="Hub to ask",
                kind=Kind.CHOICE,
                choices={name: f"{name} (unless you pick)" if name == home else name for name in names},
            ),
        )

    def intro(self, width: int) -> tuple[Line, ...]:
        left = line(" ", Span("NEW CASE", Tone.HEADING), "   ", Span(self._template.title, Tone.STRONG))
        return (spread(left, line(Span("* needed to send ", Tone.FAINT)), width), EMPTY)

    def changed(self, answers: Mapping[str, str]) -> None:
        """The score depends on age and pregnancy."""
        row: VitalsRow | None = self.form.vitals
        if row is not None:
            age = answers.get("age", "")
            facts = patient_facts(
                age_years=int(age) if age.isdigit() and int(age) <= 130 else None,
                pregnant=answers.get("pregnancy") == "yes",
            )
            row.suit(facts)
        lacking = [item.label for item in self.form.missing(Need.TO_SEND)]
        self.say(
            f"Needed to send: {', '.join(lacking)}."
            if lacking
            else "Complete: it can be sent once it is saved."
        )

    async def save(self, answers: Mapping[str, str]) -> None:
        vitals = self._vitals()
        if self._case is None:
            self._case = await self.shell.daemon.open_case(self._case_values(answers))
        if vitals:
            # Should this fail, the case is not opened a second time when Save is pressed again.
            await self.shell.daemon.add_vitals(self._case, vitals)

    def saved(self) -> None:
        from .case import CasePage

        if self._case is None:
            raise LookupError("a case was saved without getting a name")
        page = CasePage(self._case)
        self.shell.open_instead(page)
        page.say("Draft saved on this machine. p adds a photo, v vital signs; s sends it.", Tone.GOOD)
        self.shell.reload()

    def _case_values(self, answers: Mapping[str, str]) -> dict[str, object]:
        values: dict[str, object] = {
            "template": self._template.name,
            "urgency": answers["urgency"],
            "patient_code": answers["patient_code"],
        }
        if hub := answers.get(_HUB):
            values["hub"] = hub
        words: dict[str, str] = {}
        kinds = {spec.key: spec.kind for spec in self._template.fields}
        for key, kind in {**kinds, "note": "text"}.items():
            text = answers.get(key, "")
            if not text:
                continue
            if key in _OWN:
                values.update(self._own_value(key, text))
            elif kind != "vitals":
                words[key] = text
        if "weight_kg" in values and answers.get(_WEIGHT_HOW.key):
            values["weight_measured"] = answers[_WEIGHT_HOW.key] == "measured"
        return {**values, "answers": words}

    def _own_value(self, key: str, text: str) -> dict[str, object]:
        name = _PARAMETERS.get(key, key)
        if key == "allergies":
            return {"no_known_allergies": True} if means_none_known(text) else {"allergies": read_list(text)}
        if key in _LISTS:
            return {name: read_list(text)}
        if key == "age":
            if not text.isdigit():
                raise NotYet(f"Age is a whole number of years, not {text!r}.")
            return {name: int(text)}
        if key == "onset":
            try:
                return {name: read_moment(text, self.shell.now_s)}
            except BadMoment as error:
                raise NotYet(str(error)) from error
        return {name: text.replace(",", ".") if key == "weight" else text}

    def _vitals(self) -> Mapping[str, object]:
        row = self.form.vitals
        if row is None:
            return {}
        try:
            values = row.values()
        except Mistyped as error:
            raise NotYet(str(error)) from error
        doubtful = improbable(values)
        if doubtful and doubtful != self._asked:
            self._asked = doubtful
            raise NotYet(f"{', '.join(doubtful)}: is that right? Save again if it is.")
        return values


def _draft_of(template: Template) -> str:
    return f"case {template.name}"


def _always() -> tuple[FormField, ...]:
    """What every case has, whatever it is about."""
    return (
        FormField(key="urgency", label="Urgency", kind=Kind.CHOICE, need=Need.TO_SAVE, choices=_URGENCIES),
        FormField(
            key="patient_code",
            label="Patient code",
            need=Need.TO_SAVE,
            hint="no name: a code that you can find again",
        ),
    )


def _form_field(spec: FieldSpec) -> FormField:
    kinds = {"choice": Kind.CHOICE, "vitals": Kind.VITALS}
    need = Need.TO_SAVE if spec.key in _SAVED_ANYWAY else Need.TO_SEND if spec.required else Need.NEVER
    hint = "none, or each one; a comma between them" if spec.key == "allergies" else _HINTS.get(spec.kind, "")
    return FormField(
        key=spec.key,
        label=spec.label,
        kind=Kind.NOTE if spec.key == "note" else kinds.get(spec.kind, Kind.LINE),
        need=need,
        hint="kg" if spec.key == "weight" else "years" if spec.key == "age" else hint,
        choices={choice: _WORDS.get(choice, choice) for choice in spec.choices},
    )
