"""On a thin link an emergency waits behind a datagram of bulk, never behind all that was written before."""

from __future__ import annotations

import pytest

from sync.links.rate_memory import RateMemory

from .datagram_overtaking import DELAY_S, MOMENTS_S, OWN_S, RATE_BIT_S, overtakes_s

RATE_BYTES_S = RATE_BIT_S / 8
MEMORIES = {
    "told": RateMemory(RATE_BYTES_S, 2 * DELAY_S, is_told=True),
    "measured": RateMemory(RATE_BYTES_S, 2 * DELAY_S, is_proven=True),
    "told half of it": RateMemory(RATE_BYTES_S / 2, 2 * DELAY_S, is_told=True),
}


@pytest.mark.parametrize("known", MEMORIES)
@pytest.mark.parametrize("moment_s", MOMENTS_S)
def test_an_emergency_behind_a_photograph_waits_three_seconds_at_most(moment_s: float, known: str) -> None:
    assert overtakes_s(moment_s, 1, memory=MEMORIES[known]) <= OWN_S + 3.0


@pytest.mark.parametrize("moment_s", MOMENTS_S[-2:])
def test_a_link_that_was_taken_for_a_faster_one_is_found_out(moment_s: float) -> None:
    """Without that the guess filled the link for more than a minute, for as long as the photograph took."""
    assert overtakes_s(moment_s, 1, memory=RateMemory(2_750.0, 0.9)) <= OWN_S + 3.0


def test_a_lost_text_goes_again_before_bulk() -> None:
    """Its own time twice, and until a datagram behind it has been answered."""
    assert max(overtakes_s(moment_s, 3, is_lost=True) for moment_s in MOMENTS_S) <= 2 * OWN_S + 6.5
