"""Once a day: sealed copies go of what a hub holds in a verified backup, long after it was sent.

Law: nothing that a person wrote is touched. The vault keeps it; only the sealed copy in the spool goes. What
was heard of while no clock was set counts as heard of today.
"""

from __future__ import annotations

import asyncio
from typing import Final

from protocol.ids import Pseudonym
from protocol.stamps import Certainty
from sfnode.spool.spool import Spool

from .clock import SET_AFTER_S, SiteClock

EVERY_S: Final = 24 * 3600.0
KEPT_DAYS: Final = 90
"""A hub that was lost with its newest backups is filled again from what its sites keep."""
KEPT_COUNT_MIN: Final = 256
"""The newest ones stay however old they are: a quiet site keeps all."""
_DAY_S: Final = 24 * 3600


class Pruning:
    """Works at the start and then once a day."""

    def __init__(self, spool: Spool, *, clock: SiteClock, keep_newest: int = KEPT_COUNT_MIN) -> None:
        self._spool = spool
        self._clock = clock
        self._keep_newest = keep_newest

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self.prune()
            await asyncio.sleep(EVERY_S)

    async def prune(self) -> int:
        """How many sealed copies went; none while nobody knows what day it is."""
        if self._clock.certainty() is Certainty.UNSET:
            return 0
        return sum([await self._prune(pair) for pair in await self._spool.pairs()])

    async def _prune(self, pair: Pseudonym) -> int:
        """Of what one hub holds, also one that was left: its backups say nothing of another's."""
        custody = await self._spool.custody_of(pair)
        await custody.date_receipts(since_s=SET_AFTER_S, now_s=self._clock.wall_s())
        before_s = self._clock.wall_s() - KEPT_DAYS * _DAY_S
        return await custody.prune(stored_before_s=before_s, keep_newest=self._keep_newest)
