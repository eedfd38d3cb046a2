"""The links of the site: as site.toml keeps them, and as they hold for this run of the daemon.

Law: which hub a link leads to is written down as soon as there are several, so that another home hub
re-points none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from sfnode.config import LINKS_MAX, LinkSettings, SiteSettings, check_links, link_from, write_settings
from sfnode.errors import NotFound, Refused
from sfnode.link_settings import NAME_CHARACTERS_MAX
from sfnode.spool.pairing import Pairing

from .hub_links import leads_to

NO_CAP: Final = "no_cap"
"""A change that takes both caps of a link away; they cannot be set to nothing otherwise."""


class LinkBook:
    """Changes links, in the file first."""

    def __init__(
        self, path: Path, settings: SiteSettings, first: LinkSettings, *, changed: Callable[[], None]
    ) -> None:
        """`first` is the first link with what the command line says of it for this run."""
        self._path = path
        self._settings = settings
        self._used = (first, *settings.other_links)
        self._changed = changed
        self._pins: dict[str, str] = {}

    @property
    def links(self) -> tuple[LinkSettings, ...]:
        """As they hold now: a link without an address leads where the first one to its hub does."""
        return tuple(_with_address(link, self._used) for link in self._used)

    def link(self, name: str | None) -> LinkSettings:
        """The named one, else the first. `NotFound`."""
        return self.links[self._place(name)]

    def change(self, name: str | None, changes: Mapping[str, Any]) -> LinkSettings:
        """Some settings of one link. `NotFound`, `BadRequest`; then nothing was changed."""
        place = self._place(name)
        kept, used = list(self._settings.links), list(self._used)
        used[place] = _changed_link(used[place], changes)
        kept[place] = _changed_link(kept[place], changes)
        self._keep(kept, used)
        return self.links[place]

    def add(self, name: str, values: Mapping[str, Any]) -> LinkSettings:
        """One more link. `BadRequest` where the name is taken."""
        link = _changed_link(LinkSettings(name=name), values)
        self._keep([*self._settings.links, link], [*self._used, link])
        return self.links[-1]

    def remove(self, name: str) -> None:
        """`Refused` for the only one: without any, nobody is ever reached."""
        place = self._place(name)
        if len(self._used) == 1:
            raise Refused(
                f"{name} is the only link. Nothing was changed. Change it with `sfnode link set`, or add "
                "another one first."
            )
        kept, used = _without(self._settings.links, place), _without(self._used, place)
        self._keep(kept, used)

    # Hubs.

    def settle(self, pairings: Sequence[Pairing]) -> None:
        """Where there are several hubs, every link that names none leads to the home hub of now for good."""
        home = next((each for each in pairings if each.is_home), None)
        if home is None or len(pairings) < 2 or all(link.hub is not None for link in self._used):
            return
        self._keep(
            [replace(link, hub=link.hub or home.name) for link in self._settings.links],
            [replace(link, hub=link.hub or home.name) for link in self._used],
        )

    def check_room(self) -> None:
        """`Refused` where no link can be added for another hub."""
        if len(self._used) >= LINKS_MAX:
            raise Refused(
                f"A site has at most {LINKS_MAX} links, and another hub needs one. Nothing was changed. "
                "Remove one with `sfnode link remove`."
            )

    def trust(self, hub_url: str, pin: str | None) -> None:
        """That key is the hub's there, while it is joined and on the link that will lead to it."""
        if pin is not None:
            self._pins[hub_url] = pin

    def pin_at(self, hub_url: str) -> str | None:
        """The key that is trusted there, if one is named."""
        pins = [link.pin for link in self.links if link.pin and link.hub_url == hub_url]
        first = [self.links[0].pin] if self.links[0].hub_url is None else []
        return next(filter(None, (self._pins.get(hub_url), *pins, *first)), None)

    def hub_at(self, hub_url: str, pairings: Sequence[Pairing]) -> Pairing | None:
        """The hub that a link leads to at that address."""
        for link in self.links:
            if link.hub_url is not None and link.hub_url.rstrip("/") == hub_url.rstrip("/"):
                return next((each for each in pairings if leads_to(link, each)), None)
        return None

    def lead_to(self, pairing: Pairing, hub_url: str, pairings: Sequence[Pairing]) -> LinkSettings | None:
        """The hub was joined there: a link of its own has that address. The one that was added, on the terms
        of the first one to the home hub; None where there was one."""
        self.settle(pairings)
        values = {"hub_url": hub_url, "pin": self._pins.pop(hub_url, None)}
        own = [link for link in self._used if leads_to(link, pairing)]
        if own or len(pairings) == 1:
            self.change(own[0].name if own else None, values)
            return None
        like = next(
            (link for link in self._used if any(leads_to(link, e) for e in pairings if e.is_home)), None
        )
        link = replace(
            like or self._used[0],
            name=_free_name(pairing.name, [link.name for link in self._used]),
            hub=pairing.name,
            hub_url=None,
            udp=None,
            pin=None,
        )
        link = _changed_link(link, values)
        self._keep([*self._settings.links, link], [*self._used, link])
        return link

    def forget_hub(self, pairing: Pairing) -> tuple[str, ...]:
        """The hub was left: its links go; their names. The last one stays without an address."""
        names = tuple(link.name for link in self._used if leads_to(link, pairing))
        kept = [link for link in self._settings.links if link.name not in names]
        used = [link for link in self._used if link.name not in names]
        self._keep(kept or [LinkSettings()], used or [LinkSettings()])
        return names

    def _place(self, name: str | None) -> int:
        if name is None:
            return 0
        for place, link in enumerate(self._used):
            if link.name == name:
                return place
        raise NotFound(f"There is no link {name}. `sfnode link list` shows those there are.")

    def _keep(self, kept: Sequence[LinkSettings], used: Sequence[LinkSettings]) -> None:
        check_links(used)
        check_links(kept)
        self._settings = replace(self._settings, link=kept[0], other_links=tuple(kept[1:]))
        write_settings(self._path, self._settings)
        self._used = tuple(used)
        self._changed()


def _changed_link(link: LinkSettings, changes: Mapping[str, Any]) -> LinkSettings:
    rest = {key: value for key, value in changes.items() if key != NO_CAP}
    if changes.get(NO_CAP) is True:
        link = replace(link, cap_usd_per_day=None, cap_bytes_per_day=None)
    return link_from(rest, link)


def _without(links: Sequence[LinkSettings], place: int) -> list[LinkSettings]:
    """One goes; if the address of its hub stood there for others, the first of them has it from now on."""
    removed, left = links[place], [link for at, link in enumerate(links) if at != place]
    heirs = [at for at, link in enumerate(left) if link.hub == removed.hub]
    if heirs and all(left[at].hub_url is None for at in heirs):
        left[heirs[0]] = _led_like(removed, left[heirs[0]])
    return left


def _with_address(link: LinkSettings, links: Sequence[LinkSettings]) -> LinkSettings:
    first = next((each for each in links if each.hub == link.hub and each.hub_url is not None), None)
    return link if first is None else _led_like(first, link)


def _led_like(first: LinkSettings, link: LinkSettings) -> LinkSettings:
    if link.hub_url is not None:
        return link
    return replace(link, hub_url=first.hub_url, pin=link.pin or first.pin)


def _free_name(hub: str, taken: Sequence[str]) -> str:
    """Of a link that is called like its hub."""
    name = hub[:NAME_CHARACTERS_MAX].strip()
    numbered = (f"{name[: NAME_CHARACTERS_MAX - 3].strip()} {number}" for number in range(2, LINKS_MAX + 2))
    return next(each for each in (name, *numbered) if each not in taken)
