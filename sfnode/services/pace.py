"""Dialers that find the pace of their link by themselves: told what is remembered, asked what they found."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from sync.links.datagram_rate import RateMemory
from sync.ports import Dialer
from sync.scheduler import Measured


@runtime_checkable
class Remembering(Protocol):
    """Paces its sessions by what earlier ones found."""

    memory: RateMemory

    def remember(self, memory: RateMemory) -> None: ...


def remind(dialer: Dialer, measured: Measured) -> None:
    """What an earlier process found out serves this one; what this one has found stays."""
    if isinstance(dialer, Remembering) and measured.contacts and not dialer.memory.is_proven:
        dialer.remember(RateMemory(measured.rate_bytes_s, measured.rtt_s, is_proven=True))


def pace_of(dialer: Dialer) -> RateMemory | None:
    """None where the session itself measures."""
    return dialer.memory if isinstance(dialer, Remembering) else None
