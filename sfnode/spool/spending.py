"""Rows of what each link has cost today. Like the diary's, a power cut may undo the last second of them."""

from __future__ import annotations

from sync.scheduler import NOTHING_SPENT, DayCount, Tick, counted
from sync.stores.connection import Connection
from sync.stores.database import Database


class Spending:
    """One row for each link that ever carried a byte."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def today(self, link: str, now: Tick) -> DayCount:
        """What counts against today's cap."""
        return counted(await self._database.read(lambda connection: _kept(connection, link)), now)

    async def add(self, link: str, now: Tick, *, usd: float, size_bytes: int) -> None:
        """So much more was spent."""

        def write(connection: Connection) -> None:
            count = counted(_kept(connection, link), now)
            _keep(connection, link, count.plus(usd=usd, size_bytes=size_bytes), closed=count.is_closed)

        await self._database.note(write)

    async def close(self, link: str, now: Tick) -> None:
        """All that may be spent today is spent, apart from the reserve."""

        def write(connection: Connection) -> None:
            _keep(connection, link, counted(_kept(connection, link), now), closed=True)

        await self._database.note(write)

    async def rename(self, link: str, name: str) -> None:
        """The same link under another name: what it has cost today still counts."""
        await self._database.note(
            lambda connection: connection.execute(
                "UPDATE OR REPLACE link_day SET link = ? WHERE link = ?", (name, link)
            )
        )

    async def reopen(self, link: str) -> None:
        """Its cap was changed."""
        await self._database.note(
            lambda connection: connection.execute("UPDATE link_day SET closed = 0 WHERE link = ?", (link,))
        )


def _kept(connection: Connection, link: str) -> DayCount:
    row = connection.execute(
        "SELECT boot, began_s, day, usd, size_bytes, closed FROM link_day WHERE link = ?", (link,)
    ).fetchone()
    if row is None:
        return NOTHING_SPENT
    boot, began_s, day, usd, size_bytes, closed = row
    return DayCount(
        boot=boot, began_s=began_s, day=day, usd=usd, size_bytes=size_bytes, is_closed=bool(closed)
    )


def _keep(connection: Connection, link: str, count: DayCount, *, closed: bool) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO link_day (link, boot, began_s, day, usd, size_bytes, closed)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (link, count.boot, count.began_s, count.day, count.usd, count.size_bytes, closed),
    )
