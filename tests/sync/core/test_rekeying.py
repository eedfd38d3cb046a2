"""A bundle that cannot be opened where it lies is asked for, sealed again, and delivered once."""

from __future__ import annotations

import pytest

from protocol.advice import Rekey
from protocol.channel import DialerChannel
from protocol.header import Priority
from protocol.ids import BundleId
from protocol.ranges import RangeSet
from sync.core import Ending, ForkSeen, RekeyAsked
from sync.core.errors import RemoteError
from sync.core.events import BundlesLost
from sync.core.outlet import Outlet
from sync.core.rekeying import Rekeying
from sync.core.wire import Wire
from sync.ports import REKEYS_MAX, Rank, UnopenedBundle
from sync.stores import MemoryStore

from .simulated_contact import PAIR, SECRET, Contact, meet, new_store, run_now

OLD, NEW = b"k1", b"k7"
SIZE_BYTES = 900


def sealed_for(label: str, key: bytes) -> bytes:
    return (label.encode() + b"/" + key) * SIZE_BYTES


def id_of(label: str) -> BundleId:
    return BundleId(label.encode().ljust(12, b"."))


def send(store: MemoryStore, label: str) -> None:
    run_now(
        store.add(
            bundle_id=id_of(label),
            priority=Priority.ROUTINE,
            rank=Rank.TEXT,
            recipient_key=OLD,
            dwell_code=20,
            sealed=sealed_for(label, OLD),
        )
    )


def seal_again(store: MemoryStore) -> int:
    """What the sender's application does; how many bundles it was."""
    asked = run_now(store.rekeys())
    for each in asked:
        label = each.bundle_id.rstrip(b".").decode()
        key = each.recipient_key
        run_now(store.reseal(bundle_id=each.bundle_id, recipient_key=key, sealed=sealed_for(label, key)))
    return len(asked)


def open_all(store: MemoryStore, delivered: list[str]) -> None:
    """What the receiver's application does: it opens what is sealed for the new key, asks for the rest."""
    for bundle in run_now(store.received_after(0, 99)):
        if bundle.offer.recipient_key == NEW:
            delivered.append(bundle.offer.bundle_id.rstrip(b".").decode())
            run_now(store.take(bundle.row))
        else:
            run_now(store.ask_rekey(bundle.row, NEW, "its key is gone"))


@pytest.mark.parametrize("upwards", [True, False])
def test_it_is_asked_for_sealed_again_and_delivered_once(upwards: bool) -> None:
    node, hub = new_store(1), new_store(2)
    sender, receiver = (node, hub) if upwards else (hub, node)
    delivered: list[str] = []
    send(sender, "a")
    send(sender, "b")
    meet(node, hub)
    open_all(receiver, delivered)
    assert delivered == []
    contact = meet(node, hub)
    end = contact.node if upwards else contact.hub
    assert {event.sequence for event in end.events_of(RekeyAsked)} == {1, 2}
    assert seal_again(sender) == 2
    meet(node, hub)
    open_all(receiver, delivered)
    assert sorted(delivered) == ["a", "b"]
    last = meet(node, hub)
    open_all(receiver, delivered)
    assert sorted(delivered) == ["a", "b"]
    assert seal_again(sender) == 0
    for each in (last.node, last.hub):
        assert not each.events_of(ForkSeen)
        assert not each.events_of(BundlesLost)
    assert last.node.session.counters.payload_bytes_sent == 0
    assert last.hub.session.counters.payload_bytes_sent == 0


@pytest.mark.parametrize("upwards", [True, False])
def test_an_open_session_settles_it_at_once(upwards: bool) -> None:
    """The application opens, asks and seals again while the session goes on."""
    node, hub = new_store(1), new_store(2)
    sender, receiver = (node, hub) if upwards else (hub, node)
    delivered: list[str] = []
    send(sender, "a")
    contact = Contact(node, hub, stays_open=True)
    ends = {id(contact.node.store): contact.node, id(contact.hub.store): contact.hub}

    async def opening() -> None:
        open_all(receiver, delivered)

    async def sealing() -> None:
        seal_again(sender)

    contact.add_at(20.0, ends[id(receiver)], opening())
    contact.add_at(40.0, ends[id(sender)], sealing())
    contact.add_at(60.0, ends[id(receiver)], opening())
    contact.run(until=80.0)
    assert delivered == ["a"]
    assert len(ends[id(sender)].events_of(RekeyAsked)) == 1


