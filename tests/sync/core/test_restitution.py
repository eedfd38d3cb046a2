"""A store that lost bundles of its own asks for them until they are promised, by whoever holds them."""

from __future__ import annotations

import pytest

from protocol.advice import Return, Returning
from protocol.frames import DigestTell, Idle
from protocol.framing import encode_frame
from protocol.hello import StreamView
from protocol.ids import Incarnation
from protocol.ranges import RangeSet
from sync.core import (
    Effect,
    EffectResult,
    Ending,
    EntriesReturning,
    ForkSeen,
    MarkPromised,
    NoteForeign,
    NoteReturn,
    NoteSettled,
    Renew,
    Role,
    RolledBackSeen,
)
from sync.core.restitution import PROMISE_S, RETURNS_MAX
from sync.ports import STREAMS_MAX, IncomingChunk
from sync.stores import MemoryStore

from ..stores.contract import PEER, add, bundle_id_of, numbers, receive
from .simulated_contact import Contact, End, meet, new_store, run_now
from .test_hostile_peers import THEIRS, Puppet, hello


def asked_back(store: MemoryStore) -> set[bytes]:
    return {each.bundle_id for each in run_now(store.to_return(9999))}


def still_missed(store: MemoryStore) -> dict[Incarnation, RangeSet]:
    return {each.incarnation: each.sequences for each in run_now(store.open_session()).foreign}


def rolled_back(
    labels: tuple[str, ...] = ("kept", "lost one", "lost two"),
) -> tuple[MemoryStore, MemoryStore]:
    """A node whose backup knows of the first bundle only, and the hub that holds them all."""
    node, hub = new_store(1), new_store(2)
    run_now(add(node, "kept", 100))
    meet(node, hub)
    backup = node.snapshot()
    for label in ("lost one", "lost two"):
        run_now(add(node, label, 100))
    meet(node, hub)
    node.restore(backup)
    return node, hub


def kinds(end: End) -> list[type[Effect]]:
    return [type(effect) for effect in end.performed]


@pytest.mark.parametrize("hub_is_restored", [False, True])
def test_what_a_restored_store_lost_is_asked_back_and_promised_in_one_session(hub_is_restored: bool) -> None:
    restored, holder = rolled_back()
    node, hub = (holder, restored) if hub_is_restored else (restored, holder)
    contact = meet(node, hub)
    asker, promiser = (contact.hub, contact.node) if hub_is_restored else (contact.node, contact.hub)
    life = asker.events_of(ForkSeen)[0].incarnation
    assert asker.events_of(RolledBackSeen) == [RolledBackSeen(life, numbers(2, 3))]
    assert asker.events_of(EntriesReturning) == [EntriesReturning(life, 2, ours=True)]
    assert promiser.events_of(EntriesReturning) == [EntriesReturning(life, 2, ours=False)]
    assert asked_back(holder) == {bundle_id_of("lost one"), bundle_id_of("lost two")}
    assert still_missed(restored) == {}


def test_it_is_noted_before_a_new_life_begins_and_before_it_is_asked() -> None:
    node, hub = rolled_back()
    contact = meet(node, hub)
    order = [kind for kind in kinds(contact.node) if kind in (NoteForeign, Renew, MarkPromised)]
    assert order == [NoteForeign, Renew, MarkPromised]


def test_nothing_is_promised_before_it_is_noted() -> None:
    puppet = Puppet(Role.DIALER).say(hello())
    puppet.session.receive(puppet.peer.seal(encode_frame(Return(THEIRS, numbers(1)))), 1.0)
    effects = puppet.session.effects()
    assert effects == [NoteReturn(THEIRS, numbers(1))]
    assert puppet.session.outgoing(1.0) == b""
    puppet.session.completed(effects[0], 1, 1.0)
    puppet.settle()
    assert Returning(THEIRS, numbers(1)) in puppet.heard


def test_a_promise_that_nobody_asked_for_is_passed_over() -> None:
    puppet = Puppet(Role.DIALER).say(hello(), Returning(THEIRS, numbers(1)))
    assert puppet.ending is None
    assert not [event for event in puppet.events if isinstance(event, EntriesReturning)]


def test_what_was_promised_is_asked_for_once_more_and_then_settled() -> None:
    node, hub = rolled_back()
    meet(node, hub)
    once_more, settled = meet(node, hub), meet(node, hub)
    assert NoteReturn in kinds(once_more.hub)
    assert NoteReturn not in kinds(settled.hub)
    for again in (once_more, settled):
        assert NoteForeign not in kinds(again.node)
        assert again.node.events_of(RolledBackSeen) == []
        assert again.node.events_of(EntriesReturning) == again.hub.events_of(EntriesReturning) == []
    assert len(run_now(hub.to_return(9))) == 2, "each is given once"


