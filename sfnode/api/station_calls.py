"""Calls that concern the station: its state, its vault, its links and its alarms."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

from sfnode.config import link_from
from sfnode.errors import NotFound
from sfnode.services.alarms import Alarms
from sfnode.services.contacts import Contacts
from sfnode.services.link_book import LinkBook
from sfnode.services.prices import Prices
from sfnode.services.status import Status
from sfnode.services.vault_access import VaultAccess
from sfnode.spool.pairing import Pairings
from sfnode.views import to_primitive

from .parameters import Parameters

_ADDRESS_SIGNS: Final = frozenset(".:/")


class StationCalls:
    """None of these needs the vault to be open."""

    def __init__(
        self,
        *,
        vault: VaultAccess,
        pairings: Pairings,
        status: Status,
        contacts: Contacts,
        alarms: Alarms,
        links: LinkBook,
        prices: Prices,
        opened: Callable[[], Awaitable[None]],
        locked: Callable[[], None],
        settled: Callable[[], Awaitable[None]],
        stop: Callable[[], None],
    ) -> None:
        self._vault = vault
        self._pairings = pairings
        self._status = status
        self._contacts = contacts
        self._alarms = alarms
        self._links = links
        self._prices = prices
        self._opened = opened
        self._locked = locked
        self._settled = settled
        self._stop = stop

    async def status(self, params: Parameters) -> Any:
        params.end()
        return to_primitive(await self._status.view())

    async def notices_seen(self, params: Parameters) -> Any:
        params.end()
        await self._status.mark_seen()
        return {"seen": True}

    async def unlock(self, params: Parameters) -> Any:
        passphrase = params.data("passphrase")
        params.end()
        if await self._vault.unlock(passphrase):
            await self._opened()
        return {"vault": "unlocked"}

    async def lock(self, params: Parameters) -> Any:
        params.end()
        if await self._vault.lock():
            self._locked()
        return {"vault": "locked"}

    async def stop(self, params: Parameters) -> Any:
        params.end()
        self._stop()
        return {"stopping": True}

    async def sync_once(self, params: Parameters) -> Any:
        """Answered when what came is opened and what went is accounted for: a script may ask at once."""
        link, name = params.optional_text("link"), params.optional_text("hub")
        params.end()
        hub = None if name is None else await self._pairings.named(name)
        report = await self._contacts.sync_once(link, hub=hub)
        await self._settled()
        return to_primitive(report)

    async def link_set(self, params: Parameters) -> Any:
        """Of the named link, else of the first. Without changes it only tells the settings."""
        name, changes = params.optional_text("link"), await self._of_known_hub(params.rest())
        return asdict(self._links.change(name, changes) if changes else self._links.link(name))

    async def link_add(self, params: Parameters) -> Any:
        """Without a hub it leads to the one that is the home hub now, and stays with that one."""
        name, values = params.text("link"), await self._of_known_hub(params.rest())
        link = self._links.add(name, values)
        self._links.settle(await self._pairings.all())
        return asdict(self._links.link(link.name))

    async def link_remove(self, params: Parameters) -> Any:
        name = params.text("link")
        params.end()
        self._links.remove(name)
        return {"removed": name}

    async def link_list(self, params: Parameters) -> Any:
        params.end()
        return [to_primitive(link) for link in await self._prices.link_views()]

    async def price(self, params: Parameters) -> Any:
        """Of a case, sent or not, or of all that waits; nothing is sent."""
        case = params.optional_text("case")
        params.end()
        return to_primitive(await self._prices.view(case))

    async def alarms(self, params: Parameters) -> Any:
        params.end()
        return [to_primitive(alarm) for alarm in await self._alarms.views()]

    async def alarm_ack(self, params: Parameters) -> Any:
        alarm, by = params.integer("alarm"), params.text("by")
        params.end()
        return to_primitive(await self._alarms.acknowledge(alarm, by=by))

    async def _of_known_hub(self, changes: Mapping[str, Any]) -> Mapping[str, Any]:
        """A link may only lead to a hub that this site is enrolled with. `NotFound`."""
        hub = changes.get("hub")
        if not isinstance(hub, str):
            return changes
        try:
            return {**changes, "hub": (await self._pairings.named(hub)).name}
        except NotFound:
            if set(hub) & _ADDRESS_SIGNS:
                # Meant as an address, and none: the sentence about addresses helps more.
                link_from({"hub_url": hub})
            raise
