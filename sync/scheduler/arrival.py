"""When something will have arrived, as an interval that past contacts vouch for; none before enough came.

Pure: what was estimated and what came of it go in, an interval for the next estimate comes out.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from .estimate import FRAMING_SHARE, Measured
from .outages import OUTAGES_BEFORE_FORECAST

CONTACTS_BEFORE_FORECAST: Final = 8
"""Before things have arrived in so many contacts there is no forecast yet."""
ARRIVALS_KEPT: Final = 64
"""The latest ones: a link of last month says little of today."""
INSIDE_SHARE: Final = 0.9
"""In how many of ten contacts everything arrived inside the interval that is told."""
_SHORTEST_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class Interval:
    """Seconds from now."""

    low_s: float
    high_s: float
    contacts: int
    """Past ones that it rests on."""
    outages: int | None = None
    """Past ones that lasted as long as the present one has, and say how long that goes on; None where the
    link is not known to be down."""

    def holds(self, actual_s: float) -> bool:
        return self.low_s <= actual_s <= self.high_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """What came of one estimate."""

    soonest_s: float
    """As it was estimated."""
    actual_s: float
    waited_s: float = 0.0
    """Of that, until the contact began in which it arrived."""
    contact: int | None = None
    """Which one; what shared a contact shared its luck, and counts once. None: one of its own."""


def soonest_s(measured: Measured, ahead_bytes: int) -> float:
    """If a contact began now: half a round trip, and the link's time for all that goes first and half of what
    a contact costs beside. What `Arrivals` learns is how much longer it takes."""
    on_link = ahead_bytes * (1 + FRAMING_SHARE) + measured.overhead_bytes / 2
    return measured.rtt_s / 2 + on_link / measured.rate_bytes_s


class Arrivals:
    """What became of earlier estimates over one link or for one site."""

    def __init__(self, arrived: Iterable[Arrived] = ()) -> None:
        self._arrived: deque[Arrived] = deque(arrived, maxlen=ARRIVALS_KEPT)

    def learn(self, *, estimated_s: float, actual_s: float, contact: int | None = None) -> None:
        """One arrived, in a contact of its own unless it is told in which."""
        self._arrived.append(Arrived(soonest_s=estimated_s, actual_s=actual_s, contact=contact))

    @property
    def contacts(self) -> int:
        """In how many contacts something arrived."""
        return len(self._by_contact())

    def interval(self, estimated_s: float, outages_left_s: Sequence[float] | None = None) -> Interval | None:
        """For the next one; None means "no forecast yet".

        The wait for a contact does not grow with the size, and the time within one does: each has its own
        spread, and their sum is no narrower than what was seen. `outages_left_s`: in an outage, how long past
        ones went on from here. What is queued early in one waits longer than most that wait for its end.
        """
        shared = self._by_contact()
        waits = [[each.waited_s for each in contact] for contact in shared]
        if outages_left_s is not None:
            waits = [[left_s] for left_s in outages_left_s]
        if len(shared) < CONTACTS_BEFORE_FORECAST or len(waits) < OUTAGES_BEFORE_FORECAST:
            return None
        base_s = max(estimated_s, _SHORTEST_S)
        waited_low, waited_high = _spread(waits)
        longer_low, longer_high = _spread([[_longer(each) for each in contact] for contact in shared])
        # Told in whole seconds, as people read it: a tenth of a second helps nobody to decide.
        return Interval(
            math.floor(waited_low + longer_low * base_s),
            math.ceil(waited_high + longer_high * base_s),
            len(shared),
            None if outages_left_s is None else len(outages_left_s),
        )

    def _by_contact(self) -> list[list[Arrived]]:
        shared: dict[int, list[Arrived]] = {}
        alone: list[list[Arrived]] = []
        for each in self._arrived:
            if each.contact is None:
                alone.append([each])
            else:
                shared.setdefault(each.contact, []).append(each)
        return [*alone, *shared.values()]


def _longer(each: Arrived) -> float:
    """How many times the estimate the way itself took."""
    return max(each.actual_s - each.waited_s, _SHORTEST_S) / max(each.soonest_s, _SHORTEST_S)


def _spread(of_contacts: Sequence[Sequence[float]]) -> tuple[float, float]:
    """Between which values all of a contact lay, in `INSIDE_SHARE` of them."""
    lowest, highest = sorted(map(min, of_contacts)), sorted(map(max, of_contacts))
    outside, count = (1 - INSIDE_SHARE) / 2, len(of_contacts)
    # One rank further out on each side: the share then holds for the next contact, not only for these.
    low = lowest[max(0, math.floor(outside * count) - 1)]
    high = highest[min(count - 1, math.ceil((1 - outside) * count))]
    return low, high
