"""What people of a whole run need of it: where they say what they see."""

from __future__ import annotations

from typing import Protocol

from simulations.checkers.observations import Observation
from simulations.report import AlarmRow
from simulations.virtual.trace import Field


class Yard(Protocol):
    """None of these waits or raises."""

    def observe(self, observation: Observation) -> None:
        """For the checkers."""

    def alarm(self, alarm: AlarmRow) -> None:
        """The product has called somebody."""

    def refused(self, place: str, error: Exception) -> None:
        """The product would not do what it was asked, in a world in which nobody asks what he may not."""

    def note(self, who: str, what: str, **fields: Field) -> None:
        """For the trace."""
