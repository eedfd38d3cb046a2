"""The site at a glance: link, what waits, what it cost, and what the operator should know."""

from __future__ import annotations

from collections import deque
from typing import Final

from protocol.stamps import Certainty
from sfnode.errors import VaultLocked
from sfnode.spool.spool import Spool
from sfnode.views import StatusView
from sync.stores.errors import StoreClosed
from sync.stores.incidents import Incident, IncidentKind

from .alarms import Alarms
from .clock import SiteClock
from .contacts import Contacts
from .inbox import Inbox
from .progress import SpoolCarriage
from .vault_access import VaultAccess

NOTICES_MAX: Final = 8
"""As many as a person reads at a glance; older ones stay in the spool."""
_PAGE: Final = 256
_WORDS: Final = {
    IncidentKind.RENEWED: "This store began a new life: {reason}.",
    IncidentKind.FORKED: "The hub looks copied or restored from a backup: {reason}.",
    IncidentKind.REFUSED: "The hub will not take a message as it is: {reason}. It is kept here.",
    IncidentKind.REKEY: "The hub could not open a message as sealed: {reason}. It is kept and sealed again.",
    IncidentKind.QUARANTINED: "A message from the hub was kept aside: {reason}.",
    IncidentKind.DAMAGED: "The disk altered a stored message: {reason}. It is sent or fetched again.",
}
_CLOCK_UNSET: Final = "The clock of this machine is not set: times shown are not to be trusted."


class Status:
    """Reads everybody's state; changes nothing."""

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
    ) -> None:
        self._site = site
        self._spool = spool
        self._vault = vault
        self._contacts = contacts
        self._carriage = carriage
        self._inbox = inbox
        self._alarms = alarms
        self._clock = clock
        self._troubles: deque[str] = deque(maxlen=NOTICES_MAX)

    def note_trouble(self, sentence: str) -> None:
        """Something that went wrong and will be tried again; shown until newer ones push it out."""
        if sentence not in self._troubles:
            self._troubles.append(sentence)

    async def view(self) -> StatusView:
        pairing = await self._spool.pairings.current()
        traffic = await self._spool.diary.traffic()
        unsent_count, unsent_bytes = await self._carriage.unsent()
        link = self._contacts.state
        return StatusView(
            site=self._site,
            hub=None if pairing is None else pairing.hub_name,
            vault="unlocked" if self._vault.unlocked else "locked",
            link=link.words,
            link_up=link.up,
            medium=self._contacts.medium,
            unsent_count=unsent_count,
            unsent_bytes=unsent_bytes,
            unread_replies=await self._unread_replies(),
            alarms=len(await self._alarms.views()),
            spent_usd=traffic.usd,
            bytes_up=traffic.bytes_up,
            bytes_down=traffic.bytes_down,
            last_contact_s=traffic.last_reached_s,
            key_epoch=await self._key_epoch(),
            rekeys_pending=await self._rekeys_pending(),
            notices=(*self._own_notices(), *await self._incident_notices())[:NOTICES_MAX],
        )

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

    async def _rekeys_pending(self) -> int:
        pairing = await self._spool.pairings.current()
        return 0 if pairing is None else len(await (await self._spool.custody(pairing)).rekeys())

    def _own_notices(self) -> tuple[str, ...]:
        unset = self._clock.certainty() is Certainty.UNSET
        return ((_CLOCK_UNSET,) if unset else ()) + tuple(self._troubles)

    async def _incident_notices(self) -> tuple[str, ...]:
        """The newest first."""
        pairing = await self._spool.pairings.current()
        if pairing is None:
            return ()
        custody = await self._spool.custody(pairing)
        newest: deque[Incident] = deque(maxlen=NOTICES_MAX)
        row = 0
        while page := await custody.incidents_after(row, _PAGE):
            newest.extend(page)
            row = page[-1].row
        return tuple(_WORDS[each.kind].format(reason=each.reason) for each in reversed(newest))
