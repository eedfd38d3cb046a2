"""Forecasts in sentences: when something is likely at the hub, on what that rests, and how such words fared.

Nothing here promises a person's answer: what is foretold ends with the link.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Final

from protocol.stamps import Certainty
from sfnode.domain.moments import Moment, elapsed_s
from sfnode.spool.foretold import Foretold
from sfnode.views import ArrivalView
from sync.scheduler.arrival import CONTACTS_BEFORE_FORECAST, Interval
from sync.scheduler.outages import OUTAGES_BEFORE_FORECAST
from sync.scheduler.windows import WINDOWS_BEFORE_FORECAST, Chance

_SOON_S: Final = 180
"""What comes sooner is told in seconds or minutes from now, not by the clock on the wall."""
_MINUTE_S: Final = 60
_LATEST_S: Final = 253_402_300_799.0
"""The end of the year 9999: no calendar here knows a later one."""
_NO_CLOCK: Final = "this machine's clock is not set"


def arrival_view(
    interval: Interval | None, *, seen: int, down: str | None, now: Moment, outages: int | None = None
) -> ArrivalView:
    """What can be said before something is queued; `down`: the link that has to come back first; `outages`:
    past ones that lasted as long as the present one has."""
    if interval is None:
        return ArrivalView(basis=_too_little(seen, down, outages), contacts=seen)
    has_clock = now.certainty is not Certainty.UNSET
    of_outages = "" if interval.outages is None else f" and {interval.outages} outages as long as this one"
    return ArrivalView(
        when=_when(interval, now),
        by=_by(interval.high_s, now),
        basis=f"from {interval.contacts} past contacts{of_outages}" + ("" if has_clock else f"; {_NO_CLOCK}"),
        contacts=interval.contacts,
        low_s=interval.low_s,
        high_s=interval.high_s,
        from_s=int(now.wall_s + interval.low_s) if has_clock else None,
        until_s=int(now.wall_s + interval.high_s) if has_clock else None,
    )


def _too_little(contacts: int, down: str | None, outages: int | None) -> str:
    """What is missing for a forecast."""
    if outages is not None and contacts >= CONTACTS_BEFORE_FORECAST:
        of = f"{outages} of {OUTAGES_BEFORE_FORECAST}"
        return f"no forecast: {down} is down, and {of} outages seen that lasted as long"
    while_down = f" after {down} was down" if down and outages is None else ""
    return f"no forecast yet: {contacts} of {CONTACTS_BEFORE_FORECAST} contacts seen{while_down}"


def told_words(foretold: Foretold, now: Moment) -> str:
    """What was told of a bundle that is still on its way; "" where nothing was, or no clock can tell."""
    passed_s = elapsed_s(foretold.at, now)
    if foretold.interval is None or passed_s is None:
        return ""
    left = Interval(
        foretold.interval.low_s - passed_s, foretold.interval.high_s - passed_s, foretold.interval.contacts
    )
    if left.high_s < 0:
        return f"late: was likely {_by(left.high_s, now)}"
    return f"likely {_by(left.high_s, now) if left.low_s <= 0 else _from_to(left, now)}"


def proof_words(*, inside: int, of: int) -> str:
    """How the last forecasts fared."""
    return f"{inside} of the last {of} arrived inside what was told"


def chance_words(chance: Chance | None) -> str:
    """Whether it can finish before the link goes dark."""
    if chance is None:
        return ""
    if chance.is_forecast:
        return f"{chance.long_enough} of {chance.as_old} past windows were long enough to finish in this one"
    if chance.seen < WINDOWS_BEFORE_FORECAST:
        return f"no forecast of this window yet: {chance.seen} of {WINDOWS_BEFORE_FORECAST} past ones seen"
    return f"no forecast of this window: {chance.as_old} of {chance.seen} past ones lasted as long as it has"


def _when(interval: Interval, now: Moment) -> str:
    if interval.high_s <= _SOON_S or now.certainty is Certainty.UNSET:
        return _from_to(interval, now)
    return f"between {_clock(_low(interval, now), now)} and {_clock(_high(interval, now), now)}"


def _from_to(interval: Interval, now: Moment) -> str:
    """The same, for a narrow column."""
    if interval.high_s <= _SOON_S or now.certainty is Certainty.UNSET:
        low, high = _span(interval.low_s), _span(interval.high_s)
        if interval.low_s <= 0:
            return f"within {high}"
        return f"in {high}" if low == high else f"in {low} to {high}"
    return f"{_clock(_low(interval, now), now)} to {_clock(_high(interval, now), now)}"


def _low(interval: Interval, now: Moment) -> float:
    return now.wall_s + max(0.0, interval.low_s)


def _high(interval: Interval, now: Moment) -> float:
    """Rounded up: nothing is told narrower than it is."""
    return math.ceil((now.wall_s + interval.high_s) / _MINUTE_S) * _MINUTE_S


def _by(high_s: float, now: Moment) -> str:
    if now.certainty is Certainty.UNSET:
        return f"within {_span(high_s)}" if high_s >= 0 else f"{_span(-high_s)} ago"
    if 0 <= high_s <= _SOON_S:
        return f"within {_span(high_s)}"
    return f"by {_clock(_high(Interval(0.0, high_s, 0), now), now)}"


def _clock(at_s: float, now: Moment) -> str:
    at, today = datetime.fromtimestamp(min(at_s, _LATEST_S), UTC), datetime.fromtimestamp(now.wall_s, UTC)
    if at.date() == today.date():
        return f"{at:%H:%M}Z"
    return f"{at:%d %b %H:%M}Z" if at.year == today.year else f"{at:%d %b %Y %H:%M}Z"


def _span(seconds: float) -> str:
    if seconds < 2 * _MINUTE_S:
        return f"{math.ceil(max(0.0, seconds))} s"
    if seconds < 120 * _MINUTE_S:
        return f"{math.ceil(seconds / _MINUTE_S)} min"
    return f"{math.ceil(seconds / 3600)} h"
