"""A peer that does not keep to the floor it was told: it spends little, and loses the session."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.frames import Data
from protocol.header import Priority
from protocol.ids import seal_tag_of
from protocol.limits import SESSION_CREDIT_BYTES
from protocol.ranges import RangeSet
from sync.core import Ending, Role, Session
from sync.core.greeting import EMERGENCY_BYTES_BORNE_MAX
from sync.core.intake import UNWANTED_BYTES_MAX
from sync.core.offering import Offering
from sync.core.planner import Planner
from sync.stores import MemoryStore

from ..stores.contract import add
from .simulated_contact import Conditions, Contact, meet, new_store, run_now
from .test_hostile_peers import Puppet, hello, offer, whole

EMERGENCY, URGENT, ROUTINE, BULK = Priority
FAST = Conditions(rate_bit_s=10_000_000, delay_s=0.01)


class DeafPlanner(Planner):
    """Sends whatever it has, over any link."""

    def narrow(self, floor: Priority) -> None:
        """It does not listen."""


def pending(store: MemoryStore) -> list[Priority]:
    return [bundle.offer.priority for bundle in run_now(store.outgoing(RangeSet()))]


def deafen(session: Session) -> None:
    """From now on it sends what it was told to keep back."""
    sender = session._sender
    sender.planner = DeafPlanner({})
    sender._offering = Offering(sender.planner, sender._outlet)


def emergency_contact(
    node: MemoryStore, hub: MemoryStore, *, up: Conditions | None = None, down: Conditions | None = None
) -> Contact:
    """Over a link that carries emergencies alone, to a hub that sends everything."""
    contact = Contact(node, hub, node_floor=EMERGENCY, up=up, down=down)
    deafen(contact.hub.session)
    return contact


@pytest.mark.parametrize("conditions", [None, FAST])
@pytest.mark.parametrize("size_bytes", [400, 5_000_000])
def test_what_is_below_the_floor_costs_little_and_the_emergency_is_settled(
    conditions: Conditions | None, size_bytes: int
) -> None:
    node, hub = new_store(1), new_store(2)
    run_now(add(node, "ours", 2_000, priority=EMERGENCY))
    run_now(add(hub, "theirs", 900, priority=EMERGENCY))
    run_now(add(hub, "unwanted", size_bytes, priority=ROUTINE))
    contact = emergency_contact(node, hub, up=conditions, down=conditions).run()
    ended = contact.node.ended
    assert ended is not None
    assert ended.ending is Ending.PEER_AT_FAULT
    assert "nothing below emergency, as it was told" in ended.reason
    assert 0 < ended.counters.unwanted_bytes_received <= UNWANTED_BYTES_MAX + 8_192
    assert contact.node.session.counters.link_bytes_received < UNWANTED_BYTES_MAX + 10_000
    # The receipt of ours was heard, so that it is not paid for again; the hub's came too.
    assert pending(node) == []
    assert [each.offer.priority for each in run_now(node.received_after(0, 9))] == [EMERGENCY]


def test_bulk_that_is_called_an_emergency_costs_little_and_is_told() -> None:
    node, hub = new_store(1), new_store(2)
    run_now(add(node, "ours", 2_000, priority=EMERGENCY))
    run_now(add(hub, "text", 900, priority=EMERGENCY))
    for number in range(3):
        run_now(add(hub, f"photograph {number}", EMERGENCY_BYTES_BORNE_MAX, priority=EMERGENCY))
    contact = emergency_contact(node, hub, up=FAST, down=FAST).run()
    ended = contact.node.ended
    assert ended is not None
    assert ended.ending is Ending.PEER_AT_FAULT
    assert "more than 128 kB an emergency" in ended.reason
    assert 0 < ended.counters.unwanted_bytes_received <= UNWANTED_BYTES_MAX + 8_192
    assert [len(each.sealed) for each in run_now(node.received_after(0, 9))] == [900]
    assert pending(node) == []
    # Over a link that carries more than emergencies they are what they are called.
    meet(node, hub)
    assert pending(hub) == []


def test_ours_is_finished_meanwhile_since_nothing_unwanted_is_receipted() -> None:
    node, hub = new_store(1), new_store(2)
    run_now(add(node, "ours", 200_000, priority=EMERGENCY))
    run_now(add(hub, "unwanted", 5_000_000, priority=BULK))
    ended = emergency_contact(node, hub).run().node.ended
    assert ended is not None
    assert (ended.ending, pending(node)) == (Ending.PEER_AT_FAULT, [])
    assert 0 < ended.counters.unwanted_bytes_received <= UNWANTED_BYTES_MAX


def test_an_emergency_that_comes_beside_it_is_waited_for() -> None:
    store = new_store(1)
    puppet = Puppet(Role.DIALER, store, floor=EMERGENCY)
    sealed = bytes(range(200)) * 10
    urgent = replace(offer(1, 1, 2_000), priority=EMERGENCY, seal_tag=seal_tag_of(sealed))
    puppet.say(hello(), urgent, Data(1, 0, sealed[:500]), whole(2, b"unwanted"))
    assert puppet.ending is None
    puppet.say(Data(1, 500, sealed[500:])).assert_refused("nothing below emergency, as it was told")
    (received,) = run_now(store.received_after(0, 9))
    assert (received.sealed, received.offer.priority) == (sealed, EMERGENCY)


def test_a_peer_that_pours_it_out_is_cut_off_at_once() -> None:
    store = new_store(1)
    run_now(add(store, "ours", 200_000, priority=EMERGENCY))
    puppet = Puppet(Role.DIALER, store, floor=EMERGENCY)
    puppet.say(hello(), whole(1, bytes(UNWANTED_BYTES_MAX)))
    assert puppet.ending is None
    puppet.say(whole(2, b"x")).assert_refused("nothing below emergency, as it was told")
    assert run_now(store.received_after(0, 9)) == ()


def test_what_was_dropped_comes_over_a_link_that_carries_it() -> None:
    node, hub = new_store(1), new_store(2)
    run_now(add(hub, "unwanted", 30_000, priority=ROUTINE))
    emergency_contact(node, hub).run()
    assert pending(hub) == [ROUTINE]
    meet(node, hub)
    assert pending(hub) == []


def test_a_first_flight_that_could_not_know_of_the_floor_is_taken() -> None:
    """Of a listener that states one: who dials has spoken before it hears."""
    node, hub = new_store(1), new_store(2)
    run_now(add(node, "early", 3_000, priority=BULK))
    contact = Contact(node, hub, hub_floor=URGENT).run()
    assert contact.hub.ended is not None
    assert contact.hub.ended.ending is Ending.DONE
    assert contact.hub.ended.counters.unwanted_bytes_received == 0
    assert pending(node) == []


def test_a_dialer_that_goes_on_against_the_listeners_floor_is_cut_off() -> None:
    node, hub = new_store(1), new_store(2)
    for number in range(6):
        run_now(add(node, f"bulk {number}", SESSION_CREDIT_BYTES // 2, priority=BULK))
    contact = Contact(node, hub, hub_floor=URGENT, up=FAST, down=FAST)
    deafen(contact.node.session)
    contact.run()
    assert contact.hub.ended is not None
    assert contact.hub.ended.ending is Ending.PEER_AT_FAULT
    assert len(pending(node)) >= 3
