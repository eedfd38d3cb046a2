"""Profiles, tariffs and outages refuse what no link can have, and compute what they promise."""

from __future__ import annotations

import math
from typing import Any

import pytest

from simulations.links import BurstLoss, Cycle, DirectionProfile, LinkProfile, Outage, Tariff

DIRECTION = DirectionProfile(rate_bit_s=22_000, delay_ms=450, queue_bytes=16_384, loss=0.1)


def profile(**changes: Any) -> LinkProfile:
    given: dict[str, Any] = {"name": "n", "title": "t", "source": "s", "mtu_bytes": 1500}
    return LinkProfile(**(given | {"up": DIRECTION, "down": DIRECTION} | changes))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"rate_bit_s": -1}, "rate_bit_s is -1"),
        ({"rate_bit_s": 0}, "rate_bit_s is 0"),
        ({"rate_bit_s": math.nan}, "rate_bit_s is nan"),
        ({"rate_bit_s": math.inf}, "rate_bit_s is inf"),
        ({"delay_ms": -0.1}, "delay_ms is -0.1"),
        ({"jitter_ms": 451}, "jitter_ms is 451: more than delay_ms 450"),
        ({"loss": 1.01}, "loss is 1.01"),
        ({"queue_bytes": 10}, "queue_bytes is 10"),
    ],
)
def test_an_impossible_direction_is_refused(changes: dict[str, float], says: str) -> None:
    given: dict[str, Any] = {"rate_bit_s": 22_000, "delay_ms": 450, "queue_bytes": 16_384}
    with pytest.raises(ValueError, match=says):
        DirectionProfile(**(given | changes))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": " "}, "name is empty"),
        ({"source": ""}, "source is empty"),
        ({"mtu_bytes": 67}, "mtu_bytes is 67"),
        ({"mtu_bytes": 20_000}, "up.queue_bytes is 16384: smaller than one packet"),
        ({"outages": (Outage(10, 20), Outage(29, 5))}, "the outage at 29 s starts before the one at 10 s"),
    ],
)
def test_an_impossible_profile_is_refused(changes: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        profile(**changes)


def test_bursts_outages_and_cycles_refuse_what_cannot_be() -> None:
    with pytest.raises(ValueError, match=r"to_bad is 1\.5"):
        BurstLoss(to_bad=1.5, to_good=0.1)
    with pytest.raises(ValueError, match="never change state"):
        BurstLoss(to_bad=0, to_good=0)
    with pytest.raises(ValueError, match="duration_s is 0"):
        Outage(1, 0)
    with pytest.raises(ValueError, match="down_s is 0"):
        Cycle(up_s=10, down_s=0)


def test_the_bound_is_the_time_on_the_line_and_one_round_trip() -> None:
    assert profile().rtt_ms == 900
    assert profile().upload_bound_s(2_750) == pytest.approx(1.0 + 0.9)


def test_mean_loss_joins_independent_loss_and_bursts() -> None:
    burst = BurstLoss(to_bad=0.01, to_good=0.24, loss_good=0.0, loss_bad=0.5)
    assert burst.loss_mean == pytest.approx(0.04 * 0.5)
    both = DirectionProfile(rate_bit_s=1e6, delay_ms=1, queue_bytes=9_000, loss=0.1, burst=burst)
    assert both.loss_mean == pytest.approx(1 - 0.9 * 0.98)


def test_a_call_is_billed_by_started_increments() -> None:
    tariff = Tariff(usd_per_minute=1.44, increment_s=20)
    assert tariff.cost_usd(ip_bytes=10, connected_s=20.0) == pytest.approx(0.48)
    assert tariff.cost_usd(ip_bytes=10, connected_s=20.1) == pytest.approx(0.96)
    assert tariff.cost_usd(ip_bytes=0, connected_s=0.0) == 0.0


def test_data_is_billed_by_the_megabyte_from_the_session_minimum() -> None:
    tariff = Tariff(usd_per_mb=8.0, session_bytes_min=5_000, usd_per_message=0.5)
    assert tariff.cost_usd(ip_bytes=1_000_000) == pytest.approx(8.0)
    assert tariff.cost_usd(ip_bytes=1) == pytest.approx(0.04)
    assert tariff.cost_usd(ip_bytes=0) == 0.0
    assert tariff.cost_usd(ip_bytes=0, messages=3) == pytest.approx(1.5)
