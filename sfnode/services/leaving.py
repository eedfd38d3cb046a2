"""Leaving a hub: nobody talks with it any more, and its cases stay readable.

Law: what a person was told is on its way is never given up unasked.
"""

from __future__ import annotations

from dataclasses import dataclass

from sfnode.errors import Refused
from sfnode.spool.pairing import Pairing
from sfnode.spool.spool import Spool
from sfnode.vault.outbox import OutboxRow, unsealed, unsealed_count
from sync.ports import Clock

from .labels import Labels
from .vault_access import VaultAccess


@dataclass(frozen=True, slots=True, kw_only=True)
class HubLeft:
    """Which hub was left, and what it never got."""

    hub: str
    abandoned: tuple[str, ...]
    """In words, as in the outbox, with the case where it is known."""
    links: tuple[str, ...] = ()
    """Those that led there, and are forgotten."""


class Leaving:
    """Needs the vault to be open: what it holds for the hub counts too."""

    def __init__(self, vault: VaultAccess, spool: Spool, *, labels: Labels, clock: Clock) -> None:
        self._vault = vault
        self._spool = spool
        self._labels = labels
        self._clock = clock

    async def leave(self, pairing: Pairing, *, abandon: bool) -> HubLeft:
        """`Refused` while something waits for the hub, unless it is to be given up."""
        waiting = await self._waiting(pairing)
        if waiting and not abandon:
            raise Refused(_still_waits(pairing, waiting))
        custody = await self._spool.custody(pairing)
        unstored = await self._spool.transfers.unstored(pairing.pseudonym)
        # The vault first: what it does not take for the hub's any more, nobody seals again.
        await self._vault.directory.leave(pairing.hub, now_s=int(self._clock.wall_s()))
        await self._spool.pairings.leave(pairing)
        # Last: until the hub is left for good, a person may still want it to go.
        for transfer in unstored:
            await custody.withdraw(transfer.bundle_id)
        return HubLeft(hub=pairing.name, abandoned=waiting)

    async def _waiting(self, pairing: Pairing) -> tuple[str, ...]:
        """What the hub is not known to hold, most urgent first."""
        # The vault first: what is sealed meanwhile is seen twice, and not never.
        rows = await self._unsealed(pairing)
        queued = await self._spool.transfers.unstored(pairing.pseudonym)
        labels = [self._labels.of_ours(each.bundle_id, each.priority) for each in queued]
        words = [_words(label.what, label.case) for label in labels]
        return (*words, *(_words(row.what, row.case_id.hex()) for row in rows))

    async def _unsealed(self, pairing: Pairing) -> tuple[OutboxRow, ...]:
        database = self._vault.vault.database
        count = await database.read(lambda connection: unsealed_count(connection, pairing.hub))
        return await database.read(lambda connection: unsealed(connection, count, pairing.hub))


_NAMED_MAX = 8
"""As many as a person reads in one sentence."""


def _words(what: str, case: str | None) -> str:
    return what if case is None else f"{what} (case {case[:8]})"


def _still_waits(pairing: Pairing, waiting: tuple[str, ...]) -> str:
    named = ", ".join(waiting[:_NAMED_MAX])
    more = f" and {len(waiting) - _NAMED_MAX} more" if len(waiting) > _NAMED_MAX else ""
    return (
        f"{len(waiting)} messages for {pairing.name} are not there yet and would never get there: "
        f"{named}{more}. Nothing was changed. Send them first with `sfnode sync`, or give them up with "
        "--abandon: what they say stays readable here."
    )
