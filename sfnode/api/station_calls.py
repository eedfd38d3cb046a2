"""Calls that concern the station: its state, its vault, its link, its hub and its alarms."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Any

from sfnode.config import link_from
from sfnode.services.alarms import Alarms
from sfnode.services.contacts import Contacts
from sfnode.services.enrolment import Enrolled, Enrolment
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
        keep_link: Callable[[Mapping[str, Any]], None],
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
        self._keep_link = keep_link
        self._opened = opened
        self._locked = locked
        self._enrolled = enrolled
        self._settled = settled
        self._stop = stop

    async def status(self, params: Parameters) -> Any:
        params.end()
        return to_primitive(await self._status.view())

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
        params.end()
        report = await self._contacts.sync_once()
        await self._settled()
        return to_primitive(report)

    async def link_set(self, params: Parameters) -> Any:
        """Without parameters it only tells the settings."""
        changes = params.rest()
        if changes:
            self._use_link(changes)
        return asdict(self._contacts.link)

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
        self._use_link({"hub_url": hub_url})
        self._enrolled()
        return asdict(enrolled)

    def _use_link(self, changes: Mapping[str, Any]) -> None:
        link = link_from(changes, self._contacts.link)
        self._keep_link(changes)
        self._contacts.change_link(link)
