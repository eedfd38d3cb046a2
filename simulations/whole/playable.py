"""Which worlds can be played on the whole product, and why another one cannot."""

from __future__ import annotations

from typing import Final

from sfnode.link_settings import NAME_CHARACTERS_MAX
from simulations.links import LinkProfile
from simulations.world import SiteGroup, World

SITES_MAX: Final = 200
"""Each is a daemon with its databases: 200 take a gigabyte of memory, and as much of the disk in memory."""
CASES_MAX: Final = 20_000
"""A hub's worklist lists all cases that nobody has closed, and every look at it reads the list."""


TEXT_BYTES_MAX: Final = 30_000
"""Sealed, of a case: about what a site takes as one note."""
REPLY_BYTES_MAX: Final = 2_700
"""Sealed: an assessment has at most 4,000 letters."""


class NotPlayable(ValueError):
    """This world asks for what the whole product is not played with; the message says what would help."""


def require_playable(world: World) -> World:
    """The same world; `NotPlayable` names what is in the way."""
    if world.site_count > SITES_MAX:
        raise NotPlayable(
            f"{world.name} has {world.site_count} sites, and the whole product is played with at most "
            f"{SITES_MAX}. Nothing was run. Add --sites {SITES_MAX}, or leave out --whole"
        )
    cases = sum(group.count * group.mix.cases_per_day for group in world.groups) * world.days
    if cases > CASES_MAX:
        raise NotPlayable(
            f"{world.name} comes to about {cases:.0f} cases in {world.days:g} days, and the whole product is "
            f"played with at most {CASES_MAX}. Nothing was run. Give fewer --days, or leave out --whole"
        )
    if world.reply_bytes > REPLY_BYTES_MAX:
        raise NotPlayable(
            f"{world.name} has replies of {world.reply_bytes} bytes, and the form of a reply takes about "
            f"{REPLY_BYTES_MAX}. Nothing was run. Lower reply_bytes, or leave out --whole"
        )
    for group in world.groups:
        _require_group(group)
    return world


def _require_group(group: SiteGroup) -> None:
    if group.mix.text_bytes > TEXT_BYTES_MAX:
        raise NotPlayable(
            f"{group.name} has cases with {group.mix.text_bytes} bytes of text, and a site takes about "
            f"{TEXT_BYTES_MAX}. Nothing was run. Lower text_bytes, or leave out --whole"
        )
    for link in group.links:
        _require_link(group, link.profile)


def _require_link(group: SiteGroup, profile: LinkProfile) -> None:
    if profile.mailbox is not None:
        raise NotPlayable(
            f"{group.name} has the link {profile.name!r}, which carries whole messages, and the whole "
            "product is played over links of packets only. Nothing was run. Leave out --whole, or choose "
            "another link with --link"
        )
    if len(profile.name) > NAME_CHARACTERS_MAX:
        raise NotPlayable(
            f"{group.name} has the link {profile.name!r}, and the node calls a link by at most "
            f"{NAME_CHARACTERS_MAX} letters. Nothing was run. Give its profile a shorter name"
        )
