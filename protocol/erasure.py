"""The record that a place leaves when it erases a case: that it did, who, when and why, and nothing clinical.

Law: it erases nothing where it arrives. There a person reads it and decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .schema import Text, wire

REASON_BYTES_MAX: Final = 400
"""One line; it stays readable for good, so it names nobody and no finding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """Its author's place has erased this case."""

    reason: str = wire(1, Text(REASON_BYTES_MAX))
