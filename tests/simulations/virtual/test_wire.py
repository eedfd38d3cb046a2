"""An unkind relay does to packets what it is told to, in the share that it is told."""

from __future__ import annotations

import asyncio

import pytest

from simulations.links import DirectionProfile, LinkProfile
from simulations.virtual.loop import run_virtual
from simulations.virtual.wire import Mischief, Wire

PACKETS = 2_000
SIZE_BYTES = 100
WIDE = DirectionProfile(rate_bit_s=10_000_000.0, delay_ms=10.0, queue_bytes=1_000_000)
PROFILE = LinkProfile(
    name="wide", title="a link without fault", source="made up", up=WIDE, down=WIDE, mtu_bytes=1_500
)


def landed(mischief: Mischief) -> list[tuple[float, bytes]]:
    """How long after it was sent each packet came, and what it was."""
    arrivals: list[tuple[float, bytes]] = []

    async def send_all() -> None:
        loop = asyncio.get_running_loop()
        wire = Wire(PROFILE, seed=1, mischief=mischief)
        for number in range(PACKETS):
            sent_s = loop.time()

            def land(came: bytes, sent_s: float = sent_s) -> None:
                arrivals.append((loop.time() - sent_s, came))

            wire.up.carry(SIZE_BYTES, number.to_bytes(4, "big"), land)
            await asyncio.sleep(0.01)
        await asyncio.sleep(100_000.0)

    run_virtual(send_all())
    return arrivals


def test_a_kind_one_brings_each_packet_once_and_in_time() -> None:
    arrivals = landed(Mischief())
    assert [packet for _, packet in arrivals] == [number.to_bytes(4, "big") for number in range(PACKETS)]
    assert max(delay_s for delay_s, _ in arrivals) < 0.02


@pytest.mark.parametrize("name", ["duplicates", "replays"])
def test_so_many_come_twice(name: str) -> None:
    arrivals = landed(Mischief(**{name: 0.1}))
    assert len(arrivals) - PACKETS == pytest.approx(0.1 * PACKETS, rel=0.2)
    assert len({packet for _, packet in arrivals}) == PACKETS


def test_a_relay_that_keeps_packets_for_hours_brings_them_hours_later() -> None:
    arrivals = landed(Mischief(replays=0.1, late_s=30_000.0))
    late = [delay_s for delay_s, _ in arrivals if delay_s > 3_600.0]
    assert len(late) >= 0.08 * PACKETS
    assert max(late) <= 30_001.0


def test_so_many_are_overtaken() -> None:
    arrivals = landed(Mischief(overtakes=0.1))
    assert len(arrivals) == PACKETS
    assert sum(delay_s > 0.02 for delay_s, _ in arrivals) == pytest.approx(0.1 * PACKETS, rel=0.2)


def test_so_many_have_one_bit_changed() -> None:
    arrivals = landed(Mischief(flips=0.1))
    sent = [number.to_bytes(4, "big") for number in range(PACKETS)]
    changed = [
        (int.from_bytes(came, "big") ^ int.from_bytes(packet, "big")).bit_count()
        for (_, came), packet in zip(arrivals, sent, strict=True)
    ]
    assert set(changed) == {0, 1}
    assert sum(changed) == pytest.approx(0.1 * PACKETS, rel=0.2)
