"""What the policy decides: whom to dial over what, what is held back and why, when to look again."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from protocol.header import Priority
from protocol.ids import Pseudonym

from .situation import Backlog
from .terms import UNLIMITED, Allowance


class HeldBy(Enum):
    """Why a link does not carry a class now."""

    FLOOR = "floor"
    CAP = "cap"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dial:
    """Reach a peer over a link."""

    pair: Pseudonym
    link: str
    floor: Priority
    """The least urgent class that this contact carries."""
    allowance: Allowance = UNLIMITED
    """The contact ends when it has cost so much, unless an emergency is under way."""
    stays_open: bool = False
    replaces: bool = False
    """Another contact with the peer is under way over a worse link: it ends once this one has dialled."""
    abandons: bool = False
    """The contact it replaces does not answer: nobody is there to say goodbye to."""
    beyond_cap: bool = False
    """An emergency goes although today's cap is used up, its reserve too: the person is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What no link may carry now."""

    pair: Pseudonym
    priority: Priority
    backlog: Backlog
    by: tuple[tuple[str, HeldBy], ...]
    """Each link, and what holds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do now."""

    dials: tuple[Dial, ...] = ()
    held: tuple[Held, ...] = ()
    look_at_s: float = math.inf
    """When time alone may change the decision."""
