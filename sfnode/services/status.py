"""The site at a glance: link, what waits, what it cost, and what the operator should know."""

from __future__ import annotations

from collections import deque
from typing import Final

from protocol.header import Priority
from protocol.ids import Pseudonym
from protocol.stamps import Certainty
from sfnode.domain.notice_words import worded
from sfnode.domain.plain_names import plain_name
from sfnode.errors import VaultLocked
from sfnode.spool.pairing import Pairing
from sfnode.spool.spool import Spool
from sfnode.views import HubView, StatusView
from sync.stores.ballast import Ballast
from sync.stores.errors import StoreClosed
from sync.stores.incidents import Incident
from sync.stores.notices import Notice

from .alarms import Alarms
from .arrival_words import arrival_view, proof_words
from .arrivals import ArrivalForecasts, InLine
from .clock import SiteClock, moment_of
from .contacts import Contacts
from .cut_off import cut_off_sentences
from .hub_names import told_of
from .inbox import Inbox
from .progress import SpoolCarriage
from .vault_access import VaultAccess

TROUBLES_MAX: Final = 8
"""As many as a person reads at a glance."""
_CLOCK_UNSET: Final = "The clock of this machine is not set: times shown are not to be trusted."


class Status:
    """Reads everybody's state; changes nothing but which notices are still to be told."""

    def __init__(
        self,
        site: str,
        spool: Spool,
        *,
        vault: VaultAccess,
        contacts: Contacts,
        carriage: SpoolCarriage,
        inbox: Inbox,
        alarms: Alarms,
        clock: SiteClock,
        arrivals: ArrivalForecasts,
        ballast: Ballast | None = None,
    ) -> None:
        self._ballast = ballast
        self._arrivals = arrivals
        self._site = site
        self._spool = spool
        self._vault = vault
        self._contacts = contacts
        self._carriage = carriage
        self._inbox = inbox
        self._alarms = alarms
        self._clock = clock
        self._troubles: deque[str] = deque(maxlen=TROUBLES_MAX)

    def note_trouble(self, sentence: str) -> None:
        """Something that went wrong and will be tried again; shown until newer ones push it out."""
        if sentence not in self._troubles:
            self._troubles.append(sentence)

    async def mark_seen(self) -> None:
        """A person has read the notices: what is told once is told no more."""
        self._troubles.clear()
        await self._spool.notices.mark_seen(now_s=self._clock.wall_s())

    async def view(self) -> StatusView:
        hubs = [await self._hub(pairing) for pairing in await self._spool.pairings.all()]
        traffic = await self._spool.diary.traffic()
        link = self._contacts.state
        return StatusView(
            site=self._site,
            hub=next((hub.name for hub in hubs if hub.home), None),
            vault="unlocked" if self._vault.unlocked else "locked",
            link=link.words,
            link_up=link.up,
            medium=self._contacts.medium,
            unsent_count=sum(hub.unsent_count for hub in hubs),
            unsent_bytes=sum(hub.unsent_bytes for hub in hubs),
            unread_replies=await self._unread_replies(),
            alarms=len(await self._alarms.views()),
            spent_usd=traffic.usd,
            bytes_up=traffic.bytes_up,
            bytes_down=traffic.bytes_down,
            last_contact_s=traffic.last_reached_s,
            key_epoch=await self._key_epoch(),
            rekeys_pending=sum(hub.rekeys_pending for hub in hubs),
            notices=(*self._own_notices(), *await self._cut_off(), *await self._told_once()),
            forecasts=await self._forecasts(),
            hubs=tuple(hubs),
        )

    async def _hub(self, pairing: Pairing) -> HubView:
        link = self._contacts.state_of(pairing)
        unsent_count, unsent_bytes = await self._carriage.of(pairing.pseudonym).unsent()
        return HubView(
            name=pairing.name,
            organisation=plain_name(pairing.organisation),
            home=pairing.is_home,
            enrolled_s=pairing.enrolled_s,
            links=tuple(each.name for each in self._contacts.links_to(pairing)),
            link=link.words,
            link_up=link.up,
            unsent_count=unsent_count,
            unsent_bytes=unsent_bytes,
            last_contact_s=await self._spool.diary.last_reached(pairing.name),
            rekeys_pending=len(await (await self._spool.custody(pairing)).rekeys()),
            kept_aside=await self._kept_aside(pairing),
        )

    async def _kept_aside(self, pairing: Pairing) -> int | None:
        try:
            return await self._vault.casebook.kept_aside(pairing.hub)
        except (VaultLocked, StoreClosed):
            return None

    async def _forecasts(self) -> str:
        """How what was told of arrivals fared; before any could, how far it is to the first."""
        proof = await self._arrivals.proof()
        if proof.of:
            return proof_words(inside=proof.inside, of=proof.of)
        home = await self._spool.pairings.home()
        pair = None if home is None else home.pseudonym
        (next_one,) = await self._arrivals.foresee([InLine(Priority.EMERGENCY, 0, pair)])
        if next_one is None or next_one.interval is not None:
            return ""
        down = next_one.link if next_one.is_down else None
        seen, outages = next_one.contacts, next_one.outages
        return arrival_view(None, seen=seen, down=down, now=moment_of(self._clock), outages=outages).words

    async def _unread_replies(self) -> int:
        try:
            return await self._vault.casebook.unread_replies()
        except (VaultLocked, StoreClosed):
            return await self._inbox.sealed_urgent()

    async def _key_epoch(self) -> int | None:
        try:
            return (await self._vault.identity()).ring.newest.epoch
        except (VaultLocked, StoreClosed):
            return None

    def _own_notices(self) -> tuple[str, ...]:
        unset = self._clock.certainty() is Certainty.UNSET
        full = "" if self._ballast is None else self._ballast.trouble
        own = (full, _CLOCK_UNSET if unset else "", *self._contacts.notices, *self._troubles)
        return tuple(filter(None, own))

    async def _cut_off(self) -> tuple[str, ...]:
        try:
            hubs = await self._vault.directory.all_hubs()
        except (VaultLocked, StoreClosed):
            return ()
        return cut_off_sentences(hubs, await self._spool.pairings.all())

    async def _told_once(self) -> tuple[str, ...]:
        """The newest first, until somebody has seen them."""
        now_s, pairings = self._clock.wall_s(), await self._spool.pairings.all()
        for pairing in pairings:
            custody = await self._spool.custody(pairing)

            def worded_of(incident: Incident, pair: Pseudonym = pairing.pseudonym) -> Notice:
                return told_of(worded(incident), pair, pairings)

            await self._spool.notices.collect(pairing.pseudonym, custody, worded_of, now_s=now_s)
        return await self._spool.notices.shown(now_s=now_s)
