"""Through the relay datagrams meet the configured rate, delay and loss, as they do between namespaces."""

from __future__ import annotations

import socket

import pytest

from simulations.emulator import Mode, open_link
from simulations.links import load_profile
from tests.simulations.emulator.ends import UDP_IP_HEADER_BYTES, at_hub, at_site, sunk
from tests.simulations.emulator.fast_links import fast_link

pytestmark = pytest.mark.peers  # Measured by the clock of the machine: not beside other tests.


def free_port() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unused:
        unused.bind(("127.0.0.1", 0))
        return str(unused.getsockname()[1])


async def test_the_round_trip_is_within_5_ms() -> None:
    profile, port = load_profile("certus-100"), free_port()
    async with open_link(profile, seed=2, mode="relay") as link, at_hub(link, "echo", port=port):
        assert link.mode is Mode.RELAY
        count, median_s = (await at_site(link, "ping", 40, 0.05, hub_port=port)).split()
    packet_bytes = 8 + UDP_IP_HEADER_BYTES
    on_the_line_s = profile.up.serialisation_s(packet_bytes) + profile.down.serialisation_s(packet_bytes)
    assert int(count) >= 38
    assert (float(median_s) - on_the_line_s) * 1000 == pytest.approx(profile.rtt_ms, abs=5)


@pytest.mark.parametrize(("rate_bit_s", "count"), [(500_000, 150), (10_000_000, 3_000)])
async def test_the_rate_is_within_2_percent(rate_bit_s: int, count: int) -> None:
    size, port = 1_000, free_port()
    async with open_link(fast_link(rate_bit_s=rate_bit_s), mode="relay") as link:
        async with at_hub(link, "sink", port=port) as sink:
            await at_site(link, "flood", count, size, rate_bit_s * 1.1, hub_port=port)
            _, payload_bit_s = await sunk(sink)
    ip_bit_s = payload_bit_s * (size + UDP_IP_HEADER_BYTES) / size
    assert ip_bit_s == pytest.approx(rate_bit_s, rel=0.02)


async def test_the_loss_is_within_10_percent_and_the_counters_know_it() -> None:
    count, loss, port = 15_000, 0.05, free_port()
    async with open_link(fast_link(loss=loss), mode="relay") as link:
        async with at_hub(link, "sink", port=port) as sink:
            await at_site(link, "flood", count, 100, 8_000_000, hub_port=port)
            packets, _ = await sunk(sink)
        counters = link.counters()
    assert 1 - packets / count == pytest.approx(loss, rel=0.1)
    assert counters.up.packets_delivered in (packets, packets + 1)  # The end is a packet as well.
