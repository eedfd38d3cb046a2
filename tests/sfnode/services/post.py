"""A site's vault, spool and services around them, and a hub that answers over a link in memory."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from protocol.actors import Role
from protocol.basis import basis_of
from protocol.bundle import EntryBundle
from protocol.entry import SignedEntry, read_entry
from protocol.header import Priority
from protocol.ids import CaseId, Incarnation, Mailbox, PatientId, seal_tag_of
from protocol.orders import Advice, Comparison, Contingency, Quantity, Reply
from protocol.records import NewRecord
from protocol.sealing import HpkeSealer
from sfnode.errors import LinkDown
from sfnode.services.casebook import CaseBook
from sfnode.services.clock import SetClock
from sfnode.services.enrolment import Enrolment
from sfnode.services.happenings import CasebookEvent
from sfnode.services.inbox import Inbox
from sfnode.services.labels import Labels
from sfnode.services.leaving import Leaving
from sfnode.services.outbox import Outbox
from sfnode.services.vault_access import VaultAccess
from sfnode.spool.spool import Spool
from sfnode.vault.vault import Vault
from sfnode.views import AlarmView
from sync.envelope import SealedContent
from sync.ports import (
    ChunkOutcome,
    IncomingChunk,
    Offer,
)
from sync.stores.database import Execution, ThreadFactory
from sync.stores.sqlite import SqlitePairStore
from tests.sfnode.services.station import CHEAP, NOW_S, PASSPHRASE, new_case
from tests.sfnode.stand_in_hub import StandInHub, quick_key

HUB_LIFE = Incarnation(b"hub1")


@dataclass
class Counter:
    """Carries enrolment messages to a hub; the way back can be cut."""

    hub: StandInHub
    answers_lost: int = 0

    async def carry(self, hub_url: str, request: bytes) -> bytes:
        answer = self.hub.answer(request)
        if self.answers_lost:
            self.answers_lost -= 1
            raise LinkDown("The answer was lost.")
        return answer


@dataclass
class Post:
    """One site's services that move bundles."""

    folder: Path
    clock: SetClock
    spool: Spool
    vault: VaultAccess
    outbox: Outbox
    inbox: Inbox
    enrolment: Enrolment
    counter: Counter
    hub: StandInHub
    listeners: list[Callable[[CasebookEvent], None]] = field(default_factory=list)
    kept_alarms: list[AlarmView] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    @property
    def book(self) -> CaseBook:
        return self.vault.casebook

    async def arrive_from(self, hub: StandInHub, sealed: SealedContent, sequence: int) -> None:
        """As `arrive`, of a hub that is named."""
        await _arrive(await self.spool.custody_of(hub.pseudonym), sealed, sequence, Priority.URGENT)

    async def custody(self) -> SqlitePairStore:
        pairing = await self.spool.pairings.home()
        if pairing is None:
            raise LookupError("not enrolled")
        return await self.spool.custody(pairing)

    async def arrive(
        self, sealed: SealedContent, sequence: int, priority: Priority = Priority.URGENT
    ) -> None:
        """A bundle of the hub's becomes whole in custody, as a session would leave it."""
        await _arrive(await self.custody(), sealed, sequence, priority)


async def join(post: Post, hub: StandInHub, *, again: Mailbox | None = None) -> None:
    """Over a line that leads to that hub."""
    hub.stretched = quick_key
    post.counter.hub = hub
    await post.enrolment.enrol("http://hub.example", hub.code, again=again)


def leaving_of(post: Post) -> Leaving:
    return Leaving(post.vault, post.spool, labels=Labels(), clock=post.clock, sealing=post.outbox.turn)


async def _arrive(custody: SqlitePairStore, sealed: SealedContent, sequence: int, priority: Priority) -> None:
    offer = Offer(
        incarnation=HUB_LIFE,
        sequence=sequence,
        bundle_id=sealed.bundle_id,
        seal_tag=seal_tag_of(sealed.sealed),
        priority=priority,
        dwell_code=20,
        recipient_key=sealed.recipient_key,
        size_bytes=len(sealed.sealed),
    )
    outcomes = await custody.persist([IncomingChunk(offer=offer, offset=0, data=sealed.sealed)])
    assert outcomes == (ChunkOutcome.STORED,)


@asynccontextmanager
async def open_post(
    folder: Path,
    *,
    enrolled: bool = True,
    hub: StandInHub | None = None,
    execution: ThreadFactory | None = None,
) -> AsyncIterator[Post]:
    """Unlocked. With the hub that it knows already: one that was killed, and starts again."""
    if hub is None:
        vault = await Vault.create(
            folder,
            PASSPHRASE,
            site_name="MV ARGO",
            person_name="Medic on duty",
            role=Role.MEDIC,
            stretching=CHEAP,
        )
        await vault.close()
    spool = await Spool.open(folder / "spool.db", execution=execution or Execution.INLINE)
    clock = SetClock(wall_s=NOW_S)
    listeners: list[Callable[[CasebookEvent], None]] = []
    kept: list[AlarmView] = []
    troubles: list[str] = []

    def happened(event: CasebookEvent) -> None:
        for listener in listeners:
            listener(event)

    access = VaultAccess(
        folder,
        lambda opened: CaseBook(opened, clock=clock, observer=happened),
        execution=execution or Execution.THREADS,
    )
    sealer = HpkeSealer(os.urandom)
    is_new = hub is None
    hub = hub or StandInHub(stretched=quick_key)
    counter = Counter(hub)

    async def keep(alarms: Iterable[AlarmView]) -> None:
        kept.extend(alarms)

    post = Post(
        folder=folder,
        clock=clock,
        spool=spool,
        vault=access,
        outbox=Outbox(access, spool, sealer=sealer, clock=clock, trouble=troubles.append),
        inbox=Inbox(access, spool, sealer=sealer, clock=clock, keep_alarms=keep, trouble=troubles.append),
        enrolment=Enrolment(access, spool, clock=clock, courier=counter, stretched=quick_key),
        counter=counter,
        hub=hub,
        listeners=listeners,
        kept_alarms=kept,
        troubles=troubles,
    )
    try:
        await access.unlock(PASSPHRASE)
        if enrolled and is_new:
            await post.enrolment.enrol("http://hub.example", hub.code)
        yield post
    finally:
        await access.lock()
        await spool.close()


@dataclass(frozen=True)
class Sent:
    """A case that the hub may answer."""

    case_id: CaseId
    patient_id: PatientId

    def advice(self, post: Post, text: str) -> SignedEntry:
        records = [NewRecord(Advice(text=text))]
        return post.hub.sign(records, case_id=self.case_id, patient_id=self.patient_id)

    def reply(self, post: Post, **fields: Any) -> SignedEntry:
        """With a limit for the saturation, good for an hour."""
        below = Contingency(
            number=1, quantity=Quantity.SPO2, comparison=Comparison.BELOW, threshold=90, then="Give oxygen."
        )
        body = Reply(
            basis=basis_of([]),
            assessment="Likely a heart attack.",
            contingencies=(below,),
            valid_for_min=60,
            **fields,
        )
        return post.hub.sign([NewRecord(body)], case_id=self.case_id, patient_id=self.patient_id)


async def sent_case(post: Post) -> Sent:
    case_id = (await post.book.open_case(new_case())).case_id
    await post.book.send_case(case_id)
    entries = [
        read_entry(signed)
        for outgoing in await post.book.outbox()
        if isinstance(outgoing.content, EntryBundle)
        for signed in outgoing.content.entries
    ]
    await post.outbox.seal_waiting()
    return Sent(case_id, next(entry.patient_id for entry in entries if entry.case_id == case_id))
