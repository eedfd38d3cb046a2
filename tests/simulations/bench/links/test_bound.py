"""The bound is arithmetic: bytes at the rate wherever there is service, and the delays between."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.bench.links.bound import exchanged_at_s, returned_at_s, sent_at_s, stored_at_s
from simulations.links import DirectionProfile, LinkProfile, Outage


@st.composite
def darkness(draw: st.DrawFn) -> tuple[Outage, ...]:
    spans = draw(st.lists(st.floats(0.5, 50), max_size=12))
    edges = list(accumulate(spans))
    return tuple(Outage(start, end - start) for start, end in zip(edges[::2], edges[1::2], strict=False))


def served_s(outages: tuple[Outage, ...], began_s: float, ended_s: float) -> float:
    dark = sum(max(0.0, min(o.end_s, ended_s) - max(o.start_s, began_s)) for o in outages)
    return ended_s - began_s - dark


def line(outages: tuple[Outage, ...] = ()) -> LinkProfile:
    up = DirectionProfile(rate_bit_s=2_400, delay_ms=750, queue_bytes=8_192)
    down = DirectionProfile(rate_bit_s=4_800, delay_ms=750, queue_bytes=8_192)
    return LinkProfile("test", "Test link", "Made for tests.", up, down, 1_500, outages=outages)


@given(darkness(), st.integers(0, 100_000), st.floats(0, 60))
def test_the_line_was_served_as_long_as_the_bytes_take(
    outages: tuple[Outage, ...], size_bytes: int, began_s: float
) -> None:
    ended_s = sent_at_s(size_bytes=size_bytes, rate_bit_s=9_600, outages=outages, began_s=began_s)
    assert served_s(outages, began_s, ended_s) == pytest.approx(size_bytes * 8 / 9_600, abs=1e-6)


@given(darkness(), st.integers(0, 100_000), st.integers(0, 10_000))
def test_more_bytes_never_take_less(outages: tuple[Outage, ...], size_bytes: int, more_bytes: int) -> None:
    def sent(size: int) -> float:
        return sent_at_s(size_bytes=size, rate_bit_s=9_600, outages=outages, began_s=3.0)

    assert sent(size_bytes) <= sent(size_bytes + more_bytes)


@given(darkness(), st.floats(0, 200))
def test_nothing_waits_for_service_alone(outages: tuple[Outage, ...], began_s: float) -> None:
    sent_s = sent_at_s(size_bytes=0, rate_bit_s=9_600, outages=outages, began_s=began_s)
    within = [outage for outage in outages if outage.start_s <= began_s < outage.end_s]
    assert sent_s >= began_s
    assert (sent_s == began_s) == (not within)


def test_what_fits_exactly_before_the_darkness_has_left() -> None:
    outages = (Outage(10.0, 5.0),)
    sent_s = sent_at_s(size_bytes=12_000, rate_bit_s=9_600, outages=outages, began_s=0.0)
    assert sent_s == 10.0


def test_an_exchange_is_both_ways_and_one_round_trip() -> None:
    """2,000 bytes at 2.4 kbit/s, a round trip of 1.5 s, and 200 bytes back at twice the rate."""
    bound_s = exchanged_at_s(line(), up_bytes=2_000, asked_after_bytes=2_000, reply_bytes=200, began_s=0.0)
    assert bound_s == pytest.approx(2_000 * 8 / 2_400 + 1.5 + 200 * 8 / 4_800)


def test_a_reply_that_waits_comes_beside_what_goes_up() -> None:
    bound_s = exchanged_at_s(line(), up_bytes=2_000, asked_after_bytes=0, reply_bytes=200, began_s=0.0)
    assert bound_s == pytest.approx(2_000 * 8 / 2_400 + 1.5)


def test_darkness_counts_for_whoever_it_meets() -> None:
    outages = (Outage(1.0, 10.0),)
    assert stored_at_s(line(outages), 600, 0.0) == pytest.approx(12.0 + 0.75)
    assert returned_at_s(line(outages), 0, 5.0) == pytest.approx(11.0 + 0.75)
