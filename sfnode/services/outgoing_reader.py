"""What of the casebook waits to be sealed for a hub, what was sealed, and what it is a difference from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from protocol.bundle import BundleContent, EntryBundle, LayerBundle
from protocol.entry import SignedEntry
from protocol.ids import BundleId, CaseId, Mailbox
from sfnode.domain.moments import Moment
from sfnode.vault import outbox as outbox_rows
from sfnode.vault.bases import Base, base_of, entry_starting
from sfnode.vault.entries import CaseCache
from sfnode.vault.hubs import Hub
from sfnode.vault.provisional import micro_of
from sfnode.vault.vault import Vault
from sync.stores.connection import Connection
from sync.stores.errors import CaseErased, StoreDamaged

from .clock import SiteClock, moment_of
from .outgoing import Dispatch, Outgoing

Result = TypeVar("Result")

OUTBOX_PAGE: Final = 64
"""Contents handed over at once; photo layers are in memory meanwhile."""


class OutgoingReader:
    """The part of the casebook that those who seal read. Safe to call from any task of one loop."""

    def __init__(self, vault: Vault, *, clock: SiteClock) -> None:
        self._vault = vault
        self._clock = clock
        self._cache = CaseCache()
        self._hubs_waited_for: tuple[Mailbox, ...] = ()
        self._hubs_asked_at: int | None = None
        """How often the vault had changed before they were read."""

    async def outbox(self, limit: int = OUTBOX_PAGE, *, hub: Mailbox | None = None) -> tuple[Outgoing, ...]:
        """Contents not yet sealed, most urgent first by (priority, rank, row); for that hub, or for all.

        What cannot be read any more is left out, so that it stops nothing behind it.
        """
        rows = await self._read(lambda connection: outbox_rows.unsealed(connection, limit, hub))
        return await self._outgoing(rows)

    async def hubs_waited_for(self) -> tuple[Mailbox, ...]:
        """Those for which something is not sealed yet, the one with the most urgent first.

        From memory while nothing in the vault has changed.
        """
        database = self._vault.database
        database.check_usable()
        changes = database.changes
        if self._hubs_asked_at != changes:
            self._hubs_waited_for = await self._read(outbox_rows.hubs_waited_for)
            self._hubs_asked_at = changes
        return self._hubs_waited_for

    async def sealed_content(self, bundle_id: BundleId, *, hub: Mailbox | None = None) -> Outgoing | None:
        """What a sealed bundle of ours holds, for that hub if one is named, to seal it again; None when it
        cannot be read any more."""
        rows = await self._read(lambda connection: outbox_rows.rows_sealed_as(connection, bundle_id, hub))
        found = await self._outgoing(rows)
        return found[0] if found else None

    async def base_of(self, content: EntryBundle) -> Base | None:
        """The entry whose records these replace, to write them as a difference from it."""
        return await self._read(lambda connection: base_of(connection, content.entries, self._cache.read))

    async def entry_starting(self, hub: Hub, start: bytes) -> SignedEntry | None:
        """The entry whose id starts so, to read a difference of that hub's from; None when it is not here."""
        return await self._read(lambda connection: entry_starting(connection, hub, start))

    async def dispatches(self, case_id: CaseId | None = None) -> tuple[Dispatch, ...]:
        """Every bundle ever queued, oldest first; of one case, or of all."""
        rows = await self._read(lambda connection: outbox_rows.rows_of_case(connection, case_id))
        return tuple(
            Dispatch(
                row=row.row,
                case_id=row.case_id,
                hub=row.hub,
                what=row.what,
                priority=row.priority,
                rank=row.rank,
                size_bytes=row.size_bytes,
                queued_s=row.queued_s,
                bundle_id=row.bundle_id,
            )
            for row in rows
        )

    def _now(self) -> Moment:
        return moment_of(self._clock)

    async def _read(self, work: Callable[[Connection], Result]) -> Result:
        return await self._vault.database.read(work)

    async def _outgoing(self, rows: tuple[outbox_rows.OutboxRow, ...]) -> tuple[Outgoing, ...]:
        found = []
        for row in rows:
            content = await self._content(row)
            if content is not None:
                found.append(
                    Outgoing(
                        row=row.row,
                        case_id=row.case_id,
                        hub=row.hub,
                        what=row.what,
                        priority=row.priority,
                        rank=row.rank,
                        size_bytes=row.size_bytes,
                        content=content,
                    )
                )
        return tuple(found)

    async def _content(self, row: outbox_rows.OutboxRow) -> BundleContent | None:
        try:
            if row.micro_id is not None:
                micro_id = row.micro_id
                return await self._read(lambda connection: micro_of(connection, micro_id))
            if row.layer is None or row.blob is None:
                content = await self._read(lambda connection: outbox_rows.entries_of(connection, row.row))
                # Of an erased case the row stands for a picture or a headline of which nothing is left.
                return content if content.entries else None
            data = await self._vault.blobs.read(row.case_id, row.blob)
        except (StoreDamaged, CaseErased):
            return None
        return None if data is None else LayerBundle(row.case_id, row.layer, data)