def test_who_cannot_seal_it_again_keeps_it_and_is_asked_in_each_session() -> None:
    node, hub = new_store(1), new_store(2)
    send(node, "a")
    meet(node, hub)
    open_all(hub, [])
    for _ in range(3):
        contact = meet(node, hub)
        assert len(contact.node.events_of(RekeyAsked)) == 1
        assert contact.node.session.counters.payload_bytes_sent == 0
        assert not contact.node.events_of(ForkSeen)


def test_a_restored_receiver_gets_both_numbers_right() -> None:
    """The receiver forgets all; the sender sends the seal it has last, under its new number."""
    node, hub = new_store(1), new_store(2)
    empty = hub.snapshot()
    delivered: list[str] = []
    send(node, "a")
    meet(node, hub)
    open_all(hub, delivered)
    meet(node, hub)
    seal_again(node)
    meet(node, hub)
    open_all(hub, delivered)
    hub.restore(empty)
    meet(node, hub)
    open_all(hub, delivered)
    assert delivered == ["a", "a"]  # Its content was lost with the rest, so it has to come again.
    last = meet(node, hub)
    assert not last.node.events_of(ForkSeen)


def test_a_sender_restored_to_before_it_sealed_again_forks_and_heals() -> None:
    node, hub = new_store(1), new_store(2)
    delivered: list[str] = []
    send(node, "a")
    meet(node, hub)
    open_all(hub, delivered)
    meet(node, hub)
    before = node.snapshot()
    seal_again(node)
    meet(node, hub)
    open_all(hub, delivered)
    node.restore(before)
    send(node, "b")
    for _ in range(4):
        Contact(node, hub).run()
        open_all(hub, delivered)
        seal_again(node)
    assert sorted(delivered) == ["a", "b"]
    assert meet(node, hub).node.ended is not None
    held = [stream.held for stream in run_now(hub.open_session()).received]
    assert sum(len(numbers) for numbers in held) >= 3


def test_each_number_is_noted_once_and_only_so_many() -> None:
    outlet = Outlet(Wire(DialerChannel(SECRET, PAIR, bytes(12))))
    rekeying = Rekeying(outlet)
    life = new_store(1).snapshot().incarnation
    for sequence in range(1, REKEYS_MAX + 1):
        rekeying.hear(Rekey(life, sequence, NEW))
        rekeying.hear(Rekey(life, sequence, OLD))
    assert len(outlet.take_effects()) == REKEYS_MAX
    with pytest.raises(RemoteError, match="more than"):
        rekeying.hear(Rekey(life, REKEYS_MAX + 1, NEW))


def test_no_more_is_asked_for_in_one_session_than_the_peer_bears() -> None:
    outlet = Outlet(Wire(DialerChannel(SECRET, PAIR, bytes(12))))
    rekeying = Rekeying(outlet)
    life = new_store(1).snapshot().incarnation
    for turn in range(3):
        rekeying.custody_moved()
        rekeying.pump()
        first = turn * REKEYS_MAX
        rekeying.found(
            [
                UnopenedBundle(incarnation=life, sequence=number + 1, recipient_key=NEW)
                for number in range(first, first + REKEYS_MAX)
            ]
        )
    assert len(outlet.take_effects()) == 1
    assert len(outlet.wire.take()) < REKEYS_MAX * 20


def test_a_contact_that_only_asks_ends_as_done() -> None:
    node, hub = new_store(1), new_store(2)
    send(hub, "a")
    meet(node, hub)
    open_all(node, [])
    contact = meet(node, hub)
    assert contact.node.ended is not None
    assert contact.node.ended.ending is Ending.DONE
    assert run_now(hub.open_session()).stored == RangeSet.of([(1, 2)])
