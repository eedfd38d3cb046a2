"""Where a case stands, in the words of the case list, and why it needs a person.

Law: no word claims more than is known: "stored at hub" only when every bundle of the case is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from protocol.news2 import News2, news2, telling_set
from protocol.records import Kind
from sfnode.views import CaseRow

from .asked import waiting_questions
from .case_file import CaseFile
from .first_orders import first_orders
from .moments import Moment
from .plan import LIVE, unaccepted, unread
from .rechecks import CANNOT_TELL, EXPIRED, recheck_text, validity_text
from .unreadable import ERASED_STATE
from .wording import URGENCY_WORDS, patient_line
from .written_before import shown

FIRST_ORDERS: Final = "provisional first orders"
QUESTION: Final = "question from the hub"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transit:
    """How many of a case's bundles have come how far."""

    count: int
    stored: int
    started: int
    """Stored, or with bytes at the hub."""
    held: bool = False
    """What is not stored may go over no link now."""
    no_way: str = ""
    """Why nothing leads to its hub: "no link to NAME"."""


def state_words(case: CaseFile, transit: Transit) -> str:
    """ "draft", "waiting for link", "held back", "going (n of m)", "stored at hub", "seen by doctor",
    "ANSWERED", "closed"."""
    state = case.state
    if state.closed:
        return "closed"
    if case.sent_s is None:
        return "draft"
    if state.replies:
        return "ANSWERED"
    if first_orders(case):
        return "first orders here"
    if state.case_seen:
        return "seen by doctor"
    return _transit_words(transit)


def _transit_words(transit: Transit) -> str:
    if transit.count and transit.stored == transit.count:
        return "stored at hub"
    if transit.no_way:
        return transit.no_way
    if transit.held:
        return f"held back ({transit.stored} of {transit.count})" if transit.started else "held back"
    return f"going ({transit.stored} of {transit.count})" if transit.started else "waiting for link"


def needs_you(case: CaseFile, *, alarms: int, now: Moment) -> str | None:
    """The most pressing reason why a person must look; None when there is none."""
    if alarms:
        return "ALARM" if alarms == 1 else f"{alarms} ALARMS"
    if case.state.not_understood:
        return "update or call"
    if first_orders(case):
        return FIRST_ORDERS
    if new := unread(case):
        return "reply unread" if any(record.kind == Kind.REPLY for record in new) else "advice unread"
    if case.state.closed:
        return None
    if any(not state.answers for state in waiting_questions(case)):
        return QUESTION
    if facts := unaccepted(case):
        return "written before: " + "; ".join(shown(each.text for _, found in facts for each in found))
    return _overdue(case, now)


def case_row(
    case: CaseFile, transit: Transit, *, short: str, alarms: int, now: Moment, hub: str = ""
) -> CaseRow:
    """One line of the case list; only for consults. `hub`: its name, where a site has several."""
    score = latest_score(case)
    return CaseRow(
        case=case.case_id.hex(),
        short=short,
        patient=patient_line(case.patient),
        complaint=case.opened.complaint,
        urgency=URGENCY_WORDS[case.opened.urgency],
        news2=None if score is None else score.total,
        news2_partial=score is not None and score.is_partial,
        state=state_words(case, transit),
        needs_you=needs_you(case, alarms=alarms, now=now),
        changed_s=case.changed_s,
        hub=hub,
    )


def latest_score(case: CaseFile) -> News2 | None:
    """Of the set that stands for the patient now; None without vitals."""
    telling = telling_set(case.state.vitals)
    return news2(telling.body, case.patient) if telling else None


def row_order(row: CaseRow) -> tuple[int, int, int]:
    """Unread replies and alarms first, then anything else that needs a person, then urgency, then the
    newest."""
    pressing = row.needs_you is not None and any(
        word in row.needs_you for word in ("ALARM", "unread", FIRST_ORDERS, QUESTION)
    )
    need = 0 if pressing else 1 if row.needs_you is not None else 2
    urgencies = list(URGENCY_WORDS.values())
    done = row.state in ("closed", ERASED_STATE) and need == 2
    return (3 if done else need, urgencies.index(row.urgency), -row.changed_s)


def _overdue(case: CaseFile, now: Moment) -> str | None:
    for reply in case.state.replies:
        text = recheck_text(reply, case, now)
        if text.startswith("RECHECK MISSED") or text == CANNOT_TELL:
            return text if text != CANNOT_TELL else f"recheck: {CANNOT_TELL}"
        if any(state.status in LIVE for state in case.state.orders if state.reply is reply):
            validity = validity_text(reply, case, now)
            if validity in (EXPIRED, CANNOT_TELL):
                return validity if validity == EXPIRED else f"validity: {CANNOT_TELL}"
    return None
