"""Calls that concern the station: its state, its vault, its link, its hub and its alarms."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Any

from sfnode.config import link_from
from sfnode.services.alarms import Alarms
from sfnode.services.contacts import Contacts
from sfnode.services.enrolment import Enrolled, Enrolment
from sfnode.services.link_book import LinkBook
from sfnode.services.prices import Prices
from sfnode.services.status import Status
from sfnode.services.vault_access import VaultAccess
from sfnode.views import to_primitive

from .parameters import Parameters


class StationCalls:
    """None of these needs the vault to be open, apart from enrolling."""

    def __init__(
        self,
        *,
        vault: VaultAccess,
        status: Status,
        contacts: Contacts,
        enrolment: Enrolment,
        alarms: Alarms,
        links: LinkBook,
        prices: Prices,
        opened: Callable[[], Awaitable[None]],
        locked: Callable[[], None],
        enrolled: Callable[[], None],
        settled: Callable[[], Awaitable[None]],
        stop: Callable[[], None],
    ) -> None:
        self._vault = vault
        self._status = status
        self._contacts = contacts
        self._enrolment = enrolment
        self._alarms = alarms
        self._links = links
        self._prices = prices
        self._opened = opened
        self._locked = locked
        self._enrolled = enrolled
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
        link = params.optional_text("link")
        params.end()
        report = await self._contacts.sync_once(link)
        await self._settled()
        return to_primitive(report)

    async def link_set(self, params: Parameters) -> Any:
        """Of the named link, else of the first. Without changes it only tells the settings."""
        name, changes = params.optional_text("link"), params.rest()
        return asdict(self._links.change(name, changes) if changes else self._links.link(name))

    async def link_add(self, params: Parameters) -> Any:
        name, values = params.text("link"), params.rest()
        return asdict(self._links.add(name, values))

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

    async def enrol(self, params: Parameters) -> Any:
        hub_url, code = params.text("hub"), params.text("code")
        params.end()
        # Refused before the code is used up, if the address cannot be one.
        link_from({"hub_url": hub_url}, self._contacts.link)
        return self._joined(await self._enrolment.enrol(hub_url, code), hub_url)

    async def enrol_request(self, params: Parameters) -> Any:
        code = params.text("code")
        params.end()
        return {"request": await self._enrolment.make_request(code)}

    async def enrol_response(self, params: Parameters) -> Any:
        hub_url, response = params.text("hub"), params.data("response")
        params.end()
        link_from({"hub_url": hub_url}, self._contacts.link)
        return self._joined(await self._enrolment.accept_response(response), hub_url)

    async def alarms(self, params: Parameters) -> Any:
        params.end()
        return [to_primitive(alarm) for alarm in await self._alarms.views()]

    async def alarm_ack(self, params: Parameters) -> Any:
        alarm, by = params.integer("alarm"), params.text("by")
        params.end()
        return to_primitive(await self._alarms.acknowledge(alarm, by=by))

    def _joined(self, enrolled: Enrolled, hub_url: str) -> Mapping[str, object]:
        self._links.change(None, {"hub_url": hub_url})
        self._enrolled()
        return asdict(enrolled)
