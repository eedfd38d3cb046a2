"""What happens in worlds with strangers: lost devices, guesses at codes, bundles that poison."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LoseDevice:
    """A site's device is gone for good; its key is revoked or not, and a new one enrols in its place."""

    site: str
    is_revoked: bool


@dataclass(frozen=True, slots=True)
class RevokeKey:
    """The hub revokes the key of a site's device, which goes on talking: whoever has it is not told."""

    site: str


@dataclass(frozen=True, slots=True)
class SendPoison:
    """Whoever has the keys of a machine, or its own software, seals bytes that no bundle can hold."""

    sender: str
    seed: int


@dataclass(frozen=True, slots=True)
class AttackEnrolment:
    """A site enrols again; somebody who has no code sits on the line, guesses and alters."""

    site: str
    seed: int


@dataclass(frozen=True, slots=True)
class ChangeHubKeys:
    """The hub draws a new opening key and destroys all older ones; who is away goes on sealing for those."""


StrangerAct = LoseDevice | RevokeKey | SendPoison | AttackEnrolment | ChangeHubKeys
