"""Faults to be planted in whole sites and hubs, each in the product's own object, where a world is made."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

import pytest

from protocol import fold_orders
from protocol.case_keys import CASE_NONCE_BYTES, CaseKey, Slot
from protocol.enrolment import SiteKeys, read_request
from protocol.entry import SignedEntry, read_entry
from protocol.errors import EnrolmentRefused
from protocol.header import Priority
from protocol.ids import CaseId, Pseudonym
from protocol.ranges import RangeSet
from protocol.records import Kind
from sfhub.app import Hub
from sfhub.services import admission, enrolment
from sfhub.services.backup import Backups
from sfhub.services.returning import Returning
from sfhub.storage.codes import StoredCode
from sfhub.storage.entries import add_entry
from sfhub.storage.objects import ObjectStore
from sfhub.views import QueueRow
from simulations.hosts.hub_host import HubHost
from simulations.hosts.site import ObservePair, Site, unobserved
from simulations.seeded.consult_world import Setup
from sync.ports import ChunkOutcome, IncomingChunk, OutgoingBundle, SessionView
from sync.scheduler.terms import UNLIMITED, Allowance, LinkCap
from sync.stores.connection import Connection
from sync.stores.sqlite import SqlitePairStore

Plant = Callable[[SqlitePairStore], None]


@dataclass(frozen=True, slots=True)
class WholeFault:
    """One fault in whole sites or their hub, and the law that it breaks."""

    law: str
    setup: Setup
    patched: Callable[[], AbstractContextManager[object]] = nullcontext


def planted_in_stores(plant: Plant) -> Setup:
    """In the custody of every site and of the hub, before anybody watches it."""

    def planting(observe: ObservePair) -> ObservePair:
        def plant_and_observe(site: str, pair: Pseudonym, store: SqlitePairStore) -> None:
            plant(store)
            observe(site, pair, store)

        return plant_and_observe

    def site(*arguments: Any, observe_pair: ObservePair = unobserved, **named: Any) -> Site:
        return Site(*arguments, observe_pair=planting(observe_pair), **named)

    def hub(*arguments: Any, observe_pair: ObservePair = unobserved, **named: Any) -> HubHost:
        return HubHost(*arguments, observe_pair=planting(observe_pair), **named)

    return Setup(site=site, hub=hub)


def replace_method(holder: object, name: str, method: object) -> None:
    setattr(holder, name, method)


def acknowledges_before_the_sync(store: SqlitePairStore) -> None:
    """Its receipts outlive the death of the process, and no power cut."""

    async def unsynced(chunks: Sequence[IncomingChunk]) -> tuple[ChunkOutcome, ...]:
        def keep(connection: Connection) -> tuple[ChunkOutcome, ...]:
            incoming = store._incoming(connection)
            return tuple(incoming.persist(chunk, store._admits) for chunk in chunks)

        return await store._recollection.note(keep)

    replace_method(store, "persist", unsynced)


def acknowledges_before_the_write(store: SqlitePairStore) -> None:
    """It answers first, and writes a moment later."""
    persist, writing = store.persist, set[asyncio.Task[Any]]()

    async def at_once(chunks: Sequence[IncomingChunk]) -> tuple[ChunkOutcome, ...]:
        async def later() -> None:
            await asyncio.sleep(0.05)
            await persist(chunks)

        task = asyncio.get_running_loop().create_task(later())
        writing.add(task)
        task.add_done_callback(writing.discard)
        return tuple(
            ChunkOutcome.STORED
            if chunk.offset + len(chunk.data) == chunk.offer.size_bytes
            else ChunkOutcome.PARTIAL
            for chunk in chunks
        )

    replace_method(store, "persist", at_once)


def acknowledges_the_first_piece(store: SqlitePairStore) -> None:
    """Says of the first piece of a bundle that all of it is durable."""
    persist = store.persist

    async def early(chunks: Sequence[IncomingChunk]) -> tuple[ChunkOutcome, ...]:
        outcomes = await persist(chunks)
        return tuple(ChunkOutcome.STORED if one is ChunkOutcome.PARTIAL else one for one in outcomes)

    replace_method(store, "persist", early)


def forgets_what_was_taken(store: SqlitePairStore) -> None:
    """Forgets once of every bundle that the application took it."""
    take, forgotten = store.take, set[int]()

    async def forgetful(row: int) -> None:
        if row in forgotten:
            await take(row)
        forgotten.add(row)

    replace_method(store, "take", forgetful)


def sends_the_least_urgent(store: SqlitePairStore) -> None:
    """Tells the session the opposite of how urgent its bundles are."""
    outgoing, open_session = store.outgoing, store.open_session

    def upside_down(bundle: OutgoingBundle) -> OutgoingBundle:
        priority = Priority(Priority.BULK - bundle.offer.priority)
        return replace(bundle, offer=replace(bundle.offer, priority=priority))

    async def from_the_end(beside: RangeSet) -> tuple[OutgoingBundle, ...]:
        return tuple(map(upside_down, await outgoing(beside)))

    async def opened() -> SessionView:
        view = await open_session()
        return replace(view, pending=tuple(map(upside_down, view.pending)))

    replace_method(store, "outgoing", from_the_end)
    replace_method(store, "open_session", opened)


def ignores_losses(store: SqlitePairStore) -> None:
    """Goes on believing that the peer holds what it lost."""

    async def nothing(*_: object) -> None:
        return None

    replace_method(store, "mark_lost", nothing)


class PutsOneSiteLast(HubHost):
    """Its worklist has one site behind all others, however long its cases wait."""

    def prepare(self, hub: Hub) -> None:
        queue = hub.worklist.queue

        async def with_one_last() -> tuple[QueueRow, ...]:
            return tuple(sorted(await queue(), key=lambda row: row.site == "site-0"))

        replace_method(hub.worklist, "queue", with_one_last)


class AnswersTheLeastUrgent(HubHost):
    """Its worklist stands on its head."""

    def prepare(self, hub: Hub) -> None:
        queue = hub.worklist.queue

        async def from_the_end() -> tuple[QueueRow, ...]:
            return tuple(reversed(await queue()))

        replace_method(hub.worklist, "queue", from_the_end)


@contextmanager
def replaced(holder: Any, **stand_ins: object) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, stand_in in stand_ins.items():
            patch.setattr(holder, name, stand_in)
        yield


def older_replies_arm_again() -> AbstractContextManager[None]:
    """What a newer reply stopped or passed over is not looked at."""
    return replaced(
        fold_orders, _stopped=lambda readable: frozenset(), _passed_over=lambda readable: frozenset()
    )


def records_land_in_the_first_case() -> AbstractContextManager[None]:
    """Of all that ever were opened at the hub."""
    cases: list[CaseId] = []

    def add_to_first(connection: Connection, signed: SignedEntry, *, case_id: CaseId, **named: Any) -> None:
        entry = read_entry(signed)
        if any(record.kind == Kind.CASE_OPENED for record in entry.records):
            cases.append(case_id)
        add_entry(connection, signed, case_id=cases[0] if case_id in cases else case_id, **named)

    return replaced(admission, add_entry=add_to_first)


def pictures_are_not_synced() -> AbstractContextManager[None]:
    """A picture has its name before its bytes are certain."""

    def keep(store: ObjectStore, key: CaseKey, blob: bytes, data: bytes) -> None:
        path = store._path(key.case_id, blob)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        sealed = key.seal(data, slot=Slot.MEDIA, row=blob, nonce=os.urandom(CASE_NONCE_BYTES))
        draft = path.with_name(path.name + ".new")
        draft.write_bytes(sealed)
        draft.replace(path)

    return replaced(ObjectStore, _keep=keep)


def strangers_are_admitted() -> AbstractContextManager[None]:
    """Whoever asks gets in, if a code is open: what he says under it is not looked at."""

    def believed(request: bytes, code: StoredCode) -> SiteKeys:
        try:
            return read_request(request, key=code.stretched_key)
        except EnrolmentRefused:
            keys = blake2b(request).digest()
            return SiteKeys(
                site_name=code.site_name, signing=keys[:32], opening=keys[32:], transport=keys[32:]
            )

    return replaced(enrolment, _proven=believed)


def backups_are_not_read_back() -> AbstractContextManager[None]:
    """What a backup is to make safe is told before anybody has looked at it."""

    async def unread(backups: Backups, backup: object) -> None:
        """As if it were whole."""

    return replaced(Backups, _read_back=unread)


def new_devices_get_nothing() -> AbstractContextManager[None]:
    """Nothing is given back."""

    async def never(returning: Returning) -> None:
        await asyncio.get_running_loop().create_future()

    return replaced(Returning, run=never)


def caps_are_ignored() -> AbstractContextManager[None]:
    """Whatever was spent, as much may be spent again."""

    def all_of_it(_: LinkCap, __: object) -> Allowance:
        return UNLIMITED

    return replaced(LinkCap, left=all_of_it, left_for_emergencies=all_of_it)


WHOLE_FAULTS: dict[str, WholeFault] = {
    "a receipt before the sync": WholeFault(
        "What is acknowledged is durable.", planted_in_stores(acknowledges_before_the_sync)
    ),
    "a receipt before the write": WholeFault(
        "What is acknowledged is durable.", planted_in_stores(acknowledges_before_the_write)
    ),
    "a receipt for the first piece": WholeFault(
        "What is acknowledged is durable.", planted_in_stores(acknowledges_the_first_piece)
    ),
    "no deduplication": WholeFault("A bundle is delivered once", planted_in_stores(forgets_what_was_taken)),
    "the least urgent first": WholeFault(
        "The most urgent byte goes first.", planted_in_stores(sends_the_least_urgent)
    ),
    "losses ignored": WholeFault(
        "Everything arrives once the link heals.", planted_in_stores(ignores_losses)
    ),
    "a wrong case": WholeFault(
        "No record lies in another patient's case.", Setup(), records_land_in_the_first_case
    ),
    "an older reply arms again": WholeFault("never armed again", Setup(), older_replies_arm_again),
    "one site is put last": WholeFault("nobody waits for ever", Setup(hub=PutsOneSiteLast)),
    "the worklist stands on its head": WholeFault("nobody waits for ever", Setup(hub=AnswersTheLeastUrgent)),
    "pictures without a sync": WholeFault(
        "A picture that a place says it has", Setup(), pictures_are_not_synced
    ),
    "backups not read back": WholeFault("What is called safe", Setup(), backups_are_not_read_back),
    "nothing for a new device": WholeFault(
        "Everything arrives once the link heals.", Setup(), new_devices_get_nothing
    ),
    "strangers admitted": WholeFault(
        "Nobody joins who was not given a code.", Setup(), strangers_are_admitted
    ),
    "an ignored cap": WholeFault("spends no more than its caps allow", Setup(), caps_are_ignored),
}
