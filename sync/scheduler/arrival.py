"""When something will have arrived, as an interval that past arrivals vouch for; none before enough came.

Pure: what was estimated and what came of it go in, a low and a high factor on the next estimate come out.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from .estimate import FRAMING_SHARE, Measured

ARRIVALS_MIN: Final = 8
"""Before so many arrivals there is no forecast yet."""
ARRIVALS_KEPT: Final = 64
"""The latest ones: a link of last month says little of today."""
INSIDE_SHARE: Final = 0.8
"""How many in ten arrivals an interval is made to hold."""
_SHORTEST_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class Interval:
    """Seconds from now."""

    low_s: float
    high_s: float
    basis: int
    """Past arrivals that it rests on."""


def soonest_s(measured: Measured, ahead_bytes: int) -> float:
    """If a contact began now: half a round trip, and the link's time for all that goes first and half of what
    a contact costs beside. What `Arrivals` learns is how much longer it takes."""
    on_link = ahead_bytes * (1 + FRAMING_SHARE) + measured.overhead_bytes / 2
    return measured.rtt_s / 2 + on_link / measured.rate_bytes_s


class Arrivals:
    """What became of earlier estimates over one link or for one site."""

    def __init__(self, ratios: Iterable[float] = ()) -> None:
        self._ratios: deque[float] = deque(ratios, maxlen=ARRIVALS_KEPT)

    @property
    def ratios(self) -> tuple[float, ...]:
        """Actual to estimated, oldest first: what to keep over a restart."""
        return tuple(self._ratios)

    def learn(self, *, estimated_s: float, actual_s: float) -> None:
        """One arrived."""
        self._ratios.append(max(actual_s, _SHORTEST_S) / max(estimated_s, _SHORTEST_S))

    def interval(self, estimated_s: float) -> Interval | None:
        """For the next one; None means "no forecast yet"."""
        if len(self._ratios) < ARRIVALS_MIN:
            return None
        ranked = sorted(self._ratios)
        outside = (1 - INSIDE_SHARE) / 2
        last = len(ranked) - 1
        # One rank further out on each side: the share then holds for the next arrival, not only for these.
        low = ranked[max(0, math.floor(outside * len(ranked)) - 1)]
        high = ranked[min(last, math.ceil((1 - outside) * len(ranked)))]
        base_s = max(estimated_s, _SHORTEST_S)
        # Told in whole seconds, as people read it: a tenth of a second helps nobody to decide.
        return Interval(math.floor(low * base_s), math.ceil(high * base_s), len(ranked))
