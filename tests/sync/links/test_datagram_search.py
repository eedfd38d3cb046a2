"""How a rate is looked for: what ends it, what bounds it, what begins it anew."""

from __future__ import annotations

import math

import pytest

from sync.links.datagram_search import (
    PAIR_CEILING,
    PAIR_SHARE,
    PAIR_WINDOW_BYTES_MAX,
    QUEUED_TIMES,
    STALE_ROUNDS_MAX,
    WEIGHED_TIMES,
    Search,
)


def test_growth_goes_on_and_its_end_ends_the_search() -> None:
    search = Search(1_000, 4_096, is_told=True)
    assert not any(search.end_round(rate, limited=False) for rate in (1_000.0, 2_000.0, 4_000.0))
    ended = [search.end_round(4_100.0, limited=False) for _ in range(STALE_ROUNDS_MAX)]
    assert ended == [False] * (STALE_ROUNDS_MAX - 1) + [True]


def test_a_round_with_nothing_more_to_send_says_nothing() -> None:
    search = Search(1_000, 4_096, is_told=True)
    search.end_round(1_000.0, limited=False)
    assert not any(search.end_round(1_000.0, limited=True) for _ in range(20))


def test_a_queue_counts_when_it_is_there_each_time() -> None:
    search = Search(1_000, 4_096, is_told=True)
    seen = [
        search.sees_queue(queue_s, 0.1) for queue_s in (0.2, 0.2, 0.0, *(0.2 for _ in range(QUEUED_TIMES)))
    ]
    assert seen[-1]
    assert not any(seen[:-1])


def test_a_pair_raises_the_guess_by_half_of_what_it_tells_and_bounds_the_pace() -> None:
    search = Search(2_750, 6_571, is_told=True)
    search.pair(350_000, 0.6)
    assert search.guess_bytes_s == PAIR_SHARE * 350_000
    assert search.first_window_bytes == PAIR_SHARE * 350_000 * 0.6
    assert search.ceiling_bytes_s == PAIR_CEILING * 350_000
    search.pair(100_000_000, 0.6)
    assert search.first_window_bytes == PAIR_WINDOW_BYTES_MAX


def test_a_pair_never_lowers_what_was_guessed() -> None:
    search = Search(10_000, 8_000, is_told=True)
    search.pair(5_600, 0.6)
    assert search.guess_bytes_s == 10_000
    assert search.first_window_bytes == 8_000


def test_a_guess_far_too_high_is_weighed_down() -> None:
    search = Search(125_000, 8_000, is_told=True)
    for _ in range(WEIGHED_TIMES):
        assert search.guess_bytes_s == 125_000
        search.weigh(0.6 + 1400 / 8_000, 0.6, 1400)
    assert search.guess_bytes_s == pytest.approx(8_000)


def test_a_link_that_grew_is_searched_again_without_a_ceiling() -> None:
    search = Search(1_000, 4_096, is_told=True)
    search.pair(4_000, 0.6)
    assert not search.begins_anew(1_000.0, probed=False, counts=True)
    assert not search.begins_anew(1_100.0, probed=True, counts=True)
    assert search.begins_anew(1_500.0, probed=True, counts=True)
    assert search.ceiling_bytes_s == math.inf


def test_a_guess_of_nobodys_is_given_up_at_once_and_what_was_told_after_two_looks() -> None:
    guessed, told = Search(2_750, 4_200, is_told=False), Search(2_750, 6_571, is_told=True)
    for search in (guessed, told):
        search.heard(300.0)
    assert guessed.guess_bytes_s == 300.0
    assert told.guess_bytes_s == 2_750
    told.heard(2_000.0)
    told.heard(300.0)
    assert told.guess_bytes_s == 2_750, "in a row"
    told.heard(300.0)
    assert told.guess_bytes_s == 300.0


def test_an_unknown_link_is_clued_by_a_pair_or_by_two_words() -> None:
    search = Search(2_750, 4_200, is_told=False)
    assert not search.is_clued
    search.heard(None)
    assert not search.is_clued
    search.heard(None)
    assert search.is_clued
    assert Search(2_750, 6_571, is_told=True).is_clued
    paired = Search(2_750, 4_200, is_told=False)
    paired.pair(8_000, 0.6)
    assert paired.is_clued
    paired.heard(300.0)
    assert paired.guess_bytes_s > 300.0, "two that left together tell more exactly"
