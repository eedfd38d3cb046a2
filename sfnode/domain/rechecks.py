"""How long a reply is still valid and when the next vitals are due, by a clock that runs on through restarts.

Law: what cannot be told is said to be so; a wall clock that was not set proves nothing.
"""

from __future__ import annotations

import math
from typing import Final

from protocol.clinical import Vitals
from protocol.orders import Reply
from protocol.records import Record
from protocol.stamps import Certainty

from .case_file import CaseFile
from .contingency import WARNING, Alarm, subject_of
from .moments import Moment, elapsed_s
from .wording import span

CANNOT_TELL: Final = "cannot tell: confirm"
EXPIRED: Final = "NO LONGER VALID"
NO_LIMIT: Final = "no limit stated"


def validity_text(record: Record, case: CaseFile, now: Moment) -> str:
    """ "valid for 6 h more", counted from when the reply was first seen here."""
    reply: Reply = record.body
    if reply.valid_for_min is None:
        return NO_LIMIT
    passed_s = elapsed_s(case.first_seen[record.record_id], now)
    if passed_s is None:
        return CANNOT_TELL
    left_s = reply.valid_for_min * 60 - passed_s
    return f"valid for {span(left_s)} more" if left_s > 0 else EXPIRED


def recheck_due_in_s(record: Record, case: CaseFile, now: Moment) -> float | None:
    """Seconds until the next vitals are due, negative once missed; None without a rule, or when it cannot be
    told."""
    reply: Reply = record.body
    passed_s = _since_last(record, case, now)
    if reply.recheck_every_min is None or passed_s is None:
        return None
    return reply.recheck_every_min * 60 - passed_s


def recheck_text(record: Record, case: CaseFile, now: Moment) -> str:
    """ "recheck in 12 min", "RECHECK MISSED by 20 min", "" without a rule."""
    reply: Reply = record.body
    if reply.recheck_every_min is None or case.state.closed:
        return ""
    due_in_s = recheck_due_in_s(record, case, now)
    if due_in_s is None:
        return CANNOT_TELL
    return f"recheck in {span(due_in_s)}" if due_in_s > 0 else f"RECHECK MISSED by {span(-due_in_s)}"


def missed_rechecks(case: CaseFile, now: Moment) -> tuple[Alarm, ...]:
    """An alarm for each standing reply whose vitals are overdue: a new one each time another interval has
    passed, and one when nobody can tell whether they are."""
    if case.state.closed:
        return ()
    found = (_missed(record, case, now) for record in case.state.replies if record.body.recheck_every_min)
    return tuple(alarm for alarm in found if alarm is not None)


def next_recheck_alarm_in_s(case: CaseFile, now: Moment) -> float:
    """Seconds until `missed_rechecks` has something new to say by the passing of time alone; infinite when
    only news of the case or a step of the clocks can change what it says."""
    if case.state.closed:
        return math.inf
    waits = (_next_in_s(record, case, now) for record in case.state.replies if record.body.recheck_every_min)
    return min(waits, default=math.inf)


def _next_in_s(record: Record, case: CaseFile, now: Moment) -> float:
    reply: Reply = record.body
    due_in_s = recheck_due_in_s(record, case, now)
    if due_in_s is None:
        return math.inf
    if due_in_s > 0:
        return due_in_s
    every_s = (reply.recheck_every_min or 0) * 60
    return every_s - (-due_in_s % every_s)


def _missed(record: Record, case: CaseFile, now: Moment) -> Alarm | None:
    reply: Reply = record.body
    every_min = reply.recheck_every_min or 0
    due_in_s = recheck_due_in_s(record, case, now)
    last = case.state.vitals[-1].record_id if case.state.vitals else b""
    if due_in_s is None:
        text = (
            f"RECHECK: vitals are wanted every {every_min} min, and as the clock was not set nobody can tell "
            "when: take them now"
        )
        return Alarm(
            subject=subject_of(b"recheck", record.record_id, last, b"?"), severity=WARNING, text=text
        )
    if due_in_s > 0:
        return None
    times = 1 + int(-due_in_s // (every_min * 60))
    return Alarm(
        subject=subject_of(b"recheck", record.record_id, last, times.to_bytes(8, "big")),
        severity=WARNING,
        text=f"RECHECK MISSED by {span(-due_in_s)}: vitals were wanted every {every_min} min, "
        "and nothing is watched until values are entered",
    )


def _since_last(record: Record, case: CaseFile, now: Moment) -> float | None:
    """Seconds since the reply was first seen or vitals were last observed, whichever is less."""
    reply: Reply = record.body
    moments = [case.first_seen[record.record_id]]
    moments += [_observed(each, case.first_seen[each.record_id]) for each in case.state.vitals]
    passed = [elapsed_s(moment, now) for moment in moments]
    known = [each for each in passed if each is not None]
    every_s = (reply.recheck_every_min or 0) * 60
    if len(known) == len(passed) or (known and min(known) < every_s):
        return min(known)
    # Something may have been observed since then, at a time that nobody can tell.
    return None


def _observed(record: Record, first_seen: Moment) -> Moment:
    """When a set was observed: values written down late are as old as they say, if this machine's clock can
    judge."""
    vitals: Vitals = record.body
    if first_seen.certainty is Certainty.UNSET:
        return first_seen
    return first_seen.earlier_by(max(0, first_seen.wall_s - vitals.observed_s))
