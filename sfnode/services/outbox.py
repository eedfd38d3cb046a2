"""The way out of the vault: what the casebook has queued is packed, sealed to the hub, and given to custody.

Law: custody has a bundle before the casebook lets go of it. Killed in between, the bundle is sealed again
under the same id, and custody keeps the first sealing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from protocol.sealing import Prekey, Sealer
from sfnode.errors import NotEnrolled, VaultLocked
from sfnode.spool.spool import Spool
from sync.envelope import Envelope, SealedContent
from sync.ports import Clock
from sync.stores.errors import StoreClosed, StoreFull
from sync.stores.sqlite import SqlitePairStore

from .outgoing import Outgoing
from .vault_access import VaultAccess

DWELL_CODE: Final = 23
"""2**23 s: relays may let a bundle wait for 97 days, longer than most voyages."""
RETRY_S: Final = 60.0
"""After the disk had no room: by then somebody may have made some."""


class Outbox:
    """Seals what waits, whenever there is something, the vault is open and the site is enrolled."""

    def __init__(
        self,
        vault: VaultAccess,
        spool: Spool,
        *,
        sealer: Sealer,
        clock: Clock,
        queued: Callable[[Outgoing, SealedContent], None] = lambda outgoing, sealed: None,
        trouble: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        self._vault = vault
        self._spool = spool
        self._sealer = sealer
        self._clock = clock
        self._queued = queued
        self._trouble = trouble
        self._turn = asyncio.Lock()
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Something was queued, the vault was opened, or the site was enrolled."""
        self._woken.set()

    async def run(self) -> None:
        """Seal until cancelled."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            await self.seal_waiting()

    async def seal_waiting(self) -> int:
        """Give custody all that waits; how many bundles that was.

        None when locked or not enrolled, nor when the disk is full: what waits is safe in the vault.
        """
        async with self._turn:
            try:
                return await self._seal_all()
            except (VaultLocked, NotEnrolled, StoreClosed):
                return 0
            except StoreFull as error:
                self._trouble(str(error))
                asyncio.get_running_loop().call_later(RETRY_S, self.wake)
                return 0

    async def _seal_all(self) -> int:
        hub = await self._vault.hub()
        pairing = await self._spool.pairings.current()
        if pairing is None:
            return 0
        custody = await self._spool.custody(pairing)
        envelope = Envelope(destination=hub.hub, origin=hub.pseudonym, pair_secret=hub.bundle_secret)
        count = 0
        while waiting := await self._vault.casebook.outbox():
            for outgoing in waiting:
                await self._seal(outgoing, envelope, Prekey(hub.opening), custody)
                count += 1
        return count

    async def _seal(
        self, outgoing: Outgoing, envelope: Envelope, recipient: Prekey, custody: SqlitePairStore
    ) -> None:
        # Compressing and sealing a full photo takes long enough to make a terminal stutter.
        sealed = await asyncio.to_thread(
            envelope.seal,
            outgoing.content,
            priority=outgoing.priority,
            recipient=recipient,
            sealer=self._sealer,
        )
        offer = await custody.add(
            bundle_id=sealed.bundle_id,
            priority=outgoing.priority,
            rank=outgoing.rank,
            recipient_key=sealed.recipient_key,
            dwell_code=DWELL_CODE,
            sealed=sealed.sealed,
        )
        await self._spool.transfers.note_queued(
            sealed.bundle_id,
            priority=outgoing.priority,
            rank=outgoing.rank,
            size_bytes=offer.size_bytes,
            now_s=int(self._clock.wall_s()),
        )
        await self._vault.casebook.sealed(outgoing.row, sealed.bundle_id)
        self._queued(outgoing, sealed)
