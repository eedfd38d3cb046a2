"""Message links: one at a time, late, twice or never, and not a byte longer than they take."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simulations.links import Mailbox, MessageTooLong, Outage, PostModel, ServicePlan, Way, load_profile
from simulations.links.post import WAITING_MAX

TERMS = Mailbox(
    up_bytes_max=340, down_bytes_max=270, interval_s=20, delay_s_min=5, delay_s_max=9, loss=0.25, copies_max=3
)


def test_messages_leave_one_after_the_other_and_arrive_within_their_bounds() -> None:
    model = PostModel(TERMS, Way.UP, seed=1)
    arrivals = [model.offer(0.0, 340) for _ in range(200)]
    lost = 0
    for index, copies in enumerate(arrivals):
        assert copies is not None
        assert all(20 * index + 5 <= at_s <= 20 * index + 9 for at_s in copies)
        lost += not copies
    assert 30 <= lost <= 70
    assert {len(copies) for copies in arrivals if copies is not None} == {0, 1, 2, 3}


def test_a_message_that_is_too_long_is_refused_and_each_direction_has_its_own_bound() -> None:
    with pytest.raises(MessageTooLong, match="271 bytes: this link carries 270"):
        PostModel(TERMS, Way.DOWN, seed=1).offer(0.0, 271)
    assert PostModel(TERMS, Way.UP, seed=1).offer(0.0, 340) is not None


def test_what_finds_the_service_down_waits_for_it() -> None:
    model = PostModel(TERMS, Way.UP, seed=2, service=ServicePlan((Outage(0, 600),)))
    arrivals = [copies for _ in range(10) if (copies := model.offer(0.0, 10))]
    assert min(min(copies) for copies in arrivals) >= 605


def test_a_full_modem_takes_no_more_until_some_have_left() -> None:
    model = PostModel(TERMS, Way.UP, seed=3)
    assert all(model.offer(0.0, 10) is not None for _ in range(WAITING_MAX + 1))  # The first left at once.
    assert model.offer(0.0, 10) is None
    assert model.offer(25.0, 10) is not None


def test_the_boat_comes_once_a_week_whether_something_waits_or_not() -> None:
    mailbox = load_profile("supply-boat").mailbox
    assert mailbox is not None
    model = PostModel(mailbox, Way.UP, seed=5)
    week_s = 7 * 86_400.0
    assert model.departs_s(0.0) == 2 * 86_400.0
    assert model.departs_s(2 * 86_400.0 + 1) == 2 * 86_400.0 + week_s
    first, second = model.offer(3_600.0, 10**9), model.offer(3_600.0, 10**9)
    assert first
    assert second
    assert second[0] - first[0] > 5 * 86_400
    assert model.departs_s(3_600.0) == 2 * 86_400.0 + 2 * week_s


def test_a_boat_that_did_not_sail_sails_a_week_later() -> None:
    mailbox = load_profile("supply-boat").mailbox
    assert mailbox is not None
    service = ServicePlan((Outage(2 * 86_400.0 - 60, 3_600.0),))
    model = PostModel(mailbox, Way.UP, seed=5, service=service)
    assert model.departs_s(0.0) == 9 * 86_400.0


def test_a_timetable_has_a_next_departure() -> None:
    with pytest.raises(ValueError, match="a timetable has a next departure"):
        replace(TERMS, interval_s=0.0, first_departure_s=60.0)
