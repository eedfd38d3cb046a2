"""Forecasts in words: never narrower than they are, and no time of day from a clock that has none."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from protocol.ids import BundleId
from protocol.stamps import Certainty
from sfnode.domain.moments import Moment
from sfnode.services.arrival_words import arrival_view, chance_words, proof_words, told_words
from sfnode.spool.foretold import Foretold
from sfnode.views import BundlePriceView, PriceView
from sync.scheduler.arrival import Interval
from sync.scheduler.windows import Chance


def moment(
    hour: int, minute: int, *, certainty: Certainty = Certainty.SYNCED, monotonic_s: float = 1_000.0
) -> Moment:
    wall_s = int(datetime(2026, 11, 23, hour, minute, tzinfo=UTC).timestamp())
    return Moment(boot="one", monotonic_s=monotonic_s, wall_s=wall_s, certainty=certainty)


@pytest.mark.parametrize(
    ("low_s", "high_s", "words"),
    [
        (1_200, 4_200, "between 14:20Z and 15:10Z"),
        (1_219, 4_141, "between 14:20Z and 15:10Z"),
        (0, 4_200, "between 14:00Z and 15:10Z"),
        (5, 20, "in 5 s to 20 s"),
        (0, 20, "within 20 s"),
        (30, 150, "in 30 s to 3 min"),
        (9 * 3_600, 12 * 3_600, "between 23:00Z and 24 Nov 02:00Z"),
        (9 * 3_600, 400 * 86_400, "between 23:00Z and 28 Dec 2027 14:00Z"),
        (9 * 3_600, 1e15, "between 23:00Z and 31 Dec 9999 23:59Z"),
    ],
)
def test_the_interval_is_told_by_the_minute_or_when_soon_by_the_second(
    low_s: float, high_s: float, words: str
) -> None:
    view = arrival_view(Interval(low_s, high_s, 12), seen=12, down=None, now=moment(14, 0))
    assert view.words == f"likely at the hub {words} (from 12 past contacts)"


def test_without_enough_contacts_it_says_how_far_it_is() -> None:
    view = arrival_view(None, seen=2, down=None, now=moment(14, 0))
    assert view.words == "no forecast yet: 2 of 8 contacts seen"
    after = arrival_view(None, seen=0, down="vsat", now=moment(14, 0))
    assert after.words == "no forecast yet: 0 of 8 contacts seen after vsat was down"


def test_in_an_outage_it_says_how_many_others_it_rests_on() -> None:
    interval = Interval(1_200, 4_200, 12, outages=9)
    view = arrival_view(interval, seen=12, down="vsat", now=moment(14, 0), outages=9)
    assert view.basis == "from 12 past contacts and 9 outages as long as this one"
    longer = arrival_view(None, seen=12, down="vsat", now=moment(14, 0), outages=3)
    assert longer.words == "no forecast: vsat is down, and 3 of 8 outages seen that lasted as long"
    newer = arrival_view(None, seen=2, down="vsat", now=moment(14, 0), outages=0)
    assert newer.words == "no forecast yet: 2 of 8 contacts seen"


def test_a_clock_that_is_not_set_tells_spans_and_no_time_of_day() -> None:
    now = moment(14, 0, certainty=Certainty.UNSET)
    view = arrival_view(Interval(1_200, 4_200, 9), seen=9, down=None, now=now)
    assert view.words == (
        "likely at the hub in 20 min to 70 min (from 9 past contacts; this machine's clock is not set)"
    )
    assert (view.from_s, view.until_s) == (None, None)


def told(at: Moment, interval: Interval | None) -> Foretold:
    return Foretold(
        bundle_id=BundleId(b"one"), link="vsat", was_down=False, soonest_s=1.0, interval=interval, at=at
    )


def test_what_was_told_is_said_again_until_it_is_late() -> None:
    at, interval = moment(14, 0, monotonic_s=1_000.0), Interval(1_200, 4_200, 9)
    assert told_words(told(at, interval), moment(14, 5, monotonic_s=1_300.0)) == "likely 14:20Z to 15:10Z"
    assert told_words(told(at, interval), moment(14, 30, monotonic_s=2_800.0)) == "likely by 15:10Z"
    assert told_words(told(at, interval), moment(15, 30, monotonic_s=6_400.0)) == (
        "late: was likely by 15:10Z"
    )
    assert told_words(told(at, None), moment(14, 5)) == ""


def test_from_another_boot_without_a_clock_nothing_is_said() -> None:
    at = moment(14, 0)
    now = Moment(boot="two", monotonic_s=9.0, wall_s=9, certainty=Certainty.UNSET)
    assert told_words(told(at, Interval(1, 2, 9)), now) == ""


def test_how_forecasts_fared_and_whether_this_window_is_long_enough() -> None:
    assert proof_words(inside=97, of=100) == "97 of the last 100 arrived inside what was told"
    assert chance_words(Chance(7, 9, 12)) == "7 of 9 past windows were long enough to finish in this one"
    assert chance_words(Chance(0, 2, 2)) == "no forecast of this window yet: 2 of 5 past ones seen"
    assert chance_words(Chance(1, 2, 9)) == (
        "no forecast of this window: 2 of 9 past ones lasted as long as it has"
    )
    assert chance_words(None) == ""


def price(*intervals: Interval | None, held: int = 0) -> PriceView:
    arrivals = [arrival_view(each, seen=3, down=None, now=moment(14, 0)) for each in intervals]
    bundles = [
        BundlePriceView(
            what=f"item {number}",
            priority="urgent",
            size_bytes=1,
            link="vsat",
            seconds=1.0,
            usd=0.0,
            arrival=arrival,
        )
        for number, arrival in enumerate([*arrivals, *[None] * held])
    ]
    return PriceView(draft=True, size_bytes=1, links=(), bundles=tuple(bundles))


def test_the_first_and_the_last_of_what_goes_are_told() -> None:
    soon, later = Interval(600, 1_200, 9), Interval(900, 4_200, 9)
    assert price(soon).arrival == "likely at the hub between 14:10Z and 14:20Z (from 9 past contacts)"
    assert price(soon, soon, later).arrival == (
        "item 0 likely at the hub between 14:10Z and 14:20Z, all of it by 15:10Z (from 9 past contacts)"
    )
    assert "all that goes by 15:10Z" in price(soon, later, held=1).arrival
    assert price(soon, soon).arrival.startswith("all of it likely at the hub between")
    assert price(None, None).arrival == "no forecast yet: 3 of 8 contacts seen"
    assert price(soon, None).arrival.endswith("the rest: no forecast yet: 3 of 8 contacts seen")
    assert price(held=2).arrival == ""
