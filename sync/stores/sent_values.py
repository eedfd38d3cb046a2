"""What the application puts into custody, and what it is told of how far that has come."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.header import Priority
from protocol.ids import BundleId

from ..ports import Rank


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBundle:
    """What the application puts into custody."""

    bundle_id: BundleId
    priority: Priority
    rank: Rank
    recipient_key: bytes
    dwell_code: int
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SentState:
    """How far one bundle of ours has come."""

    stored: bool
    """The peer said that it durably holds all of it, and did not say that it cannot open it."""
    receipted_bytes: int
    size_bytes: int
    refusal: str
    """Why the peer would not take it as sealed; empty if it did not say so."""
    damaged: bool
    """Our bytes of it are lost; it goes out once it was sealed and added again."""
    unopened: bool = False
    """The peer has it and cannot open it; it goes out once more when it was sealed again."""
    safe: bool = False
    """The peer said that a verified backup of its own has it."""
