"""Greeting in short: eight bytes say what two hellos did, and where they differ everything is said."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.frames import Frame, Idle, Offer, Whole
from protocol.framing import encode_frame
from protocol.hello import Account, Hello, StreamView
from protocol.ids import Incarnation
from protocol.ranges import RangeSet
from protocol.short_hello import Answer, Hail, total_of
from protocol.summary import digest
from sync.core import BundlesLost, Ending, Role, SessionTerms
from sync.core.effects import Digest
from sync.core.short_greeting import Hailed, Hailing
from sync.ports import IncomingChunk, OutgoingBundle, PartialBundle, ReceivedStream, SentStream, SessionView
from sync.ports import Offer as CustodyOffer
from sync.stores import MemoryStore

from ..stores.contract import add, bundle_id_of, numbers, sealed_of
from .simulated_contact import meet, new_store, run_now
from .test_hostile_peers import NOTHING, Puppet, custody, hail

NODE, HUB = Incarnation(b"node"), Incarnation(b"hub!")
FORMER = SentStream(incarnation=Incarnation(b"past"), stored=NOTHING, sequence_max=3)
Stream = dict[int, str]


def digest_of(stream: Stream, sequences: RangeSet) -> int:
    return digest(bundle_id_of(label) for number, label in stream.items() if number in sequences)


def view(
    incarnation: Incarnation, sent: Stream, stored: RangeSet, peer: Incarnation, held: Stream
) -> SessionView:
    whole = numbers(*held)
    stream = ReceivedStream(incarnation=peer, held=whole, digest=digest_of(held, whole))
    return SessionView(
        generation=4,
        incarnation=incarnation,
        sequence_max=max(sent, default=0),
        stored=stored,
        former=(),
        pending=(),
        received=(stream,) if held else (),
        partials=(),
    )


def hailed(node: Stream, stored: RangeSet, node_holds: Stream, hub: Stream, hub_holds: Stream) -> Hailed:
    """What a hub makes of the hail of such a node."""
    ours = Hailing(view(NODE, node, stored, HUB, node_holds), SessionTerms())
    for question in ours.digests.questions:
        ours.digests.answered(question, digest_of(node, question.sequences))
    theirs = Hailed(view(HUB, hub, NOTHING, NODE, hub_holds), SessionTerms(), ours.frame())
    for question in theirs.digests.questions:
        stream = hub if isinstance(question, Digest) else hub_holds
        theirs.digests.answered(question, digest_of(stream, question.sequences))
    return theirs


STREAMS = st.dictionaries(st.integers(1, 6), st.sampled_from("abc"), max_size=5).map(
    lambda chosen: {number: f"{number}{label}" for number, label in chosen.items()}
)


@given(STREAMS, st.sets(st.integers(1, 6)), STREAMS, STREAMS, STREAMS)
def test_a_hail_is_confirmed_just_when_both_mean_the_same_bundles(
    node: Stream, known: set[int], node_holds: Stream, hub: Stream, hub_holds: Stream
) -> None:
    stored = numbers(*(known & node.keys()))
    same_up = all(hub_holds.get(number) == node[number] for number in stored)
    same_down = all(hub.get(number) == label for number, label in node_holds.items())
    theirs = hailed(node, stored, node_holds, hub, hub_holds)
    assert theirs.is_confirmed is (same_up and same_down)


@given(STREAMS, STREAMS, st.sets(st.integers(1, 6)))
def test_of_two_that_agree_any_difference_is_seen(up: Stream, down: Stream, known: set[int]) -> None:
    stored = numbers(*(known & up.keys()))
    assert hailed(up, stored, down, down, up).is_confirmed
    for number in stored:
        assert not hailed(up, stored, down, down, {**up, number: "another"}).is_confirmed
    for number in down:
        assert not hailed(up, stored, down, {**down, number: "another"}, up).is_confirmed


@pytest.mark.parametrize("streams", [0, 1, 2])
def test_a_node_of_two_lives_or_whose_hub_had_two_says_everything(streams: int) -> None:
    plain = view(NODE, {}, NOTHING, HUB, {})
    received = tuple(
        ReceivedStream(incarnation=Incarnation(b"hub%d" % life), held=numbers(1), digest=0)
        for life in range(streams)
    )
    lived = SessionView(
        generation=1,
        incarnation=NODE,
        sequence_max=0,
        stored=NOTHING,
        former=() if streams else (FORMER,),
        pending=(),
        received=received,
        partials=(),
    )
    assert Hailing.suits(plain)
    assert Hailing.suits(lived) is (streams == 1)


# In a session.


def kinds(frames: list[Frame]) -> list[type[Frame]]:
    return [type(frame) for frame in frames]


def acquainted() -> tuple[MemoryStore, MemoryStore]:
    """A node and a hub that exchanged a bundle each."""
    node, hub = new_store(1), new_store(2)
    run_now(add(node, "up", 300))
    run_now(add(hub, "down", 200))
    contact = meet(node, hub)
    assert contact.node.ended is not None
    return node, hub


def test_those_who_know_each_other_greet_in_thirty_bytes() -> None:
    node, hub = acquainted()
    contact = meet(node, hub)
    counters = contact.node.session.counters
    assert counters.frame_bytes_sent <= 22 + 3
    assert counters.frame_bytes_received <= 5 + 2
    assert contact.node.ended is not None
    assert contact.node.ended.ending is Ending.DONE


def known_hail(node: MemoryStore, *, total_beside: int = 0) -> Hail:
    """What that node would say."""
    own = run_now(node.open_session())
    (stream,) = own.received
    total = total_of(run_now(node.digest(own.incarnation, own.stored)), stream.digest, stream.incarnation)
    return Hail(
        generation=own.generation,
        incarnation=own.incarnation,
        stored=own.stored,
        sequence_max=own.sequence_max,
        held=stream.held,
        total=total + total_beside,
        partials=(),
        credit_bytes=1 << 20,
        minutes=0,
        manner=hail().manner,
    )


def arrive(hub: MemoryStore, offer: CustodyOffer, end: int) -> None:
    """The first bytes of a bundle come to a hub whose receipt then is lost."""
    label = "photograph" if offer.size_bytes > 1000 else "unheard"
    data = sealed_of(label, offer.size_bytes)[:end]
    run_now(hub.persist([IncomingChunk(offer=offer, offset=0, data=data)]))


def test_a_hail_that_differs_is_met_with_a_hello_and_no_bundle_until_the_account_came() -> None:
    node, hub = acquainted()
    run_now(add(hub, "news", 100))
    puppet = Puppet(Role.LISTENER, hub).say(known_hail(node, total_beside=1)).listen()
    assert kinds(puppet.heard) == [Hello]
    own = run_now(node.open_session())
    stream = own.received[0]
    views = (StreamView(stream.incarnation, stream.held, stream.digest),)
    puppet.say(Account(run_now(node.digest(own.incarnation, own.stored)), views, ()))
    assert kinds(puppet.heard)[:2] == [Hello, Whole]
    puppet.say(Account(0, (), ()))
    assert puppet.ending is None, "said again it changes nothing"


def test_what_was_sent_early_behind_a_hail_that_differs_is_kept() -> None:
    node, hub = acquainted()
    run_now(add(node, "more", 100))
    (bundle,) = run_now(node.outgoing(NOTHING))
    offer = Offer(
        handle=1,
        incarnation=None,
        sequence=bundle.offer.sequence,
        bundle_id=bundle.offer.bundle_id,
        seal_tag=bundle.offer.seal_tag,
        priority=bundle.offer.priority,
        dwell_code=0,
        recipient_key=bundle.offer.recipient_key,
        size_bytes=100,
    )
    puppet = Puppet(Role.LISTENER, hub).say(known_hail(node, total_beside=1), offer)
    sealed = run_now(node.read(bundle.offer.sequence, 0, 100))
    puppet.say(b"\x83\x66\x01\x00" + sealed)
    assert hub.holds(bundle.offer.bundle_id)


def test_a_recorded_hail_moves_no_custody() -> None:
    node, hub = acquainted()
    old = known_hail(node)
    for label in ("second", "third"):
        run_now(add(hub, label, 50))
    meet(node, hub)
    before = custody(hub)
    puppet = Puppet(Role.LISTENER, hub).say(old, Idle())
    assert puppet.ending is None
    assert custody(hub) == before


def test_a_hub_that_holds_more_than_the_node_knows_says_so_in_its_answer() -> None:
    node, hub = acquainted()
    run_now(add(node, "unheard", 80))
    (bundle,) = run_now(node.outgoing(NOTHING))
    run_now(node.mark_receipted(2, NOTHING))
    arrive(hub, bundle.offer, 80)
    puppet = Puppet(Role.LISTENER, hub).say(known_hail(node)).listen()
    answer = puppet.heard[0]
    assert isinstance(answer, Answer)
    assert answer.otherwise is not None
    assert answer.otherwise[0] == numbers(1, 2)
    contact = meet(node, hub)
    assert contact.node.session.counters.payload_bytes_sent == 0
    assert run_now(node.outgoing(NOTHING)) == ()


def test_a_node_answers_a_hello_to_its_hail_with_an_account() -> None:
    node, hub = acquainted()
    own = run_now(hub.open_session())
    stream = own.received[0]
    puppet = Puppet(Role.DIALER, node)
    assert kinds(puppet.heard)[0] is Hail
    puppet.say(
        Hello(
            generation=9,
            incarnation=own.incarnation,
            sequence_max=own.sequence_max,
            digest=run_now(hub.digest(own.incarnation, numbers(1))),
            views=(StreamView(stream.incarnation, stream.held, stream.digest),),
            partials=(),
            credit_bytes=1 << 20,
            wall_s=0,
            certainty=hail().manner.certainty,
            stays_open=False,
        )
    )
    (account,) = [frame for frame in puppet.heard if isinstance(frame, Account)]
    node_view = run_now(node.open_session())
    assert account.digest == run_now(node.digest(node_view.incarnation, numbers(1)))
    assert [each.incarnation for each in account.views] == [own.incarnation]
    assert len(encode_frame(account)) < 40


def test_an_unfinished_bundle_goes_on_after_a_short_greeting() -> None:
    node, hub = acquainted()
    run_now(add(node, "photograph", 5000))
    (bundle,) = run_now(node.outgoing(NOTHING))
    arrive(hub, bundle.offer, 3000)
    partials: tuple[PartialBundle, ...] = run_now(hub.open_session()).partials
    assert [len(partial.held) for partial in partials] == [3000]
    run_now(node.mark_receipted(2, NOTHING))
    contact = meet(node, hub)
    assert hub.holds(bundle.offer.bundle_id)
    assert contact.node.session.counters.payload_bytes_sent == 2000


# After one of the two has begun a new life.


def restored(who: str) -> tuple[MemoryStore, MemoryStore]:
    """A node and a hub of which one went back to a backup, without a bundle of its own, and met the other."""
    node, hub = acquainted()
    loser = node if who == "node" else hub
    backup = loser.snapshot()
    run_now(add(loser, "lost", 100))
    meet(node, hub)
    loser.restore(backup)
    meet(node, hub)
    return node, hub


def greeted_in_short(node: MemoryStore, hub: MemoryStore) -> bool:
    contact = meet(node, hub)
    counters = contact.node.session.counters
    return counters.frame_bytes_sent <= 32 and counters.frame_bytes_received <= 12


@pytest.mark.parametrize("who", ["node", "hub"])
@pytest.mark.parametrize("adds", [False, True])
def test_after_a_restore_they_say_everything_once_more_and_then_greet_in_short(who: str, adds: bool) -> None:
    node, hub = restored(who)
    if adds:
        run_now(add(node, "of the new life", 100))
        run_now(add(hub, "an answer", 100))
    assert not greeted_in_short(node, hub)
    assert [greeted_in_short(node, hub) for _ in range(3)] == [True, True, True]
    for label in ("after that", "and again"):
        run_now(add(node, label, 100))
        meet(node, hub)
        assert hub.holds(bundle_id_of(label))
        assert greeted_in_short(node, hub)


@pytest.mark.parametrize("who", ["node", "hub"])
def test_what_a_peer_loses_of_a_life_that_was_settled_is_sent_again(who: str) -> None:
    node, hub = restored(who)
    sender, holder = (node, hub) if who == "node" else (hub, node)
    before = holder.snapshot()
    del (
        before.streams[next(iter(before.streams))],
        before.rows[bundle_id_of("up" if who == "node" else "down")],
    )
    for _ in range(3):
        meet(node, hub)
    assert greeted_in_short(node, hub)
    holder.restore(before)
    contact = meet(node, hub)
    ends = {id(contact.node.store): contact.node, id(contact.hub.store): contact.hub}
    assert ends[id(sender)].events_of(BundlesLost) != []


def test_bytes_of_a_life_that_ended_keep_nobody_from_greeting_in_short() -> None:
    node, hub = acquainted()
    (stray,) = stray_bundle()
    offer = replace(stray.offer, incarnation=Incarnation(b"gone"))
    run_now(hub.persist([IncomingChunk(offer=offer, offset=0, data=sealed_of("of a twin", 60)[:20])]))
    assert [len(partial.held) for partial in run_now(hub.open_session()).partials] == [20]
    assert greeted_in_short(node, hub)


def test_a_hail_in_vain_is_the_only_one() -> None:
    """The hub holds another life of the node's, of which the node knows nothing."""
    node, hub = acquainted()
    (stray,) = stray_bundle()
    offer = replace(stray.offer, incarnation=Incarnation(b"twin"))
    run_now(hub.persist([IncomingChunk(offer=offer, offset=0, data=sealed_of("of a twin", 60))]))
    assert not greeted_in_short(node, hub)
    meet(node, hub)
    assert [greeted_in_short(node, hub) for _ in range(2)] == [True, True]


def stray_bundle() -> tuple[OutgoingBundle, ...]:
    twin = new_store(9)
    run_now(add(twin, "of a twin", 60))
    return run_now(twin.outgoing(NOTHING))


def test_a_replayed_hail_of_before_a_restore_is_not_confirmed() -> None:
    node, hub = acquainted()
    old = known_hail(node)
    backup = node.snapshot()
    run_now(add(node, "lost", 100))
    meet(node, hub)
    node.restore(backup)
    for _ in range(3):
        meet(node, hub)
    before = custody(hub)
    puppet = Puppet(Role.LISTENER, hub).say(old, Idle()).listen()
    assert kinds(puppet.heard)[0] is Hello
    assert custody(hub) == before
