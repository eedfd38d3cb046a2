"""Lines for records that have no place of their own on the case's sheet, so that none is silently missing."""

from __future__ import annotations

from collections.abc import Iterator

from protocol.plain_words import described, standing_words

from .asked import waiting_questions
from .case_file import CaseFile
from .moments import Moment
from .wording import clock


def other_lines(case: CaseFile, now: Moment, language: str = "en") -> tuple[str, ...]:
    """In the records' own order; what was struck is left out here and stays in the case, and a question that
    waits has its own place. `language` is that of coded questions and answers."""
    return tuple(_lines(case, now, language))


def _lines(case: CaseFile, now: Moment, language: str) -> Iterator[str]:
    stands = standing_words(case.state)
    waiting = {state.question.record_id for state in waiting_questions(case)}
    for record in case.state.standing:
        said = described(record, language)
        if said is None or record.record_id in waiting:
            continue
        title = f"{said.title} ({stands[record.record_id]})" if record.record_id in stands else said.title
        when = clock(record.stamp.wall_s, now.wall_s)
        yield f"{when} {case.state.name_of(record.author)}, {title}: {said.text}"
