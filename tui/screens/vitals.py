"""Vital signs of a case: one row to fill, the score as you type, every earlier set below."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from textual.widget import Widget

from protocol.clinical import Patient
from sfnode.views import CaseView
from tui.lines import EMPTY, Line, Row, Span, Tone, line, wrap_after
from tui.score import patient_of
from tui.sheets.vitals import set_rows
from tui.spoken import BadMoment, read_moment
from tui.vital_signs import Mistyped, improbable
from tui.widgets import Sheet
from tui.widgets.form import FormField, Kind

from .form import FormPage, NotYet


class VitalsPage(FormPage):
    """An impossible value is refused, an improbable one is asked about once."""

    TITLE_WORDS = "vital signs"
    save_words = "Save this set"

    def __init__(self, view: CaseView) -> None:
        super().__init__(f"vitals {view.row.case}")
        self._view = view
        self._asked: tuple[str, ...] = ()

    def fields(self) -> Sequence[FormField]:
        return (
            FormField(key="vitals", label="Vital signs", kind=Kind.VITALS),
            FormField(key="observed_s", label="Measured at", hint="now; or 21:30 (UTC), 20m ago"),
        )

    def patient(self) -> Patient:
        return patient_of(self._view)

    def intro(self, width: int) -> tuple[Line, ...]:
        return (
            line(
                " ",
                Span("VITAL SIGNS", Tone.HEADING),
                "   ",
                Span(self._view.row.patient, Tone.STRONG),
                f"  {self._view.row.complaint}",
            ),
            *wrap_after(
                (Span(" ALLERGIES  ", Tone.LABEL),), self._view.allergies, width - 1, tone=Tone.STRONG
            ),
            EMPTY,
        )

    def body(self) -> Iterable[Widget]:
        yield from super().body()
        yield Sheet(self._rows, id="sets")

    async def save(self, answers: Mapping[str, str]) -> None:
        for alarm in await self.shell.daemon.add_vitals(self._view.row.case, self._read(answers)):
            self.site.take_alarm(alarm)

    def saved(self) -> None:
        self.shell.leave("Vital signs saved.")
        self.shell.reload()

    def _read(self, answers: Mapping[str, str]) -> dict[str, object]:
        row = self.form.vitals
        try:
            values = dict(row.values()) if row is not None else {}
            if when := answers.get("observed_s"):
                values["observed_s"] = read_moment(when, self.shell.now_s)
        except (Mistyped, BadMoment) as error:
            raise NotYet(str(error)) from error
        if not values.keys() - {"observed_s"}:
            raise NotYet("Nothing was measured yet: fill at least one sign.")
        doubtful = improbable(values)
        if doubtful and doubtful != self._asked:
            self._asked = doubtful
            raise NotYet(f"{', '.join(doubtful)}: is that right? Save again if it is.")
        return values

    def _rows(self, width: int) -> list[Row]:
        return set_rows(self._view.vitals, self.shell.now_s, width)
