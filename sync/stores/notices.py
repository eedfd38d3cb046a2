"""Sentences that people read once: each cause one, until somebody has seen it or it is two weeks old."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from protocol.ids import Pseudonym

from .connection import Connection
from .database import Database
from .incidents import Incident
from .migrations import Schema
from .sqlite import SqlitePairStore

NOTICES_SCHEMA: Final = Schema.of_folder("notices", files("sync.stores") / "schema")
"""Tables to open a database with that keeps notices."""
SHOWN_DAYS: Final = 14
"""Longer, and nobody reads them any more."""
SHOWN_MAX: Final = 8
"""As many as a person reads at a glance; the others follow when those were seen."""
_DAY_S: Final = 24 * 3600
_PAGE: Final = 256
_SHOWN: Final = (
    "FROM notice WHERE NOT seen AND since_s > ?"
    " AND covered_by NOT IN (SELECT subject FROM notice WHERE NOT seen)"
    " ORDER BY since_s DESC, notice DESC LIMIT ?"
)


@dataclass(frozen=True, slots=True)
class Notice:
    """What to tell of one cause."""

    subject: str
    """Names the cause; a later notice of the same cause takes the place of the earlier one."""
    sentence: str
    """What happened, what is safe, what to do."""
    covered_by: str = ""
    """The subject of a notice that says this too, and more: people read that one alone."""


Worded = Callable[[Incident], Notice]
"""What to tell of an incident of custody."""


def add_notice(connection: Connection, notice: Notice, *, now_s: float) -> None:
    """Tell it from now on; a cause that somebody has seen is told anew when it is met again."""
    connection.execute(
        "INSERT INTO notice (subject, sentence, since_s, covered_by) VALUES (?1, ?2, ?3, ?4)"
        " ON CONFLICT (subject) DO UPDATE SET sentence = ?2, since_s = ?3, covered_by = ?4, seen = 0",
        (notice.subject, notice.sentence, max(0, int(now_s)), notice.covered_by),
    )


class Notices:
    """The notices of one node or hub, in one of its databases."""

    def __init__(self, database: Database) -> None:
        """`database` must have been opened with `NOTICES_SCHEMA`."""
        self._database = database

    async def add(self, notice: Notice, *, now_s: float) -> None:
        """Durable on return."""
        await self._database.write(lambda connection: add_notice(connection, notice, now_s=now_s))

    async def collect(
        self, pseudonym: Pseudonym, custody: SqlitePairStore, worded: Worded, *, now_s: float
    ) -> None:
        """Put in words what custody has met since the last time; each incident is told once."""
        while page := await custody.incidents_after(await self._mark(pseudonym), _PAGE):

            def work(connection: Connection, page: tuple[Incident, ...] = page) -> None:
                for incident in page:
                    add_notice(connection, worded(incident), now_s=now_s)
                connection.execute(
                    "INSERT INTO notice_mark (pseudonym, incident) VALUES (?1, ?2)"
                    " ON CONFLICT (pseudonym) DO UPDATE SET incident = ?2",
                    (pseudonym, page[-1].row),
                )

            await self._database.write(work)

    async def shown(self, *, now_s: float) -> tuple[str, ...]:
        """The sentences to show, the newest first, at most `SHOWN_MAX`."""
        rows = await self._database.read(
            lambda connection: connection.execute(f"SELECT sentence {_SHOWN}", _shown_at(now_s)).fetchall()
        )
        return tuple(sentence for (sentence,) in rows)

    async def mark_seen(self, *, now_s: float) -> None:
        """A person has read those that `shown` returns, and thereby what they cover; the others follow."""

        def work(connection: Connection) -> None:
            connection.execute(
                f"UPDATE notice SET seen = 1 WHERE notice IN (SELECT notice {_SHOWN})", _shown_at(now_s)
            )
            connection.execute(
                "UPDATE notice SET seen = 1 WHERE covered_by IN (SELECT subject FROM notice WHERE seen)"
            )

        await self._database.write(work)

    async def _mark(self, pseudonym: Pseudonym) -> int:
        row = await self._database.read(
            lambda connection: connection.execute(
                "SELECT incident FROM notice_mark WHERE pseudonym = ?", (pseudonym,)
            ).fetchone()
        )
        return 0 if row is None else int(row[0])


def _shown_at(now_s: float) -> tuple[int, int]:
    return int(now_s) - SHOWN_DAYS * _DAY_S, SHOWN_MAX
