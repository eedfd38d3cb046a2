"""How long each link stayed dark before somebody answered again, read from the diary of contacts."""

from __future__ import annotations

from typing import Final

from sfnode.spool.diary import Diary
from sync.scheduler import RETRY_RULE, LinkTerms
from sync.scheduler.outages import Outages, outages
from sync.scheduler.windows import Spell

_CONTACTS_LOOKED_AT: Final = 500


async def link_outages(diary: Diary, link: LinkTerms, now_s: float) -> Outages:
    """Of one link, by the wall clock."""
    spells = [
        Spell(
            began_s=began_s,
            ended_s=now_s if ended_s is None else ended_s,
            lasted_s=lasted_s,
            reached=reached,
        )
        for began_s, ended_s, lasted_s, reached in await diary.spells(link.name, _CONTACTS_LOOKED_AT)
    ]
    pause_s = RETRY_RULE.longest_s * (1 + RETRY_RULE.jitter)
    return outages(spells, gap_s_max=2 * link.poll_s + pause_s)
