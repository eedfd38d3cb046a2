"""Rows of what contacts have shown of each link, so that the first contact after a restart knows its pace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sync.scheduler import Measured
from sync.stores.database import Database


@dataclass(frozen=True, slots=True)
class Rated:
    """When a rate was measured, by the monotonic clock of one boot."""

    boot: str
    at_s: float


UNRATED: Final = Rated("", 0.0)
"""Nobody knows when."""


class LinkMemories:
    """One row for each link that was measured."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, link: str, way: str) -> Measured | None:
        """None before anything was measured on this way."""
        row = await self._database.read(
            lambda connection: connection.execute(
                "SELECT rate_bytes_s, rtt_s, overhead_bytes, contacts FROM link_memory"
                " WHERE link = ? AND way = ?",
                (link, way),
            ).fetchone()
        )
        if row is None:
            return None
        rate_bytes_s, rtt_s, overhead_bytes, contacts = row
        return Measured(
            rate_bytes_s=rate_bytes_s, rtt_s=rtt_s, overhead_bytes=overhead_bytes, contacts=contacts
        )

    async def in_turns_until_s(self, link: str, way: str) -> int:
        """By this machine's clock; 0 where both directions were seen to flow at once, or nothing was seen."""
        row = await self._database.read(
            lambda connection: connection.execute(
                "SELECT in_turns_until_s FROM link_memory WHERE link = ? AND way = ?", (link, way)
            ).fetchone()
        )
        return int(row[0]) if row is not None else 0

    async def rated(self, link: str, way: str) -> Rated:
        """When its rate was measured."""
        row = await self._database.read(
            lambda connection: connection.execute(
                "SELECT rated_boot, rated_s FROM link_memory WHERE link = ? AND way = ?", (link, way)
            ).fetchone()
        )
        return Rated(*row) if row is not None else UNRATED

    async def rename(self, link: str, name: str) -> None:
        """The same link under another name: what was measured still holds."""
        await self._database.note(
            lambda connection: connection.execute(
                "UPDATE OR REPLACE link_memory SET link = ? WHERE link = ?", (name, link)
            )
        )

    async def keep(
        self, link: str, way: str, measured: Measured, *, rated: Rated = UNRATED, in_turns_until_s: int = 0
    ) -> None:
        """Replaces what was known."""
        await self._database.note(
            lambda connection: connection.execute(
                "INSERT OR REPLACE INTO link_memory"
                " (link, way, rate_bytes_s, rtt_s, overhead_bytes, contacts, in_turns_until_s, rated_boot,"
                " rated_s) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    link,
                    way,
                    measured.rate_bytes_s,
                    measured.rtt_s,
                    measured.overhead_bytes,
                    measured.contacts,
                    in_turns_until_s,
                    rated.boot,
                    rated.at_s,
                ),
            )
        )
