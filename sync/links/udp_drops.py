"""Which datagrams led to nothing, and why: what whoever runs a hub looks at when a site cannot reach it."""

from __future__ import annotations

from collections import Counter
from enum import Enum


class Drop(Enum):
    """Why a datagram was dropped, in the words of the status."""

    FOREIGN = "not of this protocol"
    HOMELESS = "of no session here"
    CROWDED = "from callers for whom there was no room"
    UNKNOWN = "from callers that nobody knows"
    UNPROVEN = "that did not prove to be the caller's"


class Drops:
    """Counts them, since the start."""

    def __init__(self) -> None:
        self._counts: Counter[Drop] = Counter()

    @property
    def total(self) -> int:
        return self._counts.total()

    def note(self, reason: Drop, count: int = 1) -> None:
        """So many more were dropped."""
        self._counts[reason] += count

    def withdraw(self, reason: Drop, count: int) -> None:
        """So many found their session after all."""
        self._counts[reason] -= count

    def described(self) -> str:
        """One line, the most frequent reason first; empty if there were none."""
        told = (f"{count} {reason.value}" for reason, count in self._counts.most_common() if count)
        reasons = ", ".join(told)
        return f"datagrams dropped: {reasons}" if reasons else ""
