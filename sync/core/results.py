"""What each result of custody's means to which part of a session."""

from __future__ import annotations

from ..ports import SessionView
from .effects import (
    Backed,
    Digest,
    Effect,
    EffectResult,
    Fenced,
    Found,
    LookSafe,
    LookUnopened,
    MarkLost,
    MarkPromised,
    MarkReceipted,
    MarkSafe,
    MarkStored,
    More,
    NoteForeign,
    NoteRefusal,
    NoteRekey,
    NoteReturn,
    NoteSettled,
    Open,
    PeerDigest,
    Persist,
    Persisted,
    Read,
    Renew,
    Unopened,
)
from .errors import LocalError
from .events import Ending
from .parts import Parts


def take_result(parts: Parts, effect: Effect, result: EffectResult, now: float) -> None:
    """One effect was performed; `LocalError` for a result that it cannot have."""
    if not (
        _take_opening(parts, effect, result)
        or _take_moving(parts, effect, result, now)
        or _take_healing(parts, effect, result)
    ):
        raise LocalError(f"{type(effect).__name__} cannot result in {type(result).__name__}")


def _take_opening(parts: Parts, effect: Effect, result: EffectResult) -> bool:
    match effect, result:
        case Open(), SessionView():
            parts.intake.open(result)
            parts.restitution.open(result.foreign)
            parts.safekeeping.open(result.safe_here)
            parts.accord.open(result)
        case Open(), Fenced():
            parts.departure.end(Ending.FENCED, "a newer session of the same pair is under way")
        case ((Digest() | PeerDigest()), int()):
            parts.accord.summed(effect, result)
        case Renew(), SessionView():
            parts.accord.renewed(result)
        case _:
            return False
    return True


def _take_moving(parts: Parts, effect: Effect, result: EffectResult, now: float) -> bool:
    match effect, result:
        case Read(), bytes():
            parts.sender.read(effect, result, now)
        case More(), Found():
            parts.sender.found(result.bundles)
        case Persist(), Persisted():
            for event in parts.intake.persisted(effect, result.outcomes, now):
                parts.outlet.tell(event)
        case ((MarkReceipted() | MarkStored() | MarkLost() | NoteRefusal()), None):
            pass
        case _:
            return False
    return True


def _take_healing(parts: Parts, effect: Effect, result: EffectResult) -> bool:
    match effect, result:
        case LookUnopened(), Unopened():
            parts.rekeying.found(result.bundles)
        case NoteRekey(), None:
            parts.rekeying.noted(effect)
        case LookSafe(), Backed():
            parts.safekeeping.found(result.marks)
        case MarkSafe(), None:
            parts.safekeeping.marked(effect)
        case _:
            return _take_recovery(parts, effect, result)
    return True


def _take_recovery(parts: Parts, effect: Effect, result: EffectResult) -> bool:
    match effect, result:
        case NoteForeign(), None:
            parts.restitution.foreign_noted(effect)
            parts.accord.foreign_noted()
        case MarkPromised(), None:
            parts.restitution.promise_marked(effect)
        case NoteReturn(), int():
            parts.restitution.return_noted(effect, result)
        case NoteSettled(), None:
            pass
        case _:
            return False
    return True
