"""What the product has written down of a run: contacts and forecasts of a site, and what each bundle was.

Read from the disks, beside or after its programs.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sfhub.app import open_hub
from sfhub.config import HubFolder
from sfnode.config import NodeFolder
from sfnode.vault.vault import Vault
from simulations.hosts.clock import MachineClock
from simulations.hosts.site import PASSPHRASE
from sync.stores.connection import Connection, connect
from sync.stores.database import Execution


@dataclass(frozen=True, slots=True, kw_only=True)
class DiaryRow:
    """One contact, or a run of attempts that failed alike; times are the wall clock's."""

    contact: int
    link: str
    began_s: int
    ended_s: int | None
    reached: bool
    attempts: int
    seconds: float
    usd: float
    """By the site's own account."""


@dataclass(frozen=True, slots=True)
class Told:
    """Seconds from queueing between which a bundle was said to arrive."""

    low_s: float
    high_s: float


@dataclass(frozen=True, slots=True)
class Label:
    """What a bundle was, in the words of its author's outbox."""

    what: str
    case: str


class SiteNotes:
    """Of one site; rows that its spool lets go of after thousands are kept here."""

    def __init__(self) -> None:
        self.contacts: dict[int, DiaryRow] = {}
        self.told: dict[bytes, Told] = {}

    def collect(self, folder: Path) -> None:
        """What has been written since the last time."""
        with closing(connect(NodeFolder(folder).spool, None)) as connection:
            connection.execute("PRAGMA query_only = ON")
            last = max(self.contacts, default=0)
            for row in connection.execute(
                "SELECT contact, link, began_s, ended_s, reached, attempts, seconds, usd FROM contact"
                " WHERE contact >= ? OR contact IN (SELECT value FROM json_each(?))",
                (last, _json([each.contact for each in self.contacts.values() if each.ended_s is None])),
            ):
                contact, link, began_s, ended_s, reached, attempts, seconds, usd = row
                self.contacts[contact] = DiaryRow(
                    contact=contact,
                    link=link,
                    began_s=began_s,
                    ended_s=ended_s,
                    reached=bool(reached),
                    attempts=attempts,
                    seconds=seconds,
                    usd=usd,
                )
            for bundle, low_s, high_s in connection.execute(
                "SELECT bundle_id, low_s, high_s FROM foretold WHERE low_s IS NOT NULL AND high_s IS NOT NULL"
            ):
                self.told[bytes(bundle)] = Told(low_s, high_s)


def _json(numbers: list[int]) -> str:
    return f"[{','.join(map(str, numbers))}]"


async def labels_at_site(folder: Path) -> Mapping[bytes, Label]:
    """Nobody else may have the vault open."""
    vault = await Vault.unlock(folder, PASSPHRASE, execution=Execution.INLINE)
    try:
        return await vault.database.read(_labels)
    finally:
        await vault.close()


async def labels_at_hub(folder: Path) -> Mapping[bytes, Label]:
    """Nobody else may have the hub open."""
    async with open_hub(HubFolder(folder), MachineClock(), execution=Execution.INLINE) as hub:
        return await hub.database.read(_labels)


def _labels(connection: Connection) -> Mapping[bytes, Label]:
    """The outboxes of both have the same columns."""
    rows = connection.execute("SELECT bundle_id, what, case_id FROM outbox WHERE length(bundle_id) > 0")
    return {bytes(bundle): Label(what, bytes(case).hex()) for bundle, what, case in rows}
