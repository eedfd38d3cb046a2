"""Worlds made of others: one kind of their sites, fewer of them, on one link, with more or fewer looks."""

from __future__ import annotations

from dataclasses import replace

from protocol.header import Priority
from simulations.links import LinkProfile
from sync.letters.terms import LETTER_BYTES_MIN

from .world import SiteGroup, SiteLink, World


def require_room(profile: LinkProfile) -> LinkProfile:
    """The same; raises `ValueError` for one whose messages are too short for any letter."""
    if profile.mailbox is not None:
        shortest_bytes = min(profile.mailbox.up_bytes_max, profile.mailbox.down_bytes_max)
        if shortest_bytes < LETTER_BYTES_MIN:
            raise ValueError(
                f"profile is {profile.name!r}, whose messages carry {shortest_bytes} bytes; a letter of the "
                f"product takes {LETTER_BYTES_MIN} at least"
            )
    return profile


def only_kind(world: World, kind: str) -> World:
    """Its sites of one kind, with everybody who answers them. Raises `ValueError`."""
    groups = tuple(group for group in world.groups if group.name == kind)
    if not groups:
        known = ", ".join(group.name for group in world.groups)
        raise ValueError(f"{world.name} has no sites of the kind {kind!r}. There are {known}")
    return _with_groups(world, groups)


def about_so_many(world: World, sites: int) -> World:
    """Sites of each kind in proportion, one of each at least."""
    share = sites / world.site_count
    return _with_groups(
        world, tuple(replace(group, count=max(1, round(group.count * share))) for group in world.groups)
    )


def on_link(world: World, profile: LinkProfile) -> World:
    """All of its sites with this link alone, under the terms of their first: its looks and its cap."""
    require_room(profile)

    def changed(group: SiteGroup) -> SiteGroup:
        link: SiteLink = replace(group.links[0], profile=profile, floor=Priority.BULK)
        return replace(group, links=(link,))

    groups = tuple(changed(group) for group in world.groups)
    return replace(_with_groups(world, groups), name=f"{world.name}-on-{profile.name}")


def looking_every(world: World, every_s: float) -> World:
    """All links looked at for replies so often; 0 holds a session open. Raises `ValueError`."""

    def changed(group: SiteGroup) -> SiteGroup:
        return replace(group, links=tuple(replace(link, every_s=every_s) for link in group.links))

    looking = _with_groups(world, tuple(changed(group) for group in world.groups))
    return replace(looking, name=f"{world.name}-each-{every_s:g}-s")


def _with_groups(world: World, groups: tuple[SiteGroup, ...]) -> World:
    regions = {group.region for group in groups}
    return replace(
        world, groups=groups, storms=tuple(each for each in world.storms if each.region in regions)
    )
