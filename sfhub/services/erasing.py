"""Erasing a case at this hub: a clinician's decision, carried through to every file that holds some of it.

Law: nothing erases but a person here. What was begun is finished, also by the next start; what a restored
backup brings back is erased again.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from protocol.entry import forget_entries, write_entry
from protocol.erasure import Tombstone
from protocol.errors import InvalidRecord
from protocol.ids import CaseId
from protocol.records import NewRecord
from protocol.stamps import Stamp
from sync.ports import Clock
from sync.stores.connection import Connection
from sync.stores.database import Database
from sync.stores.erasure_journal import ErasureJournal
from sync.stores.erasures import Erasure, all_erasures, erasure_of, mark_finished
from sync.stores.errors import StoreDamaged, StoreError
from sync.stores.sqlite import SqlitePairStore, SqliteStore

from ..domain.case_file import site_case_id
from ..domain.erased import erased_text
from ..errors import BadRequest, CaseErased, NotAllowed, NotFound
from ..keystore import KeyStore
from ..storage.cases import CaseHead, case_head
from ..storage.erasing import bundles_put_aside, bundles_sent, erase_rows, forget_sent
from ..storage.objects import ObjectStore
from ..storage.outbox import outbox_of_case
from ..storage.people import Clinician
from ..storage.quarantine import asked_whole_count
from .case_files import load_case
from .changes import Changes
from .outbox import Outbox
from .sites import Sites

_log = logging.getLogger(__name__)


class Erasing:
    """Erases, and carries every erasure through."""

    def __init__(
        self,
        database: Database,
        custody: SqliteStore,
        sites: Sites,
        keys: KeyStore,
        outbox: Outbox,
        objects: ObjectStore,
        journal: ErasureJournal,
        changes: Changes,
        clock: Clock,
    ) -> None:
        self._database = database
        self._custody = custody
        self._sites = sites
        self._keys = keys
        self._outbox = outbox
        self._objects = objects
        self._journal = journal
        self._changes = changes
        self._clock = clock
        self.trouble = ""
        """Why something of an erased case is still in a file; empty when nothing is."""

    async def erase(
        self, case_id: CaseId, author: Clinician, *, reason: str, withdraw: bool = False
    ) -> Erasure:
        """Nobody can read the case here afterwards. `CaseErased`, `NotFound` and `NotAllowed` leave all as it
        was; so does anything that the site still lacks, unless `withdraw` takes it back."""

        def work(connection: Connection) -> Erasure:
            head = self._erasable(connection, case_id)
            if not withdraw:
                _check_delivered(connection, case_id)
            erasure = self._sign(connection, head, author, reason)
            self._erase(connection, erasure)
            return erasure

        erasure = await self._database.write(work)
        forget_entries()
        self._changes.publish({case_id})
        self._outbox.wake()
        await self.carry_through()
        return erasure

    async def erasures(self) -> tuple[Erasure, ...]:
        """The latest first."""
        return await self._database.read(all_erasures)

    async def carry_through(self) -> None:
        """Erase again what the journal names, and finish what was begun. Safe to repeat.

        A disk that refuses is told in `trouble`: care goes on, and the next start or erasure tries again.
        """
        try:
            await self._catch_up()
            self.trouble = ""
        except (StoreError, OSError) as error:
            self.trouble = f"Not everything of an erased case is gone yet: {error}"
            _log.error("erasing halted: %s", error)

    async def _catch_up(self) -> None:
        # Also when the journal cannot be read, what was erased by a person here goes.
        for erasure in await self._unfinished():
            await self._destroy(erasure)
        for erasure in await asyncio.to_thread(self._journal.read):
            await self._database.write(partial(self._erase, erasure=erasure))
        for erasure in await self._unfinished():
            if await self._destroy(erasure):
                await asyncio.to_thread(self._journal.append, erasure)
                await self._database.write(partial(mark_finished, case_id=erasure.case_id))

    async def _unfinished(self) -> tuple[Erasure, ...]:
        return tuple(erasure for erasure in await self.erasures() if not erasure.finished)

    def _erasable(self, connection: Connection, case_id: CaseId) -> CaseHead:
        if (former := erasure_of(connection, case_id)) is not None:
            raise CaseErased(erased_text(former))
        head = case_head(connection, case_id)
        if head is None:
            raise NotFound(f"No case {case_id.hex()} is here. See the list with: sfhub queue")
        if case_id == site_case_id(head.site):
            raise BadRequest("This is a site's own file, not a patient's case. Nothing was erased.")
        return head

    def _sign(self, connection: Connection, head: CaseHead, author: Clinician, reason: str) -> Erasure:
        now_s = int(self._clock.wall_s())
        try:
            counter = load_case(connection, head.case_id, self._sites.directory).counter_next
        except StoreDamaged:
            counter = 1  # Nobody can tell any more; a damaged case may be erased like any other.
        try:
            tombstone = write_entry(
                [NewRecord(author.introduction), NewRecord(Tombstone(reason=reason))],
                case_id=head.case_id,
                patient_id=head.patient_id,
                author=author.actor,
                stamp=Stamp(counter, now_s),
                key=self._keys.signing,
            )
        except InvalidRecord as error:
            raise BadRequest(f"{error}. Nothing was erased. Give another reason.") from error
        return Erasure(
            case_id=head.case_id,
            erased_s=now_s,
            erased_by=author.name,
            reason=reason,
            tombstone=tombstone,
        )

    def _erase(self, connection: Connection, erasure: Erasure) -> None:
        head = case_head(connection, erasure.case_id)
        pair = self._sites.directory.newest_pair(head.site) if head else None
        erase_rows(
            connection,
            erasure,
            signer=self._keys.signing_id,
            pair=pair.number if pair else None,
            now_s=self._clock.wall_s(),
        )

    async def _destroy(self, erasure: Erasure) -> bool:
        """Custody, pictures, log; False when something of it may be left. Each step can be done again."""
        for number, bundle_id in await self._database.read(lambda c: bundles_sent(c, erasure)):
            custody = await self._custody_of(number)
            if custody is not None:
                # What has begun to arrive is carried to its end: half of it would stay at the site for ever.
                await custody.withdraw(bundle_id)
            await self._database.write(partial(forget_sent, pair=number, bundle_id=bundle_id))
        for number, bundle_id in await self._database.read(lambda c: bundles_put_aside(c, erasure.case_id)):
            if (custody := await self._custody_of(number)) is not None:
                await custody.discard(bundle_id)
        await asyncio.to_thread(self._objects.erase, erasure.case_id)
        if await self._database.read(lambda c: self._may_be_in_unreadable(c, erasure)):
            return False
        return await self._custody.cut_log() and await self._database.truncate_log()

    def _may_be_in_unreadable(self, connection: Connection, erasure: Erasure) -> bool:
        """Whether the site was asked for all of a bundle that may be of this case: once it is here, its case
        is known, and the bytes kept so far are gone."""
        head = case_head(connection, erasure.case_id)
        return head is not None and asked_whole_count(connection, head.site) > 0

    async def _custody_of(self, number: int) -> SqlitePairStore | None:
        pair = self._sites.directory.pair_numbered(number)
        return None if pair is None else await self._custody.pair(pair.pseudonym)


def _check_delivered(connection: Connection, case_id: CaseId) -> None:
    """A stop or a reply that the site has not got must not vanish by the way."""
    missing = [row for row in outbox_of_case(connection, case_id) if not row.stored_s]
    if missing:
        raise NotAllowed(
            f"{len(missing)} messages of this case are not at the site yet and would never get there. "
            "Nothing was erased. Wait until they are, or erase with --withdraw to take them back."
        )
