"""What a session says first on a thin link is gathered, and leaves in few packets, each in its time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.virtual.loop import run_virtual
from sync.links.http_flight import FRAMING_BYTES, GATHER_S, GATHER_S_MAX, LOOK_S, FirstFlight
from sync.links.packet_sizes import ACKNOWLEDGEMENT_BYTES, LEAD_S, PacketSizes

SIZES = PacketSizes(first_bytes=300, answered_bytes=630, next_bytes=1_280)
HEADERS_BYTES = 80
RATE_BYTES_S = 300.0

Packets = list[tuple[float, bytes]]


async def flown(
    records: Sequence[bytes],
    *,
    pause_s: float = 0.01,
    arrives_at: float = float("inf"),
    finishes: bool = False,
) -> Packets:
    """Packets by their moments, from the first record on."""
    loop = asyncio.get_running_loop()
    flight = FirstFlight(SIZES, RATE_BYTES_S, headers_bytes=HEADERS_BYTES)
    packets: Packets = []
    began_at = loop.time()

    async def write(data: bytes) -> None:
        packets.append((loop.time() - began_at, data))

    async with asyncio.TaskGroup() as group:
        group.create_task(flight.run(write, lambda: loop.time() - began_at >= arrives_at))
        for record in records:
            if not await flight.put(record):
                packets.append((loop.time() - began_at, record))
            await asyncio.sleep(pause_s)
        if finishes or not records:
            await flight.finish()
    assert flight.is_over
    assert not await flight.put(b"later")
    return packets


def test_records_that_come_together_share_three_packets() -> None:
    packets = run_virtual(flown([bytes(700)] * 3))
    first_bytes, second_bytes = 300 - HEADERS_BYTES - FRAMING_BYTES, 630 - FRAMING_BYTES
    assert [len(data) for _, data in packets] == [
        first_bytes,
        second_bytes,
        2_100 - first_bytes - second_bytes,
    ]


def test_each_packet_is_handed_over_when_the_one_before_is_nearly_out() -> None:
    packets = run_virtual(flown([bytes(2_000)]))
    ((first_at, first), (second_at, second), *_) = packets
    out_s = (len(first) + HEADERS_BYTES + FRAMING_BYTES + ACKNOWLEDGEMENT_BYTES) / RATE_BYTES_S
    assert second_at - first_at == pytest.approx(out_s - LEAD_S, abs=0.01)
    out_s = (len(second) + FRAMING_BYTES + ACKNOWLEDGEMENT_BYTES) / RATE_BYTES_S
    assert packets[2][0] - second_at == pytest.approx(out_s - LEAD_S, abs=0.01)


def test_a_link_that_is_faster_than_believed_is_not_waited_for() -> None:
    packets = run_virtual(flown([bytes(2_000)], arrives_at=0.4))
    assert [round(at, 2) for at, _ in packets[1:]] == [pytest.approx(0.4, abs=LOOK_S)] * (len(packets) - 1)


def test_a_single_short_record_leaves_soon_and_alone() -> None:
    ((at, data),) = run_virtual(flown([b"hello"]))
    assert data == b"hello"
    assert at == pytest.approx(GATHER_S, abs=0.01)


def test_a_first_packet_that_is_full_waits_for_nothing() -> None:
    full_bytes = 300 - HEADERS_BYTES
    (first_at, first), (_, second) = run_virtual(flown([bytes(full_bytes), bytes(50)]))
    assert first_at == 0.0
    assert len(first + second) == full_bytes + 50  # What came meanwhile went with the rest.
    ((short_at, _),) = run_virtual(flown([bytes(full_bytes - FRAMING_BYTES - 1)]))
    assert short_at == pytest.approx(GATHER_S, abs=0.01)


def test_a_sender_that_trickles_is_not_waited_for_long() -> None:
    packets = run_virtual(flown([b"x"] * 40, pause_s=GATHER_S * 0.9))
    assert packets[0][0] < GATHER_S_MAX + GATHER_S
    assert b"".join(data for _, data in packets) == b"x" * 40


def test_who_finishes_leaves_at_once() -> None:
    packets = run_virtual(flown([bytes(900)], pause_s=0.0, finishes=True))
    assert sum(len(data) for _, data in packets) == 900
    assert packets[-1][0] < 0.01
    assert run_virtual(flown([])) == []


@given(st.lists(st.binary(min_size=1, max_size=900), min_size=1, max_size=8))
def test_nothing_is_lost_or_reordered_and_no_packet_is_too_large(records: list[bytes]) -> None:
    packets = run_virtual(flown(records))
    assert b"".join(data for _, data in packets) == b"".join(records)
    assert all(len(data) <= SIZES.next_bytes - FRAMING_BYTES for _, data in packets)


def test_a_connection_that_breaks_lets_nobody_wait() -> None:
    async def broken() -> None:
        flight = FirstFlight(SIZES, RATE_BYTES_S, headers_bytes=HEADERS_BYTES)

        async def write(_: bytes) -> None:
            raise ConnectionResetError

        async def speak() -> None:
            with pytest.raises(ConnectionResetError):
                await flight.run(write, lambda: False)

        async with asyncio.TaskGroup() as group:
            group.create_task(speak())
            await flight.put(bytes(5_000))
            await flight.finish()

    run_virtual(broken())
