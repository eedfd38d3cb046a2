"""Checkers of patients: no record in another's case, and no order that ended is armed again."""

from __future__ import annotations

from .checker import Checker
from .observations import Observation, OrderEnded, OrderShown, RecordFiled, RecordWritten


class RightPatient(Checker):
    """Judged wherever a record is filed, against what its author wrote it for."""

    law = "No record lies in another patient's case."

    def __init__(self) -> None:
        self._written: dict[bytes, tuple[bytes, bytes]] = {}

    def observe(self, observation: Observation) -> str | None:
        match observation:
            case RecordWritten():
                self._written[observation.record] = observation.case, observation.patient
            case RecordFiled():
                meant = self._written.get(observation.record)
                if meant is not None and meant != (observation.case, observation.patient):
                    return (
                        f"{observation.place} filed {observation.record.hex()} in case "
                        f"{observation.case.hex()}, written for {meant[0].hex()}"
                    )
        return None


class EndedOrdersStayEnded(Checker):
    """Judged whenever a plan is shown."""

    law = "An order that was stopped or replaced is never armed again."

    def __init__(self) -> None:
        self._ended: set[tuple[str, bytes, bytes]] = set()

    def observe(self, observation: Observation) -> str | None:
        match observation:
            case OrderEnded(place=place, case=case, order=order):
                self._ended.add((place, case, order))
            case OrderShown(place=place, case=case, order=order, is_armed=True):
                if (place, case, order) in self._ended:
                    return f"{place} shows {order.hex()} of case {case.hex()} as to be carried out again"
        return None
