"""What a peer is to the bench: other people's programs that carry the same case over the same link.

Law: a peer is set up as kindly as it can be, and what it moves is counted on the line, never taken from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class PeerCase:
    """What is to cross: the text of a case and its photographs to the hub, the reply back to the site."""

    text: bytes
    """JSON."""
    photographs: tuple[bytes, ...]
    reply: bytes
    """JSON; a peer may take it as soon as the case is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one run of a peer takes place; each end has a folder of its own."""

    site: Path
    hub: Path
    listen_host: str
    listen_ports: tuple[int, ...]
    dial: tuple[tuple[str, int], ...]
    """What the site dials to reach each of the ports through the link."""


class Peer(Protocol):
    """One other way to carry a case."""

    name: str
    title: str
    ports_count: int
    """TCP ports that its hub end listens on."""

    def obstacle(self) -> str | None:
        """Why it cannot run on this machine, as a whole sentence; None if it can."""

    def hub_command(self, place: Place, case: PeerCase) -> list[str]:
        """Prepare both folders; the program to run at the hub, which listens on all its ports when ready."""

    def site_commands(self, place: Place) -> tuple[list[str], ...]:
        """What to run at the site, one after another; each is started again until it ends with status 0."""

    def has_arrived(self, place: Place, case: PeerCase) -> bool:
        """Whether the hub holds the whole case and the site the whole reply, byte for byte."""
