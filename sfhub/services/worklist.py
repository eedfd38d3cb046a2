"""The queue, and cases by the names that people give them."""

from __future__ import annotations

import asyncio
import json
from typing import Final

from protocol.header import Priority
from protocol.ids import CASE_ID_BYTES, CaseId, Mailbox, short
from protocol.orders import Capability
from sync.stores.case_keys import key_of
from sync.stores.connection import Connection
from sync.stores.database import Database
from sync.stores.errors import StoreDamaged

from ..domain.case_file import CaseFile
from ..domain.case_view import case_view, damaged_row, queue_row
from ..domain.worklist import Waiting, worklist_order
from ..errors import Ambiguous, NotFound
from ..storage.cases import all_case_heads, case_head, cases_without_row, keep_row, kept_rows
from ..storage.objects import ObjectStore
from ..views import CaseView, QueueRow, to_primitive
from .case_files import load_case, site_capability
from .sites import Sites

ROWS_PER_TRANSACTION: Final = 32
"""Rows computed anew at once, so that ingest never waits long for the writer."""
_NO_ROW: Final = ""
"""Kept for a case that waits for nobody: a site's own."""

KeptRows = tuple[tuple[CaseId, str | None], ...]


class Worklist:
    """Reads cases; writes nothing but the rows it can compute again."""

    def __init__(self, database: Database, sites: Sites, objects: ObjectStore) -> None:
        self._database = database
        self._sites = sites
        self._objects = objects

    async def queue(self) -> tuple[QueueRow, ...]:
        """Every consult that is not closed, in the order in which it should be answered."""
        kept = [(case_id, text) for case_id, text in await self._rows() if text != _NO_ROW]
        rows = [_row(text) for _, text in kept if text is not None]
        rows += await self._damaged_rows([case_id for case_id, text in kept if text is None])
        waiting = {row.case: row for row in rows if not row.closed}
        return tuple(waiting[place.case] for place in worklist_order(map(_waiting, waiting.values())))

    async def named(self, name: str) -> CaseId:
        """The case that people call `name`: its id, the beginning of it, or its short form ("C-7K2M")."""
        heads = await self._database.read(all_case_heads)
        wanted = name.strip().lower()
        shortened = wanted.removeprefix("c-").upper()
        found = [
            head.case_id
            for head in heads
            if (len(wanted) >= 4 and head.case_id.hex().startswith(wanted))
            or short(head.case_id) == shortened
        ]
        if not found:
            raise NotFound(f"No case {name} is here. See the list with: sfhub queue")
        if len(found) > 1:
            raise Ambiguous(f"{name} fits {len(found)} cases. Give more of the id: sfhub queue --json")
        return found[0]

    async def file(self, case_id: CaseId) -> tuple[CaseFile, Capability | None]:
        """The case as it stands, and what is aboard at its site."""

        def work(connection: Connection) -> tuple[CaseFile, Capability | None]:
            file = load_case(connection, case_id, self._sites.directory)
            return file, site_capability(connection, file.site)

        return await self._database.read(work)

    async def case(self, case_id: CaseId) -> CaseView:
        """The page of a case."""
        file, capability = await self.file(case_id)
        return case_view(file, capability, self._sites.last_heard_s(file.site))

    async def shown_blob(self, case_id: CaseId, blob: bytes) -> None:
        """`NotFound` unless a signed manifest of the case names `blob` and its bytes are here."""
        file, _ = await self.file(case_id)
        if not file.shows(blob):
            raise NotFound("This picture is not here, or no record of this case names it.")

    async def read_blob(self, case_id: CaseId, blob: bytes) -> bytes:
        """Its bytes, opened and checked."""
        key = await self._database.read(lambda connection: key_of(connection, case_id))
        return await asyncio.to_thread(self._objects.get, key, blob)

    def last_heard_s(self, row: QueueRow) -> float | None:
        return self._sites.last_heard_s(Mailbox(bytes.fromhex(row.site_mailbox)))

    async def _rows(self) -> KeptRows:
        """Every case's row, all of one moment: a case that is changing must not be missing from the list."""
        rows = await self._database.read(_rows_if_fresh)
        while rows is None:
            rows = await self._database.note(self._refresh)
        return rows

    def _refresh(self, connection: Connection) -> KeptRows | None:
        """Compute and keep some rows; all of them once none is missing."""
        for case_id in cases_without_row(connection, ROWS_PER_TRANSACTION):
            keep_row(connection, case_id, self._row_text(connection, case_id))
        return _rows_if_fresh(connection)

    def _row_text(self, connection: Connection, case_id: CaseId) -> str:
        """One damaged case is shown as such, and hides no other."""
        try:
            file = load_case(connection, case_id, self._sites.directory)
        except StoreDamaged:
            row = self._damaged_row(connection, case_id)
            return json.dumps(to_primitive(row)) if row else _NO_ROW
        return json.dumps(to_primitive(queue_row(file))) if file.is_consult else _NO_ROW

    async def _damaged_rows(self, cases: list[CaseId]) -> list[QueueRow]:
        """Of cases whose very key cannot be read."""
        if not cases:
            return []
        found = await self._database.read(
            lambda connection: [self._damaged_row(connection, case_id) for case_id in cases]
        )
        return [row for row in found if row is not None]

    def _damaged_row(self, connection: Connection, case_id: CaseId) -> QueueRow | None:
        head = case_head(connection, case_id)
        return damaged_row(head, self._sites.name_of(head.site)) if head else None


def case_id_of(text: str) -> CaseId:
    """A whole id as addresses carry it; `NotFound` for anything else."""
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raw = b""
    if len(raw) != CASE_ID_BYTES:
        raise NotFound("There is no such case.")
    return CaseId(raw)


def _rows_if_fresh(connection: Connection) -> KeptRows | None:
    return None if cases_without_row(connection, 1) else kept_rows(connection)


def _row(text: str) -> QueueRow:
    values = json.loads(text)
    values["missing"] = tuple(values["missing"])
    return QueueRow(**values)


def _waiting(row: QueueRow) -> Waiting:
    return Waiting(
        case=row.case,
        urgency=Priority(row.urgency),
        needs_answer=row.needs_answer,
        score_worst=row.score_worst,
        waiting_since_s=row.since_s,
    )
