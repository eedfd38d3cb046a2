"""What the passing of time alone makes ring in the cases of a site, now and later.

Law: whoever looks again in `next_in_s`, and at all news of a case or of the clocks, misses nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from protocol.ids import CaseId
from protocol.reply_headline import ReplyHeadline
from sfnode.domain.case_file import CaseFile
from sfnode.domain.contingency import Alarm
from sfnode.domain.first_orders import first_orders_alarms, first_orders_due_in_s
from sfnode.domain.moments import Moment
from sfnode.domain.rechecks import missed_rechecks, next_recheck_alarm_in_s, recheck_due_in_s
from sfnode.views import AlarmView

from .happenings import Recheck

_NEUTRAL: Final = "A reminder is due. Unlock to see it."


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmOutlook:
    """What a look at all cases has raised, and when to look again."""

    raised: tuple[AlarmView, ...]
    rechecks: tuple[Recheck, ...]
    """Of every open case whose standing replies ask for rechecks."""
    next_in_s: float
    """When a recheck will be missed, or first orders will have waited too long for their signed reply;
    infinite when neither can happen without news."""


NOTHING_AHEAD: Final = AlarmOutlook(raised=(), rechecks=(), next_in_s=math.inf)
"""Of no case can time alone make anything ring."""


def waits_for_time(case: CaseFile) -> bool:
    """Whether the passing of time alone can make anything of it ring; most cases it cannot."""
    if any(isinstance(kept.said.record.body, ReplyHeadline) for kept in case.uncovered):
        return True
    asks = any(reply.body.recheck_every_min is not None for reply in case.state.replies)
    return asks and not case.state.closed


def due_alarms(cases: Sequence[CaseFile], now: Moment) -> list[tuple[CaseId, tuple[Alarm, ...]]]:
    """By case: rechecks that were not done, and first orders whose signed reply does not follow."""
    due = ((case, (*missed_rechecks(case, now), *first_orders_alarms(case, now))) for case in cases)
    return [(case.case_id, ringing) for case, ringing in due if ringing]


def outlook_of(cases: Sequence[CaseFile], now: Moment, raised: tuple[AlarmView, ...]) -> AlarmOutlook:
    """What comes after what was `raised`."""
    waits = (min(next_recheck_alarm_in_s(case, now), first_orders_due_in_s(case, now)) for case in cases)
    return AlarmOutlook(
        raised=raised,
        rechecks=tuple(recheck for case in cases for recheck in _rechecks(case, now)),
        next_in_s=min(waits, default=math.inf),
    )


def _rechecks(case: CaseFile, now: Moment) -> Iterator[Recheck]:
    """Those that the standing replies of an open case ask for."""
    if case.state.closed:
        return
    for reply in case.state.replies:
        if reply.body.recheck_every_min is not None:
            yield Recheck(
                case_id=case.case_id,
                reply=reply.record_id,
                due_in_s=recheck_due_in_s(reply, case, now),
                neutral_text=_NEUTRAL,
            )
