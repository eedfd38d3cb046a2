"""A site: a machine that runs the product's own daemon, and the people who use it.

Everything is the product's: its composition, services, vault, spool and SQL. Injected are the clock, the
network, the sealer and where transactions run; people speak to it by the calls that its terminal makes.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from protocol.ids import Pseudonym
from protocol.sealing import Sealer
from sfnode.app import Daemon
from sfnode.config import LinkMode, LinkSettings, NodeFolder, SiteSettings
from sfnode.services.contact import Pair
from sfnode.services.dialers import Dialers
from sfnode.spool.spool import Spool
from sfnode.surroundings import Surroundings
from sfnode.vault.keyfile import Stretching
from sync.links.udp import UdpDialer
from sync.ports import Dialer
from sync.stores.sqlite import SqlitePairStore

from .machine import Machine
from .network import HOST, Network
from .stream import StreamDialer

if TYPE_CHECKING:
    from .idle_contacts import IdleContacts

PASSPHRASE: Final = b"correct horse"
CHEAP: Final = Stretching(memory_kib=64, passes=1, lanes=1)
"""What a guess of the passphrase costs is no part of what is simulated."""
UDP_PORT: Final = 4_700


ObservePair = Callable[[str, Pseudonym, SqlitePairStore], None]
"""Told of each pair's store when its machine starts: the site's name, the pair's, and the store."""


def unobserved(site: str, pair: Pseudonym, store: SqlitePairStore) -> None:
    """Nobody watches."""


class Site:
    """One node, its machine and its medic."""

    def __init__(
        self,
        name: str,
        root: Path,
        *,
        hub: str,
        network: Network,
        owner: asyncio.TaskGroup,
        sealer: Sealer,
        poll_s: float = 3_600.0,
        datagrams: bool = True,
        observe_pair: ObservePair = unobserved,
        idle: IdleContacts | None = None,
    ) -> None:
        """`idle`: contacts that find nothing new are accounted and not played."""
        self.machine = Machine(name, root, network=network, owner=owner)
        self.name = name
        self._hub = hub
        self._sealer = sealer
        self._observe_pair = observe_pair
        self._idle = idle
        self.link = LinkSettings(
            hub_url=f"http://{hub}",
            name="simulated",
            mode=LinkMode.POLL,
            poll_s=poll_s,
            udp=f"udp://{hub}:{UDP_PORT}" if datagrams else None,
        )
        self._spool: Spool
        self._daemon: Daemon

    async def boot(self) -> None:
        """Start the daemon and unlock its vault. Returns when it runs."""
        self.machine.begin_life()
        await self.machine.life.run(self._start())
        self.machine.life.begin(self._daemon.run())

    async def ask(self, method: str, **values: Any) -> Any:
        """What the medic's terminal is told. Raises as the daemon does; `Crashed` if it dies meanwhile."""
        return await self.machine.life.run(self._daemon.answer(method, values))

    async def end(self) -> None:
        """The daemon is told to stop, and finishes what it must."""
        await self.machine.life.end(self._spool.close)

    async def reboot(self) -> None:
        """After a crash, on the disk that it left."""
        self.machine.clear_away()
        await self.boot()

    async def _start(self) -> None:
        folder = NodeFolder(self.machine.folder)
        thread = self.machine.thread
        self._spool = await Spool.open(folder.spool, execution=thread)
        await self._watch_custody()
        self._daemon = Daemon(
            folder,
            SiteSettings(site=self.name, link=self.link),
            self.link,
            self._spool,
            Surroundings(
                clock=self.machine.clock,
                sealer=self._sealer,
                dialer_for=SimulatedDialers(self.machine.network, self._hub, self._idle),
                watch_network=_hear_nothing,
                watch_clocks=self.machine.clock.tell_steps,
                execution=thread,
                # Looked up here, while the world's seed stands behind it.
                random_bytes=os.urandom,
            ),
        )
        await self._daemon.unlock(PASSPHRASE)

    async def _watch_custody(self) -> None:
        pairing = await self._spool.pairings.home()
        if pairing is not None:
            self._observe_pair(self.name, pairing.pseudonym, await self._spool.custody(pairing))


class SimulatedDialers:
    """The product's for datagrams; a stream over the wire otherwise."""

    def __init__(self, network: Network, hub: str, idle: IdleContacts | None = None) -> None:
        self._network = network
        self._hub = hub
        self._idle = idle
        self._datagrams = Dialers()

    def __call__(self, link: LinkSettings, pair: Pair) -> Dialer:
        if link.udp:
            dialer = self._datagrams(link, pair)
            if self._idle is None or not isinstance(dialer, UdpDialer):
                return dialer
            return self._idle.dialer(dialer, pair, self._network.wire(HOST.get(), self._hub))
        return StreamDialer(self._network, self._hub, cut_after_bytes=(None, None))


async def _hear_nothing(_: Callable[[], None]) -> None:
    """No interface of a simulated machine ever comes up by itself."""
    await asyncio.get_running_loop().create_future()
