"""Bodies of records that put a case right: it was opened again, or what was written belongs to another.

Law: nothing is taken away. A record that was moved is shown as struck where it stood, and an order is never
armed in two places: moving a case suspends its armed orders, and only a named person at the site lets them go
on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .ids import CASE_ID_BYTES, PATIENT_ID_BYTES
from .schema import Flag, Raw, Text, wire

_LINE: Final = Text(400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopened:
    """The case goes on: the closings that `refs` is about no longer count."""

    reason: str = wire(1, _LINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What stands here belongs to another case: the records that `refs` voids, or, when it voids none, the
    whole case. Until the site accepts it, no order of a reply that did not know of it is armed: nobody can
    tell for whom it was."""

    case: bytes = wire(1, Raw(CASE_ID_BYTES))
    patient: bytes = wire(2, Raw(PATIENT_ID_BYTES))
    """Whose it is."""
    reason: str = wire(3, _LINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveAccepted:
    """A named person at the site has read the move that `refs` is about, and says what becomes of the orders
    that were suspended."""

    orders_go_on: bool = wire(1, Flag())
    """True: they were meant for the patient who is treated here, and are armed again, here and nowhere else.
    False: they are stopped; the other case needs a reply of its own."""
    remark: str | None = wire(2, _LINE, default=None)
