"""The lines around every screen: status on top, the alarm below it, keys at the bottom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len

from sfnode.views import AlarmView, StatusView
from tui.lines import CUT_MARK, Line, Span, Tone, cut_line, fit, join, line, spread, width_of, wrap
from tui.moments import clock_face, moment, money, size
from tui.site import Site

from .hubs import TOLD_APART_FROM

FOOTER_KEYS_MAX: Final = 6
ALARM_LINES_MAX: Final = 5
"""The longest alarm, at 80 columns; a text beyond that must not push the plan off the screen."""
MESSAGE_LINES_MAX: Final = 5
"""What is asked before sending, with its price and when it would be there, at 80 columns."""
_GAP: Final = "  "


@dataclass(frozen=True, slots=True)
class KeyHint:
    """One entry of the footer: disabled ones stay, dimmed."""

    key: str
    does: str
    enabled: bool = True


def status_line(site: Site, now_s: float, offset_minutes: int, width: int, *, palette_word: str = "") -> Line:
    """Site, link, what is unsent, what it cost, the time; the least important gives way when it is narrow."""
    right = line(
        Span(" ".join(word for word in (clock_face(now_s, offset_minutes), palette_word) if word)), " "
    )
    if site.status is None:
        words = site.trouble or "connecting to sfnode"
        return spread(line(" ", Span(words, Tone.WARNING if site.trouble else Tone.FAINT)), right, width)
    room = width - width_of(right) - 2
    parts = _status_parts(site.status, site.trouble, link_words=_link_words(site.status))
    if width_of(join(parts, _GAP)) > room:
        # Why the link is down is said in the outbox; that it is, and what waits, must be seen here.
        parts = _status_parts(site.status, site.trouble, link_words=_link_in_short(site.status))
    while len(parts) > 2 and width_of(join(parts, _GAP)) > room:
        # Money goes first, then what waits: the site and its link are said to the last.
        parts.pop()
    return spread(line(" ", *cut_line(join(parts, _GAP), room)), right, width)


def alarm_lines(site: Site, now_s: float, width: int, *, typing: bool) -> tuple[Line, ...]:
    """The alarm that nobody has acknowledged, whole and with its patient; nothing when there is none."""
    open_alarms = unacknowledged(site.alarms)
    if not open_alarms:
        return ()
    first = open_alarms[0]
    count = f" (1 of {len(open_alarms)})" if len(open_alarms) > 1 else ""
    mark = "!! ALARM" if first.severity == "emergency" else "! WARNING"
    case = site.row(first.case or "")
    who = f"  {case.short} {case.patient}" if case is not None else ""
    how = "Esc, then a: acknowledge" if typing else "a: acknowledge"
    pieces = _limited(wrap(f"{mark}{count} {moment(first.since_s, now_s)}{who}: {first.text}", width - 2))
    if cell_len(pieces[-1]) + len(how) + 4 > width and len(pieces) < ALARM_LINES_MAX:
        pieces.append("")
    last = spread((Span(f" {pieces[-1]}", Tone.ALARM),), (Span(f" {how} ", Tone.ALARM),), width)
    return (
        *(line(Span(fit(f" {piece}", width), Tone.ALARM)) for piece in pieces[:-1]),
        _toned(last, Tone.ALARM),
    )


def key_line(hints: Sequence[KeyHint], width: int) -> Line:
    """At most six keys, as many as fit."""
    spans: list[Span] = [Span(" ")]
    for hint in hints[:FOOTER_KEYS_MAX]:
        pair = (
            Span(hint.key, Tone.KEY if hint.enabled else Tone.FAINT),
            Span(f" {hint.does}  ", Tone.PLAIN if hint.enabled else Tone.FAINT),
        )
        if width_of((*spans, *pair)) > width + 2:
            break
        spans.extend(pair)
    return tuple(spans)


def message_lines(text: str, tone: Tone, width: int, lines_max: int = MESSAGE_LINES_MAX) -> tuple[Line, ...]:
    """What the last action came to; an empty line keeps the place."""
    return tuple(line(Span(f" {piece}", tone)) for piece in wrap(text, width - 2)[:lines_max])


def unacknowledged(alarms: Sequence[AlarmView]) -> list[AlarmView]:
    """Worst first, then oldest."""
    waiting = [alarm for alarm in alarms if alarm.acknowledged_by is None]
    return sorted(waiting, key=lambda alarm: (alarm.severity != "emergency", alarm.since_s, alarm.alarm))


def _limited(pieces: list[str]) -> list[str]:
    """The cut is marked: the whole text is in the list of alarms."""
    if len(pieces) <= ALARM_LINES_MAX:
        return pieces
    return [*pieces[: ALARM_LINES_MAX - 1], f"{pieces[ALARM_LINES_MAX - 1]} {CUT_MARK}"]


def _status_parts(status: StatusView, trouble: str | None, *, link_words: str) -> list[Span]:
    parts = [Span(status.site, Tone.STRONG)]
    if trouble:
        parts.append(Span(trouble, Tone.WARNING))
    elif status.hub is None:
        parts.append(Span("no hub yet: sfnode enrol", Tone.WARNING))
    else:
        parts.append(Span(link_words, Tone.GOOD if _all_up(status) else Tone.WARNING))
    if status.vault == "locked":
        parts.append(Span("LOCKED", Tone.WARNING))
    if status.unsent_count:
        items = "item" if status.unsent_count == 1 else "items"
        parts.append(Span(f"unsent {status.unsent_count} {items} {size(status.unsent_bytes)}", Tone.STRONG))
    else:
        parts.append(Span("nothing unsent", Tone.FAINT))
    parts.append(Span(money(status.spent_usd), Tone.FAINT))
    return parts


def _link_words(status: StatusView) -> str:
    """Of several hubs how many are reached: one that is not must not hide behind one that is."""
    if len(status.hubs) < TOLD_APART_FROM:
        return f"link {status.link}"
    return f"{sum(hub.link_up for hub in status.hubs)} of {len(status.hubs)} hubs reached"


def _link_in_short(status: StatusView) -> str:
    """Of several links the one that works, else the first; without the reason."""
    return _link_words(status).partition("; ")[0].partition(": ")[0]


def _all_up(status: StatusView) -> bool:
    return all(hub.link_up for hub in status.hubs) if status.hubs else status.link_up


def _toned(content: Line, tone: Tone) -> Line:
    return tuple(Span(span.text, tone) for span in content)
