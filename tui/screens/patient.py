"""What is known of the patient, completed or corrected: only what is filled in is stated anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sfnode.views import CaseView
from tui.lines import EMPTY, Line, Span, Tone, line, wrap_after
from tui.spoken import means_none_known, read_list
from tui.widgets.form import FormField, Kind

from .form import FormPage, NotYet

_EACH: Final = "each one; a comma between them"
_FIELDS: Final = (
    FormField(key="age", label="Age", hint="years"),
    FormField(key="sex", label="Sex", kind=Kind.CHOICE, choices={"f": "female", "m": "male", "o": "other"}),
    FormField(key="allergies", label="Allergies to add", hint=f"none known, or {_EACH}"),
    FormField(key="weight", label="Weight", hint="kg"),
    FormField(
        key="weight_how",
        label="The weight was",
        kind=Kind.CHOICE,
        choices={"measured": "measured", "estimated": "estimated"},
    ),
    FormField(
        key="pregnancy",
        label="Pregnancy",
        kind=Kind.CHOICE,
        choices={"no": "no", "yes": "yes", "not-applicable": "does not apply", "unknown": "unknown"},
    ),
    FormField(key="medicines", label="Medicines to add", hint=_EACH),
    FormField(key="history", label="Past illnesses to add", hint=_EACH),
)
_LISTS: Final = {"medicines": "add_medicines", "history": "add_history"}


class PatientPage(FormPage):
    """Every earlier statement stays readable; a reply that did not know of the new one is marked."""

    TITLE_WORDS = "patient"
    save_words = "Save what is new"

    def __init__(self, view: CaseView) -> None:
        super().__init__(f"patient {view.row.case}")
        self._view = view

    def fields(self) -> Sequence[FormField]:
        return _FIELDS

    def intro(self, width: int) -> tuple[Line, ...]:
        view = self._view
        known = f"weight {view.weight}   pregnancy {view.pregnancy}"
        return (
            line(" ", Span("PATIENT", Tone.HEADING), "   ", Span(view.row.patient, Tone.STRONG)),
            *wrap_after((Span(" ALLERGIES  ", Tone.LABEL),), view.allergies, width - 1, tone=Tone.STRONG),
            *wrap_after((Span(" "),), known, width - 1),
            EMPTY,
        )

    async def save(self, answers: Mapping[str, str]) -> None:
        values = _change(answers)
        if not values:
            raise NotYet("Nothing is filled in, so there is nothing to save.")
        await self.shell.daemon.act("patient_update", {"case": self._view.row.case, **values})

    def saved(self) -> None:
        self.shell.leave("Saved.")
        self.shell.reload()


def _change(answers: Mapping[str, str]) -> dict[str, object]:
    """As the daemon takes it."""
    values: dict[str, object] = {key: answers[key] for key in ("sex", "pregnancy") if answers[key]}
    if age := answers["age"]:
        if not (age.isascii() and age.isdigit()):
            raise NotYet(f"Age is a whole number of years, not {age!r}.")
        values["age_years"] = int(age)
    if allergies := answers["allergies"]:
        is_none = means_none_known(allergies)
        values |= {"no_known_allergies": True} if is_none else {"add_allergies": read_list(allergies)}
    if weight := answers["weight"]:
        values["weight_kg"] = weight.replace(",", ".")
    if how := answers["weight_how"]:
        values["weight_measured"] = how == "measured"
    return values | {_LISTS[key]: read_list(answers[key]) for key in _LISTS if answers[key]}
