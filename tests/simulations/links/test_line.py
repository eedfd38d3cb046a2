"""A line yields its cargo in order and at its time, and every byte is delivered, dropped or under way."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from simulations.links import DirectionProfile, Fate, Line, LinkModel
from simulations.links.line import UNDER_WAY_PACKETS_MAX

SLOW = DirectionProfile(rate_bit_s=8_000, delay_ms=500, queue_bytes=10_000)


def test_cargo_arrives_in_order_and_not_before_its_time() -> None:
    line = Line[str](LinkModel(SLOW, seed=1))
    assert line.due_at_s() is None
    line.offer(0.0, 1_000, "first")
    line.offer(0.0, 1_000, "second")
    assert line.due_at_s() == 1.5
    assert list(line.due(1.49)) == []
    assert list(line.due(1.5)) == ["first"]
    assert list(line.due(10.0)) == ["second"]


def test_a_cut_loses_and_returns_what_is_under_way() -> None:
    line = Line[str](LinkModel(SLOW, seed=1))
    for name in ("a", "b", "c"):
        line.offer(0.0, 1_000, name)
    assert list(line.due(1.5)) == ["a"]
    assert line.cut() == ["b", "c"]
    assert list(line.due(100.0)) == []
    assert line.offer(101.0, 1_000, "d").fate is Fate.NO_SERVICE
    line.restore(102.0)
    line.offer(102.0, 1_000, "e")
    assert list(line.due(103.5)) == ["e"]
    counters = line.counters()
    assert (counters.packets_sent, counters.packets_delivered, counters.packets_dropped) == (5, 2, 3)


def test_tiny_packets_cannot_pile_up_without_bound() -> None:
    wide = DirectionProfile(rate_bit_s=1e10, delay_ms=600_000, queue_bytes=100_000_000)
    line = Line[int](LinkModel(wide, seed=1))
    for index in range(UNDER_WAY_PACKETS_MAX):
        line.offer(0.0, 1, index)
    assert line.offer(0.0, 1, -1).fate is Fate.QUEUE_FULL


steps = st.lists(
    st.tuples(st.floats(0, 3), st.one_of(st.integers(20, 1_500), st.sampled_from(["cut", "restore"]))),
    max_size=60,
)


@given(seed=st.integers(0, 99), steps=steps)
def test_every_packet_and_byte_is_accounted_for(seed: int, steps: list[tuple[float, int | str]]) -> None:
    lossy = DirectionProfile(rate_bit_s=8_000, delay_ms=500, queue_bytes=4_000, loss=0.2)
    line = Line[int](LinkModel(lossy, seed=seed))
    now_s, arrived_bytes, sent_bytes, promised = 0.0, 0, 0, 0
    for gap_s, step in steps:
        now_s += gap_s
        arrived_bytes += sum(line.due(now_s))
        if step == "cut":
            line.cut()
        elif step == "restore":
            line.restore(now_s)
        elif isinstance(step, int):
            sent_bytes += step
            promised += line.offer(now_s, step, step).fate is Fate.ARRIVES
    arrived_bytes += sum(line.due(now_s + 1_000))
    counters = line.counters()
    assert counters.bytes_delivered == arrived_bytes
    assert counters.bytes_sent == sent_bytes == counters.bytes_delivered + counters.bytes_dropped
    assert counters.packets_sent == counters.packets_delivered + counters.packets_dropped
    assert counters.packets_delivered <= promised
