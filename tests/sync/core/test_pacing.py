"""The window and chunk: they find the link's rate, keep near it, and never exceed the peer's credit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.limits import CHUNK_BYTES_MAX
from sync.core.pacing import (
    ASKED_BYTES_MAX,
    CHUNK_BYTES_MIN,
    CHUNK_GUESSED_BYTES_MIN,
    CHUNK_S,
    CHUNK_START_BYTES,
    WINDOW_GUESSED_BYTES_MAX,
    WINDOW_PACED_BYTES,
    WINDOW_START_BYTES,
    Launch,
    Pacing,
)

CREDIT = 10**9


class IdealLink:
    """Serialises at its rate, then delays; receipts take no room on the way back."""

    def __init__(self, pacing: Pacing, rate_bytes_s: float, rtt_s: float) -> None:
        self.pacing = pacing
        self.rate_bytes_s = rate_bytes_s
        self.rtt_s = rtt_s
        self.now = self.free_at = 0.0
        self.flying: list[tuple[float, Launch]] = []

    def fill(self, seconds: float) -> tuple[float, int]:
        """Send as fast as the window lets; the share of the link that was used, and the most in flight."""
        ends_at, sent_bytes, most = self.now + seconds, 0, 0
        while self.now < ends_at:
            while granted := self.pacing.grant(self.pacing.chunk_bytes, CREDIT):
                launch = self.pacing.launch(granted, self.now)
                self.free_at = max(self.free_at, self.now) + launch.size_bytes / self.rate_bytes_s
                self.flying.append((self.free_at + self.rtt_s, launch))
                sent_bytes += launch.size_bytes
            most = max(most, self.pacing.in_flight_bytes)
            self.now, landed = self.flying.pop(0)
            self.pacing.land([landed], self.now)
        return sent_bytes / (seconds * self.rate_bytes_s), most


def test_it_starts_small() -> None:
    pacing = Pacing(None, None)
    assert (pacing.window_bytes, pacing.chunk_bytes) == (WINDOW_START_BYTES, CHUNK_START_BYTES)
    assert pacing.rate_bytes_s is None


@pytest.mark.parametrize(
    ("rate_bytes_s", "rtt_s"),
    [(300, 1.5), (2750, 0.9), (8000, 0.6), (125_000, 0.6), (1_250_000, 0.6), (10**7, 0.01)],
)
def test_it_finds_the_rate_and_the_product_of_rate_and_round_trip(rate_bytes_s: float, rtt_s: float) -> None:
    pacing = Pacing(None, None)
    link = IdealLink(pacing, rate_bytes_s, rtt_s)
    link.fill(120)
    share, _ = link.fill(60)
    assert share > 0.93
    assert pacing.rate_bytes_s == pytest.approx(rate_bytes_s, rel=0.1)
    assert pacing.chunk_bytes == pytest.approx(
        min(max(rate_bytes_s * CHUNK_S, CHUNK_BYTES_MIN), CHUNK_BYTES_MAX), rel=0.1
    )
    serialised_s = pacing.chunk_bytes / rate_bytes_s
    assert pacing.window_bytes < rate_bytes_s * (rtt_s + 4 * serialised_s) * 1.5 + 2 * pacing.chunk_bytes


def test_what_waits_on_the_slowest_link_is_a_few_seconds_of_it() -> None:
    pacing = Pacing(None, None)
    _, most = IdealLink(pacing, 300, 1.5).fill(300)
    assert most <= WINDOW_START_BYTES
    assert pacing.window_bytes / 300 < 8


def test_a_faded_link_is_believed_after_some_rounds() -> None:
    pacing = Pacing(None, None)
    link = IdealLink(pacing, 125_000, 0.6)
    link.fill(30)
    fast = pacing.window_bytes
    link.rate_bytes_s = 1250
    link.fill(900)
    assert pacing.rate_bytes_s == pytest.approx(1250, rel=0.3)
    assert pacing.window_bytes < fast / 10


def test_a_link_that_becomes_faster_is_noticed() -> None:
    pacing = Pacing(None, None)
    link = IdealLink(pacing, 2750, 0.6)
    link.fill(60)
    link.rate_bytes_s = 27_500
    link.fill(60)
    share, _ = link.fill(60)
    assert share > 0.7


def test_a_remembered_link_is_used_at_once_but_not_trusted_far() -> None:
    remembered = Pacing(2750.0, 1.2)
    assert WINDOW_START_BYTES < remembered.window_bytes < 3 * WINDOW_START_BYTES
    assert remembered.chunk_bytes == 1100
    boast = Pacing(10**9, 10.0)
    assert boast.window_bytes <= WINDOW_GUESSED_BYTES_MAX + 4096
    assert boast.chunk_bytes == 4096


def test_a_session_that_asked_little_proves_nothing_about_the_rate() -> None:
    quiet = Pacing(2750.0, 1.2)
    quiet.land([quiet.launch(100, 0.0)], 2.0)
    assert quiet.proven_rate_bytes_s == 2750.0
    busy = Pacing(2750.0, 1.2)
    IdealLink(busy, 8000, 0.6).fill(30)
    assert busy.proven_rate_bytes_s == pytest.approx(8000, rel=0.1)


@given(
    st.lists(st.tuples(st.integers(1, 70_000), st.floats(0, 5)), min_size=1, max_size=60),
    st.integers(1, 100_000),
)
def test_it_never_exceeds_the_credit_and_always_goes_on(
    chunks: list[tuple[int, float]], credit_bytes: int
) -> None:
    pacing = Pacing(None, None)
    now = 0.0
    flying: list[Launch] = []
    for size_bytes, pause_s in chunks:
        now += pause_s
        if granted := pacing.grant(size_bytes, credit_bytes):
            flying.append(pacing.launch(granted, now))
            assert pacing.in_flight_bytes <= credit_bytes
        elif flying:
            pacing.land([flying.pop(0)], now)
        assert pacing.in_flight_bytes == sum(launch.size_bytes for launch in flying)
        assert pacing.window_bytes >= 2 * pacing.chunk_bytes
    pacing.land(flying, now + 1)
    assert pacing.in_flight_bytes == 0
    assert pacing.grant(pacing.chunk_bytes, credit_bytes) == min(pacing.chunk_bytes, credit_bytes)


def test_nothing_landed_teaches_nothing() -> None:
    pacing = Pacing(None, None)
    pacing.land([], 5.0)
    assert (pacing.rtt_s, pacing.rate_bytes_s) == (None, None)


@pytest.mark.parametrize(("rate_bytes_s", "is_left_to_it"), [(1_250_000.0, True), (2_750.0, False)])
def test_a_fast_link_that_bounds_its_queue_is_limited_by_nothing_but_credit(
    rate_bytes_s: float, is_left_to_it: bool
) -> None:
    """Behind a lost packet receipts come late; a window of ours would empty the link meanwhile."""
    pacing = Pacing(None, None, link_bounds_queue=True)
    assert pacing.window_bytes < WINDOW_PACED_BYTES  # Nothing is known yet.
    IdealLink(pacing, rate_bytes_s, 0.6).fill(60)
    assert (pacing.window_bytes == WINDOW_PACED_BYTES) is is_left_to_it
    assert pacing.proven_rate_bytes_s == pytest.approx(rate_bytes_s, rel=0.1)


def test_a_fast_link_is_used_to_its_credit_from_the_first_chunk() -> None:
    pacing = Pacing(1_250_000.0, 0.6, link_bounds_queue=True)
    credit_bytes = 64 * 1024
    while granted := pacing.grant(pacing.chunk_bytes, credit_bytes):
        pacing.launch(granted, 0.0)
    assert pacing.in_flight_bytes > credit_bytes - pacing.chunk_bytes


def test_a_slow_first_receipt_does_not_throttle_a_link_that_is_known_to_be_fast() -> None:
    pacing = Pacing(1_250_000.0, 0.6, link_bounds_queue=True)
    pacing.land([pacing.launch(4_096, 0.0)], 2.0)
    assert pacing.rate_bytes_s == pytest.approx(2_048.0)
    assert pacing.window_bytes == WINDOW_PACED_BYTES


def test_nothing_is_chosen_before_the_link_has_taken_the_chunk_before() -> None:
    pacing = Pacing(None, None)
    pacing.is_held = True
    assert pacing.grant(100, 1_000) == 0
    pacing.is_held = False
    assert pacing.grant(100, 1_000) == 100


def test_a_first_chunk_holds_a_short_text_even_on_a_thin_link() -> None:
    pacing = Pacing(300.0, 1.5)
    assert pacing.chunk_bytes == CHUNK_GUESSED_BYTES_MIN
    IdealLink(pacing, 300, 1.5).fill(60)
    assert pacing.chunk_bytes == CHUNK_BYTES_MIN


def test_while_the_kernel_holds_us_back_word_is_asked_for_once_a_second() -> None:
    """Each word takes a packet, and another one acknowledges it."""
    pacing = Pacing(8_000.0, 0.6, link_bounds_queue=True)
    pacing.is_held = True
    assert not pacing.is_word_due(7_999)
    assert pacing.is_word_due(8_000)
    fast = Pacing(1_250_000.0, 0.6, link_bounds_queue=True)
    fast.is_held = True
    assert not fast.is_word_due(ASKED_BYTES_MAX - 1)
    assert fast.is_word_due(ASKED_BYTES_MAX)


def test_where_our_own_window_bounds_word_is_asked_for_when_half_of_it_is_used() -> None:
    pacing = Pacing(2_750.0, 0.5, link_bounds_queue=True)
    pacing.is_held = True
    half_bytes = pacing.window_bytes // 2
    assert half_bytes < 2_750
    assert not pacing.is_word_due(half_bytes - 1)
    assert pacing.is_word_due(half_bytes + 1)


def test_before_anything_is_known_word_is_asked_for_at_once() -> None:
    pacing = Pacing(None, None)
    pacing.is_held = True
    assert pacing.is_word_due(0)


def test_word_that_alone_lets_us_go_on_is_asked_for_at_once() -> None:
    assert Pacing(8_000.0, 0.6, link_bounds_queue=True).is_word_due(1)
