"""A site: a machine that runs the product's own daemon, and the people who use it.

Everything is the product's: its composition, services, vault, spool and SQL. Injected are the clock, the
network, the sealer and where transactions run; people speak to it by the calls that its terminal makes.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from protocol.ids import Pseudonym
from protocol.sealing import Sealer
from sfnode.app import Daemon
from sfnode.config import LinkMode, LinkSettings, NodeFolder, SiteSettings
from sfnode.services.contact import Pair
from sfnode.services.dialers import Dialers
from sfnode.spool.spool import Spool
from sfnode.surroundings import Surroundings
from sfnode.vault.keyfile import Stretching
from simulations.virtual.network import HOST, Network
from simulations.virtual.stream import StreamDialer
from sync.links.udp import UdpDialer
from sync.ports import Dialer
from sync.stores.errors import StoreHalted
from sync.stores.sqlite import SqlitePairStore

from .machine import Machine

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
        links: Sequence[LinkSettings] = (),
        over_http: bool = False,
    ) -> None:
        """`idle`: contacts that find nothing new are accounted and not played; `links`: all of the site's,
        in place of one that is looked over every `poll_s`; `over_http`: what is not in datagrams goes over
        HTTP instead of a bare stream."""
        self.machine = Machine(name, root, network=network, owner=owner)
        self.name = name
        self._hub = hub
        self._sealer = sealer
        self._observe_pair = observe_pair
        self._idle = idle
        self._over_http = over_http
        self.link = LinkSettings(
            hub_url=f"http://{hub}",
            name="simulated",
            mode=LinkMode.POLL,
            poll_s=poll_s,
            udp=f"udp://{hub}:{UDP_PORT}" if datagrams else None,
        )
        self._links = tuple(links) or (self.link,)
        self._spool: Spool
        self._daemon: Daemon

    def change_links(self, change: Callable[[LinkSettings], LinkSettings]) -> None:
        """From the next start on its links are described so."""
        self._links = tuple(map(change, self._links))
        self.link = self._links[0]

    async def boot(self) -> None:
        """Start the daemon and unlock its vault. Returns when it runs."""
        self.machine.begin_life()
        await self.machine.life.run(self._start())
        self.machine.life.begin(self._run())

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
            SiteSettings(site=self.name, link=self._links[0], other_links=self._links[1:]),
            self._links[0],
            self._spool,
            Surroundings(
                clock=self.machine.clock,
                sealer=self._sealer,
                dialer_for=SimulatedDialers(
                    self.machine.network, self._hub, self._idle, over_http=self._over_http
                ),
                watch_network=_hear_nothing,
                watch_clocks=self.machine.clock.tell_steps,
                execution=thread,
                # Looked up here, while the world's seed stands behind it.
                random_bytes=os.urandom,
            ),
        )
        self.prepare(self._daemon)
        await self._daemon.unlock(PASSPHRASE)

    async def _run(self) -> None:
        """Whose disk did not confirm a change ends its process; whoever looks after it starts it again."""
        try:
            await self._daemon.run()
        except* StoreHalted:
            self.machine.crash()

    def prepare(self, daemon: Daemon) -> None:
        """For heirs: the daemon is made, locked, and nothing of it runs yet."""

    async def _watch_custody(self) -> None:
        pairing = await self._spool.pairings.home()
        if pairing is not None:
            self._observe_pair(self.name, pairing.pseudonym, await self._spool.custody(pairing))


class SimulatedDialers:
    """The product's for datagrams and HTTP; a stream over the wire otherwise."""

    def __init__(
        self, network: Network, hub: str, idle: IdleContacts | None = None, *, over_http: bool = False
    ) -> None:
        self._network = network
        self._hub = hub
        self._idle = idle
        self._over_http = over_http
        self._product = Dialers()

    def __call__(self, link: LinkSettings, pair: Pair) -> Dialer:
        if link.udp:
            dialer = self._product(link, pair)
            if self._idle is None or not isinstance(dialer, UdpDialer):
                return dialer
            hub = urlsplit(link.udp).hostname or self._hub
            return self._idle.dialer(dialer, pair, self._network.wire(HOST.get(), hub))
        if self._over_http:
            return self._product(link, pair)
        return StreamDialer(self._network, self._hub, cut_after_bytes=(None, None))


async def _hear_nothing(_: Callable[[], None]) -> None:
    """No interface of a simulated machine ever comes up by itself."""
    await asyncio.get_running_loop().create_future()
