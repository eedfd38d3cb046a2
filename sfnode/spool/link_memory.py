"""Rows of what contacts have shown of each link, so that the first contact after a restart knows its pace."""

from __future__ import annotations

from sync.scheduler import Measured
from sync.stores.database import Database


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

    async def rename(self, link: str, name: str) -> None:
        """The same link under another name: what was measured still holds."""
        await self._database.note(
            lambda connection: connection.execute(
                "UPDATE OR REPLACE link_memory SET link = ? WHERE link = ?", (name, link)
            )
        )

    async def keep(self, link: str, way: str, measured: Measured) -> None:
        """Replaces what was known."""
        await self._database.note(
            lambda connection: connection.execute(
                "INSERT OR REPLACE INTO link_memory"
                " (link, way, rate_bytes_s, rtt_s, overhead_bytes, contacts) VALUES (?, ?, ?, ?, ?, ?)",
                (
                    link,
                    way,
                    measured.rate_bytes_s,
                    measured.rtt_s,
                    measured.overhead_bytes,
                    measured.contacts,
                ),
            )
        )
