"""The pace gives way to a queue, on a thin link to any."""

from __future__ import annotations

import pytest

from sync.links.datagram_delivery import LINK_ROUNDS, RATE_ROUNDS, Delivery
from sync.links.datagram_gains import STEER_MAX, STEER_MIN, cruising_gain, thin_gain


@pytest.mark.parametrize(
    ("gain", "queue_s", "expected"),
    [
        (1.0, 0.0, STEER_MAX),
        (1.0, 0.03, 1.0),
        (1.0, 5.0, STEER_MIN),
        (1.25, 5.0, 1.25),
        (0.75, 5.0, 0.75),
    ],
)
def test_cruising_keeps_half_of_what_counts_as_no_queue(gain: float, queue_s: float, expected: float) -> None:
    found = cruising_gain(gain, queue_s=queue_s, standing_s=0.06, least_s=0.1)
    assert found == pytest.approx(expected)


def test_on_a_slow_link_no_more_is_kept_in_a_queue_than_timers_need() -> None:
    assert cruising_gain(1.0, queue_s=0.2, standing_s=0.5, least_s=0.9) < 1.0


def test_on_a_thin_link_even_probing_yields_to_a_queue() -> None:
    assert thin_gain(1.25, queue_s=0.1, least_s=1.5) == pytest.approx(1.067, abs=0.01)
    assert thin_gain(1.25, queue_s=0.5, least_s=1.5) == STEER_MIN
    assert thin_gain(1.25, queue_s=9.0, least_s=1.5) == STEER_MIN


def test_the_best_of_a_few_rounds_is_believed_and_of_the_whole_link_of_many() -> None:
    delivery = Delivery()
    delivery.heard(1_000.0)
    for _ in range(RATE_ROUNDS):
        delivery.end_round(shared=False)
    assert delivery.best_bytes_s == 0.0
    assert delivery.link_bytes_s == 1_000.0
    for _ in range(LINK_ROUNDS):
        delivery.end_round(shared=True)
    assert delivery.link_bytes_s == 1_000.0, "our part of a link says nothing of the whole"
    for _ in range(LINK_ROUNDS):
        delivery.end_round(shared=False)
    assert delivery.link_bytes_s == 0.0
