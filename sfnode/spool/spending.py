"""Rows of what each link has cost today. Like the diary's, a power cut may undo the last second of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from sync.scheduler import NOTHING_SPENT, DayCount, Tick, as_noted, counted
from sync.stores.connection import Connection
from sync.stores.database import Database
from sync.stores.recollection import Recollection

from .diary import Note


class Spending:
    """One row for each link that ever carried a byte."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._recollection = Recollection(database)
        self._written: dict[str, DayCount] = {}
        """By the transaction that runs; used on the writer's thread alone."""

    async def today(self, link: str, now: Tick) -> DayCount:
        """What counts against today's cap."""
        return counted(await self._recollection.read(link, lambda connection: _kept(connection, link)), now)

    async def add(self, link: str, now: Tick, *, usd: float, size_bytes: int) -> None:
        """So much more was spent."""
        await self.note([self.adding(link, now, usd=usd, size_bytes=size_bytes)])

    async def note(self, notes: Sequence[Note]) -> None:
        """Write these down in one transaction; what they leave of each link is remembered."""
        left: dict[str, DayCount] = {}

        def write(connection: Connection) -> None:
            # One that was undone may be run again, and another may have been undone before it.
            self._written.clear()
            for note in notes:
                note(connection)
            left.clear()
            left.update(self._written)

        await self._database.note(write, then=lambda: self._recollection.learnt(left))

    def adding(self, link: str, now: Tick, *, usd: float, size_bytes: int) -> Note:
        """As `add`, for `note` with others."""

        def write(connection: Connection) -> None:
            count = counted(self._known(connection, link), now).plus(usd=usd, size_bytes=size_bytes)
            self._keep(connection, link, as_noted(count, now))

        return write

    def closing(self, link: str, now: Tick) -> Note:
        """All that may be spent today is spent, apart from the reserve; for `note`."""

        def write(connection: Connection) -> None:
            count = replace(counted(self._known(connection, link), now), is_closed=True)
            self._keep(connection, link, as_noted(count, now))

        return write

    async def close(self, link: str, now: Tick) -> None:
        """As `closing`, by itself."""
        await self.note([self.closing(link, now)])

    async def note_running(self, link: str, now: Tick) -> None:
        """So long the machine has run, for a later boot that cannot know it."""
        await self.add(link, now, usd=0.0, size_bytes=0)

    async def rename(self, link: str, name: str) -> None:
        """The same link under another name: what it has cost today still counts."""
        await self._recollection.note(
            lambda connection: connection.execute(
                "UPDATE OR REPLACE link_day SET link = ? WHERE link = ?", (name, link)
            )
        )

    async def reopen(self, link: str) -> None:
        """Its cap was changed."""
        await self._recollection.note(
            lambda connection: connection.execute("UPDATE link_day SET closed = 0 WHERE link = ?", (link,))
        )

    def _known(self, connection: Connection, link: str) -> DayCount:
        """From memory unless a change of this transaction, or one that was undone, may have touched it."""
        return self._recollection.inside(link, partial(_kept, link=link), connection)

    def _keep(self, connection: Connection, link: str, count: DayCount) -> None:
        self._recollection.changes()
        _keep(connection, link, count)
        self._written[link] = count


def _kept(connection: Connection, link: str) -> DayCount:
    row = connection.execute(
        "SELECT boot, began_s, day, usd, size_bytes, closed, ran_s, noted_boot, noted_s FROM link_day"
        " WHERE link = ?",
        (link,),
    ).fetchone()
    if row is None:
        return NOTHING_SPENT
    boot, began_s, day, usd, size_bytes, closed, ran_s, noted_boot, noted_s = row
    return DayCount(
        boot=boot,
        began_s=began_s,
        day=day,
        usd=usd,
        size_bytes=size_bytes,
        is_closed=bool(closed),
        ran_s=ran_s,
        noted_boot=noted_boot,
        noted_s=noted_s,
    )


def _keep(connection: Connection, link: str, count: DayCount) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO link_day (link, boot, began_s, day, usd, size_bytes, closed, ran_s,"
        " noted_boot, noted_s) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            link,
            count.boot,
            count.began_s,
            count.day,
            count.usd,
            count.size_bytes,
            count.is_closed,
            count.ran_s,
            count.noted_boot,
            count.noted_s,
        ),
    )
