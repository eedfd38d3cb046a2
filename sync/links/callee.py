"""Whom a listener's caller gets to talk to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from protocol.ids import Pseudonym

from ..driver import SessionReport, Setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Callee:
    """With whom a caller gets to talk."""

    link_secret: bytes
    setting: Setting


Lookup = Callable[[Pseudonym], Awaitable[Callee | None]]
"""Who is called by that name; None for a stranger. `LinkRefused` tells a caller why it gets no session."""
Reported = Callable[[Pseudonym, SessionReport], None]


def unreported(_: Pseudonym, __: SessionReport) -> None:
    """Nobody asks."""
