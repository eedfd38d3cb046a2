"""Who reads bulk knows when more of it should have come, and asks no more of who has none than it must."""

from __future__ import annotations

from sync.links.datagram_reading import BULK_BYTES_MIN, OTHERS_MAX, PATIENCE_S, PATIENCE_SPACINGS, Reading


def reads(*moments_s: float) -> Reading:
    reading = Reading()
    for moment_s in moments_s:
        reading.heard(moment_s, BULK_BYTES_MIN)
    return reading


def test_one_long_datagram_is_not_yet_bulk() -> None:
    assert not reads(0.0).is_in_bulk
    assert reads(0.0, 0.5).is_in_bulk


def test_bulk_is_overdue_a_while_after_it_stayed_away() -> None:
    assert reads(0.0, 0.1).overdue_at() == 0.1 + PATIENCE_S


def test_on_a_thin_link_longer_is_waited() -> None:
    assert reads(0.0, 2.0).overdue_at() == 2.0 + 2.0 * PATIENCE_SPACINGS


def test_one_pause_is_forgotten_in_time() -> None:
    paused = reads(0.0, 2.0)
    assert paused.overdue_at() > 2.0 + PATIENCE_S
    for number in range(1, 40):
        paused.heard(2.0 + number / 10, BULK_BYTES_MIN)
    assert paused.overdue_at() == 2.0 + 3.9 + PATIENCE_S


def test_who_only_answers_has_no_more_bulk() -> None:
    reading = reads(0.0, 0.1)
    for number in range(OTHERS_MAX):
        reading.heard(0.2 + number, 50)
        assert reading.is_in_bulk
    reading.heard(5.0, 50)
    assert not reading.is_in_bulk
