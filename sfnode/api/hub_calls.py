"""Calls that concern the hubs of the station: joining, listing, choosing and leaving them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

from protocol.ids import Mailbox
from sfnode.config import link_from
from sfnode.services.enrolment import Enrolled, Enrolment
from sfnode.services.inbox import Inbox
from sfnode.services.leaving import Leaving
from sfnode.services.link_book import LinkBook
from sfnode.services.status import Status
from sfnode.spool.pairing import Pairings
from sfnode.views import to_primitive

from .parameters import Parameters


class HubCalls:
    """Joining and leaving need the vault to be open."""

    def __init__(
        self,
        pairings: Pairings,
        *,
        enrolment: Enrolment,
        leaving: Leaving,
        inbox: Inbox,
        links: LinkBook,
        status: Status,
        hubs_changed: Callable[[], None],
    ) -> None:
        self._pairings = pairings
        self._enrolment = enrolment
        self._leaving = leaving
        self._inbox = inbox
        self._links = links
        self._status = status
        self._hubs_changed = hubs_changed

    async def enrol(self, params: Parameters) -> Any:
        hub_url, code, again = params.text("hub"), params.text("code"), params.optional_text("again")
        self._trust(hub_url, params)
        known = await self._known(hub_url, again)
        return await self._joined(await self._enrolment.enrol(hub_url, code, again=known), hub_url)

    async def enrol_request(self, params: Parameters) -> Any:
        code, again = params.text("code"), params.optional_text("again")
        params.end()
        known = None if again is None else await self._enrolment.known(again)
        pairings = await self._pairings.all()
        if pairings and known not in [each.hub for each in pairings]:
            self._links.check_room()
        return {"request": await self._enrolment.make_request(code, again=known)}

    async def enrol_response(self, params: Parameters) -> Any:
        hub_url, response, again = params.text("hub"), params.data("response"), params.optional_text("again")
        self._trust(hub_url, params)
        known = await self._known(hub_url, again)
        return await self._joined(await self._enrolment.accept_response(response, again=known), hub_url)

    async def hubs(self, params: Parameters) -> Any:
        """Each with its links and what waits for it."""
        params.end()
        return [to_primitive(hub) for hub in (await self._status.view()).hubs]

    async def hub_home(self, params: Parameters) -> Any:
        """From now on that hub is meant where none is named; links and cases stay with theirs."""
        name = params.text("hub")
        params.end()
        pairing = await self._pairings.named(name)
        self._links.settle(await self._pairings.all())
        await self._pairings.make_home(pairing)
        self._hubs_changed()
        return {"home": pairing.name}

    async def hub_leave(self, params: Parameters) -> Any:
        name, abandon = params.text("hub"), params.flag("abandon")
        params.end()
        hub = await self._enrolment.known(name)
        pairing = await self._pairings.at(hub)
        # What has come may say that nothing is to be given up.
        await self._inbox.open_waiting()
        self._links.settle(await self._pairings.all())
        left = await self._leaving.leave(hub, abandon=abandon)
        if pairing is not None:
            left = replace(left, links=self._links.forget_hub(pairing))
        self._hubs_changed()
        return asdict(left)

    def _trust(self, hub_url: str, params: Parameters) -> None:
        """Refused before the code is used up, if the address or key cannot be one."""
        pin = params.optional_text("pin")
        params.end()
        link_from({"hub_url": hub_url, "pin": pin})
        self._links.trust(hub_url, pin)

    async def _known(self, hub_url: str, again: str | None) -> Mailbox | None:
        """The hub that this is, where the site is or was enrolled with it."""
        pairings = await self._pairings.all()
        at_address = self._links.hub_at(hub_url, pairings)
        known = None if at_address is None else at_address.hub
        if again:
            known = await self._enrolment.known(again)
        if pairings and known not in [each.hub for each in pairings]:
            self._links.check_room()
        return known

    async def _joined(self, enrolled: Enrolled, hub_url: str) -> Mapping[str, object]:
        pairing = await self._pairings.named(enrolled.name)
        added = self._links.lead_to(pairing, hub_url, await self._pairings.all())
        self._hubs_changed()
        return {
            **asdict(enrolled),
            "home": pairing.is_home,
            "link_added": None if added is None else added.name,
        }
