"""On a thin link an emergency waits behind a datagram of bulk, never behind all that was written before."""

from __future__ import annotations

import pytest

from sync.links.rate_memory import RateMemory

from .datagram_overtaking import DELAY_S, MOMENTS_S, OWN_S, RATE_BIT_S, Loss, overtakes_s

SEEDS = (1, 2, 3, 4)
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


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("moment_s", MOMENTS_S)
def test_a_lost_text_goes_again_before_bulk(moment_s: float, seed: int) -> None:
    """Its own time twice, what is under way before it, and until a small one behind it has been answered."""
    assert overtakes_s(moment_s, seed, loss=Loss.LEAVING) <= 2 * OWN_S + 6.5


@pytest.mark.parametrize("lost_after_s", [0.0, 1.0, 2.0, 3.0])
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("moment_s", MOMENTS_S)
def test_a_text_lost_with_all_that_was_under_way_goes_again_as_soon(
    moment_s: float, seed: int, lost_after_s: float
) -> None:
    """The greeting too, in the first moment: nothing else would then be heard of the text for a while."""
    limit_s = 2 * OWN_S + 5.0 + lost_after_s
    assert overtakes_s(moment_s, seed, loss=Loss.UNDER_WAY, lost_after_s=lost_after_s) <= limit_s


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("moment_s", MOMENTS_S)
def test_a_text_written_as_the_link_goes_dark_goes_soon_after_it_returned(moment_s: float, seed: int) -> None:
    dark_s = 3.0
    limit_s = 2 * OWN_S + 5.0 + dark_s
    assert overtakes_s(moment_s, seed, loss=Loss.UNDER_WAY, lost_for_s=dark_s) <= limit_s
