"""The kernel is told to send no faster than the link delivers, and no slower."""

from __future__ import annotations

from itertools import count, pairwise

import pytest

from sync.links.pace_ceiling import (
    HOLDING_ROUNDS,
    OTHERS_ROUNDS,
    QUEUE_LOOKS,
    RENEWED_S,
    SEARCH_ROUNDS,
    PaceCeiling,
)
from sync.links.tcp_info import TcpProgress

RTT_S = 0.6
SEGMENT_BYTES = 1_448
DELIVERED = count()
KERNEL_GAIN = 1.25
"""What a sender offers above what was delivered, while nothing holds it back."""


class Link:
    """A bottleneck with a long queue, and a sender that takes every byte of the ceiling, or a quarter more
    than was delivered."""

    def __init__(self, rate_bytes_s: float, others_bytes_s: float = 0.0) -> None:
        self.rate_bytes_s = rate_bytes_s
        self.others_bytes_s = others_bytes_s
        self.queue_bytes = 0.0
        self.delivered_bytes_s = rate_bytes_s / 4
        self.now = 100.0
        self.ceiling = PaceCeiling(self.now)
        self.renewals: list[float] = []

    @property
    def queue_s(self) -> float:
        return self.queue_bytes / self.rate_bytes_s

    def run(self, seconds: float, *, wait_s: float = RTT_S / 4) -> None:
        until = self.now + seconds
        while self.now < until:
            wished = KERNEL_GAIN * self.delivered_bytes_s
            sent_bytes_s = wished if self.ceiling.bytes_s is None else min(wished, self.ceiling.bytes_s)
            self.queue_bytes += (sent_bytes_s + self.others_bytes_s - self.rate_bytes_s) * wait_s
            self.queue_bytes = max(self.queue_bytes, 0.0)
            room_bytes_s = self.rate_bytes_s - self.others_bytes_s
            is_busy = self.queue_bytes > 0
            self.delivered_bytes_s = min(room_bytes_s, max(sent_bytes_s, room_bytes_s if is_busy else 0.0))
            self.now += wait_s
            self.ceiling.looked(progress(self.delivered_bytes_s, RTT_S + self.queue_s), self.now)
            if self.ceiling.take_renewal(self.now):
                self.renewals.append(self.now)


def progress(
    rate_bytes_s: float,
    rtt_s: float,
    *,
    under_way: int = 10,
    has_timed_out: bool = False,
    is_beginning: bool = False,
) -> TcpProgress:
    return TcpProgress(
        delivered_bytes_s=rate_bytes_s,
        delivered_segments=next(DELIVERED),
        rtt_s=rtt_s,
        rtt_s_min=RTT_S,
        segment_bytes=SEGMENT_BYTES,
        segments_under_way=under_way,
        has_timed_out=has_timed_out,
        is_beginning=is_beginning,
    )


@pytest.mark.parametrize("rate_bytes_s", [8_000.0, 64_000.0, 1_250_000.0])
def test_a_link_is_used_whole_and_its_queue_stays_short(rate_bytes_s: float) -> None:
    link = Link(rate_bytes_s)
    link.run(20.0)
    worst_s, delivered = 0.0, []
    for _ in range(400):
        link.run(RTT_S / 4)
        worst_s = max(worst_s, link.queue_s)
        delivered.append(link.delivered_bytes_s)
    line_s = 3 * SEGMENT_BYTES / rate_bytes_s
    assert worst_s < 0.5 * RTT_S + line_s
    assert sum(delivered) / len(delivered) > 0.95 * rate_bytes_s


def test_a_link_that_becomes_faster_is_found_out() -> None:
    link = Link(64_000.0)
    link.run(20.0)
    link.rate_bytes_s = 256_000.0
    link.run(30.0)
    assert link.delivered_bytes_s > 0.9 * 256_000