@pytest.mark.parametrize("contacts_before", [1, 3])
def test_a_peer_that_forgot_its_promise_is_asked_again(contacts_before: int) -> None:
    """It went back to a copy of before the promise: it holds all of it and does not know of any promise."""
    node, hub = rolled_back()
    before_promise = hub.snapshot()
    for _ in range(contacts_before):
        meet(node, hub)
    hub.restore(before_promise)
    assert asked_back(hub) == set()
    meet(node, hub)
    assert asked_back(hub) == {bundle_id_of("lost one"), bundle_id_of("lost two")}
    meet(node, hub)
    assert kinds(meet(node, hub).node).count(NoteSettled) == 0, "by now it was"
    assert run_now(node.open_session()).settlement is not None


def test_a_number_used_again_in_a_later_history_hides_nothing() -> None:
    """What came first under it is asked back, though what came second has another number by now."""
    node, hub = new_store(1), new_store(2)
    run_now(add(node, "kept", 100))
    meet(node, hub)
    backup, hub_backup = node.snapshot(), hub.snapshot()
    run_now(add(node, "first", 100))
    meet(node, hub)
    later = hub.snapshot()
    node.restore(backup)
    hub.restore(hub_backup)
    run_now(add(node, "second", 100))
    run_now(node.renew_incarnation("for another reason"))
    hub.restore(later)
    meet(node, hub)
    assert asked_back(hub) == {bundle_id_of("first")}


def test_a_second_bundle_under_a_number_comes_back_to_an_author_who_forgot_it() -> None:
    node, hub = new_store(1), new_store(2)
    backup = node.snapshot()
    run_now(add(node, "first", 100))
    meet(node, hub)
    node.restore(backup)
    (offer,) = [run_now(add(node, "second", 100))]
    sealed = run_now(node.read(offer.sequence, 0, 100))
    run_now(hub.persist([IncomingChunk(offer=offer, offset=0, data=sealed)]))
    node.restore(backup)
    for _ in range(2):
        meet(node, hub)
    assert asked_back(hub) == {bundle_id_of("first"), bundle_id_of("second")}


def test_a_whole_life_that_was_forgotten_is_asked_back_once() -> None:
    node, hub = new_store(1), new_store(2)
    run_now(add(node, "kept", 100))
    meet(node, hub)
    backup = node.snapshot()
    run_now(node.renew_incarnation("for the test"))
    run_now(add(node, "of a later life", 100))
    meet(node, hub)
    node.restore(backup)
    contact = meet(node, hub)
    assert asked_back(hub) == {bundle_id_of("of a later life")}
    assert Renew not in kinds(contact.node), "the present life was left before: none of its numbers is taken"
    meet(node, hub)
    assert NoteReturn not in kinds(meet(node, hub).hub)


def test_a_forked_number_is_asked_back_under_which_the_twin_was_first() -> None:
    node, twin, hub = new_store(1), new_store(3), new_store(2)
    twin.restore(node.snapshot())
    run_now(add(node, "ours", 100))
    run_now(add(twin, "the twin's", 100))
    meet(node, hub)
    meet(twin, hub)
    assert asked_back(hub) == {bundle_id_of("ours")}


class Died(Exception):
    """A process ended before it performed an effect."""


@pytest.mark.parametrize("lost", [NoteReturn, MarkPromised])
def test_a_lost_word_is_said_again_in_the_next_session(lost: type[Effect]) -> None:
    """The asking lost on its way, and the promise."""
    node, hub = rolled_back()
    life = run_now(node.open_session()).incarnation
    first = Contact(node, hub)

    def die(_: End, effect: Effect) -> EffectResult | None:
        if isinstance(effect, lost):
            raise Died
        return None

    first.before_effect = die
    with pytest.raises(Died):
        first.run()
    assert still_missed(node) == {life: numbers(2, 3)}
    second = meet(node, hub)
    assert second.node.events_of(EntriesReturning) == [EntriesReturning(life, 2, ours=True)]
    assert asked_back(hub) == {bundle_id_of("lost one"), bundle_id_of("lost two")}


def test_a_listener_that_has_only_to_ask_is_given_the_time_to() -> None:
    """Else a caller that has nothing left is gone before its listener may speak of custody, each time."""
    node, hub = new_store(1), new_store(2)
    run_now(hub.note_foreign(Incarnation(b"gone"), numbers(1, 2)))
    contact = meet(node, hub)
    assert contact.hub.events_of(EntriesReturning) == [EntriesReturning(Incarnation(b"gone"), 2, ours=True)]
    assert still_missed(hub) == {}


