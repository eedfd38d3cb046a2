"""No link and no two links together ever carry bytes faster than the bound says."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.header import Priority
from protocol.ids import BUNDLE_ID_BYTES, BundleId
from simulations.fleet.bound import Way, bound_s
from simulations.fleet.goods import Parcel
from simulations.fleet.site import rank_of
from simulations.links import (
    DirectionProfile,
    LinkModel,
    Mailbox,
    Outage,
    PostModel,
    RateStep,
    RateTrace,
    ServicePlan,
)
from simulations.links import Way as Messages


def way(rate_bit_s: float, *outages: Outage, delay_ms: float = 100.0, trace: RateTrace | None = None) -> Way:
    direction = DirectionProfile(rate_bit_s=rate_bit_s, delay_ms=delay_ms, queue_bytes=1 << 20, trace=trace)
    return Way.of(direction, ServicePlan(outages))


def test_alone_it_is_rate_and_delay() -> None:
    assert bound_s([way(8_000)], 5.0, 2_000) == pytest.approx(2.1)


def test_dark_time_counts() -> None:
    assert bound_s([way(8_000, Outage(6.0, 10.0))], 5.0, 2_000) == pytest.approx(12.1)
    assert bound_s([way(8_000, Outage(4.0, 10.0))], 5.0, 2_000) == pytest.approx(11.1)


def test_two_links_share_the_work() -> None:
    both = [way(8_000, delay_ms=300.0), way(24_000)]
    assert bound_s(both, 0.0, 4_000) == pytest.approx(1.1, abs=1e-6)
    assert bound_s([way(8_000, Outage(0.0, 100.0)), way(24_000)], 0.0, 3_000) == pytest.approx(1.1, abs=1e-6)


def test_where_no_link_serves_again_a_result_tells_no_bound() -> None:
    parcel = Parcel(
        bundle=BundleId(bytes(BUNDLE_ID_BYTES)),
        site=0,
        case=0,
        what="text",
        priority=Priority.ROUTINE,
        rank=rank_of("text"),
        up=True,
        size_bytes=800,
        queued_s=5.0,
        bound_s=math.inf,
    )
    assert parcel.row().bound_s is None


def test_a_recorded_rate_is_followed() -> None:
    trace = RateTrace((RateStep(0.0, 0.0), RateStep(10.0, 16_000.0)), period_s=20.0)
    assert bound_s([way(8_000, trace=trace)], 0.0, 2_000) == pytest.approx(11.1)


@given(
    st.lists(st.integers(100, 1_400), min_size=1, max_size=30),
    st.floats(0, 40),
    st.lists(st.tuples(st.integers(1, 20), st.integers(1, 20)), max_size=4),
)
def test_packets_of_the_model_are_never_earlier(
    sizes: list[int], at_s: float, spans: list[tuple[int, int]]
) -> None:
    outages, begins_s = [], 0.0
    for lit_s, dark_s in spans:
        outages.append(Outage(begins_s + lit_s, dark_s))
        begins_s += lit_s + dark_s
    direction = DirectionProfile(rate_bit_s=8_000, delay_ms=100, jitter_ms=50, queue_bytes=1 << 20)
    service = ServicePlan(tuple(outages))
    model = LinkModel(direction, seed=1, service=service)
    now_s, last_s, sent_bytes = at_s, at_s, 0
    for size_bytes in sizes:
        now_s = service.next_up_s(now_s)
        passage = model.offer(now_s, size_bytes)
        if passage.fate == "arrives":
            sent_bytes += size_bytes
            last_s = passage.arrives_s
        now_s = max(now_s, passage.departs_s)
    if sent_bytes:
        assert bound_s([Way.of(direction, service)], at_s, sent_bytes) <= last_s - at_s + 1e-6


@given(
    st.lists(st.integers(1, 340), min_size=1, max_size=30),
    st.floats(0, 400),
    st.sampled_from([0.0, 20.0]),
    st.one_of(st.none(), st.floats(0, 100)),
    st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), max_size=4),
)
def test_messages_of_the_model_are_never_earlier(
    sizes: list[int], at_s: float, interval_s: float, first_s: float | None, spans: list[tuple[int, int]]
) -> None:
    outages, begins_s = [], 0.0
    for lit_s, dark_s in spans:
        outages.append(Outage(begins_s + lit_s, dark_s))
        begins_s += lit_s + dark_s
    mailbox = Mailbox(
        up_bytes_max=340,
        down_bytes_max=270,
        interval_s=interval_s,
        delay_s_min=5,
        delay_s_max=20,
        first_departure_s=first_s if interval_s else None,
    )
    service = ServicePlan(tuple(outages))
    model = PostModel(mailbox, Messages.UP, seed=1, service=service)
    carried = Way.of_messages(mailbox, service, bytes_max=340)
    sent_bytes = 0
    for size_bytes in sizes:
        sent_bytes += size_bytes
        arrivals = model.offer(at_s, size_bytes)
        assert arrivals
        assert max(arrivals) - at_s >= bound_s([carried], at_s, sent_bytes) - 1e-6


def test_the_bound_of_messages_is_reached_where_nothing_is_lost_and_all_are_full() -> None:
    mailbox = Mailbox(up_bytes_max=340, down_bytes_max=270, interval_s=20, delay_s_min=5, delay_s_max=5)
    carried = Way.of_messages(mailbox, ServicePlan(), bytes_max=340)
    assert bound_s([carried], 7.0, 340) == pytest.approx(5.0)
    assert bound_s([carried], 7.0, 341) == pytest.approx(25.0)
    assert bound_s([carried], 7.0, 340 * 10) == pytest.approx(185.0)
    boat = Way.of_messages(replace(mailbox, first_departure_s=100.0), ServicePlan(), bytes_max=340)
    assert bound_s([boat], 7.0, 340) == pytest.approx(98.0)
    assert bound_s([boat], 101.0, 680) == pytest.approx(44.0)
