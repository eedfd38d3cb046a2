"""Event mode against the whole product: the same small world, the same cases, nearly the same figures."""

from __future__ import annotations

from statistics import mean, median

import pytest

from simulations.fleet.run import run_world
from simulations.report import DeliveryRow, RunResults
from simulations.whole import run_whole
from tests.simulations.fleet.small_worlds import place, small_world

from .coast import played_in_events, played_whole

SAME = 0.10
"""Of medians of what goes to the hub."""
SAME_WAITS = 0.40
"""Of the mean of what waits for a site's next look: a dozen draws from an hour."""
SAME_BYTES = 0.10
"""Of the bytes of what both modes know of: texts and pictures of a case and its replies."""
MODELLED = ("headline", "text", "preview", "photo")


def arrivals_s(results: RunResults, what: str, *, up: bool) -> list[float]:
    rows = [row for row in results.deliveries if row.what == what and row.up is up]
    return [row.stored_s - row.queued_s for row in rows if row.stored_s is not None]


def first_of_each_case(results: RunResults, what: str) -> list[DeliveryRow]:
    """Event mode knows one reply of a case; people who ask again get more."""
    first: dict[int, DeliveryRow] = {}
    for row in results.deliveries:
        if row.what == what:
            first.setdefault(row.case, row)
    return list(first.values())


@pytest.mark.parametrize("what", MODELLED)
def test_what_a_case_is_made_of_arrives_as_soon(what: str) -> None:
    whole, _ = played_whole()
    expected = median(arrivals_s(played_in_events(), what, up=True))
    assert median(arrivals_s(whole, what, up=True)) == pytest.approx(expected, rel=SAME)


def test_the_first_useful_byte_comes_as_soon() -> None:
    whole, _ = played_whole()
    expected, seen = (
        median(case.useful_s - case.opened_s for case in results.cases if case.useful_s is not None)
        for results in (played_in_events(), whole)
    )
    assert seen == pytest.approx(expected, rel=SAME)


def test_replies_wait_as_long_for_people_and_for_the_next_look() -> None:
    whole, _ = played_whole()
    expected, seen = (
        mean(case.reply_stored_s - case.opened_s for case in results.cases if case.reply_stored_s is not None)
        for results in (played_in_events(), whole)
    )
    assert seen == pytest.approx(expected, rel=SAME_WAITS)


@pytest.mark.parametrize("what", ["text", "preview", "photo", "reply"])
def test_bundles_are_as_large(what: str) -> None:
    whole, _ = played_whole()
    expected = [row.size_bytes for row in first_of_each_case(played_in_events(), what)]
    seen = [row.size_bytes for row in first_of_each_case(whole, what)]
    assert sum(seen) == pytest.approx(sum(expected), rel=SAME_BYTES)


def test_what_event_mode_leaves_out_is_known_and_small() -> None:
    """Readings at rechecks, what became of orders, and that somebody has opened a case."""
    whole, _ = played_whole()
    modelled = {*MODELLED, "note", "reply", "advice", "reply seen"}
    other_bytes = sum(row.size_bytes for row in whole.deliveries if row.what not in modelled)
    all_bytes = sum(row.size_bytes for row in whole.deliveries)
    assert 0.0 < other_bytes / all_bytes < 0.2


def test_a_session_that_is_held_through_fades_costs_as_much() -> None:
    world = small_world(place("island-microwave", every_s=0), days=0.4, cases_per_day=0.0)
    event, whole = run_world(world, seed=1).sites[0], run_whole(world, seed=1).sites[0]
    assert whole.bytes_up == pytest.approx(event.bytes_up, rel=SAME_BYTES)
    assert whole.bytes_down == pytest.approx(event.bytes_down, rel=SAME_BYTES)
    assert whole.contacts_failed == event.contacts_failed == 0