def test_a_recorded_hello_notes_and_asks_nothing() -> None:
    store = new_store(1)
    run_now(add(store, "ours", 100))
    life = run_now(store.open_session()).incarnation
    claim = hello(views=(StreamView(life, numbers(1, 2, 3), 0),))
    puppet = Puppet(Role.LISTENER, store).say(claim, Idle()).listen()
    assert not [frame for frame in puppet.heard if isinstance(frame, Return)]
    assert still_missed(store) == {}
    # The same caller, proven to speak now.
    puppet.say(DigestTell(life, numbers(1), run_now(store.digest(life, numbers(1)))))
    assert [frame for frame in puppet.heard if isinstance(frame, Return)] == [Return(life, numbers(2, 3))]


def test_an_asker_waits_for_the_promise_and_not_for_ever() -> None:
    store = new_store(1)
    run_now(add(store, "ours", 100))
    run_now(store.mark_stored(numbers(1)))
    life = run_now(store.open_session()).incarnation
    run_now(store.note_foreign(Incarnation(b"gone"), numbers(4)))
    puppet = Puppet(Role.DIALER, store)
    own_digest = run_now(store.digest(life, numbers(1)))
    puppet.say(hello(views=(StreamView(life, numbers(1), own_digest),)), Idle())
    assert puppet.ending is None
    assert puppet.session.deadline() == pytest.approx(1.0 + PROMISE_S)
    puppet.session.wake(1.0 + PROMISE_S)
    puppet.settle()
    puppet.session.receive(b"", 1.0 + PROMISE_S)
    assert puppet.settle().ending is not None
    assert puppet.ending is not None
    assert puppet.ending.ending is Ending.DONE


def test_a_promise_of_what_was_not_asked_for_changes_nothing() -> None:
    store = new_store(1)
    run_now(store.note_foreign(Incarnation(b"gone"), numbers(4)))
    puppet = Puppet(Role.LISTENER, store).say(hello())
    puppet.listen().say(Returning(Incarnation(b"else"), numbers(4)), Returning(THEIRS, numbers(1)))
    assert still_missed(store) == {Incarnation(b"gone"): numbers(4)}


class TestWhoAsksForMuch:
    def test_one_session_asks_for_a_bounded_number_and_the_next_for_the_rest(self) -> None:
        node, hub = new_store(1), new_store(2)
        gone = Incarnation(b"gone")
        run_now(node.note_foreign(gone, RangeSet.of([(1, RETURNS_MAX + 11)])))
        meet(node, hub)
        assert still_missed(node) == {gone: RangeSet.of([(RETURNS_MAX + 1, RETURNS_MAX + 11)])}
        meet(node, hub)
        assert still_missed(node) == {}

    def test_more_promises_than_one_session_asks_for_again_take_turns(self) -> None:
        node, hub = new_store(1), new_store(2)
        gone = Incarnation(b"gone")
        promised = RangeSet.of([(1, 2 * RETURNS_MAX + 11)])
        run_now(node.note_foreign(gone, promised))
        run_now(node.mark_promised(gone, promised))
        asked = RangeSet()
        for _ in range(3):
            contact = meet(node, hub)
            (noted,) = [effect for effect in contact.hub.performed if isinstance(effect, NoteReturn)]
            assert len(noted.sequences) <= RETURNS_MAX
            asked |= noted.sequences
        assert asked == promised
        assert run_now(node.open_session()).settlement is None, (
            "what one session cannot ask for is not settled"
        )

    def test_a_peer_that_asks_for_everything_is_cut_off(self) -> None:
        store = new_store(1)
        run_now(receive(store, "theirs", 80, 1))
        puppet = Puppet(Role.LISTENER, store).say(hello()).listen()
        puppet.say(Return(PEER, RangeSet.of([(1, RETURNS_MAX + 2)])))
        puppet.assert_refused("back at once")
        assert asked_back(store) == set()

    def test_so_is_one_that_names_more_lives_than_there_are(self) -> None:
        puppet = Puppet(Role.LISTENER).say(hello()).listen()
        lives = [Incarnation(bytes([number]) * 4) for number in range(STREAMS_MAX + 1)]
        puppet.say(*(Return(life, numbers(1)) for life in lives)).assert_refused("back at once")

    def test_a_repetition_is_passed_over(self) -> None:
        store = new_store(1)
        run_now(receive(store, "theirs", 80, 1))
        puppet = Puppet(Role.LISTENER, store).say(hello()).listen()
        puppet.say(*[Return(PEER, numbers(1))] * 100)
        assert puppet.ending is None
        assert [frame for frame in puppet.heard if isinstance(frame, Returning)] == [
            Returning(PEER, numbers(1))
        ]
        assert asked_back(store) == {bundle_id_of("theirs")}

    def test_it_may_not_stand_in_a_first_flight(self) -> None:
        Puppet().say(hello(), Return(PEER, numbers(1))).assert_refused("first flight")
