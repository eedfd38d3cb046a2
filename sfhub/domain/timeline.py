"""Everything that was ever said in a case, one line each, what was struck included."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import groupby
from typing import Any, Final

from protocol.actors import Party
from protocol.ids import RecordId
from protocol.plain_words import described, standing_words
from protocol.records import Kind, Record, UnknownBody

from ..views import TimelineRow
from .case_file import CaseFile
from .words import claim, given_text, headline_text, patient_text, treatment_text, vitals_text

TEXT_LETTERS_MAX: Final = 400
"""A line is an index; notes and answers stand in full elsewhere on the page."""

_Text = Callable[[Any], str]

_LINES: Final[Mapping[Kind, tuple[str, _Text]]] = {
    Kind.PATIENT: ("patient", patient_text),
    Kind.CASE_OPENED: ("case opened", lambda body: body.question),
    Kind.HEADLINE: ("headline", headline_text),
    Kind.NOTE: ("note", lambda body: body.text),
    Kind.VITALS: ("vitals", vitals_text),
    Kind.TREATMENT: ("treatment given", treatment_text),
    Kind.MEDIA: ("photo", lambda body: body.caption),
    Kind.CASE_SEEN: ("case opened by the hub", lambda body: ""),
    Kind.REPLY_SEEN: ("reply seen at the site", lambda body: ""),
    Kind.ORDER_CONFIRMED: ("order confirmed", lambda body: _numbered(body.order, body.read_back)),
    Kind.ORDER_GIVEN: ("order done", lambda body: _numbered(body.order, given_text(body))),
    Kind.ORDER_REFUSED: ("order not done", lambda body: _numbered(body.order, body.reason)),
    Kind.PLAN_ACCEPTED: ("plan accepted", lambda body: body.remark or ""),
    Kind.CLOSED: ("closed", lambda body: body.outcome),
    Kind.REPLY: ("reply", lambda body: body.assessment),
    Kind.ADVICE: ("immediate advice", lambda body: body.text),
    Kind.ORDER_STOPPED: ("order stopped", lambda body: _numbered(body.order, body.reason)),
    Kind.VOIDED: ("entered in error", lambda body: body.reason),
}
"""Title and text of a kind. Others are told in `protocol.plain_words`; what is in neither (who somebody is,
what is aboard) is no event."""


def timeline(file: CaseFile) -> tuple[TimelineRow, ...]:
    """Newest first, in the records' own order; no wall clock decides it. Readings that were sent together are
    one line, with the newest of them in words: the table has the others."""
    rows: list[TimelineRow] = []
    stands = standing_words(file.state)
    for series in _series(file):
        row = _row(file, series[0], stands)
        if row is not None:
            count = len(series)
            rows.append(row if count == 1 else replace(row, title=f"{row.title}, {count} sets"))
    return tuple(rows)


def _series(file: CaseFile) -> Iterator[list[Record]]:
    """Neighbours that make one line, newest first."""

    def together(record: Record) -> object:
        is_reading = record.kind == Kind.VITALS and record.record_id not in file.state.voided
        return file.arrival(record).number if is_reading else record.record_id

    for _, records in groupby(reversed(file.state.records), key=together):
        yield list(records)


def _row(file: CaseFile, record: Record, stands: Mapping[RecordId, str]) -> TimelineRow | None:
    if isinstance(record.body, UnknownBody):
        title, text = "record of a newer kind", "not understood here: update, or call the site"
    elif record.kind in _LINES:
        title, phrase = _LINES[Kind(record.kind)]
        text = phrase(record.body)
    elif (said := described(record)) is not None:
        title, text = said.title, said.text
    else:
        return None
    if record.record_id in stands:
        title = f"{title} ({stands[record.record_id]})"
    arrived = file.arrival(record)
    return TimelineRow(
        record=record.record_id.hex(),
        kind="unknown" if isinstance(record.body, UnknownBody) else Kind(record.kind).name.lower(),
        title=title,
        text=text if len(text) <= TEXT_LETTERS_MAX else text[:TEXT_LETTERS_MAX] + "…",
        author=file.author(record),
        at_hub=arrived.party is Party.HUB,
        claimed=claim(record.stamp),
        claimed_s=record.stamp.wall_s,
        arrived_s=arrived.received_s,
        struck=record.record_id in file.state.voided,
    )


def _numbered(order: int, text: str | None) -> str:
    return f"order {order}: {text}" if text else f"order {order}"
