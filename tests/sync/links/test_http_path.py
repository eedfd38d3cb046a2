"""What is known of a way to a hub can be kept as a value over a restart."""

from __future__ import annotations

from sync.links.http_path import TURNS_REMEMBERED_S, HttpPath, HttpWay
from sync.links.http_terms import BODY_BYTES_LEAST, BODY_BYTES_MAX


def test_nothing_is_known_of_a_new_way() -> None:
    way = HttpWay()
    assert not way.is_in_turns(5.0)
    assert way.path(5.0) == HttpPath(in_turns_s=0.0)


def test_what_was_found_out_is_kept_for_a_day_and_over_a_restart_on_another_clock() -> None:
    way = HttpWay()
    way.remember_turns(1_000.0)
    kept = way.path(1_600.0)
    assert kept == HttpPath(in_turns_s=TURNS_REMEMBERED_S - 600.0)
    later = HttpWay(kept)
    assert later.is_in_turns(7.0)
    assert not later.is_in_turns(7.0 + TURNS_REMEMBERED_S - 600.0)


def test_finding_it_out_again_does_not_put_off_the_next_look_at_the_better_way() -> None:
    way = HttpWay()
    way.remember_turns(0.0)
    way.remember_turns(TURNS_REMEMBERED_S - 1.0)
    assert not way.is_in_turns(TURNS_REMEMBERED_S)


def test_a_row_that_cannot_be_right_lasts_a_day_at_most() -> None:
    way = HttpWay(HttpPath(in_turns_s=1e12))
    assert way.is_in_turns(0.0)
    assert not way.is_in_turns(TURNS_REMEMBERED_S)


def test_what_was_refused_as_too_large_is_halved_for_as_long_as_sessions_go_in_turns() -> None:
    way = HttpWay()
    assert way.body_bytes_max(0.0) == BODY_BYTES_MAX
    way.remember_too_large(None, 0.0)
    assert way.is_in_turns(1.0)
    assert way.body_bytes_max(1.0) == BODY_BYTES_MAX
    way.remember_too_large(3_000, 2.0)
    assert way.body_bytes_max(3.0) == 1_500
    way.remember_too_large(700, 4.0)
    assert way.body_bytes_max(5.0) == BODY_BYTES_LEAST
    assert way.body_bytes_max(TURNS_REMEMBERED_S) == BODY_BYTES_MAX