def test_a_link_that_becomes_slower_gets_no_standing_queue() -> None:
    link = Link(256_000.0)
    link.run(20.0)
    link.rate_bytes_s = 64_000.0
    link.run(40.0)
    assert link.queue_s < RTT_S


def test_nothing_is_held_back_before_a_queue_was_seen() -> None:
    ceiling = PaceCeiling(0.0)
    for n in range(50):
        ceiling.looked(progress(10_000.0 * (n + 1), RTT_S * 1.1), n * 0.1)
    assert ceiling.bytes_s is None


def test_a_queue_that_does_not_shrink_is_somebody_elses_and_no_reason_to_give_way() -> None:
    ceiling = PaceCeiling(0.0)
    for n in range(OTHERS_ROUNDS + QUEUE_LOOKS):
        ceiling.looked(progress(50_000.0, 3 * RTT_S), n * RTT_S)
        assert (ceiling.bytes_s is not None) is (n >= QUEUE_LOOKS - 1)
    for n in range(OTHERS_ROUNDS + QUEUE_LOOKS + 1, 3 * OTHERS_ROUNDS):
        ceiling.looked(progress(50_000.0, 3 * RTT_S), n * RTT_S)
        assert ceiling.bytes_s is None


def test_what_is_told_while_nothing_is_delivered_teaches_nothing() -> None:
    ceiling = queued_at(1.0)
    before = ceiling.bytes_s
    assert before is not None
    ceiling.looked(progress(10.0, 30.0, under_way=0), 3.0)
    ceiling.looked(TcpProgress(), 4.0)
    assert (ceiling.bytes_s, ceiling.rate_bytes_s) == (before, 50_000.0)


def test_after_darkness_the_kernel_decides_until_a_queue_is_seen_again() -> None:
    ceiling = queued_at(1.0)
    before = ceiling.bytes_s
    ceiling.looked(progress(10.0, 30.0, has_timed_out=True), 2.0)
    assert (ceiling.bytes_s, ceiling.rate_bytes_s) == (None, 50_000.0)
    for n in range(40):
        ceiling.looked(progress(500.0, 20.0 - n / 10), 3.0 + n / 4)  # The darkness is in these round trips.
        assert ceiling.bytes_s is None
    ceiling.looked(progress(50_000.0, RTT_S), 30.0)
    assert ceiling.bytes_s is None
    for n in range(QUEUE_LOOKS):
        ceiling.looked(progress(50_000.0, 3 * RTT_S), 31.0 + n)
    assert ceiling.bytes_s == before


def test_a_rate_is_not_forgotten_while_nothing_new_tells_of_it() -> None:
    ceiling = queued_at(1.0)
    stale = progress(500.0, RTT_S)
    for n in range(100):
        ceiling.looked(stale, 2.0 + n / 4)
    assert ceiling.rate_bytes_s == 50_000.0


def test_a_slow_moment_makes_no_good_rate_forgotten_at_once() -> None:
    """After darkness the first samples tell of the darkness."""
    ceiling = PaceCeiling(0.0)
    ceiling.looked(progress(50_000.0, 3 * RTT_S), 1.0)
    for n in range(4):
        ceiling.looked(progress(10.0, 20.0), 1.5 + n / 4)
    assert ceiling.rate_bytes_s == 50_000.0


def test_bbr_begins_anew_in_place_of_standing_still() -> None:
    link = Link(64_000.0)
    link.run(20.0)
    link.renewals.clear()
    link.run(60.0)
    between_s = [later - earlier for earlier, later in pairwise(link.renewals)]
    assert len(link.renewals) >= 4
    assert all(RENEWED_S <= gap_s < RENEWED_S + 6 for gap_s in between_s)


def test_bbr_begins_anew_under_the_ceiling_that_drains_a_queue() -> None:
    ceiling = queued_at(RENEWED_S + 1)
    before = ceiling.bytes_s
    assert ceiling.take_renewal(RENEWED_S + 1)
    assert ceiling.bytes_s == before
    assert not ceiling.take_renewal(RENEWED_S + 2)


