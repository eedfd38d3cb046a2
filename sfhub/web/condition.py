"""What the console says of the hub itself: its last verified backup, sites that are silent, what happened.

Law: it says that a backup is verified, or that every site was heard, only when it is so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..app import Hub
from ..domain.backup_words import backup_sentence
from ..domain.words import span

BACKUP_OLD_S: Final = 2 * 86400.0
"""A nightly backup that failed twice."""
SILENT_S: Final = 86400.0
"""A site that polls once a day by its contact plan is not silent; one that missed that is."""
SILENT_SHOWN_MAX: Final = 12
"""The rest is counted; `sfhub sites` lists all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HubCondition:
    """Sentences ready to show."""

    backup: str
    backup_missing: bool
    """None was verified yet, or not for two days."""
    sites: str
    """Who is silent and since when, or that nobody is; empty without sites."""
    sites_silent: bool
    notices: tuple[str, ...]
    """What happened and was not marked as seen."""


async def hub_condition(hub: Hub) -> HubCondition:
    """As it is now."""
    now_s = hub.clock.wall_s()
    latest = await hub.backups.latest()
    made_s = None if latest is None else latest.made_s
    silent = _silent(hub, now_s)
    return HubCondition(
        backup=backup_sentence(made_s, now_s=now_s),
        backup_missing=made_s is None or now_s - made_s > BACKUP_OLD_S,
        sites=_silence_sentence(hub, silent),
        sites_silent=bool(silent),
        notices=tuple(await hub.contacts.told_once()),
    )


def _silent(hub: Hub, now_s: float) -> list[str]:
    """Each site once, the longest silent first; those whose last device was revoked are not waited for."""
    heard_s = {
        pair.site_name: hub.sites.last_heard_s(pair.site) or 0.0
        for pair in hub.sites.directory.pairs
        if not pair.revoked
    }
    silent = sorted((moment_s, name) for name, moment_s in heard_s.items() if now_s - moment_s > SILENT_S)
    return [f"{name} for {span(now_s - moment_s)}" for moment_s, name in silent]


def _silence_sentence(hub: Hub, silent: list[str]) -> str:
    if not hub.sites.directory.pairs:
        return ""
    if not silent:
        return "Every site was heard within a day."
    more = len(silent) - SILENT_SHOWN_MAX
    rest = f", and {more} more" if more > 0 else ""
    return f"Silent: {', '.join(silent[:SILENT_SHOWN_MAX])}{rest}."
