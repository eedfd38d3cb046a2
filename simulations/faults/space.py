"""A disk without room, as SQLite meets it: no database may grow by another page."""

from __future__ import annotations

from typing import Final

from sync.stores.connection import Connection
from sync.stores.transactions import Durability, Job, Writer

_PAGES_MAX: Final = 4_294_967_294


def fill(writer: Writer) -> None:
    """From now on whatever needs a new page of this database fails with a full disk."""
    _run(writer, 0)


def make_room(writer: Writer) -> None:
    """Somebody has tidied up."""
    _run(writer, _PAGES_MAX)


def _run(writer: Writer, pages_max: int) -> None:
    def work(connection: Connection) -> None:
        # SQLite takes a limit below the present size as the present size.
        connection.execute(f"PRAGMA max_page_count = {max(pages_max, 1)}").fetchall()

    job = Job(work, Durability.PROCESS)
    writer.submit(job)
    writer.commit()
    job.result()
