"""Who may speak: roles, and the record that binds an actor id to a person."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from .schema import Choice, Text, wire


class Role(IntEnum):
    """Roles below 16 belong to sites, the others to hubs."""

    MEDIC = 1
    NURSE = 2
    MASTER = 3
    STATION = 8
    """The site's own machine, which states no more than its keys."""
    SPECIALIST = 16
    COORDINATOR = 17
    DESK = 24
    """The hub's own machine: its keys, and whose keys count no longer."""


class Party(IntEnum):
    """Which kind of place holds the signing key."""

    SITE = 1
    HUB = 2


def party_of(role: Role) -> Party:
    """A site's key never vouches for a specialist, nor a hub's for a medic."""
    return Party.SITE if role < 16 else Party.HUB


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Binds the entry's author id to a person and a role; the device is the key that signs the entry."""

    name: str = wire(1, Text(120))
    role: Role = wire(2, Choice(Role))
