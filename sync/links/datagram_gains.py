"""By how much to exceed or fall short of the rate that a link is believed to carry."""

from __future__ import annotations

from enum import Enum
from typing import Final

SEARCH_GAIN: Final = 2.9
"""The rate more than doubles each round trip; a queue ends that at once."""
THIN_SEARCH_GAIN: Final = 1.25
THIN_PROBE_GAIN: Final = 1.1
"""Where a queue costs an urgent frame seconds the search is patient."""
THIN_QUEUE_S: Final = 0.2
"""What answers vary by in any case."""
CYCLE: Final = (1.25, 0.75, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
"""One round each: try for more, drain what that queued, cruise."""
PROBED: Final = 1
"""The round in which what was tried for is heard of."""
STEER_MIN: Final = 0.8
STEER_MAX: Final = 1.05
KEPT_S_MAX: Final = 0.1
"""More than timers come late by."""
DRAIN_GAIN: Final = 0.5


class Mode(Enum):
    """What the sender is up to."""

    SEARCHING = "searching"
    DRAINING = "draining"
    CRUISING = "cruising"
    SOUNDING = "sounding"
    SHARING = "sharing"


def cruising_gain(gain: float, *, queue_s: float, standing_s: float, least_s: float) -> float:
    """Keep half of what counts as no queue, to make up for what random loss takes, and drain the rest. But
    what lies in a queue is lost when the link goes dark."""
    excess_s = queue_s - min(standing_s / 2, KEPT_S_MAX)
    steer = min(max(1 - excess_s / (2 * least_s), STEER_MIN), STEER_MAX)
    return max(gain, steer) if gain > 1 or excess_s < 0 else min(gain, steer)


def thin_gain(gain: float, *, queue_s: float, least_s: float) -> float:
    """What is urgent waits behind any queue of ours: there is none but what the probing itself makes."""
    return min(gain, max(1 - (queue_s - THIN_QUEUE_S) / least_s, STEER_MIN))
