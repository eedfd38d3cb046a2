"""How long each link stayed up before it went dark, read from the diary of contacts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sfnode.config import LinkSettings
from sfnode.spool.diary import Contact, Diary
from sync.scheduler.windows import Spell, Windows, windows

_CONTACTS_LOOKED_AT: Final = 500
_GAP_S: Final = 120.0
"""The longest pause after a failure, on top of the looks that a link makes anyway."""


async def link_windows(diary: Diary, links: Sequence[LinkSettings], now_s: float) -> dict[str, Windows]:
    """By name of the link."""
    contacts = tuple(reversed(await diary.newest(_CONTACTS_LOOKED_AT)))
    return {
        link.name: windows(
            [_spell(each, now_s) for each in contacts if each.link == link.name],
            gap_s_max=2 * link.poll_s + _GAP_S,
        )
        for link in links
    }


def _spell(contact: Contact, now_s: float) -> Spell:
    ended_s = now_s if contact.ended_s is None else contact.ended_s
    is_open = contact.ended_s is None
    return Spell(
        began_s=contact.began_s,
        ended_s=ended_s,
        lasted_s=ended_s - contact.began_s if is_open else contact.seconds,
        reached=contact.reached,
    )
