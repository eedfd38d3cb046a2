"""Windows of a link, read from its contacts: counted only where somebody looked, by a clock nobody set."""

from __future__ import annotations

from sync.scheduler.windows import WINDOWS_BEFORE_FORECAST, Chance, Spell, Windows, windows

GAP_S = 1_920.0


def up(began_s: float, ended_s: float) -> Spell:
    return Spell(began_s=began_s, ended_s=ended_s, lasted_s=ended_s - began_s, reached=True)


def dark(began_s: float, ended_s: float) -> Spell:
    return Spell(began_s=began_s, ended_s=ended_s, lasted_s=8.0, reached=False)


def test_a_window_lasts_from_its_first_contact_to_its_last_and_ends_with_a_failure() -> None:
    seen = windows([up(0, 10), up(900, 905), dark(1_800, 5_000), up(5_100, 5_200)], gap_s_max=GAP_S)
    assert seen == Windows((905.0,), 5_100.0)


def test_a_link_that_never_failed_has_one_window_that_is_open() -> None:
    assert windows([up(0, 10), up(900, 910)], gap_s_max=GAP_S) == Windows((), 0.0)
    assert windows([], gap_s_max=GAP_S) == Windows()


def test_what_nobody_watched_is_not_counted() -> None:
    """The machine was off, or its clock jumped ahead: the window may have ended long before."""
    seen = windows([up(0, 10), up(90_000, 90_010), dark(90_900, 91_000)], gap_s_max=GAP_S)
    assert seen == Windows((10.0,), None)
    assert windows([up(0, 10), dark(90_000, 90_010)], gap_s_max=GAP_S) == Windows()


def test_a_clock_that_was_set_spoils_only_the_window_it_was_set_in() -> None:
    back = windows([up(5_000, 5_010), up(1_000, 1_010), dark(1_900, 2_000)], gap_s_max=GAP_S)
    assert back == Windows((10.0,), None)
    jumped = Spell(began_s=0, ended_s=90_000, lasted_s=30.0, reached=True)
    assert windows([jumped, dark(90_100, 90_200)], gap_s_max=GAP_S) == Windows()


def test_the_chance_counts_windows_as_old_as_this_one_is() -> None:
    seen = Windows((100.0, 200.0, 300.0, 400.0, 500.0, 600.0), open_since_s=1_000.0)
    assert seen.chance(50.0, 1_150.0) == Chance(5, 5, 6)
    assert seen.chance(300.0, 1_150.0) == Chance(2, 5, 6)
    assert Windows((100.0,), None).chance(1.0, 0.0) is None


def test_too_few_windows_as_old_are_no_forecast() -> None:
    assert Chance(0, WINDOWS_BEFORE_FORECAST, 9).is_forecast
    assert not Chance(0, WINDOWS_BEFORE_FORECAST - 1, 9).is_forecast
