"""What a verified backup holds is told to whose bundles they are, and believed only as far as both agree."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.advice import Safe
from protocol.frames import DigestTell, Idle
from protocol.hello import StreamView
from protocol.ranges import RangeSet
from sync.core import Role, SafeReported
from sync.core.receipts import HELD_BACK_S
from sync.core.safekeeping import MARKS_MAX
from sync.stores import MemoryStore

from ..stores.contract import add, bundle_id_of, chunk_of, numbers, offer_of
from .simulated_contact import Contact, meet, new_store, run_now
from .test_hostile_peers import THEIRS, Puppet, hello


def back_up(store: MemoryStore) -> None:
    """The application takes all it has, and a backup of that is verified."""
    for bundle in run_now(store.received_after(0, 999)):
        run_now(store.take(bundle.row))
    assert run_now(store.note_backup(run_now(store.begin_backup())))


def is_safe(store: MemoryStore, *labels: str) -> list[bool]:
    return [store.is_safe(bundle_id_of(label)) for label in labels]


@pytest.fixture
def stores() -> tuple[MemoryStore, MemoryStore]:
    node, hub = new_store(1), new_store(2)
    run_now(add(node, "one", 100))
    run_now(add(node, "two", 100))
    meet(node, hub)
    return node, hub


def test_nothing_is_safe_before_a_backup(stores: tuple[MemoryStore, MemoryStore]) -> None:
    meet(*stores)
    assert is_safe(stores[0], "one", "two") == [False, False]


@pytest.mark.parametrize("hub_has_it", [True, False])
def test_the_next_session_tells_what_a_backup_holds(
    stores: tuple[MemoryStore, MemoryStore], hub_has_it: bool
) -> None:
    node, hub = stores
    owner, keeper = (node, hub) if hub_has_it else (hub, node)
    run_now(add(owner, "three", 50))
    meet(node, hub)
    back_up(keeper)
    run_now(add(owner, "later", 50))
    contact = meet(node, hub)
    end = contact.node if hub_has_it else contact.hub
    (reported,) = end.events_of(SafeReported)
    assert reported.sequences == (numbers(1, 2, 3) if hub_has_it else numbers(1))
    assert is_safe(owner, "three", "later") == [True, False]


def test_a_number_that_was_given_up_keeps_nothing_behind_it_from_being_safe(
    stores: tuple[MemoryStore, MemoryStore],
) -> None:
    """A bundle that is numbered anew leaves a gap that the peer never fills."""
    node, hub = stores
    run_now(add(node, "left behind", 50))
    run_now(add(node, "three", 50))
    life = run_now(node.open_session()).incarnation
    run_now(node.mark_stored(numbers(4)))
    offer = replace(offer_of("three", 50, 4), incarnation=life)
    run_now(hub.persist([chunk_of(offer, "three")]))
    run_now(node.renew_incarnation("for the test"))
    back_up(hub)
    contact = meet(node, hub)
    assert SafeReported(life, numbers(1, 2, 4)) in contact.node.events_of(SafeReported)
    assert is_safe(node, "one", "two", "three", "left behind") == [True, True, True, False]


def test_a_backup_verified_during_a_session_is_told_in_it(stores: tuple[MemoryStore, MemoryStore]) -> None:
    node, hub = stores
    contact = Contact(node, hub, stays_open=True)

    def verify() -> None:
        back_up(hub)
        contact.hub.session.outgoing_changed(contact.now)
        contact._settle(contact.hub)

    contact.at(100.0, verify)
    contact.run(until=110.0)
    assert 100.0 < contact.node.times_of(SafeReported)[0] < 100.0 + HELD_BACK_S + 0.5
    assert is_safe(node, "one", "two") == [True, True]


def test_it_is_told_once_in_a_session(stores: tuple[MemoryStore, MemoryStore]) -> None:
    node, hub = stores
    back_up(hub)
    contact = Contact(node, hub, stays_open=True)
    for moment in (50.0, 60.0, 70.0):
        contact.at(moment, lambda: contact.hub.session.outgoing_changed(contact.now))
    contact.run(until=100.0)
    assert len(contact.node.events_of(SafeReported)) == 1


def test_a_recording_makes_nothing_safe() -> None:
    Puppet().say(hello(), Safe(THEIRS, numbers(1))).assert_refused("first flight")


def test_what_differs_under_one_number_ends_what_is_believed() -> None:
    store = new_store(1)
    for label in ("one", "two", "three"):
        run_now(add(store, label, 100))
    run_now(store.mark_stored(numbers(1, 2, 3)))
    life = run_now(store.open_session()).incarnation
    run_now(store.renew_incarnation("for the test"))
    digests = {
        RangeSet.of([(1, 4)]): 5,
        numbers(1): run_now(store.digest(life, numbers(1))),
        numbers(2): 7,
    }
    view = StreamView(life, RangeSet.of([(1, 4)]), digests[RangeSet.of([(1, 4)])])
    puppet = Puppet(Role.LISTENER, store).say(hello(views=(view,))).listen()
    puppet.say(DigestTell(life, numbers(1), digests[numbers(1)]))
    puppet.say(DigestTell(life, numbers(2), digests[numbers(2)]), Safe(life, numbers(1, 2, 3)))
    assert SafeReported(life, numbers(1)) in puppet.events
    assert is_safe(store, "one", "two", "three") == [True, False, False]


def test_what_is_heard_before_the_cuts_agree_waits_for_them() -> None:
    store = new_store(1)
    run_now(add(store, "one", 100))
    run_now(store.mark_stored(numbers(1)))
    life = run_now(store.open_session()).incarnation
    puppet = Puppet(Role.DIALER, store)
    puppet.say(hello(views=(StreamView(life, numbers(1), 1),)), Safe(life, numbers(1)))
    assert is_safe(store, "one") == [False]
    assert not [event for event in puppet.events if isinstance(event, SafeReported)]


def test_a_peer_that_tells_of_backups_without_end_is_cut_off() -> None:
    told = [Safe(THEIRS, numbers(1 + 2 * mark)) for mark in range(MARKS_MAX + 1)]
    puppet = Puppet(Role.DIALER).say(hello(), *told[:-1])
    assert puppet.ending is None
    puppet.say(told[0], Idle())  # No news.
    assert puppet.ending is None
    puppet.say(told[-1]).assert_refused("backups")
