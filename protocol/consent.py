"""Bodies of records about who takes part in a case and what the patient allows.

Field lists follow common consent forms and need a review by a clinician and by whoever answers for privacy.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from .ids import MAILBOX_BYTES
from .schema import Choice, Flag, ListOf, Number, Raw, Shaped, Struct, Text, wire
from .stamps import WALL_S_MAX

MEMBERS_ADDED_MAX: Final = 16
_LINE: Final = Text(400)
_WORD: Final = Text(120)
_LANGUAGE: Final = Shaped("[a-z]{2,3}", 3)
"""ISO 639."""


class MemberTask(IntEnum):
    """Why a place joins the team."""

    CONSULTED = 1
    SECOND_OPINION = 2
    TAKES_OVER = 3
    RECEIVES_PATIENT = 4
    COORDINATES_RESCUE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A place that may write in this case from now on."""

    mailbox: bytes = wire(1, Raw(MAILBOX_BYTES))
    name: str = wire(2, _WORD)
    task: MemberTask = wire(3, Choice(MemberTask))


@dataclass(frozen=True, slots=True, kw_only=True)
class CareTeam:
    """Adds places to the team. It counts when the case's own site or hub wrote it. A team only grows: a
    place that may no longer speak has its key revoked, so that what it said before stands on every side."""

    added: tuple[Member, ...] = wire(1, ListOf(Struct(Member), MEMBERS_ADDED_MAX))
    reason: str | None = wire(2, _LINE, default=None)


class Decision(IntEnum):
    """What was decided; not being able to ask is neither yes nor no."""

    GIVEN = 1
    REFUSED = 2
    WITHDRAWN = 3
    COULD_NOT_BE_ASKED = 4


class Capacity(IntEnum):
    """Whether the patient could decide, as judged by the author."""

    NOT_ASSESSED = 0
    HAS_CAPACITY = 1
    LACKS_CAPACITY = 2
    FLUCTUATES = 3
    MINOR = 4


class ConsentBy(IntEnum):
    PATIENT = 1
    GUARDIAN = 2
    RELATIVE = 3
    NOBODY = 4
    """Treated as an emergency without consent: the reason is in the remark."""


class ConsentHow(IntEnum):
    SPOKEN = 1
    WRITTEN = 2
    GESTURE = 3
    INTERPRETED = 4
    NOT_OBTAINED = 5


class ConsentScope(IntEnum):
    """What the decision is about; a scope that is not named was not asked."""

    TREATMENT = 1
    SHARE_WITH_HUB = 2
    PHOTOGRAPHS = 3
    INTIMATE_PHOTOGRAPHS = 4
    IDENTITY = 5
    REFERRAL = 6
    EMPLOYER = 7
    TEACHING = 8
    RESEARCH = 9
    EVACUATION = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What the patient decided, how it was asked, and who stood by. Refusing is recorded as fully as
    agreeing; a later decision supersedes the earlier one and both stay readable."""

    decision: Decision = wire(1, Choice(Decision))
    scope: tuple[ConsentScope, ...] = wire(2, ListOf(Choice(ConsentScope), 16))
    by: ConsentBy = wire(3, Choice(ConsentBy))
    how: ConsentHow = wire(4, Choice(ConsentHow))
    capacity: Capacity = wire(5, Choice(Capacity), default=Capacity.NOT_ASSESSED)
    officer_present: bool | None = wire(6, Flag(), default=None)
    """Whether somebody with power over the patient (an officer, a guard, an employer) was in the room."""
    witness: str | None = wire(7, _WORD, default=None)
    language: str | None = wire(8, _LANGUAGE, default=None)
    text_version: str | None = wire(9, _WORD, default=None)
    """Which printed or spoken text was used."""
    asked_s: int | None = wire(10, Number(0, WALL_S_MAX), default=None)
    remark: str | None = wire(11, _LINE, default=None)
