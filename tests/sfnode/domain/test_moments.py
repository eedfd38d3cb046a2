"""Time between two moments: told exactly, or said to be unknown."""

from __future__ import annotations

from protocol.stamps import Certainty
from sfnode.domain.moments import Moment, elapsed_s


def at(boot: str, monotonic_s: float, wall_s: int, certainty: Certainty = Certainty.SYNCED) -> Moment:
    return Moment(boot=boot, monotonic_s=monotonic_s, wall_s=wall_s, certainty=certainty)


def test_within_a_boot_the_wall_clock_has_no_say() -> None:
    assert elapsed_s(at("a", 10, 5_000), at("a", 70, 1)) == 60
    assert elapsed_s(at("a", 10, 0, Certainty.UNSET), at("a", 70, 0, Certainty.UNSET)) == 60


def test_across_boots_the_wall_clock_says_if_it_was_set() -> None:
    assert elapsed_s(at("a", 9_000, 50_000), at("b", 10, 53_600)) == 3_600
    assert elapsed_s(at("a", 9_000, 50_000, Certainty.DRIFTING), at("b", 10, 53_600)) == 3_600


def test_an_unset_clock_on_either_side_cannot_tell() -> None:
    assert elapsed_s(at("a", 9_000, 50_000), at("b", 10, 100, Certainty.UNSET)) is None
    assert elapsed_s(at("a", 9_000, 50, Certainty.UNSET), at("b", 10, 50_000)) is None


def test_a_clock_that_went_back_cannot_tell() -> None:
    assert elapsed_s(at("a", 9_000, 50_000), at("b", 10, 49_000)) is None
    # It claims 5 s, but this boot alone is 60 s old.
    assert elapsed_s(at("a", 9_000, 50_000), at("b", 60, 50_005)) is None


def test_nothing_is_measured_from_a_moment_that_nobody_can_tell() -> None:
    untold = at("a", 10, 1_000).untold()
    assert elapsed_s(untold, at("a", 70, 1_060)) is None
    assert elapsed_s(untold, at("", 70, 1_060)) is None
    assert untold.wall_s == 1_000


def test_an_earlier_moment_keeps_its_clocks_together() -> None:
    earlier = at("a", 100, 1_000).earlier_by(40)
    assert elapsed_s(earlier, at("a", 100, 1_000)) == 40
    assert elapsed_s(earlier, at("b", 5, 1_060)) == 100
