"""Rows of the ways that fail: a node that restarts goes on with its pauses where they were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from protocol.ids import Pseudonym
from sync.scheduler import Attempts
from sync.stores.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing:
    """One way to one hub that fails."""

    attempts: Attempts
    boot: str
    """Which boot the times of `attempts` count from."""
    since_s: int
    outcome: str

    def as_of(self, boot: str) -> Failing:
        """The same in this boot's time. What was before it ended when it began, at zero: no pause grows."""
        if boot == self.boot:
            return self
        attempts = Attempts(
            failures=self.attempts.failures,
            failed_s=min(self.attempts.failed_s, 0.0),
            pause_s=self.attempts.pause_s,
            down_since_s=min(self.attempts.down_since_s, 0.0),
        )
        return Failing(attempts=attempts, boot=boot, since_s=self.since_s, outcome=self.outcome)


class Retries:
    """One row for each hub and link that fail now."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self, boot: str) -> Mapping[tuple[Pseudonym, str], Failing]:
        """What failed last, in the time of this boot."""
        rows = await self._database.read(
            lambda connection: connection.execute(
                "SELECT pseudonym, link, failures, boot, failed_s, down_since_s, pause_s, since_s, outcome"
                " FROM retry ORDER BY pseudonym, link"
            ).fetchall()
        )
        return {
            (Pseudonym(pseudonym), link): Failing(
                attempts=Attempts(
                    failures=failures, failed_s=failed_s, pause_s=pause_s, down_since_s=down_since_s
                ),
                boot=of_boot,
                since_s=since_s,
                outcome=outcome,
            ).as_of(boot)
            for pseudonym, link, failures, of_boot, failed_s, down_since_s, pause_s, since_s, outcome in rows
        }

    async def keep(self, pair: Pseudonym, link: str, failing: Failing) -> None:
        """It failed once more."""
        attempts = failing.attempts
        await self._database.note(
            lambda connection: connection.execute(
                "INSERT OR REPLACE INTO retry (pseudonym, link, failures, boot, failed_s, down_since_s,"
                " pause_s, since_s, outcome) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    pair,
                    link,
                    attempts.failures,
                    failing.boot,
                    attempts.failed_s,
                    attempts.down_since_s,
                    attempts.pause_s,
                    failing.since_s,
                    failing.outcome,
                ),
            )
        )

    async def forget(self, pair: Pseudonym, link: str) -> None:
        """It works."""
        await self._database.note(
            lambda connection: connection.execute(
                "DELETE FROM retry WHERE pseudonym = ? AND link = ?", (pair, link)
            )
        )
