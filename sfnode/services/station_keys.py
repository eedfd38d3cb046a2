"""Looks after the site's own opening keys whenever the vault is open."""

from __future__ import annotations

import asyncio
from typing import Final

from sfnode.errors import NotEnrolled, VaultLocked
from sync.stores.errors import StoreClosed

from .vault_access import VaultAccess

LOOK_EVERY_S: Final = 6 * 3600.0
"""A key lives a month; a look costs one small transaction."""


class StationKeys:
    """Looks when the vault is opened, when the site is enrolled, and now and then."""

    def __init__(self, vault: VaultAccess) -> None:
        self._vault = vault
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """The vault was opened, or the site was enrolled."""
        self._woken.set()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._woken.wait()
            except TimeoutError:
                continue
            self._woken.clear()

    async def look(self) -> None:
        """Nothing when locked or not enrolled."""
        try:
            await self._vault.casebook.keep_keys_current()
        except (VaultLocked, NotEnrolled, StoreClosed):
            return
