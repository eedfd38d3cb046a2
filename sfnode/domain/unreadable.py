"""What the case list says of cases that cannot be read: erased by a person, or damaged by the disk."""

from __future__ import annotations

from typing import Final

from protocol.header import Priority
from protocol.ids import CaseId
from sfnode.views import CaseRow
from sync.stores.erasures import Erasure

from .wording import URGENCY_WORDS, clock

ERASED_STATE: Final = "erased"
DAMAGED_STATE: Final = "DAMAGED"


def erased_words(erasure: Erasure) -> str:
    """When, by whom, why, and whether anything came afterwards."""
    words = f"erased {clock(erasure.erased_s, 0)} by {erasure.erased_by}: {erasure.reason}"
    if erasure.late:
        words += f" (of {erasure.late} later messages only the ids were kept)"
    return words


def erased_row(erasure: Erasure, *, short: str) -> CaseRow:
    """All that is left of it; it needs nobody."""
    return _row(
        erasure.case_id, short, state=ERASED_STATE, says=erased_words(erasure), changed_s=erasure.erased_s
    )


def damaged_row(case_id: CaseId, *, short: str) -> CaseRow:
    """Nobody may act on a part of a case, so it needs a person at once."""
    return _row(
        case_id,
        short,
        state=DAMAGED_STATE,
        says="cannot be read: the disk has damaged it",
        needs_you="DAMAGED: restore a backup, or ask the hub for this case",
        urgency=Priority.EMERGENCY,
    )


def _row(
    case_id: CaseId,
    short: str,
    *,
    state: str,
    says: str,
    needs_you: str | None = None,
    urgency: Priority = Priority.ROUTINE,
    changed_s: int = 0,
) -> CaseRow:
    return CaseRow(
        case=case_id.hex(),
        short=short,
        patient="",
        complaint=says,
        urgency=URGENCY_WORDS[urgency],
        news2=None,
        news2_partial=False,
        state=state,
        needs_you=needs_you,
        changed_s=changed_s,
    )
