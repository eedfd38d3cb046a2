"""Checkers of urgency: on a link, in the worklist, and within what a site may spend."""

from __future__ import annotations

from typing import Final

from .checker import Checker
from .observations import BytesHandedOut, CaseTaken, ContactPaid, Observation

NOTICE_S: Final = 1.0
"""Between a bundle's arrival in custody and the next piece that a session chooses."""
HEAD_START_S_MAX: Final = 6 * 3600.0
"""Shorter than a shift: by no more may the sickest of a class come later than another and be taken before it.
Stated here and not taken from the hub, which is judged by it."""
USD_ROUNDING: Final = 1e-6


class MostUrgentFirst(Checker):
    """Judged whenever a session hands a piece to the link."""

    law = "The most urgent byte goes first."

    def observe(self, observation: Observation) -> str | None:
        if not isinstance(observation, BytesHandedOut):
            return None
        overdue = [
            bundle
            for bundle, priority, since_s in observation.waiting
            if priority < observation.priority and since_s <= observation.at_s - NOTICE_S
        ]
        if overdue:
            return (
                f"{observation.place} sent {observation.bundle.hex()} of class {observation.priority.value} "
                f"while {overdue[0].hex()} of a more urgent class waited"
            )
        return None


class NobodyStarves(Checker):
    """Judged whenever a specialist takes the first case of the worklist."""

    law = "The most urgent case is answered first, and nobody waits for ever."

    def observe(self, observation: Observation) -> str | None:
        if not isinstance(observation, CaseTaken):
            return None
        for case, priority, since_s in observation.waiting:
            if priority < observation.priority:
                return f"{observation.case.hex()} was taken before the more urgent {case.hex()}"
            if priority == observation.priority and since_s < observation.since_s - HEAD_START_S_MAX:
                return f"{case.hex()} has waited {observation.at_s - since_s:.0f} s and was passed over"
        return None


class CapsAreKept(Checker):
    """Judged whenever a contact has been paid for. An emergency goes out of the reserve above the cap, which
    is part of what the settings allow."""

    law = "A site spends no more than its caps allow."

    def __init__(self) -> None:
        self._spent: dict[tuple[str, str, int], float] = {}

    def observe(self, observation: Observation) -> str | None:
        if not isinstance(observation, ContactPaid) or observation.cap_usd is None:
            return None
        key = observation.place, observation.link, observation.day
        spent = self._spent[key] = self._spent.get(key, 0.0) + observation.usd
        if spent > observation.cap_usd + USD_ROUNDING:
            return (
                f"{observation.place} spent {spent:.2f} USD on {observation.link}, allowed are "
                f"{observation.cap_usd:.2f}"
            )
        return None
