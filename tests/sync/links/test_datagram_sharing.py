"""A window beside others, what tells a full queue from bad luck, and when to look for a hidden one."""

from __future__ import annotations

import math

import pytest

from sync.links.datagram_sharing import (
    CUBIC_BETA,
    OVERFLOW_CUT,
    SHARED_LINK,
    SHARED_ROUNDS,
    SHARED_S,
    STANDING_ROUNDS,
    CubicWindow,
    Overflow,
    Sharing,
)
from sync.links.datagram_sounding import ROUNDS_MAX, ROUNDS_MIN, Sounding


def test_a_window_grows_back_to_where_it_was_cut_and_beyond() -> None:
    window = CubicWindow.begin(100_000, 1_000, now=0.0)
    window.cut(now=0.0)
    assert window.window_bytes == CUBIC_BETA * 100_000
    reach_s = (100 * (1 - CUBIC_BETA) / 0.4) ** (1 / 3)
    window.grow(reach_s, 10.0, math.inf)
    assert window.window_bytes == pytest.approx(100_000)
    window.grow(2 * reach_s, 10.0, math.inf)
    assert window.window_bytes == pytest.approx(130_000)


def test_a_window_never_outgrows_the_link() -> None:
    window = CubicWindow.begin(100_000, 1_000, now=0.0)
    window.grow(1_000.0, 0.1, most_bytes=150_000)
    assert window.window_bytes == 150_000


def test_many_losses_beside_a_long_queue_lower_the_ceiling_which_rises_again() -> None:
    overflow = Overflow()
    overflow.heard(90, queue_s=0.3)
    overflow.lost_count = 10
    assert overflow.end_round(1_000, 0.05, expected=False)
    assert overflow.ceiling_bytes_s == OVERFLOW_CUT * 1_000
    overflow.heard(100, queue_s=0.0)
    assert not overflow.end_round(850, 0.05, expected=False)
    assert overflow.ceiling_bytes_s > OVERFLOW_CUT * 1_000


@pytest.mark.parametrize(("lost", "queue_s", "expected"), [(10, 0.01, False), (2, 0.3, False)])
def test_losses_without_a_queue_and_few_of_them_are_bad_luck(
    lost: int, queue_s: float, expected: bool
) -> None:
    overflow = Overflow(lost_count=lost)
    overflow.heard(90, queue_s)
    assert overflow.end_round(1_000, 0.05, expected=False) is expected
    assert overflow.ceiling_bytes_s == math.inf


def test_what_a_search_lost_is_its_own() -> None:
    overflow = Overflow(lost_count=10)
    overflow.heard(90, queue_s=0.3)
    assert overflow.end_round(1_000, 0.05, expected=True)
    assert overflow.ceiling_bytes_s == math.inf


def due_after(sounding: Sounding, least_s: float, lost_share: float, *, queue_grows: bool = False) -> int:
    """Rounds until it is due, `ROUNDS_MAX` + 1 for never."""
    for rounds in range(ROUNDS_MAX + 1):
        if sounding.is_due(least_s, lost_share, queue_grows=queue_grows):
            return rounds
        sounding.ended_round()
    return ROUNDS_MAX + 1


def test_a_distance_that_is_known_is_not_sounded_and_a_longer_one_is() -> None:
    assert due_after(Sounding(0.6), 0.61, lost_share=0.05) > ROUNDS_MAX
    assert due_after(Sounding(0.6), 0.9, lost_share=0.0) == ROUNDS_MIN


def test_without_losses_or_with_room_in_the_queue_nothing_is_suspected() -> None:
    assert due_after(Sounding(None), 0.6, lost_share=0.0) > ROUNDS_MAX
    assert due_after(Sounding(None), 0.6, lost_share=0.05, queue_grows=True) > ROUNDS_MAX
    assert due_after(Sounding(None), 0.6, lost_share=0.05) == ROUNDS_MIN


def test_each_look_in_vain_makes_the_next_one_rarer() -> None:
    sounding = Sounding(None)
    pauses = []
    for _ in range(6):
        pauses.append(due_after(sounding, 0.6, lost_share=0.05))
        sounding.begin(0.6, 0.06)
    assert pauses == [6, 6, 12, 24, 48, 60]


def test_a_look_ends_when_the_link_is_half_empty_or_after_two_rounds() -> None:
    sounding = Sounding(None)
    sounding.begin(0.6, 0.06)
    assert not sounding.has_seen(80_000, 100_000)
    assert sounding.has_seen(50_000, 100_000)
    sounding.sounded_round()
    sounding.sounded_round()
    assert sounding.has_seen(80_000, 100_000)


def shared() -> Sharing:
    """Beside somebody whose queue stood for a whole cycle."""
    sharing = Sharing()
    for _ in range(STANDING_ROUNDS):
        assert not sharing.stands(0.05)
        sharing.heard(0.2)
        sharing.end_round(is_full=True)
    assert sharing.stands(0.05)
    sharing.begin(20_000, 1_000, 0.2, now=10.0)
    return sharing


def test_beside_others_we_never_take_more_than_our_part_of_the_link() -> None:
    sharing = shared()
    assert sharing.window is not None
    sharing.grow(20_000, 1_000.0, round_trip_s=2.0, link_bytes_s=40_000)
    assert sharing.window.window_bytes == SHARED_LINK * 80_000


def test_a_loss_cuts_the_window_once_a_round_trip_and_where_the_queue_was_long() -> None:
    sharing = shared()
    assert sharing.window is not None
    sharing.lost(11.0, 0.01, now=12.0)
    assert sharing.window.window_bytes == 20_000, "no queue, bad luck"
    sharing.lost(11.0, 0.2, now=12.0)
    sharing.lost(11.5, 0.2, now=12.1)
    assert sharing.window.window_bytes == CUBIC_BETA * 20_000


def test_sharing_ends_when_the_queue_has_gone_or_after_a_while_to_look() -> None:
    sharing = shared()
    assert not sharing.is_over(0.05, now=11.0)
    sharing.heard(0.0)
    sharing.end_round(is_full=True)
    assert sharing.is_over(0.05, now=11.0)
    again = shared()
    for _ in range(SHARED_ROUNDS):
        again.heard(0.2)
        again.end_round(is_full=True)
    assert not again.is_over(0.05, now=10.0 + SHARED_S / 2)
    assert again.is_over(0.05, now=10.0 + SHARED_S)
    again.end()
    assert again.window is None
    assert not again.stands(0.05)
