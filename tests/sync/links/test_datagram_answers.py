"""On a thin link one datagram answers a small first flight: it waits for the rest, but not for long."""

from __future__ import annotations

import pytest

from protocol.header import Priority
from sync.core import Ending
from sync.links.datagram_schedule import REST_S

from .datagram_contact import Contact, add, contact, new_store
from .lossy_link import Conditions

VOICE_BAND = Conditions(rate_bit_s=2_400, delay_s=0.75)
ARRIVED_S = 1400 * 8 / 2_400 + 0.75
"""When the first of two datagrams is at the hub."""
SOON_S = 0.2


def asked(
    *up: tuple[int, Priority], reply: Priority = Priority.ROUTINE, link: Conditions = VOICE_BAND
) -> Contact:
    """A node that has these to say meets a hub that has a reply."""
    node, hub = new_store(1), new_store(2)
    for number, (size_bytes, priority) in enumerate(up):
        add(node, size_bytes, seed=3 + number, priority=priority)
    add(hub, 200, seed=20, priority=reply)
    return contact(node, hub, link)


def answered_at(met: Contact) -> float:
    return met.hub.line.sent[0][0]


def datagrams(met: Contact) -> list[int]:
    return [len(end.line.sent) for end in (met.node, met.hub)]


def test_the_answer_to_two_datagrams_is_one() -> None:
    met = asked((2000, Priority.ROUTINE)).run(until=60)
    assert datagrams(met) == [3, 1]
    assert answered_at(met) > ARRIVED_S + 1.0
    assert met.node.ended is not None
    assert met.node.ended.ending is Ending.DONE


def test_several_texts_in_no_hurry_are_answered_together() -> None:
    met = asked((900, Priority.ROUTINE), (900, Priority.ROUTINE)).run(until=60)
    assert datagrams(met) == [3, 1]


def test_where_the_rest_is_lost_the_answer_leaves_all_the_same() -> None:
    met = asked((2000, Priority.ROUTINE))
    met.node.line.gone_after = 1
    met.run(until=60)
    assert answered_at(met) == pytest.approx(ARRIVED_S + REST_S, abs=SOON_S)


def test_an_emergency_of_the_hubs_waits_for_nothing() -> None:
    met = asked((2000, Priority.ROUTINE), reply=Priority.EMERGENCY).run(until=60)
    assert answered_at(met) <= ARRIVED_S + SOON_S


def test_the_receipt_of_something_urgent_does_not_wait_for_what_is_behind_it() -> None:
    met = asked((900, Priority.URGENT), (900, Priority.ROUTINE)).run(until=60)
    assert answered_at(met) <= ARRIVED_S + SOON_S


def test_where_the_rest_takes_long_nobody_waits_for_it() -> None:
    met = asked((2500, Priority.ROUTINE)).run(until=60)
    assert answered_at(met) <= ARRIVED_S + SOON_S


def test_on_a_link_that_is_not_thin_nobody_waits() -> None:
    link = Conditions(rate_bit_s=22_000, delay_s=0.75)
    met = asked((2000, Priority.ROUTINE), link=link)
    met.node.line.gone_after = 1
    met.run(until=60)
    assert answered_at(met) <= 1400 * 8 / 22_000 + 0.75 + SOON_S


@pytest.mark.parametrize("late_s", [0.0, 0.2, 0.4, 0.8])
def test_a_busy_hub_answers_with_one_datagram_all_the_same(late_s: float) -> None:
    met = contact(new_store(1), new_store(2), VOICE_BAND)
    met.run(until=1.0)  # The call arrives a moment later.
    met.hub.is_busy_until = 1.05 + late_s
    met.world.at(met.hub.is_busy_until, met.hub.settle)
    met.run(until=60)
    assert datagrams(met) == [1, 1]
