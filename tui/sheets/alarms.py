"""The alarms of the site: those that nobody has acknowledged first, each whole."""

from __future__ import annotations

from collections.abc import Sequence

from sfnode.views import AlarmView, CaseRow
from tui.lines import Row, Span, Tone, line, row, wrap_after
from tui.moments import moment

from .frame import unacknowledged


def alarm_rows(alarms: Sequence[AlarmView], cases: Sequence[CaseRow], now_s: float, width: int) -> list[Row]:
    """Keys are alarm numbers; acknowledged ones stay to be read."""
    if not alarms:
        return [row(Span("No alarm. This list is only as good as the values that are entered.", Tone.FAINT))]
    who = {case.case: f"{case.short} {case.patient}" for case in cases}
    waiting = unacknowledged(alarms)
    done = sorted(
        (alarm for alarm in alarms if alarm.acknowledged_by is not None), key=lambda alarm: -alarm.since_s
    )
    return [_alarm_row(alarm, who.get(alarm.case or "", ""), now_s, width) for alarm in (*waiting, *done)]


def _alarm_row(alarm: AlarmView, who: str, now_s: float, width: int) -> Row:
    emergency = alarm.severity == "emergency"
    open_tone = Tone.ALARM if emergency else Tone.WARNING
    tone = open_tone if alarm.acknowledged_by is None else Tone.FAINT
    title = line(
        Span(" ALARM " if emergency else " WARNING ", tone),
        Span(f"  {moment(alarm.since_s, now_s)}", Tone.STRONG),
        Span(f"  {who}"),
        Span(f"  acknowledged by {alarm.acknowledged_by}" if alarm.acknowledged_by else "", Tone.GOOD),
    )
    words = wrap_after(
        (Span("  "),), alarm.text, width, tone=Tone.STRONG if tone is open_tone else Tone.FAINT
    )
    return Row((title, *words, ()), str(alarm.alarm))
