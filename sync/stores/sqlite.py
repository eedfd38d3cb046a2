"""The custody tables of one open database: any number of pairs, and the identity of the store they share."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib.resources import files
from typing import Final, NamedTuple, NoReturn

from protocol.ids import INCARNATION_BYTES, Incarnation, Pseudonym
from protocol.ranges import RangeSet

from ..ports import Moment
from . import backups, incidents
from .applied import (
    HasTrace,
    applied_mark,
    custody_mark,
    given_after,
    keep_mark,
    taken_after,
    without_trace,
)
from .connection import Connection
from .database import Database
from .errors import StoreClosed, StoreFailed, StoreFull
from .identity import RENEWALS, Finding, Renewal, Sidecar, finding_of
from .incidents import IncidentKind
from .machine import Marks
from .migrations import Schema
from .numbering import given_out
from .outgoing import Outgoing
from .room import Room
from .sqlite_pair import Means, SqlitePairStore, draw_moment
from .watermark import Watermark

__all__ = ["CUSTODY_SCHEMA", "SqlitePairStore", "SqliteStore", "draw_incarnation", "system_wall_s"]

CUSTODY_SCHEMA: Final = Schema.of_folder("custody", files("sync.stores") / "schema")
"""Tables to open the database with; others may live beside them."""


def draw_incarnation() -> Incarnation:
    """A name for a new life of a store that no other life has."""
    return Incarnation(secrets.token_bytes(INCARNATION_BYTES))


def system_wall_s() -> float:
    """The machine's wall clock."""
    return time.clock_gettime(time.CLOCK_REALTIME)


class _Found(NamedTuple):
    """A store as it was found at opening, and how much it has given out since its pairs began anew."""

    finding: Finding
    marks: Marks
    given_out: int


