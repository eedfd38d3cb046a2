"""Bodies of records about handing a patient on: referral and its return, and the journey itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from .header import Priority
from .ids import MAILBOX_BYTES
from .schema import Choice, ListOf, Number, Raw, Struct, Text, wire
from .stamps import WALL_S_MAX

RESULTS_PENDING_MAX: Final = 32
_LINE: Final = Text(400)
_WORD: Final = Text(120)
_PARAGRAPH: Final = Text(2000)
_MOMENT: Final = Number(0, WALL_S_MAX)
_LINES: Final = ListOf(_LINE, 32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Referral:
    """The case is handed to another service, which may write in it from now on when the case's own site or
    hub wrote this."""

    to: bytes = wire(1, Raw(MAILBOX_BYTES))
    service: str = wire(2, _WORD)
    urgency: Priority = wire(3, Choice(Priority))
    reason: str = wire(4, _PARAGRAPH)
    question: str | None = wire(5, _PARAGRAPH, default=None)
    findings: str | None = wire(6, Text(4000), default=None)
    medicines: tuple[str, ...] = wire(7, _LINES, default=())
    family_history: str | None = wire(8, _PARAGRAPH, default=None)
    answer_wanted_by_s: int | None = wire(9, _MOMENT, default=None)


class ReferralDecision(IntEnum):
    RECEIVED = 1
    """A person there has opened it; nothing is decided yet."""
    ACCEPTED = 2
    DECLINED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralAnswered:
    """What the receiving service says to the referral that `refs` answers."""

    decision: ReferralDecision = wire(1, Choice(ReferralDecision))
    reason: str | None = wire(2, _LINE, default=None)
    instead: str | None = wire(3, _LINE, default=None)
    """Whom to ask instead, when it was declined."""
    appointment_s: int | None = wire(4, _MOMENT, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingResult:
    """A result that is still to come, and who must look at it: one without an owner is lost."""

    what: str = wire(1, _LINE)
    owner: str = wire(2, _WORD)
    expected_s: int | None = wire(3, _MOMENT, default=None)


class Fitness(IntEnum):
    NOT_STATED = 0
    FIT = 1
    FIT_WITH_LIMITS = 2
    UNFIT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """The patient comes back from the referral that `refs` answers: what was found, done and left to do."""

    diagnosis: str = wire(1, _PARAGRAPH)
    done: str | None = wire(2, Text(4000), default=None)
    medicine_changes: tuple[str, ...] = wire(3, _LINES, default=())
    results_pending: tuple[PendingResult, ...] = wire(
        4, ListOf(Struct(PendingResult), RESULTS_PENDING_MAX), default=()
    )
    fitness: Fitness = wire(5, Choice(Fitness), default=Fitness.NOT_STATED)
    limits: str | None = wire(6, _LINE, default=None)
    watch_for: str | None = wire(7, _PARAGRAPH, default=None)
    come_back_if: str | None = wire(8, _PARAGRAPH, default=None)
    next_review_s: int | None = wire(9, _MOMENT, default=None)


class TransferStage(IntEnum):
    ASKED = 1
    ACCEPTED = 2
    DECLINED = 3
    CALLED_OFF = 4
    DEPARTED = 5
    ARRIVED = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """One step of a journey. The first asks; each later one is about that one."""

    stage: TransferStage = wire(1, Choice(TransferStage))
    at_s: int = wire(2, _MOMENT)
    place: str = wire(3, _WORD)
    """Whither, in words."""
    to: bytes | None = wire(4, Raw(MAILBOX_BYTES), default=None)
    bed: str | None = wire(5, _WORD, default=None)
    means: str | None = wire(6, _WORD, default=None)
    escort: str | None = wire(7, _LINE, default=None)
    arrival_s: int | None = wire(8, _MOMENT, default=None)
    """When it is expected there."""
    reason: str | None = wire(9, _LINE, default=None)
