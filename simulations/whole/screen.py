"""A terminal that is always open at a site: what the daemon tells its clients reaches the medic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

from sfnode.app import Daemon

_CAUSES: Final = (
    ("RECHECK", "a recheck without a reading"),
    ("PROVISIONAL FIRST ORDERS", "first orders whose signed reply has not come"),
    ("STOP order", "an order was stopped"),
)
RECHECK_CAUSE: Final = _CAUSES[0][1]


class Reader(Protocol):
    """Who sits before it; is told in the daemon's own step, so must not wait or raise."""

    def case_changed(self, case: str) -> None: ...

    def alarm_rang(self, alarm: int, cause: str) -> None: ...


class Screen:
    """One for each life of a daemon."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def show(self, daemon: Daemon) -> None:
        """Connect it. A simulated machine has no sockets: the server's events come here instead."""
        vars(daemon.server)["publish"] = self._publish

    def _publish(self, topic: str, data: Mapping[str, Any]) -> int:
        match topic:
            case "case_changed":
                self._reader.case_changed(str(data["case"]))
            case "alarm":
                self._reader.alarm_rang(int(data["alarm"]), _cause(data["case"] is None, str(data["text"])))
        return 1


def _cause(is_of_station: bool, text: str) -> str:
    """Its kind, without what it says of a patient; what a station says of itself says nothing of any."""
    for beginning, cause in _CAUSES:
        if text.startswith(beginning):
            return cause
    return text if is_of_station else "an alarm of a case"
