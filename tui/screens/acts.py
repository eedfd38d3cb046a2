"""Short forms about one case: what was done on an order, what is accepted, what is added to the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sfnode.views import CaseView, OrderView
from tui.lines import EMPTY, Line, Span, Tone, line, wrap_after
from tui.sheets.plan import order_lines
from tui.spoken import BadMoment, means_none_known, read_moment
from tui.widgets.form import FormField, Kind, Need

from .form import FormPage, NotYet


@dataclass(frozen=True, slots=True)
class _Act:
    title: str
    save_words: str
    said: str
    fields: tuple[FormField, ...]


_WHEN: Final = FormField(key="given_s", label="When", hint="now; or 21:30 (UTC), 20m ago")
_ORDER_ACTS: Final = {
    "order_confirm": _Act(
        "READ BACK",
        "Confirm",
        "confirmed",
        (
            FormField(
                key="read_back", label="Type the dose again", need=Need.TO_SAVE, hint="as it is ordered above"
            ),
        ),
    ),
    "order_done": _Act(
        "DONE",
        "Done now, as ordered",
        "recorded as done",
        (
            FormField(key="dose", label="Dose, if it was another", hint="as ordered"),
            _WHEN,
            FormField(key="remark", label="Remark", hint="effect, site, why another dose"),
        ),
    ),
    "order_refuse": _Act(
        "NOT DONE",
        "Refuse this order",
        "refused",
        (FormField(key="reason", label="Why it is not done", need=Need.TO_SAVE),),
    ),
}
_WRITINGS: Final = {
    "note": _Act(
        "NOTE",
        "Save the note",
        "Note saved",
        (FormField(key="text", label="What you saw or did", kind=Kind.NOTE, need=Need.TO_SAVE),),
    ),
    "treatment": _Act(
        "TREATMENT GIVEN",
        "Save the treatment",
        "Treatment saved",
        (
            FormField(
                key="what", label="What", need=Need.TO_SAVE, hint="drug and strength, or what was done"
            ),
            FormField(key="dose", label="Dose", hint="300 mg"),
            FormField(key="route", label="Route", hint="by mouth, IV, IM, inhaled"),
            _WHEN,
            FormField(key="effect", label="Effect"),
        ),
    ),
    "allergy": _Act(
        "ALLERGY",
        "Save the allergy",
        "Allergy saved",
        (
            FormField(
                key="allergy",
                label="Allergic to",
                need=Need.TO_SAVE,
                hint="and what happens: rash, swelling; or: none known",
            ),
        ),
    ),
}
_METHODS: Final = {"note": "note_add", "treatment": "treatment_add", "allergy": "patient_update"}


class OrderPage(FormPage):
    """Confirm by reading back, record as done, or refuse: one order, whole, above what is asked."""

    TITLE_WORDS = "order"

    def __init__(self, case: str, method: str, order: OrderView) -> None:
        super().__init__(f"{method} {case} {order.reply} {order.number}")
        self._case = case
        self._method = method
        self._order = order
        self._act = _ORDER_ACTS[method]
        self.save_words = self._act.save_words
        # What was done is recorded at once; its details may come first, but need not.
        self.opens_on_confirm = method == "order_done"

    def fields(self) -> Sequence[FormField]:
        return self._act.fields

    def intro(self, width: int) -> tuple[Line, ...]:
        title = line(
            " ", Span(self._act.title, Tone.HEADING), "   ", Span(f"order {self._order.number}", Tone.FAINT)
        )
        body = order_lines(self._order, width - 2)
        return (title, *((Span(" "), *content) for content in body), EMPTY)

    async def save(self, answers: Mapping[str, str]) -> None:
        values = _present(answers, self.shell.now_s)
        await self.shell.daemon.act(
            self._method,
            {"case": self._case, "order": self._order.number, "reply": self._order.reply, **values},
        )

    def saved(self) -> None:
        self.shell.leave(f"Order {self._order.number} {self._act.said}.")


class AcceptPage(FormPage):
    """A named person weighs what the reply did not know of."""

    TITLE_WORDS = "accept the reply"
    save_words = "I have weighed this and go on with the reply"

    def __init__(self, view: CaseView) -> None:
        super().__init__(f"plan_accept {view.row.case}")
        self._view = view

    def fields(self) -> Sequence[FormField]:
        return (FormField(key="remark", label="Remark", hint="what you do about it, if anything"),)

    def intro(self, width: int) -> tuple[Line, ...]:
        unknown = self._view.plan.written_before if self._view.plan else ()
        lines: list[Line] = [line(" ", Span(" WRITTEN BEFORE ", Tone.ALARM), "  The reply did not know of:")]
        for fact in unknown:
            lines.extend(wrap_after((Span("   - "),), fact, width - 1, tone=Tone.STRONG))
        note = "If it changes an order, do not accept: refuse the order, or ask the hub with a note."
        return (*lines, *wrap_after((Span(" "),), note, width - 1, tone=Tone.FAINT), EMPTY)

    async def save(self, answers: Mapping[str, str]) -> None:
        values = _present(answers, self.shell.now_s)
        await self.shell.daemon.act("plan_accept", {"case": self._view.row.case, **values})

    def saved(self) -> None:
        self.shell.leave("Accepted. The hub is told who weighed it and what of.")


class WritePage(FormPage):
    """Adds a note, a treatment or an allergy."""

    TITLE_WORDS = "add to the case"

    def __init__(self, view: CaseView, what: str) -> None:
        super().__init__(f"{what} {view.row.case}")
        self._view = view
        self._what = what
        self._act = _WRITINGS[what]
        self.save_words = self._act.save_words

    def fields(self) -> Sequence[FormField]:
        return self._act.fields

    def intro(self, width: int) -> tuple[Line, ...]:
        return (
            line(" ", Span(self._act.title, Tone.HEADING), "   ", Span(self._view.row.patient, Tone.STRONG)),
            *wrap_after(
                (Span(" ALLERGIES  ", Tone.LABEL),), self._view.allergies, width - 1, tone=Tone.STRONG
            ),
            EMPTY,
        )

    async def save(self, answers: Mapping[str, str]) -> None:
        values: dict[str, object] = {"case": self._view.row.case, **_present(answers, self.shell.now_s)}
        if self._what == "allergy":
            words = str(values.pop("allergy"))
            values |= {"no_known_allergies": True} if means_none_known(words) else {"add_allergies": [words]}
        await self.shell.daemon.act(_METHODS[self._what], values)

    def saved(self) -> None:
        self.shell.leave(f"{self._act.said}.")


def _present(answers: Mapping[str, str], now_s: float) -> dict[str, object]:
    """Answers that are there; a time as it was meant."""
    values: dict[str, object] = {key: text for key, text in answers.items() if text and key != "given_s"}
    if given := answers.get("given_s"):
        try:
            values["given_s"] = read_moment(given, now_s)
        except BadMoment as error:
            raise NotYet(str(error)) from error
    return values
