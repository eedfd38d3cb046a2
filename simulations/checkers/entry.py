"""Checker of who gets in: nobody joins a hub whom the hub has not given a code."""

from __future__ import annotations

from .checker import Checker
from .observations import DeviceAdmitted, Observation


class OnlyTheInvitedEnter(Checker):
    """Judged by the keys that a hub's disk holds."""

    law = "Nobody joins who was not given a code."

    def observe(self, observation: Observation) -> str | None:
        if isinstance(observation, DeviceAdmitted) and not observation.is_genuine:
            return f"{observation.place} has admitted the key {observation.key.hex()} of a stranger"
        return None