def test_where_the_queue_is_somebody_elses_bbr_is_let_alone() -> None:
    ceiling = PaceCeiling(0.0)
    for n in range(2 * OTHERS_ROUNDS):
        ceiling.looked(progress(50_000.0, 3 * RTT_S), n * RTT_S)
    assert ceiling.bytes_s is None
    assert not ceiling.take_renewal(1_000.0)


def test_bbr_is_let_alone_while_its_own_beginning_lasts() -> None:
    ceiling = PaceCeiling(0.0)
    ceiling.looked(progress(10_000.0, RTT_S, is_beginning=True), 100.0)
    assert not ceiling.take_renewal(100.0)
    ceiling.looked(progress(10_000.0, RTT_S), 101.0)
    assert ceiling.take_renewal(101.0)


def test_bbr_looks_again_while_the_links_end_was_never_seen_and_that_finds_more() -> None:
    ceiling = PaceCeiling(0.0)
    rate_bytes_s, found = 10_000.0, []
    for n in range(400):
        now = n * RTT_S / 4
        ceiling.looked(progress(rate_bytes_s, RTT_S), now)
        if ceiling.take_renewal(now):
            found.append(now)
            rate_bytes_s = min(2 * rate_bytes_s, 80_000.0)
    between_s = [later - earlier for earlier, later in pairwise(found)]
    assert len(found) == 4  # At 10, 20, 40 and 80 thousand; the last has found no more.
    assert all(gap_s >= SEARCH_ROUNDS * RTT_S for gap_s in between_s)


def test_bbr_does_not_look_for_more_than_a_queue_has_shown() -> None:
    ceiling = queued_at(1.0)
    ceiling.looked(progress(10.0, 30.0, has_timed_out=True), 2.0)
    ceiling.looked(progress(90_000.0, RTT_S), 100.0)
    assert ceiling.bytes_s is None
    assert not ceiling.take_renewal(1_000.0)


def test_bbr_begins_anew_under_a_low_ceiling() -> None:
    """Its beginning sends three times what it finds."""
    ceiling = queued_at(1.0)
    for n in range(40):
        ceiling.looked(progress(50_000.0, RTT_S), 1.0 + n * RTT_S)
    assert ceiling.bytes_s is not None
    assert ceiling.bytes_s > 2 * 50_000
    assert ceiling.take_renewal(30.0)
    assert ceiling.bytes_s < 1.1 * 50_000
    ceiling.looked(progress(50_000.0, RTT_S), 30.1)
    assert ceiling.bytes_s < 1.1 * 50_000


def test_a_burst_that_makes_a_queue_for_a_moment_holds_nobody_back() -> None:
    ceiling = PaceCeiling(0.0)
    for n in range(40):
        rtt_s = 2 * RTT_S if n % 4 == 0 else RTT_S
        ceiling.looked(progress(50_000.0, rtt_s), n * RTT_S / 4)
        assert ceiling.bytes_s is None


def test_where_the_queue_was_not_the_links_end_the_ceiling_is_soon_out_of_the_way() -> None:
    ceiling = queued_at(1.0)
    ceiling.looked(progress(50_000.0, RTT_S), 1.1)
    held = ceiling.bytes_s
    assert held is not None
    ceiling.looked(progress(50_000.0, RTT_S), 1.0 + (HOLDING_ROUNDS + 10) * RTT_S)
    assert ceiling.bytes_s is not None
    assert ceiling.bytes_s > 2.5 * held


def queued_at(now: float) -> PaceCeiling:
    """One that has seen a queue by then, on a link of 50,000 bytes a second."""
    ceiling = PaceCeiling(0.0)
    for n in range(QUEUE_LOOKS):
        ceiling.looked(progress(50_000.0, 3 * RTT_S), now - (QUEUE_LOOKS - 1 - n) / 1000)
    return ceiling
