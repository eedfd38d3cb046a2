"""An emergency in a session in datagrams that goes dark: the product's transports over simulated wires."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from protocol.header import Priority
from protocol.ids import Incarnation, Pseudonym
from sfnode.config import LinkMode, LinkSettings
from sfnode.services.contact import Pair
from sfnode.services.contact_words import FELL_SILENT
from sfnode.services.contacts import Contacts
from sfnode.services.dialers import Dialers
from sfnode.spool.spool import Spool
from simulations.hosts.clock import MachineClock
from simulations.links.catalogue import load_profile
from simulations.virtual.loop import run_virtual
from simulations.virtual.network import HOST, Network
from simulations.virtual.wire import Wire
from sync.core import SessionTerms
from sync.driver import Setting
from sync.links.callee import Callee
from sync.links.udp_listener import UdpListener
from sync.ports import Connection, Dialer
from sync.registry import SessionRegistry
from sync.stores.database import Execution
from tests.sfnode.services.coast import PAIRING, Coast, Hub, Silent

UDP = "udp://hub:4700"
FREE = LinkSettings(
    hub_url="http://hub", udp=UDP, name="geo-clean", rate_bit_s=512_000, rtt_s=0.6, mode=LinkMode.HOLD
)
DEAR = LinkSettings(
    hub_url="http://hub",
    udp=UDP,
    name="fleetbroadband",
    rate_bit_s=128_000,
    rtt_s=0.9,
    usd_per_megabyte=9.0,
)
EMERGENCY, URGENT, ROUTINE, BULK = Priority


@dataclass
class ByWire:
    """Each link is a way of its own out of the site."""

    dialer: Dialer
    link: str
    network: Network

    def __post_init__(self) -> None:
        self.properties = self.dialer.properties

    async def dial(self) -> Connection:
        HOST.set(self.link)
        return await self.dialer.dial()


@asynccontextmanager
async def coast_by_wire(
    folder: Path, network: Network, links: Sequence[LinkSettings] = (FREE, DEAR)
) -> AsyncIterator[tuple[Coast, dict[str, Wire]]]:
    """Each link is named like the profile that its wire is by."""
    clock, registry = MachineClock(), SessionRegistry()
    spool = await Spool.open(folder / "spool.db", execution=Execution.INLINE, wall_s=clock.wall_s)
    await spool.pairings.settle(PAIRING)
    hub = Hub(lambda: Incarnation(b"hub1"), wall_s=clock.wall_s)
    wires = {link.name: Wire(load_profile(link.name), seed=link.name) for link in links}
    for name, wire in wires.items():
        network.join(name, "hub", wire)
    dialers = Dialers()

    async def lookup(_: Pseudonym) -> Callee:
        terms = SessionTerms(stays_open=True)
        return Callee(link_secret=PAIRING.link_secret, setting=Setting(store=hub, clock=clock, terms=terms))

    def dialer_for(link: LinkSettings, pair: Pair) -> Dialer:
        return ByWire(dialers(link, pair), link.name, network)

    contacts = Contacts(
        spool,
        clock=clock,
        links=links,
        dialer_for=dialer_for,
        watcher_of=lambda pair: Silent(),
        state_changed=lambda: None,
        chance=lambda: 0.5,
    )
    listener = UdpListener(lookup, registry)
    token = HOST.set("hub")
    await listener.bind("hub", 4_700)
    async with listener.answering():
        HOST.reset(token)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(contacts.run())
            yield Coast(spool, contacts, clock, {}, hub), wires
            running.cancel()
    await spool.close()


@pytest.mark.parametrize("photo_bytes", [0, 2_000_000])
def test_an_emergency_leaves_datagrams_that_nobody_answers(tmp_path: Path, photo_bytes: int) -> None:
    network = Network()

    async def scenario() -> tuple[float, list[str], int]:
        async with coast_by_wire(tmp_path, network) as (coast, wires):
            await coast.until_reached(FREE.name)
            await asyncio.sleep(30.0)
            if photo_bytes:
                await coast.queue(BULK, photo_bytes)
                await asyncio.sleep(5.0)
            assert wires[DEAR.name].bytes_sent == 0
            wires[FREE.name].cut()
            waited_s = await coast.until_at_hub(await coast.queue(EMERGENCY))
            await asyncio.sleep(30.0)
            return waited_s, await coast.outcomes(), wires[DEAR.name].bytes_sent

    waited_s, outcomes, dear_bytes = run_virtual(scenario(), network=network)
    assert waited_s < 12.0
    assert FELL_SILENT in outcomes
    # The photograph is not paid for there.
    assert dear_bytes < 10_000


def test_an_emergency_stays_in_datagrams_that_are_answered(tmp_path: Path) -> None:
    network = Network()

    async def scenario() -> tuple[float, int]:
        async with coast_by_wire(tmp_path, network) as (coast, wires):
            await coast.until_reached(FREE.name)
            await coast.queue(BULK, 4_000_000)
            await asyncio.sleep(20.0)
            waited_s = await coast.until_at_hub(await coast.queue(EMERGENCY, 100_000))
            return waited_s, wires[DEAR.name].bytes_sent

    waited_s, dear_bytes = run_virtual(scenario(), network=network)
    assert waited_s < 10.0
    assert dear_bytes == 0
