"""Finds worlds by name or path and reads them from TOML, refusing what it does not understand."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from protocol.header import Priority
from simulations.links import LinkProfile, ProfileError, Table, load_profile, profile_names, read_text

from .errors import WorldError
from .variants import require_room
from .world import DAY_S, CaseMix, Clinicians, HubOutage, SiteGroup, SiteLink, Storms, World

DEFAULT_WORLD: Final = "small-fleet"


def world_names() -> tuple[str, ...]:
    """The names of the worlds that are shipped, in alphabetical order."""
    return tuple(
        sorted(
            entry.name.removesuffix(".toml") for entry in _shipped().iterdir() if entry.name.endswith(".toml")
        )
    )


def load_world(name_or_path: str) -> World:
    """A shipped world by its name, or any TOML file by its path; raises `WorldError`."""
    if name_or_path.endswith(".toml") or "/" in name_or_path:
        return _load(Path(name_or_path), shown_as=name_or_path, folder=Path(name_or_path).parent)
    if name_or_path not in world_names():
        raise WorldError(
            f"There is no world named {name_or_path!r}. Known are {', '.join(world_names())}; for a file of "
            "your own, give its path ending in .toml."
        )
    return _load(_shipped() / f"{name_or_path}.toml", shown_as=f"{name_or_path}.toml")


def parse_world(text: str, *, shown_as: str, folder: Path | None = None) -> World:
    """Read one world from TOML text; `shown_as` names its origin in any `WorldError`.

    Profiles that it names by path are looked for in `folder`, or from where the process runs."""
    try:
        return _read(Table.of_text(text, shown_as=shown_as), folder)
    except ProfileError as error:
        raise WorldError(str(error)) from error


def _read(root: Table, folder: Path | None) -> World:
    mixes: dict[str, CaseMix] = {}
    for number, mix in enumerate(root.tables("mixes", _mix), start=1):
        if mixes.setdefault(mix.name, mix) is not mix:
            root.refuse(f"mixes[{number}].name", f"there are two named {mix.name!r}")
    groups = tuple(root.tables("sites", lambda table: _group(table, mixes, folder)))
    complaints = {complaint for mix in mixes.values() for complaint, _ in mix.complaints}
    clinicians = tuple(root.tables("clinicians", lambda table: _clinicians(table, complaints)))
    known = {link.profile.name for group in groups for link in group.links} | set(profile_names())
    storms = tuple(root.tables("storms", lambda table: _storms(table, known)))
    outages = tuple(root.tables("hub_outages", _hub_outage))
    world = root.build(
        lambda: World(
            name=root.text("name"),
            title=root.text("title"),
            source=root.text("source"),
            days=root.number("days"),
            reply_bytes=root.whole("reply_bytes"),
            groups=groups,
            clinicians=clinicians,
            storms=storms,
            hub_outages=outages,
        )
    )
    root.refuse_unread()
    return world


def _mix(table: Table) -> CaseMix:
    shares = [_share(table, "urgency", pair) for pair in table.pairs("urgency")]
    if [name for name, _ in shares] != [priority.name.lower() for priority in Priority]:
        table.refuse("urgency", "expected the shares of emergency, urgent, routine and bulk, in this order")
    complaints = tuple(_share(table, "complaints", pair) for pair in table.pairs("complaints"))
    emergency, urgent, routine, bulk = (share for _, share in shares)
    mix = table.build(
        lambda: CaseMix(
            name=table.text("name"),
            source=table.text("source"),
            cases_per_day=table.number("cases_per_day"),
            urgency=(emergency, urgent, routine, bulk),
            text_bytes=table.whole("text_bytes"),
            photos=table.number("photos"),
            photo_bytes=table.whole("photo_bytes"),
            follow_ups=table.number("follow_ups"),
            complaints=complaints,
        )
    )
    table.refuse_unread()
    return mix


def _share(table: Table, key: str, pair: tuple[object, object]) -> tuple[str, float]:
    name, share = pair
    if not isinstance(name, str) or not isinstance(share, int | float) or isinstance(share, bool):
        table.refuse(key, "each of them is a name and a share")
    return name, float(share)


def _group(table: Table, mixes: dict[str, CaseMix], folder: Path | None) -> SiteGroup:
    name = table.text("mix")
    if name not in mixes:
        table.refuse("mix", f"there is no [[mixes]] named {name!r}")
    links = tuple(table.tables("links", lambda each: _link(each, folder)))
    group = table.build(
        lambda: SiteGroup(
            name=table.text("name"),
            count=table.whole("count"),
            mix=mixes[name],
            region=table.text("region"),
            links=links,
        )
    )
    table.refuse_unread()
    return group


def _link(table: Table, folder: Path | None) -> SiteLink:
    profile = _profile(table, folder)
    link = table.build(
        lambda: SiteLink(
            profile=profile,
            every_s=_every_s(table, profile),
            floor=_floor(table),
            usd_per_day_max=table.optional_number("usd_per_day_max"),
            reserve=table.number("reserve", 0.25),
        )
    )
    table.refuse_unread()
    return link


def _every_s(table: Table, profile: LinkProfile) -> float:
    if profile.mailbox is None:
        return table.number("every_s")
    if table.optional_number("every_s") is not None:
        table.refuse(
            "every_s",
            f"{profile.name} carries whole messages: what the hub has comes by itself, and nobody looks for "
            "it. Leave every_s out",
        )
    return DAY_S


def _profile(table: Table, folder: Path | None) -> LinkProfile:
    try:
        profile = load_profile(table.text("profile"), beside=folder)
    except ProfileError as error:
        table.refuse("profile", str(error).rstrip("."))
    return table.build(lambda: require_room(profile))


def _floor(table: Table) -> Priority:
    names = {priority.name.lower(): priority for priority in Priority}
    name = table.text("floor", Priority.BULK.name.lower())
    if name not in names:
        table.refuse("floor", f"expected one of {', '.join(names)}, found {name!r}")
    return names[name]


def _clinicians(table: Table, complaints: AbstractSet[str]) -> Clinicians:
    skills = tuple(_words(table, "skills"))
    for skill in skills:
        if skill not in complaints:
            table.refuse("skills", f"no [[mixes]] has a complaint named {skill!r}")
    clinicians = table.build(
        lambda: Clinicians(
            name=table.text("name"),
            count=table.whole("count"),
            skills=skills,
            from_hour=table.number("from_hour"),
            until_hour=table.number("until_hour"),
            reading_s=table.number("reading_s"),
        )
    )
    table.refuse_unread()
    return clinicians


def _storms(table: Table, known: AbstractSet[str]) -> Storms:
    profiles = tuple(_words(table, "profiles"))
    for name in profiles:
        if name not in known:
            table.refuse("profiles", f"no link is named {name!r}")
    storms = table.build(
        lambda: Storms(
            region=table.text("region"),
            profiles=profiles,
            every_days=table.number("every_days"),
            lasts_s_min=table.number("lasts_s_min"),
            lasts_s_max=table.number("lasts_s_max"),
        )
    )
    table.refuse_unread()
    return storms


def _hub_outage(table: Table) -> HubOutage:
    outage = table.build(
        lambda: HubOutage(start_s=table.number("start_s"), duration_s=table.number("duration_s"))
    )
    table.refuse_unread()
    return outage


def _words(table: Table, key: str) -> Iterable[str]:
    return [word.strip() for word in table.text(key, "").split(",") if word.strip()]


def _shipped() -> Traversable:
    return files("simulations") / "worlds"


def _load(source: Traversable | Path, *, shown_as: str, folder: Path | None = None) -> World:
    try:
        text = read_text(source, shown_as=shown_as, kind="world")
    except ProfileError as error:
        raise WorldError(str(error)) from error
    return parse_world(text, shown_as=shown_as, folder=folder)
