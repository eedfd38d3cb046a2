"""What is on its way is confirmed, lost or waited for; what arrived is told in as few words as it takes."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.channel import Phase
from protocol.datagram_parts import RUNS_MAX, Acknowledged, Pair, Ping
from protocol.datagrams import Opened
from sync.links.datagram_flight import Flight, RoundTrip
from sync.links.datagram_rate import ACKNOWLEDGE_S
from sync.links.datagram_words import TOLD_TIMES_MAX, UNASKED_MAX, Arrivals, Words

RATE = 1000.0


def launched(count: int, spacing_s: float = 0.1) -> Flight:
    flight = Flight(0.0)
    for number in range(count):
        flight.launch(
            number,
            100,
            (Ping(),),
            number * spacing_s,
            asks=number % 2 == 1,
            limited=False,
            rate_bytes_s=RATE,
        )
    return flight


def word(*runs: tuple[int, int]) -> Acknowledged:
    return Acknowledged(runs, 0.0)


def test_what_is_confirmed_is_on_its_way_no_more() -> None:
    flight = launched(4)
    heard = flight.hear(word((0, 1)), RATE, 1.0)
    assert [sent.number for sent in heard.confirmed] == [0, 1]
    assert flight.in_flight_bytes == 200
    assert flight.highest_confirmed == 1
    assert flight.hear(word((0, 1)), RATE, 1.1).newest is None, "hearing it again changes nothing"


def test_one_that_three_later_ones_overtook_is_lost() -> None:
    flight = launched(6)
    assert flight.hear(word((1, 2)), RATE, 1.0).lost == ()
    assert [sent.number for sent in flight.hear(word((1, 3)), RATE, 1.1).lost] == [0]


def test_in_a_short_flight_time_tells_what_was_lost() -> None:
    flight = launched(2, spacing_s=1.0)
    flight.hear(word((1, 1)), RATE, 2.0)
    assert [sent.number for sent in flight.overtaken(round_trip_s=1.0)] == [0]
    assert not flight.outstanding


def test_the_delivery_rate_is_what_the_link_carried() -> None:
    """Datagrams leave twice as fast as the link carries them, and are confirmed a second later."""
    flight, sent, rates = Flight(0.0), 0, []
    for confirmed in range(60):
        now = 1.0 + confirmed * 0.1
        while sent * 0.05 <= now:
            flight.launch(sent, 100, (), sent * 0.05, asks=True, limited=False, rate_bytes_s=RATE)
            sent += 1
        rates.append(flight.hear(word((0, confirmed)), RATE, now).rate_bytes_s)
    assert rates[-1] == pytest.approx(1000, rel=0.05)


def test_a_datagram_departs_behind_those_before_it() -> None:
    flight = launched(3, spacing_s=0.0)
    assert [sent.departs_at for sent in flight.in_order] == pytest.approx([0.1, 0.2, 0.3])


def test_the_round_trip_is_that_of_an_empty_datagram() -> None:
    trip = RoundTrip(0.9)
    assert trip.smoothed_s == 0.9
    for number in range(30):
        size = 100 if number % 2 else 1000
        trip.measure(0.6 + size / RATE, size, RATE, number * 0.7)
    assert trip.least_s == pytest.approx(0.6)
    assert trip.queue_s == pytest.approx(0.0, abs=1e-9)
    trip.measure(1.1 + 0.1, 100, RATE, 22.0)
    assert trip.queue_s == pytest.approx(0.5)


def test_an_old_best_round_trip_is_forgotten() -> None:
    trip = RoundTrip(0.9)
    trip.measure(0.2, 0, RATE, 0.0)
    for second in range(1, 120):
        trip.measure(0.5, 0, RATE, float(second))
    assert trip.least_s == pytest.approx(0.5)


# Word of what arrived.


@given(st.lists(st.integers(0, 200), min_size=1, max_size=200))
def test_runs_say_what_arrived_newest_first(numbers: list[int]) -> None:
    arrivals = Arrivals()
    for number in numbers:
        arrivals.add(number, 0.0)
    told = {number for low, high in arrivals.runs for number in range(low, high + 1)}
    assert told <= set(numbers)
    assert max(numbers) in told
    assert len(arrivals.runs) <= RUNS_MAX
    highs = [high for _, high in arrivals.runs]
    assert highs == sorted(highs, reverse=True)
    gaps = [above[0] - below[1] for above, below in zip(arrivals.runs, arrivals.runs[1:], strict=False)]
    assert all(gap >= 2 for gap in gaps)
    if len(set(numbers)) <= RUNS_MAX:
        assert told == set(numbers)


def opened(number: int, *, asks: bool = False) -> Opened:
    return Opened(number, Phase.FRESH, asks, b"")


def test_who_asks_is_told_soon_and_who_does_not_is_told_by_the_way() -> None:
    words = Words()
    words.note(opened(0), 1.0, size_bytes=100, says_something=True)
    assert words.due_at is None
    words.note(opened(1, asks=True), 2.0, size_bytes=100, says_something=True)
    assert words.due_at == 2.0 + ACKNOWLEDGE_S
    [told] = words.take(2.01)
    assert isinstance(told, Acknowledged)
    assert told.runs == ((0, 1),)
    assert told.delay_s == pytest.approx(0.01)
    assert words.take(3.0) == []


def test_a_bare_word_is_never_answered_but_leaves_no_gap_either() -> None:
    words = Words()
    words.note(opened(0), 1.0, size_bytes=100, says_something=False)
    assert words.take(1.0) == []
    words.note(opened(1, asks=True), 1.0, size_bytes=100, says_something=True)
    [told] = words.take(1.0)
    assert isinstance(told, Acknowledged)
    assert told.runs == ((0, 1),)


def test_what_comes_out_of_turn_is_told_at_once_and_so_is_a_long_silence() -> None:
    words = Words()
    words.note(opened(5), 1.0, size_bytes=100, says_something=True)
    words.take(1.0)
    words.note(opened(7), 1.1, size_bytes=100, says_something=True)
    assert words.due_at is not None
    words.take(1.2)
    for number in range(8, 8 + UNASKED_MAX):
        words.note(opened(number), 2.0, size_bytes=100, says_something=True)
    assert words.due_at is not None


def test_a_shuffled_burst_is_told_whole() -> None:
    arrivals, numbers = Arrivals(), list(range(100))
    random.Random(1).shuffle(numbers)
    for number in numbers[:60]:
        arrivals.add(number, 0.0)
    for number in numbers:
        arrivals.add(number, 0.0)
    assert arrivals.runs == [(0, 99)] or arrivals.runs[0][1] == 99


def test_a_pair_of_long_datagrams_tells_how_fast_the_narrowest_link_is() -> None:
    words = Words()
    words.note(opened(0), 1.0, size_bytes=1400, says_something=True)
    words.note(opened(1, asks=True), 1.0112, size_bytes=1400, says_something=True)
    told = words.take(1.02)
    pair = told[1]
    assert isinstance(pair, Pair)
    assert pair.size_bytes == 1400
    assert pair.apart_s == pytest.approx(0.0112)
    assert words.take(1.03) == []


@pytest.mark.parametrize(
    ("sizes", "apart_s"), [((1400, 200), 0.01), ((200, 1400), 0.01), ((1400, 1400), 2.0)]
)
def test_short_ones_and_a_thin_link_tell_nothing(sizes: tuple[int, int], apart_s: float) -> None:
    words = Words()
    for number, size_bytes in enumerate(sizes):
        words.note(opened(number, asks=True), number * apart_s, size_bytes=size_bytes, says_something=True)
    assert len(words.take(5.0)) == 1


def sent_and_heard(size_bytes: int, *, left_apart_s: float, arrived_apart_s: float) -> float | None:
    """What two datagrams tell, of which the second arrived so much later."""
    flight = Flight(0.0)
    for number in range(3):
        flight.launch(
            number,
            size_bytes,
            (Ping(),),
            number * left_apart_s,
            asks=True,
            limited=False,
            rate_bytes_s=RATE,
        )
    flight.hear(word((0, 0)), RATE, 1.0)
    return flight.hear(word((0, 1)), RATE, 1.0 + arrived_apart_s).spread_bytes_s


def test_what_left_together_and_arrives_apart_tells_how_fast_the_link_is() -> None:
    assert sent_and_heard(1_400, left_apart_s=0.0, arrived_apart_s=4.0) == pytest.approx(350)


def test_two_words_of_one_moment_tell_nothing_of_the_link() -> None:
    assert sent_and_heard(1_400, left_apart_s=0.0, arrived_apart_s=0.0) is None


def test_an_older_datagram_that_is_confirmed_in_the_moment_of_a_newer_one_tells_nothing() -> None:
    flight = Flight(0.0)
    for number in range(3):
        flight.launch(number, 1_400, (Ping(),), number * 1.0, asks=True, limited=False, rate_bytes_s=RATE)
    flight.hear(word((1, 1)), RATE, 4.0)
    assert flight.hear(word((0, 1)), RATE, 4.0).spread_bytes_s is None


@pytest.mark.parametrize(("size_bytes", "left_apart_s"), [(1_400, 2.0), (60, 0.0)])
def test_what_left_apart_or_is_short_tells_nothing_of_the_link(size_bytes: int, left_apart_s: float) -> None:
    assert sent_and_heard(size_bytes, left_apart_s=left_apart_s, arrived_apart_s=4.0) is None


def test_until_what_was_on_its_way_has_arrived_a_sender_that_had_no_more_tells_nothing() -> None:
    flight = Flight(0.0)
    for number, limited in enumerate((False, True, False)):
        flight.launch(number, 100, (Ping(),), 0.0, asks=True, limited=limited, rate_bytes_s=RATE)
    assert [sent.is_limited for sent in flight.in_order] == [False, True, True]
    flight.hear(word((0, 2)), RATE, 1.0)
    flight.launch(3, 100, (Ping(),), 1.0, asks=True, limited=False, rate_bytes_s=RATE)
    assert [sent.is_limited for sent in flight.in_order] == [False]


def test_older_runs_are_told_until_the_peer_must_have_heard_of_them() -> None:
    arrivals = Arrivals()
    for number in (0, 1, 5):
        arrivals.add(number, 0.0)
    told = [arrivals.word(0.0).runs for _ in range(TOLD_TIMES_MAX + 1)]
    assert told == [((5, 5), (0, 1))] * TOLD_TIMES_MAX + [((5, 5),)]
    arrivals.add(7, 0.0)
    assert arrivals.word(0.0).runs == ((7, 7), (5, 5))
