"""Times, spans and amounts in words short enough for one column. Nothing here reads a clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Final

_MINUTE_S: Final = 60
_HOUR_S: Final = 3600
_DAY_S: Final = 86_400
_SAME_DAY_S: Final = 20 * _HOUR_S
"""An hour and minute alone are not taken for those of another day."""


def clock_face(now_s: float, offset_minutes: int) -> str:
    """UTC and local time, minutes only: a running second would cost bytes for ever."""
    utc = datetime.fromtimestamp(now_s, UTC)
    if offset_minutes == 0:
        return f"{utc:%H:%M}Z"
    local = utc.astimezone(timezone(timedelta(minutes=offset_minutes)))
    return f"{utc:%H:%M}Z {local:%H:%M}"


def moment(at_s: float, now_s: float) -> str:
    """`21:42Z`, `22 Nov 21:42Z` when it is not within a day, `22 Nov 2025` in another year."""
    then, now = datetime.fromtimestamp(at_s, UTC), datetime.fromtimestamp(now_s, UTC)
    if abs(now_s - at_s) < _SAME_DAY_S:
        return f"{then:%H:%M}Z"
    return f"{then:%d %b %H:%M}Z" if then.year == now.year else f"{then:%d %b %Y}"


def brief_moment(at_s: float, now_s: float) -> str:
    """The same for a narrow column: of another day only the date."""
    return moment(at_s, now_s) if abs(now_s - at_s) < _SAME_DAY_S else moment(at_s, now_s).rpartition(" ")[0]


def age(since_s: float, now_s: float) -> str:
    """`now`, `4m`, `2h`, `3d`; a time ahead of our clock is `now`, too."""
    passed = max(0, int(now_s - since_s))
    if passed < _MINUTE_S:
        return "now"
    for unit_s, unit in ((_DAY_S, "d"), (_HOUR_S, "h")):
        if passed >= unit_s:
            return f"{passed // unit_s}{unit}"
    return f"{passed // _MINUTE_S}m"


def span(seconds: float) -> str:
    """`8 s`, `3 min`, `2 h 05 min`: how long something takes, rounded up to what a person can use."""
    whole = int(seconds) + (seconds > int(seconds))
    if whole < 2 * _MINUTE_S:
        return f"{whole} s"
    minutes = -(-whole // _MINUTE_S)
    if minutes < 2 * _MINUTE_S:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def size(count_bytes: int) -> str:
    """`812 B`, `2.1 kB`, `61 kB`, `3.4 MB`; a kilobyte has 1000 bytes, as on the bill."""
    if count_bytes < 1000:
        return f"{count_bytes} B"
    amount, unit = (count_bytes / 1e3, "kB") if count_bytes < 999_500 else (count_bytes / 1e6, "MB")
    return f"{amount:.1f} {unit}" if amount < 9.95 else f"{amount:.0f} {unit}"


def money(usd: float) -> str:
    """`$4.10`; less than a cent is said so, never shown as nothing."""
    if 0 < usd < 0.01:
        return "<$0.01"
    return f"${usd:.2f}"
