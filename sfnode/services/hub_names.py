"""Which hub a sentence is about, where a site has several: with one, nobody reads its name over and over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from protocol.ids import Pseudonym
from sfnode.domain.notice_words import ABOUT_SITE
from sfnode.spool.pairing import Pairing
from sync.stores.notices import Notice


def shown_name(pair: Pseudonym, pairings: Sequence[Pairing]) -> str:
    """Of the hub of that pair; empty where it is the only one."""
    if len(pairings) < 2:
        return ""
    return next((each.name for each in pairings if each.pseudonym == pair), "")


def told_of(notice: Notice, pair: Pseudonym, pairings: Sequence[Pairing]) -> Notice:
    """The same about the hub of that pair: one cause at two hubs is two notices."""
    name = shown_name(pair, pairings)
    if not name or notice.subject in ABOUT_SITE:
        return notice
    return replace(
        notice,
        subject=f"{notice.subject} {pair.hex()}",
        sentence=f"{name}: {notice.sentence}",
    )
