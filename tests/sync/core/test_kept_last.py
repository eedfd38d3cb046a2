"""The receipt of the bundle that a greeting named last takes one byte; of any other it says the number."""

from __future__ import annotations

import pytest

from protocol.frames import Kept, KeptLast, Stored
from protocol.ids import Incarnation
from protocol.ranges import RangeSet
from sync.core import BundleSent, Ending
from sync.core.receipts import Receipts

from ..links.datagram_contact import add, contact, new_store
from ..links.lossy_link import Conditions

THEIRS, OTHERS = Incarnation(b"them"), Incarnation(b"some")


def told(numbers: RangeSet, *, life: Incarnation = THEIRS, greeted: int = 7) -> list[object]:
    receipts = Receipts()
    receipts.peer_greets(THEIRS, greeted)
    receipts.stored(life, numbers, 0.0)
    return [*receipts.take()]


def test_only_the_number_that_was_greeted_with_goes_without_saying() -> None:
    assert told(RangeSet.of([(7, 8)])) == [KeptLast()]
    assert told(RangeSet.of([(6, 7)])) == [Kept(6)]
    assert told(RangeSet.of([(8, 9)])) == [Kept(8)]
    assert told(RangeSet.of([(6, 8)])) == [Kept(6, 2)]
    assert told(RangeSet.of([(7, 8)]), life=OTHERS) == [Stored(OTHERS, RangeSet.of([(7, 8)]))]


@pytest.mark.parametrize("late", [False, True])
def test_each_bundle_is_released_by_its_own_receipt(late: bool) -> None:
    """What is written after the greeting has a number that the greeting did not name."""
    node, hub = new_store(1), new_store(2)
    first = add(node, 300, seed=3)
    met = contact(node, hub, Conditions(rate_bit_s=2_400, delay_s=0.75))
    second = None
    if late:
        met.run(until=0.5)
        second = add(node, 200, seed=4)
        met.node.session.outgoing_changed(met.world.now)
    met.run(until=120)
    assert met.node.ended is not None
    assert met.node.ended.ending is Ending.DONE
    sent = [event.offer.bundle_id for _, event in met.node.observed if isinstance(event, BundleSent)]
    assert sorted(sent) == sorted(each for each in (first, second) if each is not None)


def test_a_receipt_for_what_was_never_greeted_with_releases_nothing() -> None:
    assert Kept(0).sequences & RangeSet.of([(1, 9)]) == RangeSet()
