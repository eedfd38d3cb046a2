"""The links of the site: as site.toml keeps them, and as they hold for this run of the daemon."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sfnode.config import LinkSettings, SiteSettings, check_links, link_from, write_settings
from sfnode.errors import NotFound, Refused

NO_CAP = "no_cap"
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

    @property
    def links(self) -> tuple[LinkSettings, ...]:
        """As they hold now: a link without an address of its own leads to the first one's hub."""
        first, *others = self._used
        return (first, *(_led_like(first, link) for link in others))

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
        kept, used = list(self._settings.links), list(self._used)
        removed = used.pop(place)
        kept.pop(place)
        if place == 0 and used[0].hub_url is None:
            # The hub's address stood there for all.
            used[0], kept[0] = _led_like(removed, used[0]), _led_like(removed, kept[0])
        self._keep(kept, used)

    def _place(self, name: str | None) -> int:
        if name is None:
            return 0
        for place, link in enumerate(self._used):
            if link.name == name:
                return place
        raise NotFound(f"There is no link {name}. `sfnode link list` shows those there are.")

    def _keep(self, kept: list[LinkSettings], used: list[LinkSettings]) -> None:
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


def _led_like(first: LinkSettings, link: LinkSettings) -> LinkSettings:
    if link.hub_url is not None:
        return link
    return replace(link, hub_url=first.hub_url, pin=link.pin or first.pin)
