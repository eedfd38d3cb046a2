"""Carries the erasing of a case through to every file that holds something of it.

Law: what was begun is finished, also by the next start; what a restored backup brings back is erased again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from protocol.ids import BundleId, CaseId
from sfnode.errors import Refused
from sfnode.spool.pairing import Pairing
from sfnode.spool.spool import Spool
from sfnode.vault.entries import hub_address
from sfnode.vault.erasing import bundles_left, dispatched_bundles, erase_rows, forget_bundles
from sfnode.vault.vault import Vault
from sync.stores.erasures import Erasure, all_erasures, mark_finished
from sync.stores.errors import StoreError

from .clock import SiteClock, moment_of
from .vault_access import VaultAccess


class Erasing:
    """Carries erasures through; needs the vault to be open."""

    def __init__(
        self,
        vault: VaultAccess,
        spool: Spool,
        *,
        clock: SiteClock,
        trouble: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        self._access = vault
        self._spool = spool
        self._clock = clock
        self._trouble = trouble

    @property
    def _vault(self) -> Vault:
        return self._access.vault

    async def check_delivered(self, case_id: CaseId) -> None:
        """`Refused` when its hub lacks something of the case: it would never get it."""
        bundles = await self._vault.database.read(lambda connection: dispatched_bundles(connection, case_id))
        stored = await self._stored(case_id, [bundle_id for bundle_id in bundles if bundle_id is not None])
        if missing := len(bundles) - len(stored):
            raise Refused(
                f"{missing} messages of this case are not at the hub yet and would never get there. Nothing "
                "was erased. Wait until they are, or erase with --withdraw to take them back."
            )

    async def carry_through(self) -> None:
        """Erase again what the journal names, and finish what was begun. Safe to repeat.

        A disk that refuses is told: care goes on, and the next unlocking or erasure tries again.
        """
        try:
            await self._catch_up()
        except (StoreError, OSError) as error:
            self._trouble(f"Not everything of an erased case is gone yet: {error}")

    async def _catch_up(self) -> None:
        # Also when the journal cannot be read, what was erased by a person here goes.
        for erasure in await self._unfinished():
            await self._destroy(erasure)
        now = moment_of(self._clock)
        for erasure in await asyncio.to_thread(self._vault.journal.read):
            await self._vault.database.write(partial(erase_rows, erasure=erasure, now=now))
        for erasure in await self._unfinished():
            if await self._destroy(erasure):
                await asyncio.to_thread(self._vault.journal.append, erasure)
                await self._vault.database.write(partial(mark_finished, case_id=erasure.case_id))

    async def _unfinished(self) -> tuple[Erasure, ...]:
        known = await self._vault.database.read(all_erasures)
        return tuple(erasure for erasure in known if not erasure.finished)

    async def _destroy(self, erasure: Erasure) -> bool:
        """Custody, pictures, logs; False when something of it may be left. Each step can be done again."""
        await self._withdraw(erasure)
        pictures_gone = await self._vault.blobs.erase(erasure.case_id)
        custody_gone = await self._spool.cut_log()
        return await self._vault.database.truncate_log() and pictures_gone and custody_gone

    async def _withdraw(self, erasure: Erasure) -> None:
        pairing = await self._pairing(erasure.case_id)
        if pairing is None:
            return
        custody = await self._spool.custody(pairing)
        left = await self._vault.database.read(lambda connection: bundles_left(connection, erasure))
        gone = tuple([bundle_id for bundle_id in left if await custody.withdraw(bundle_id)])
        await self._spool.foretold.forget(gone)
        await self._spool.transfers.forget(pairing.pseudonym, gone)
        # What has begun to arrive is carried to its end: half of it would stay at the hub for ever.
        await self._vault.database.write(lambda connection: forget_bundles(connection, left))

    async def _stored(self, case_id: CaseId, bundle_ids: list[BundleId]) -> list[BundleId]:
        pairing = await self._pairing(case_id)
        if pairing is None:
            return []
        custody = await self._spool.custody(pairing)
        states = {bundle_id: await custody.sent_state(bundle_id) for bundle_id in bundle_ids}
        return [bundle_id for bundle_id, state in states.items() if state is not None and state.stored]

    async def _pairing(self, case_id: CaseId) -> Pairing | None:
        """With the hub that the case is with; None where the site is not with it any more."""
        hub = await self._vault.database.read(lambda connection: hub_address(connection, case_id))
        return None if hub is None else await self._spool.pairings.at(hub)
