"""A site's links: settings as an operator writes them, and each wire with its own packets and bill."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from protocol.header import Priority
from sfnode.config import LinkMode
from simulations.fleet.link import HELD_LOOK_S
from simulations.links import load_profile
from simulations.virtual.loop import run_virtual, virtual_loop
from simulations.virtual.network import HOST, Network, through
from simulations.virtual.wire import Wire
from simulations.whole.links import lay_links, least_s, settings_of
from simulations.world import SiteLink
from sync.links.datagram_sizes import HEADERS_BYTES

PORT = 4_700


class Echo(asyncio.DatagramProtocol):
    """Sends everything back to where it came from."""

    def __init__(self) -> None:
        self._transport: Any
        self.callers: list[tuple[str, int]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.callers.append(addr)
        self._transport.sendto(data, addr)


class Listening(asyncio.DatagramProtocol):
    """Keeps what comes, and from where."""

    def __init__(self) -> None:
        self.heard: list[tuple[bytes, str]] = []

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.heard.append((data, addr[0]))


def test_each_link_carries_and_bills_what_is_dialled_through_it() -> None:
    network = Network()

    async def play() -> None:
        links = [SiteLink(profile=load_profile(name), every_s=3_600) for name in ("geo-clean", "bgan")]
        laid = lay_links(network, "ship", "hub", links, region="sea", storms={}, key="1")
        echo, loop = Echo(), virtual_loop()
        HOST.set("hub")
        await loop.create_datagram_endpoint(lambda: echo, local_addr=("hub", PORT))
        HOST.set("ship")
        for number, data in enumerate((b"by satellite", b"by terminal!!")):
            hub = through(f"link-{number}", "hub")
            transport, listening = await loop.create_datagram_endpoint(Listening, remote_addr=(hub, PORT))
            transport.sendto(data)
            await asyncio.sleep(5.0)
            assert isinstance(listening, Listening)
            assert listening.heard == [(data, hub)]
            wire = laid[number].wire
            assert wire is network.wire("ship", hub)
            for way in (wire.up, wire.down):
                assert sum(way.billed.values()) == way.counters.bytes_sent == len(data) + HEADERS_BYTES
        assert [caller for caller, _ in echo.callers] == ["link-0.ship", "link-1.ship"]
        with pytest.raises(LookupError):
            network.wire("ship", "hub")

    run_virtual(play(), network=network)


def test_both_directions_of_a_half_duplex_link_share_one_channel() -> None:
    async def waits_s() -> tuple[float, float]:
        wire = Wire(load_profile("hf-modem"), seed=1)
        arrived: list[float] = []
        loop = virtual_loop()
        began_s = loop.time()
        for way in (wire.up, wire.down):
            way.carry(300, b"x" * 300, lambda _: arrived.append(loop.time() - began_s))
        await asyncio.sleep(30.0)
        return arrived[0], arrived[1]

    first_s, second_s = run_virtual(waits_s())
    # 300 bytes take two seconds at 1,200 bit/s: the other direction begins after them, and a turn-round.
    assert second_s > first_s + 2.0


def test_settings_are_those_of_the_world() -> None:
    link = SiteLink(
        profile=load_profile("certus-100"),
        every_s=900.0,
        floor=Priority.URGENT,
        usd_per_day_max=8.0,
        reserve=0.5,
    )
    settings, tariff = settings_of(link, "hub", 1), link.profile.tariff
    assert (settings.name, settings.udp) == ("certus-100", "udp://link-1.hub:4700")
    assert (settings.mode, settings.poll_s) == (LinkMode.POLL, 900.0)
    assert settings.terms.floor is Priority.URGENT
    assert (settings.terms.cap.usd_per_day, settings.terms.cap.reserve_share) == (8.0, 0.5)
    assert settings.tariff.usd_per_megabyte == tariff.usd_per_mb
    assert settings.rate_bit_s == link.profile.up.rate_bit_s
    held = settings_of(SiteLink(profile=link.profile, every_s=0.0), "hub", 0)
    assert (held.mode, held.poll_s) == (LinkMode.HOLD, HELD_LOOK_S)


def test_no_delivery_is_earlier_than_all_links_together_allow() -> None:
    async def bounds() -> tuple[float, float]:
        profiles = [load_profile(name) for name in ("geo-clean", "bgan")]
        links = [SiteLink(profile=profile, every_s=3_600) for profile in profiles]
        one = lay_links(Network(), "ship", "hub", links[:1], region="sea", storms={}, key="1")
        both = lay_links(Network(), "ship", "hub", links, region="sea", storms={}, key="1")
        return least_s(one, 10.0, 100_000, up=True), least_s(both, 10.0, 100_000, up=True)

    one_s, both_s = run_virtual(bounds())
    assert 0.0 < both_s < one_s
