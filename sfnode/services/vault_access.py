"""The vault's door: opened with the passphrase, closed on request; everybody asks here for the casebook."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from protocol.compress import forget_compressed
from protocol.entry import forget_entries
from protocol.ids import Mailbox
from sfnode.errors import NotEnrolled, VaultLocked
from sfnode.vault.directory import Directory, Identity
from sfnode.vault.hubs import Hub
from sfnode.vault.keyfile import unwrap_key
from sfnode.vault.vault import Vault
from sync.stores.ballast import Ballast
from sync.stores.database import Execution, ThreadFactory

from .casebook import CaseBook


class VaultAccess:
    """Holds the open vault, if it is open. While it is locked its key is nowhere in this process."""

    def __init__(
        self,
        folder: Path,
        open_casebook: Callable[[Vault], CaseBook],
        *,
        execution: Execution | ThreadFactory = Execution.THREADS,
        ballast: Ballast | None = None,
    ) -> None:
        self._folder = folder
        self._execution = execution
        self._ballast = ballast
        self._open_casebook = open_casebook
        self._turn = asyncio.Lock()
        self._vault: Vault | None = None
        self._casebook: CaseBook | None = None

    @property
    def unlocked(self) -> bool:
        return self._vault is not None

    @property
    def casebook(self) -> CaseBook:
        """Raises `VaultLocked`."""
        if self._casebook is None:
            raise VaultLocked
        return self._casebook

    @property
    def vault(self) -> Vault:
        """Raises `VaultLocked`."""
        return self._opened()

    async def unlock(self, passphrase: bytes) -> bool:
        """Whether it was locked before. Raises `WrongPassphrase`, also when it is open already: a terminal
        that asks for the passphrase must not be opened by a wrong one."""
        async with self._turn:
            vault = await self._verified(passphrase)
            if vault is None:
                return False
            self._vault, self._casebook = vault, self._open_casebook(vault)
            return True

    async def lock(self) -> bool:
        """Whether it was open before. What was accepted is finished first."""
        async with self._turn:
            vault, self._vault, self._casebook = self._vault, None, None
            if vault is None:
                return False
            await vault.close()
            forget_compressed()
            forget_entries()
            return True

    @property
    def directory(self) -> Directory:
        """Raises `VaultLocked`."""
        return self._opened().directory

    async def identity(self) -> Identity:
        """Raises `VaultLocked`."""
        return await self._opened().directory.identity()

    async def hub(self, address: Mailbox) -> Hub:
        """Raises `VaultLocked`, or `NotEnrolled` where the site is not with that one."""
        hub = await self._opened().directory.hub(address)
        if hub is None:
            raise NotEnrolled("The site is not enrolled with that hub. Use `sfnode enrol`.")
        return hub

    def _opened(self) -> Vault:
        if self._vault is None:
            raise VaultLocked
        return self._vault

    async def _verified(self, passphrase: bytes) -> Vault | None:
        """The vault, opened by this passphrase; None when it was open and the passphrase is right."""
        if self._vault is None:
            return await Vault.unlock(
                self._folder, passphrase, execution=self._execution, ballast=self._ballast
            )
        await asyncio.to_thread(unwrap_key, self._folder, passphrase)
        return None
