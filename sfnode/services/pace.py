"""What dialers find out of their link by themselves: told what is remembered, asked what they found."""

from __future__ import annotations

from typing import Protocol, TypeGuard

from sync.links.http_path import HttpPath, HttpWay
from sync.links.rate_memory import RateMemory
from sync.ports import Dialer
from sync.scheduler import Measured


class Remembering(Protocol):
    """Paces its sessions by what earlier ones found."""

    memory: RateMemory

    def remember(self, memory: RateMemory) -> None: ...


class FindsItsWay(Protocol):
    """Goes on in turns where something holds whole requests back, and knows that the next time."""

    way: HttpWay


def remind(dialer: Dialer, measured: Measured, age_s: float) -> None:
    """What an earlier process found out serves this one; what this one has found stays. A rate that was
    measured long ago, or nobody knows when, is a guess."""
    if not _remembers(dialer) or not measured.contacts:
        return
    memory = dialer.memory
    if not memory.is_proven:
        memory = RateMemory(measured.rate_bytes_s, measured.rtt_s, is_proven=True)
    dialer.remember(memory.aged(age_s))


def pace_of(dialer: Dialer) -> RateMemory | None:
    """None where the session itself measures."""
    return dialer.memory if _remembers(dialer) else None


def remind_of_turns(dialer: Dialer, in_turns_s: float) -> None:
    """For so long an earlier process would have gone in turns."""
    if _finds_its_way(dialer):
        dialer.way.remind(HttpPath(in_turns_s))


def in_turns_s(dialer: Dialer, loop_s: float) -> float:
    """For so long from now, by the event loop's clock, contacts go in turns; 0.0 where nothing makes them."""
    return dialer.way.path(loop_s).in_turns_s if _finds_its_way(dialer) else 0.0


def _finds_its_way(dialer: Dialer) -> TypeGuard[FindsItsWay]:
    return hasattr(dialer, "way")


def _remembers(dialer: Dialer) -> TypeGuard[Remembering]:
    # Each contact asks: whether a class keeps to a protocol takes the interpreter longer than to measure.
    return hasattr(dialer, "remember")
