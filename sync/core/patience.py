"""How long a session waits for its peer: every session timeout, in one place."""

from __future__ import annotations

from typing import Final

SILENCE_S: Final = 30.0
"""A peer that owes us something has this long; a satellite handover or a fade takes less."""
SILENCE_ROUND_TRIPS: Final = 6
"""On links so slow that thirty seconds are little."""
PARTING_S: Final = 10.0
"""For the peer's goodbye after ours; nothing depends on it."""
KEEPALIVE_S: Final = 60.0
"""A session kept open says so this often, since a link can die without a sign."""
KEEPALIVE_MISSED_S: Final = 150.0
"""Two signs of life missed and half a minute of grace."""

QUIET_S: Final = 30.0
"""After which a caller that need not say goodbye has gone: what it still wants it has asked for by then."""
GAP_S: Final = 75.0
"""Where the link itself knocks until it is back: a gap of a minute, and what it takes to be heard again."""


def silence_s(rtt_s: float | None) -> float:
    """How long a peer may say nothing while we wait for it."""
    return max(SILENCE_S, SILENCE_ROUND_TRIPS * (rtt_s or 0.0))
