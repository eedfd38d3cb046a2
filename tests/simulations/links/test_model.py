"""The model keeps its configured rate within 2 %, RTT within 5 ms and loss within 10 %, in simulated time."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.links import (
    BurstLoss,
    DirectionProfile,
    Fate,
    HalfDuplex,
    LinkModel,
    Outage,
    RateStep,
    RateTrace,
    ServicePlan,
    SharedChannel,
    load_profile,
    open_models,
    profile_names,
)
from simulations.links.capacity import TracedCapacity

CLEAN = DirectionProfile(rate_bit_s=22_000, delay_ms=450, queue_bytes=16_384)


@pytest.mark.parametrize("name", profile_names())
def test_a_flooded_line_delivers_its_configured_rate(name: str) -> None:
    direction = load_profile(name).up
    if direction.trace is not None:  # What follows a recording is held to it below.
        direction = replace(direction, trace=None)
    model = LinkModel(direction, seed=7)
    now_s, delivered_bytes, last_s = 0.0, 0, 0.0
    interval_s = direction.serialisation_s(1_000) / 2  # Twice what the line can carry.
    for _ in range(20_000):
        passage = model.offer(now_s, 1_000)
        if passage.fate in (Fate.ARRIVES, Fate.LOST):  # A lost packet has used the line all the same.
            delivered_bytes += 1_000
            last_s = passage.departs_s
        now_s += interval_s
    assert delivered_bytes * 8 / last_s == pytest.approx(direction.rate_bit_s, rel=0.02)


@pytest.mark.parametrize("name", profile_names())
def test_small_spaced_packets_see_the_configured_round_trip(name: str) -> None:
    profile = load_profile(name)
    up, down = LinkModel(profile.up, seed=1), LinkModel(profile.down, seed=2)
    trips_s: list[float] = []
    for index in range(5_000):
        sent_s = index * 10.0
        there = up.offer(sent_s, 40)
        back = down.offer(there.arrives_s, 40)
        on_the_line_s = (there.departs_s - sent_s) + (back.departs_s - there.arrives_s)
        trips_s.append(back.arrives_s - sent_s - on_the_line_s)
    assert sum(trips_s) / len(trips_s) * 1000 == pytest.approx(profile.rtt_ms, abs=5)


@pytest.mark.parametrize("loss", [0.005, 0.02, 0.3])
def test_independent_loss_is_as_configured(loss: float) -> None:
    direction = DirectionProfile(rate_bit_s=1e9, delay_ms=0, queue_bytes=16_384, loss=loss)
    assert loss_of(direction) == pytest.approx(loss, rel=0.1)


def test_burst_loss_is_as_configured_and_comes_in_bursts() -> None:
    burst = BurstLoss(to_bad=0.005, to_good=0.25, loss_bad=0.5)
    direction = DirectionProfile(rate_bit_s=1e9, delay_ms=0, queue_bytes=16_384, burst=burst)
    fates = fates_of(direction)
    lost = [fate is Fate.LOST for fate in fates]
    share = sum(lost) / len(lost)
    assert share == pytest.approx(burst.loss_mean, rel=0.1)
    after_loss = sum(later for earlier, later in pairwise(lost) if earlier) / sum(lost)
    # In the bad state half are lost and three in four stay there: 0.375, forty times the mean.
    assert after_loss == pytest.approx(0.375, rel=0.15)


def loss_of(direction: DirectionProfile) -> float:
    fates = fates_of(direction)
    return fates.count(Fate.LOST) / len(fates)


def fates_of(direction: DirectionProfile) -> list[Fate]:
    model = LinkModel(direction, seed=11)
    return [model.offer(index * 1.0, 100).fate for index in range(200_000)]


def test_packets_wait_for_each_other_then_cross() -> None:
    model = LinkModel(CLEAN, seed=1)
    first, second = model.offer(0.0, 1_375), model.offer(0.0, 1_375)  # Half a second each.
    assert [first.departs_s, first.arrives_s] == pytest.approx([0.5, 0.95])
    assert [second.departs_s, second.arrives_s] == pytest.approx([1.0, 1.45])
    assert model.backlog_bytes(0.0) == pytest.approx(2_750)
    assert model.backlog_bytes(0.75) == pytest.approx(687.5)


def test_a_full_buffer_drops_the_newcomer_and_an_idle_line_takes_anything() -> None:
    model = LinkModel(DirectionProfile(rate_bit_s=8_000, delay_ms=0, queue_bytes=3_000), seed=1)
    fates = [model.offer(0.0, 1_500).fate for _ in range(3)]
    assert fates == [Fate.ARRIVES, Fate.ARRIVES, Fate.QUEUE_FULL]
    assert model.offer(1.5, 1_500).fate is Fate.ARRIVES
    assert model.offer(100.0, 5_000).fate is Fate.ARRIVES


@given(backlog=st.lists(st.integers(1, 1_500), max_size=10), length=st.integers(1, 1_500))
def test_room_is_promised_exactly_when_it_is_there(backlog: list[int], length: int) -> None:
    def loaded() -> LinkModel:
        model = LinkModel(DirectionProfile(rate_bit_s=8_000, delay_ms=0, queue_bytes=3_000), seed=1)
        for waiting in backlog:
            model.offer(0.0, waiting)
        return model

    room_at_s = loaded().room_at_s(0.0, length)
    assert loaded().offer(room_at_s + 1e-9, length).fate is Fate.ARRIVES
    if room_at_s > 0.01:
        assert loaded().offer(room_at_s - 0.01, length).fate is Fate.QUEUE_FULL


@given(seed=st.integers(), gaps_ms=st.lists(st.floats(0, 50), min_size=1, max_size=50))
def test_jitter_never_reorders_nor_delivers_before_sending(seed: int, gaps_ms: list[float]) -> None:
    model = LinkModel(
        DirectionProfile(rate_bit_s=1e7, delay_ms=30, jitter_ms=30, queue_bytes=100_000), seed=seed
    )
    now_s, last_arrival_s = 0.0, 0.0
    for gap_ms in gaps_ms:
        now_s += gap_ms / 1000
        passage = model.offer(now_s, 100)
        assert passage.arrives_s >= max(last_arrival_s, passage.departs_s)
        last_arrival_s = passage.arrives_s


def test_the_same_seed_loses_the_same_packets_and_another_does_not() -> None:
    lossy = DirectionProfile(rate_bit_s=1e9, delay_ms=1, queue_bytes=9_000, loss=0.5)

    def pattern(seed: int) -> list[Fate]:
        model = LinkModel(lossy, seed=seed)
        return [model.offer(index, 100).fate for index in range(64)]

    assert pattern(3) == pattern(3)
    assert pattern(3) != pattern(4)


def test_while_cut_nothing_passes_and_after_restore_the_buffer_is_empty() -> None:
    model = LinkModel(CLEAN, seed=1)
    for _ in range(8):
        model.offer(0.0, 1_375)
    model.cut()
    assert model.offer(1.0, 100).fate is Fate.NO_SERVICE
    assert not model.is_up(1.0)
    model.restore(2.0)
    assert model.is_up(2.0)
    assert model.offer(2.0, 1_375).departs_s == pytest.approx(2.5)


def test_a_packet_under_way_when_an_outage_begins_is_lost() -> None:
    service = ServicePlan((Outage(1.0, 5.0),))
    model = LinkModel(CLEAN, seed=1, service=service)
    assert model.offer(0.0, 1_375).fate is Fate.ARRIVES  # Arrives at 0.95 s.
    assert model.offer(0.1, 1_375).fate is Fate.NO_SERVICE
    assert model.offer(2.0, 40).fate is Fate.NO_SERVICE
    assert model.offer(6.0, 1_375).arrives_s == pytest.approx(6.95)


FADE = RateTrace((RateStep(0, 8_000), RateStep(10, 0), RateStep(15, 4_000)), period_s=25)


def test_a_line_that_follows_a_recording_carries_its_bits_and_waits_through_its_fades() -> None:
    direction = DirectionProfile(rate_bit_s=4_800, delay_ms=0, queue_bytes=1_000_000, trace=FADE)
    model = LinkModel(direction, seed=1)
    departs_s = [model.offer(0.0, 1_000).departs_s for _ in range(30)]
    # 1,000 bytes a second for ten seconds, nothing for five, half as much for ten; then again.
    assert departs_s[:12] == pytest.approx([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 17, 19])
    assert departs_s[14:17] == pytest.approx([25, 26, 27])
    assert model.backlog_bytes(12.0) == pytest.approx(20_000)
    assert model.room_at_s(12.0, 990_000) == pytest.approx(30)


@pytest.mark.parametrize("name", [name for name in profile_names() if load_profile(name).up.trace])
def test_a_recorded_line_is_as_fast_as_its_recording(name: str) -> None:
    direction = load_profile(name).up
    trace = direction.trace
    assert trace is not None
    model = LinkModel(replace(direction, queue_bytes=128_000_000), seed=7)
    total_bytes = int(trace.rate_bit_s_mean * trace.period_s / 8)
    assert total_bytes == pytest.approx(sum(_bytes_by_step(trace)), rel=0.001)
    packet_bytes = total_bytes // 4_000
    departs_s = 0.0
    for _ in range(4_000):
        passage = model.offer(departs_s, packet_bytes)
        departs_s = passage.departs_s
    assert departs_s == pytest.approx(trace.period_s, rel=0.02)


def _bytes_by_step(trace: RateTrace) -> list[float]:
    ends = [*(step.at_s for step in trace.steps[1:]), trace.period_s]
    return [step.rate_bit_s * (end - step.at_s) / 8 for step, end in zip(trace.steps, ends, strict=True)]


@given(
    rates=st.lists(st.sampled_from([0, 1_000, 2_400, 64_000]), min_size=1, max_size=6).filter(any),
    start_s=st.floats(0, 500),
    size_bits=st.floats(1, 1e6),
)
def test_what_a_recording_serves_until_it_is_through_is_what_was_asked(
    rates: list[int], start_s: float, size_bits: float
) -> None:
    steps = tuple(RateStep(3.0 * index, rate) for index, rate in enumerate(rates))
    capacity = TracedCapacity(RateTrace(steps, period_s=3.0 * len(rates)))
    end_s = capacity.finish_s(start_s, size_bits)
    assert end_s >= start_s
    assert capacity.bits_between(start_s, end_s) == pytest.approx(size_bits, rel=1e-6, abs=1e-3)


def test_who_was_silent_waits_until_the_channel_is_free_and_turned_round() -> None:
    direction = DirectionProfile(rate_bit_s=8_000, delay_ms=0, queue_bytes=100_000)
    channel = SharedChannel(HalfDuplex(turnaround_ms=500))
    up = LinkModel(direction, seed=1, channel=channel)
    down = LinkModel(direction, seed=2, channel=channel)
    assert [up.offer(0.0, 1_000).departs_s for _ in range(3)] == [1, 2, 3]
    assert down.offer(0.5, 1_000).departs_s == 4.5
    assert up.offer(0.6, 1_000).departs_s == 6.0
    assert up.offer(20.0, 1_000).departs_s == 21.0


def test_both_ends_of_the_hf_profile_never_speak_at_once() -> None:
    profile = load_profile("hf-modem")
    up, down = open_models(profile, seed=3)
    spans = []
    for index in range(400):
        model = up if index % 3 else down
        passage = model.offer(index * 2.0, 300)
        if passage.fate is Fate.ARRIVES:
            spans.append((passage.departs_s - 300 * 8 / 1_200, passage.departs_s))
    spans.sort()
    assert all(later[0] >= earlier[1] - 1e-9 for earlier, later in pairwise(spans))
