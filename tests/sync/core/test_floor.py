"""A link may have a floor: less urgent classes stay in custody, on both sides, and nothing else changes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.header import Priority
from protocol.ranges import RangeSet
from sync.core import Ending
from sync.core.greeting import EMERGENCY_BYTES_MAX
from sync.core.planner import Planner
from sync.ports import OUTGOING_PAGE, Rank
from sync.stores import MemoryStore

from ..stores.contract import add, bundle_id_of
from .simulated_contact import Contact, meet, new_store, run_now

CLASSES = st.lists(st.sampled_from(Priority), max_size=12)


def pending(store: MemoryStore) -> list[Priority]:
    return [bundle.offer.priority for bundle in run_now(store.outgoing(RangeSet()))]


def filled(seed: int, classes: list[Priority]) -> MemoryStore:
    store = new_store(seed)
    for number, priority in enumerate(classes):
        run_now(add(store, f"{seed}: {number}", 400, priority=priority))
    return store


@given(up=CLASSES, down=CLASSES, floor=st.sampled_from(Priority))
def test_both_sides_send_what_may_go_and_keep_the_rest(
    up: list[Priority], down: list[Priority], floor: Priority
) -> None:
    node, hub = filled(1, up), filled(2, down)
    contact = Contact(node, hub, node_floor=floor).run()
    for end in (contact.node, contact.hub):
        assert end.ended is not None
        assert end.ended.ending is Ending.DONE
    assert pending(node) == sorted(each for each in up if each > floor)
    assert pending(hub) == sorted(each for each in down if each > floor)
    meet(node, hub)
    assert pending(node) == pending(hub) == []


@pytest.mark.parametrize("count", [OUTGOING_PAGE, 2 * OUTGOING_PAGE + 1])
def test_pages_of_what_may_not_go_do_not_keep_a_session_open(count: int) -> None:
    node, hub = filled(1, [Priority.BULK] * count + [Priority.URGENT]), new_store(2)
    contact = Contact(node, hub, node_floor=Priority.URGENT).run()
    assert contact.node.ended is not None
    assert contact.node.ended.ending is Ending.DONE
    assert contact.node.session.counters.bundles_sent == 1
    ended_at, _ = contact.node.observed[-1]
    assert ended_at < 10.0


def test_an_emergency_that_comes_later_goes_and_what_is_below_still_waits() -> None:
    node, hub = filled(1, [Priority.ROUTINE]), new_store(2)
    contact = Contact(node, hub, node_floor=Priority.EMERGENCY, stays_open=True)
    contact.add_at(20.0, contact.node, add(node, "later", 300, priority=Priority.EMERGENCY))
    contact.run(until=40.0)
    assert contact.node.session.counters.bundles_sent == 1
    assert pending(node) == [Priority.ROUTINE]


def test_a_peer_that_takes_emergencies_alone_bears_a_bounded_number_of_bytes_of_them() -> None:
    """An honest end keeps back what a photograph with such a label would cost, and the texts still go."""
    node, hub = new_store(1), new_store(2)
    run_now(add(hub, "photograph", EMERGENCY_BYTES_MAX, priority=Priority.EMERGENCY, rank=Rank.FULL))
    run_now(add(hub, "text", 2_000, priority=Priority.EMERGENCY))
    run_now(add(node, "ours", 2 * EMERGENCY_BYTES_MAX, priority=Priority.EMERGENCY))
    contact = Contact(node, hub, node_floor=Priority.EMERGENCY).run()
    for end in (contact.node, contact.hub):
        assert end.ended is not None
        assert end.ended.ending is Ending.DONE
    assert node.holds(bundle_id_of("text"))
    assert not node.holds(bundle_id_of("photograph"))
    assert hub.holds(bundle_id_of("ours")), "how much of its own is an emergency, who pays decides"
    meet(node, hub)
    assert node.holds(bundle_id_of("photograph"))


def test_what_was_offered_before_the_peer_named_its_floor_goes_on() -> None:
    store = filled(1, [Priority.URGENT, Priority.BULK])
    planner = Planner({})
    planner.admit(run_now(store.outgoing(RangeSet())))
    chunk = planner.next_chunk(1_000)
    assert chunk is not None
    planner.offered(chunk.transfer)
    planner.narrow(Priority.EMERGENCY)
    remaining = planner.next_chunk(1_000)
    assert remaining is not None
    assert remaining.transfer.offer.priority is Priority.URGENT
    planner.drop(RangeSet(((1, 3),)))
    assert planner.idle
