"""What is said of backups, the same on every surface."""

from __future__ import annotations

from typing import Final

from .words import span

RETENTION_DAYS: Final = 90
"""How long a site keeps what it has sent, however safe that is here."""


def backup_sentence(made_s: float | None, *, now_s: float) -> str:
    """How far sites may rely on this hub."""
    if made_s is None:
        return (
            "No verified backup yet: sites keep everything they have sent. Make one with: "
            "sfhub backup create DIR"
        )
    return (
        f"Last verified backup: {span(max(0.0, now_s - made_s))} ago. Of what it holds, sites may let go "
        f"after {RETENTION_DAYS} days."
    )