class SqliteStore:
    """The custody tables of one open database."""

    def __init__(
        self,
        database: Database,
        *,
        room: Room | None = None,
        new_incarnation: Callable[[], Incarnation] = draw_incarnation,
        wall_s: Callable[[], float] = system_wall_s,
    ) -> None:
        """`database` must have been opened with `CUSTODY_SCHEMA`; it stays its opener's to close."""
        self._database = database
        self._unsure_row = 0
        """The first that was given to be sent, is still on its way, and of which the database beside custody
        knows nothing; 0 for none."""
        self._means = Means(
            database=database,
            room=room or Room(),
            new_incarnation=new_incarnation,
            wall_s=wall_s,
            watermark=Watermark(),
        )
        self._pairs: dict[Pseudonym, SqlitePairStore] = {}

    async def identify(self, sidecar: Sidecar) -> Finding:
        """Compare the store with the note of its identity, and go on keeping the note until `settle`.

        To be called before anything is given out. A store that was restored, moved or copied begins a new
        incarnation towards each peer, with an incident that says why; it opens in any case.
        """
        found: list[_Found] = []

        def compare(connection: Connection) -> None:
            found[:] = [self._compare(connection, sidecar)]

        def begin() -> None:
            self._means.watermark.begin(sidecar, found[0].marks, found[0].given_out)
            for pair in self._pairs.values():
                pair.renewed()

        await self._database.write(compare, then=begin)
        await self._database.write(self._note_guard)
        return found[0].finding

    async def settle(self) -> None:
        """Write the note of the store's identity down to the last number: the database is about to close.

        One that can do nothing any more is passed over: an older note claims less, and nothing false."""
        watermark = self._means.watermark
        try:
            counted = await self._database.read(given_out)
            await self._database.write(lambda _: None, then=lambda: watermark.note(counted))
        except (StoreFailed, StoreFull, StoreClosed):
            return

    async def pair(self, pseudonym: Pseudonym) -> SqlitePairStore:
        """The store of one pair, begun if it is new; the same object for every caller."""
        if pseudonym not in self._pairs:
            row = await self._database.write(lambda connection: self._pair_row(connection, pseudonym))
            self._pairs.setdefault(pseudonym, SqlitePairStore(self._means, row))
        return self._pairs[pseudonym]

    async def wait_halted(self) -> NoReturn:
        """As of its database."""
        await self._database.wait_halted()

    async def pseudonyms(self) -> tuple[Pseudonym, ...]:
        """All pairs, oldest first."""
        rows = await self._database.read(
            lambda connection: connection.execute("SELECT pseudonym FROM pair ORDER BY pair").fetchall()
        )
        return tuple(Pseudonym(pseudonym) for (pseudonym,) in rows)

    async def begin_backup(self) -> Moment:
        """As `Custody.begin_backup`, for all pairs."""
        moment = draw_moment()
        await self._database.write(lambda connection: backups.begin(connection, moment))
        return moment

    async def note_backup(self, moment: Moment) -> bool:
        """As `Custody.note_backup`, for all pairs, one after the other."""
        if not await self._database.read(lambda connection: backups.is_known(connection, moment)):
            return False
        for pseudonym in await self.pseudonyms():
            await (await self.pair(pseudonym)).note_backup(moment)
        return True

    async def is_behind(self, applied: Database) -> bool:
        """Whether custody has less than that database has given it: it was restored alone."""
        mark, now = await applied.read(applied_mark), await self._database.read(custody_mark)
        return now.settled < mark.settled or now.given < mark.given

    async def recover_applied(self, applied: Database, *, came: HasTrace, went: HasTrace) -> None:
        """Compare with the database that keeps what custody hands over, and writes what it is given.

        What it has lost the peers send again, or give back. To be called before anything is taken."""
        mark = await applied.read(applied_mark)
        taken_max = mark.settled
        while taken := await self._database.read(partial(taken_after, settled=taken_max)):
            lost = await without_trace(applied, taken, came)
            for pseudonym in {each.pseudonym for each in lost}:
                rows = [each.row for each in lost if each.pseudonym == pseudonym]
                await (await self.pair(pseudonym)).give_up(rows)
            taken_max = taken[-1].settled
        given_max, unsure = mark.given, 0
        while given := await self._database.read(partial(given_after, row=given_max)):
            for each in await without_trace(applied, given, went):
                if each.stored:
                    number = RangeSet.of([(each.sequence, each.sequence + 1)])
                    await (await self.pair(each.pseudonym)).note_foreign(each.incarnation, number)
                # The peer cannot give back yet what it lacks: the next opening looks at it again.
                unsure = unsure or (0 if each.stored else each.row)
            given_max = given[-1].row
        self._unsure_row = unsure
        if not unsure:
            await self.note_applied(applied)

    async def note_applied(self, applied: Database) -> None:
        """All that is settled or given out by now is in that database, which had it first."""
        mark = await self._database.read(custody_mark)
        if self._unsure_row:
            # Else the next opening would not look at it again.
            mark = replace(mark, given=min(mark.given, self._unsure_row - 1))
        await applied.note(lambda connection: keep_mark(connection, mark))

    async def cut_log(self) -> bool:
        """Sealed bytes that were let go of are in no file any more; False when a reader was in the way."""
        return await self._database.truncate_log()

    def _pair_row(self, connection: Connection, pseudonym: Pseudonym) -> int:
        known = connection.execute("SELECT pair FROM pair WHERE pseudonym = ?", (pseudonym,)).fetchone()
        if known is not None:
            return int(known[0])
        ((pair,),) = connection.execute(
            "INSERT INTO pair (pseudonym) VALUES (?) RETURNING pair", (pseudonym,)
        ).fetchall()
        connection.execute(
            "INSERT INTO life (pair, incarnation) VALUES (?, ?)", (pair, self._means.new_incarnation())
        )
        return int(pair)

    def _compare(self, connection: Connection, sidecar: Sidecar) -> _Found:
        marks = sidecar.marks_of(self._database.path)
        (had_note,) = connection.execute("SELECT has_sidecar FROM store").fetchone()
        finding = finding_of(
            sidecar.read(),
            marks,
            given_out=given_out(connection),
            had_note=bool(had_note),
            can_be_written=sidecar.can_be_written(),
        )
        if finding in RENEWALS:
            self._renew(connection, RENEWALS[finding])
        return _Found(finding, marks, given_out(connection))

    def _renew(self, connection: Connection, renewal: Renewal) -> None:
        for (pair,) in connection.execute("SELECT pair FROM pair ORDER BY pair").fetchall():
            incarnation = self._means.new_incarnation()
            Outgoing(connection, pair).renew(incarnation, renewal.reason, renewal.kind)

    def _note_guard(self, connection: Connection) -> None:
        """Whether the next start may expect a note, and if not, who has to hear of it."""
        trouble = self._means.watermark.trouble
        # Nothing is written where nothing changed: a full disk must not keep a store from opening.
        connection.execute("UPDATE store SET has_sidecar = ?1 WHERE has_sidecar <> ?1", (not trouble,))
        if trouble:
            for (pair,) in connection.execute("SELECT pair FROM pair").fetchall():
                incidents.report(connection, pair, IncidentKind.UNGUARDED, b"", trouble)
