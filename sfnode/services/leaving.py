"""Leaving a hub: nobody talks with it any more, and its cases stay readable.

Law: what a person was told is on its way is never given up unasked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from protocol.ids import Mailbox
from sfnode.errors import NotFound, Refused
from sfnode.spool.pairing import Pairing
from sfnode.spool.spool import Spool
from sfnode.spool.transfers import Transfer
from sfnode.vault.hubs import leave_hub
from sfnode.vault.outbox import OutboxRow, unsealed, unsealed_count
from sync.ports import Clock
from sync.stores.connection import Connection

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

    def __init__(
        self, vault: VaultAccess, spool: Spool, *, labels: Labels, clock: Clock, sealing: asyncio.Lock
    ) -> None:
        """Whoever holds `sealing` keeps anything from being sealed meanwhile."""
        self._vault = vault
        self._spool = spool
        self._labels = labels
        self._clock = clock
        self._sealing = sealing

    async def leave(self, hub: Mailbox, *, abandon: bool) -> HubLeft:
        """`Refused` while something waits for the hub, unless it is to be given up; `NotFound` of one that is
        not ours. Cut off half-way, it is finished by repeating it; a joining that was cut off is undone."""
        # What was sealed meanwhile could be in neither place at the moment when that one is asked.
        async with self._sealing:
            pairing = await self._spool.pairings.at(hub)
            name = await self._name(hub, pairing)
            queued = () if pairing is None else await self._spool.transfers.unstored(pairing.pseudonym)
            rows = await self._leave_in_vault(hub, lambda rows: abandon or not (rows or queued))
            waiting = self._named(queued, rows)
            if waiting and not abandon:
                raise Refused(_still_waits(name, waiting))
            if pairing is not None:
                await self._spool.pairings.leave(pairing)
            # Last: until the hub is left for good, a person may still want it to go.
            await self._spool.withdraw(queued)
        return HubLeft(hub=name, abandoned=waiting)

    async def _name(self, hub: Mailbox, pairing: Pairing | None) -> str:
        if pairing is not None:
            return pairing.name
        known = await self._vault.directory.hub(hub)
        if known is None:
            raise NotFound("This site is not with that hub any more. Nothing was changed.")
        return known.name

    async def _leave_in_vault(
        self, hub: Mailbox, may: Callable[[Sequence[OutboxRow]], bool]
    ) -> tuple[OutboxRow, ...]:
        """What nobody has sealed for the hub yet, most urgent first. If that `may` be given up, the hub is
        left in the same transaction, so that nothing can be written for it in between."""
        now_s = int(self._clock.wall_s())

        def work(connection: Connection) -> tuple[OutboxRow, ...]:
            rows = unsealed(connection, unsealed_count(connection, hub), hub)
            if may(rows):
                leave_hub(connection, hub, now_s)
            return rows

        return await self._vault.vault.database.write(work)

    def _named(self, queued: Sequence[Transfer], rows: Sequence[OutboxRow]) -> tuple[str, ...]:
        labels = [self._labels.of_ours(each.bundle_id, each.priority) for each in queued]
        words = [_words(label.what, label.case) for label in labels]
        return (*words, *(_words(row.what, row.case_id.hex()) for row in rows))


_NAMED_MAX = 8
"""As many as a person reads in one sentence."""


def _words(what: str, case: str | None) -> str:
    return what if case is None else f"{what} (case {case[:8]})"


def _still_waits(name: str, waiting: tuple[str, ...]) -> str:
    named = ", ".join(waiting[:_NAMED_MAX])
    more = f" and {len(waiting) - _NAMED_MAX} more" if len(waiting) > _NAMED_MAX else ""
    return (
        f"{len(waiting)} messages for {name} are not there yet and would never get there: "
        f"{named}{more}. Nothing was changed. Send them first with `sfnode sync`, or give them up with "
        "--abandon: what they say stays readable here."
    )
