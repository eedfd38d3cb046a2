"""Applies what one bundle holds: entries, a layer of a photograph, or what goes ahead of them unsigned.

Law: what a bundle brought is durable in hub.db and objects/ when applying it returns, all of it or nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from protocol.bundle import LayerBundle
from protocol.case_keys import CaseKey
from protocol.entry import SignedEntry
from protocol.errors import BaseMissing, ProtocolError
from protocol.header import Priority, Suite
from protocol.ids import BundleId, CaseId
from protocol.micro import MicroBundle, read_micro
from protocol.sealing import Sealer
from sync.ports import Clock, ReceivedBundle
from sync.stores.case_keys import key_for
from sync.stores.connection import Connection
from sync.stores.database import Database
from sync.stores.erasures import is_erased

from ..domain.case_file import site_case_id
from ..keystore import KeyStore
from ..storage.arrived import ArrivedEntryRow, ArrivedLayerRow, note_announced, note_entries, note_layer
from ..storage.bases import entry_starting, erased_case_starting
from ..storage.erasing import drop_late
from ..storage.objects import ObjectStore
from ..storage.quarantine import end_opening, put_aside, take_back
from ..storage.sites import Pair
from .admission import Admission
from .changes import Changes
from .opening import OpenedEntries, Opener, RefusedEntry
from .provisional import ProvisionalAdmission
from .sites import Sites


class OfNoUse(Exception):
    """A bundle whose sealed bytes nobody needs; the message is the reason, empty where an erased case has
    counted it."""


class Applying:
    """What bundles bring becomes part of the cases, for every pair."""

    def __init__(
        self,
        database: Database,
        sites: Sites,
        keys: KeyStore,
        sealer: Sealer,
        objects: ObjectStore,
        changes: Changes,
        clock: Clock,
        keys_stated: Callable[[Pair], None],
    ) -> None:
        self._database = database
        self._sites = sites
        self._keys = keys
        self._sealer = sealer
        self._objects = objects
        self._changes = changes
        self._clock = clock
        self._keys_stated = keys_stated

    async def apply(self, pair: Pair, bundle: ReceivedBundle) -> tuple[RefusedEntry, ...]:
        """What the bundle holds is durable on return, except for entries that were refused."""
        opener = Opener(
            envelope=self._sites.incoming(pair),
            keys=self._keys.opening,
            sealer=self._sealer,
            directory=self._sites.directory,
        )
        content = await self._opened(pair, opener, bundle)
        if isinstance(content, LayerBundle):
            await self._apply_layer(pair, bundle, content)
            return ()
        if isinstance(content, MicroBundle):
            await self.apply_micro(pair, bundle.offer.bundle_id, bundle.offer.priority, content)
            return ()
        return await self._apply_entries(pair, bundle, content)

    async def _opened(
        self, pair: Pair, opener: Opener, bundle: ReceivedBundle
    ) -> OpenedEntries | LayerBundle | MicroBundle:
        """What the bundle holds; if it is a difference from an entry, with that entry looked up."""
        try:
            return await asyncio.to_thread(opener.open, bundle)
        except BaseMissing as missing:
            start = missing.base_id
        if bundle.sealed[0] == Suite.SMALL:
            base: SignedEntry | None = await self.note_corrected(pair, start)
        else:
            base = await self._base(pair, start)
        return await asyncio.to_thread(opener.open, bundle, base)

    async def note_corrected(self, pair: Pair, start: bytes) -> SignedEntry:
        """The entry that a provisional correction changes. `OfNoUse` where it is not here: nothing is asked
        for, since the signed correction follows and can be read without it."""
        base = await self._base(pair, start)
        if base is None:
            raise OfNoUse("it corrects a note that is not here; the signed correction follows")
        return base

    async def _base(self, pair: Pair, start: bytes) -> SignedEntry | None:
        """The entry that a bundle is a difference from. `OfNoUse` when it was erased with its case: whatever
        changes it is of that case, too."""

        def work(connection: Connection) -> CaseId | None:
            case_id = erased_case_starting(connection, pair, start)
            if case_id is not None:
                drop_late(connection, case_id)
            return case_id

        base = await self._database.read(lambda connection: entry_starting(connection, pair, start))
        if base is None and await self._database.write(work) is not None:
            raise OfNoUse
        return base

    async def _apply_entries(
        self, pair: Pair, bundle: ReceivedBundle, content: OpenedEntries
    ) -> tuple[RefusedEntry, ...]:
        def work(connection: Connection) -> tuple[frozenset[CaseId], tuple[RefusedEntry, ...]]:
            admission = self._admission(connection, pair, bundle)
            cases, refused = admission.entries(content.proven)
            refused = tuple(
                entry
                for entry in (*content.refused, *refused)
                if entry.case_id is None or not drop_late(connection, entry.case_id)
            )
            for entry in refused:
                put_aside(
                    connection,
                    pair=pair.number,
                    bundle_id=bundle.offer.bundle_id,
                    entry_id=entry.entry_id,
                    case_id=entry.case_id or content.case_id,
                    reason=entry.reason,
                    now_s=admission.now_s,
                )
            note_entries(connection, pair.number, bundle.offer.bundle_id, _rows_of(content))
            end_opening(connection, pair.number, bundle.offer.bundle_id)
            take_back(connection, pair.number, bundle.offer.bundle_id)
            return cases, refused

        cases, refused = await self._database.write(work)
        self._changes.publish(cases)
        if site_case_id(pair.site) in cases:
            # A hub that was restored may have been given back what it had revoked.
            await self._sites.reload()
            self._keys_stated(pair)
        return refused

    async def _apply_layer(self, pair: Pair, bundle: ReceivedBundle, content: LayerBundle) -> None:
        reason = await self._database.read(
            lambda connection: self._admission(connection, pair, bundle).refuses_layer(content)
        )
        if reason is not None:
            raise ProtocolError(reason)
        key = await self._database.write(lambda connection: _key_of_layer(connection, content))
        if key is not None:
            await asyncio.to_thread(self._objects.put, key, content.data)

        def work(connection: Connection) -> frozenset[CaseId] | None:
            end_opening(connection, pair.number, bundle.offer.bundle_id)
            take_back(connection, pair.number, bundle.offer.bundle_id)
            if drop_late(connection, content.case_id):
                return None
            row = ArrivedLayerRow(case_id=content.case_id, layer=content.layer, blob=content.blob)
            note_layer(connection, pair.number, bundle.offer.bundle_id, row)
            return self._admission(connection, pair, bundle).layer(content)

        changed = await self._database.write(work)
        if changed is None:
            # Erased before it came, or while it was being kept.
            await asyncio.to_thread(self._objects.erase, content.case_id)
        self._changes.publish(changed or {content.case_id})

    async def apply_micro(
        self, pair: Pair, bundle_id: BundleId, priority: Priority, content: MicroBundle
    ) -> None:
        """What goes ahead unsigned: durable, and shown as provisional, on return."""

        def work(connection: Connection) -> frozenset[CaseId]:
            admission = ProvisionalAdmission(
                connection=connection,
                directory=self._sites.directory,
                pair=pair,
                bundle_id=bundle_id,
                priority=priority,
                now_s=self._clock.wall_s(),
            )
            cases = admission.micro(content)
            said = read_micro(content)
            note_announced(connection, pair.number, bundle_id, said.record.case_id, said.covers)
            end_opening(connection, pair.number, bundle_id)
            return cases

        self._changes.publish(await self._database.write(work))

    def _admission(self, connection: Connection, pair: Pair, bundle: ReceivedBundle) -> Admission:
        return Admission(
            connection=connection,
            directory=self._sites.directory,
            pair=pair,
            priority=bundle.offer.priority,
            now_s=self._clock.wall_s(),
        )


def _rows_of(content: OpenedEntries) -> list[ArrivedEntryRow]:
    return [
        ArrivedEntryRow(case_id=proven.entry.case_id, entry_id=proven.signed.entry_id)
        for proven in content.proven
    ]


def _key_of_layer(connection: Connection, content: LayerBundle) -> CaseKey | None:
    """What to seal it under; None when its case was erased."""
    return None if is_erased(connection, content.case_id) else key_for(connection, content.case_id)
