"""Gives each hub back what it has lost and this site holds: its own signed answers.

Law: a promise is kept across restarts and locks; custody lets go of it only when all that can be given back
is queued in the vault.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from sfnode.domain.notice_words import HUB_RESTORED, NOT_RETURNED
from sfnode.errors import NotEnrolled, VaultLocked
from sfnode.spool.pairing import Pairing
from sfnode.spool.spool import Spool
from sync.ports import Clock
from sync.stores.errors import StoreClosed, StoreFull

from .hub_names import told_of
from .vault_access import VaultAccess

PAGE: Final = 64
RETRY_S: Final = 60.0


class Returning:
    """Works whenever the hub has asked, or the vault was opened."""

    def __init__(
        self,
        vault: VaultAccess,
        spool: Spool,
        *,
        clock: Clock,
        trouble: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        self._vault = vault
        self._spool = spool
        self._clock = clock
        self._trouble = trouble
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """The hub has asked for something, or the vault was opened."""
        self._woken.set()

    async def run(self) -> None:
        """Queue until cancelled; begins with what an earlier process left."""
        self._woken.set()
        while True:
            await self._woken.wait()
            self._woken.clear()
            await self.queue_asked()

    async def queue_asked(self) -> int:
        """Queue all that was promised; how many bundles the hub asked for. Nothing when locked."""
        try:
            return await self._queue_all()
        except (VaultLocked, NotEnrolled, StoreClosed):
            return 0
        except StoreFull as error:
            self._trouble(str(error))
            asyncio.get_running_loop().call_later(RETRY_S, self.wake)
            return 0

    async def _queue_all(self) -> int:
        return sum([await self._queue_for(pairing) for pairing in await self._spool.pairings.all()])

    async def _queue_for(self, pairing: Pairing) -> int:
        custody = await self._spool.custody(pairing)
        count = 0
        while wanted := await custody.to_return(PAGE):
            missing = await self._vault.casebook.give_back(pairing.hub, [each.bundle_id for each in wanted])
            await custody.mark_returned([each.row for each in wanted])
            for notice in (HUB_RESTORED, NOT_RETURNED) if missing else (HUB_RESTORED,):
                told = told_of(notice, pairing.pseudonym, await self._spool.pairings.all())
                await self._spool.notices.add(told, now_s=self._clock.wall_s())
            count += len(wanted)
        return count
