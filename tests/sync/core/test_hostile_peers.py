"""A peer that holds the pair's secret and breaks every rule: the session ends, custody is untouched."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.advice import Await, Rekey, Return, Returning, Safe
from protocol.channel import DialerChannel, DialerPreamble, ListenerChannel
from protocol.frames import (
    Bye,
    Data,
    DigestAsk,
    DigestTell,
    Frame,
    Have,
    Idle,
    Kept,
    Offer,
    RefusalReason,
    Refused,
    Stored,
    Whole,
)
from protocol.framing import FrameDecoder, encode_frame
from protocol.header import Priority
from protocol.hello import Account, Hello, Manner, PartialView, StreamView
from protocol.ids import BundleId, Incarnation, SealTag, seal_tag_of
from protocol.limits import SESSION_CREDIT_BYTES
from protocol.ranges import RangeSet
from protocol.short_hello import Answer, Hail
from protocol.stamps import Certainty
from sync.core import (
    Ending,
    Event,
    ForkSeen,
    RekeyAsked,
    Role,
    SafeReported,
    Session,
    SessionEnded,
    SessionTerms,
)
from sync.core.intake import FRAGMENTS_MAX
from sync.core.reconcile import DIFFERING_SETS_MAX
from sync.core.wire import FRAMES_PER_RECORD_MAX
from sync.performance import perform
from sync.ports import PARTIALS_MAX
from sync.stores import MemoryState, MemoryStore

from ..stores.contract import add, numbers, receive
from .simulated_contact import PAIR, SECRET, new_store, run_now

THEIRS = Incarnation(b"them")
PREAMBLE = DialerPreamble(PAIR, b"dialer salt.")
LISTENER_SALT = b"listener sal"
NOTHING = RangeSet()
SEAL = SealTag(b"seal")


class Puppet:
    """One real session whose peer says whatever a test wants, sealed as it should be."""

    def __init__(
        self,
        role: Role = Role.LISTENER,
        store: MemoryStore | None = None,
        floor: Priority = Priority.BULK,
    ) -> None:
        self.store = store or new_store(1)
        self.events: list[Event] = []
        self.heard: list[Frame] = []
        dialer = DialerChannel(SECRET, PAIR, PREAMBLE.salt)
        listener = ListenerChannel(SECRET, PREAMBLE, LISTENER_SALT)
        self.peer: DialerChannel | ListenerChannel = dialer if role is Role.LISTENER else listener
        ours = listener if role is Role.LISTENER else dialer
        terms = SessionTerms(credit_bytes=SESSION_CREDIT_BYTES, floor=floor)
        self.session = Session(role=role, channel=ours, terms=terms, now=0.0)
        self._decoder = FrameDecoder()
        self._clear_bytes = 17 if role is Role.DIALER else 0
        self._unread = b""
        self._is_deaf = role is Role.LISTENER
        self.settle()
        if role is Role.DIALER:
            self.session.receive(listener.greeting, 0.0)

    def say(self, *frames: Frame | bytes) -> Puppet:
        plain = b"".join(frame if isinstance(frame, bytes) else encode_frame(frame) for frame in frames)
        self.session.receive(self.peer.seal(plain), 1.0)
        return self.settle()

    def settle(self) -> Puppet:
        while True:
            effects = self.session.effects()
            for effect in effects:
                self.session.completed(effect, run_now(perform(self.store, effect)), 1.0)
            data = self.session.outgoing(1.0)
            # The dialer's preamble is read by whoever answers the call, not by the channel.
            skipped, self._clear_bytes = data[self._clear_bytes :], max(0, self._clear_bytes - len(data))
            self._unread += skipped
            if not effects and not data:
                break
        self.events += self.session.events()
        return self if self._is_deaf else self.listen()

    def listen(self) -> Puppet:
        """Read what the session said; a dialer that has done so speaks under fresh keys from then on."""
        self._is_deaf = False
        for opened in self.peer.receive(self._unread):
            self.heard += self._decoder.feed(opened.plaintext)
        self._unread = b""
        return self

    @property
    def ending(self) -> SessionEnded | None:
        return next((event for event in self.events if isinstance(event, SessionEnded)), None)

    def assert_refused(self, complaint: str) -> None:
        assert self.ending is not None, "the session went on"
        assert self.ending.ending is Ending.PEER_AT_FAULT
        assert complaint in self.ending.reason
        assert self.session.finished
        assert self.session.deadline() is None


def hello(views: tuple[StreamView, ...] = (), partials: tuple[PartialView, ...] = ()) -> Hello:
    return Hello(
        generation=1,
        incarnation=THEIRS,
        sequence_max=0,
        digest=0,
        views=views,
        partials=partials,
        credit_bytes=SESSION_CREDIT_BYTES,
        wall_s=0,
        certainty=Certainty.UNSET,
        stays_open=False,
    )


def hail(total: int = 0, stored: RangeSet = NOTHING, held: RangeSet = NOTHING) -> Hail:
    return Hail(
        generation=1,
        incarnation=THEIRS,
        stored=stored,
        sequence_max=9,
        held=held,
        total=total,
        partials=(),
        credit_bytes=SESSION_CREDIT_BYTES,
        minutes=0,
        manner=Manner(Certainty.UNSET, stays_open=False),
    )


def answer(incarnation: Incarnation | None = THEIRS) -> Answer:
    return Answer(
        incarnation=incarnation,
        sequences_ahead=0,
        minutes_ahead=0,
        otherwise=None,
        partials=(),
        credit_bytes=SESSION_CREDIT_BYTES,
        manner=Manner(Certainty.UNSET, stays_open=False),
    )


def offer(
    handle: int = 1,
    sequence: int = 1,
    size_bytes: int = 1000,
    label: bytes = b"bundle",
    seal_tag: SealTag = SEAL,
) -> Offer:
    return Offer(
        handle=handle,
        incarnation=None,
        sequence=sequence,
        bundle_id=BundleId(label.ljust(8, b".") + sequence.to_bytes(4, "big")),
        seal_tag=seal_tag,
        priority=Priority.ROUTINE,
        dwell_code=0,
        recipient_key=b"k1",
        size_bytes=size_bytes,
    )


def whole(sequence: int = 1, data: bytes = b"x") -> Whole:
    named = offer(sequence=sequence)
    return Whole(
        incarnation=None,
        sequence=sequence,
        bundle_id=named.bundle_id,
        priority=named.priority,
        dwell_code=0,
        recipient_key=b"k1",
        data=data,
    )


def custody(store: MemoryStore) -> MemoryState:
    state = store.snapshot()
    state.generation = 0
    return state


@pytest.mark.parametrize(
    ("frames", "complaint"),
    [
        ([offer()], "before it greeted"),
        ([hello(), hello()], "greeted twice"),
        ([hello(), Data(1, 0, b"x")], "never offered"),
        ([hello(), offer(), Data(2, 0, b"x")], "never offered"),
        ([hello(), offer(), Data(1, 999, b"xy")], "beyond the end"),
        ([hello(), offer(), offer(sequence=2)], "two bundles"),
        ([hello(), hail()], "greeted twice"),
        ([answer()], "first flight"),
        ([hail(), Account(0, (), ())], "first flight"),
        ([hello(), Stored(THEIRS, numbers(1))], "first flight"),
        ([hello(), Bye()], "first flight"),
        ([hello(), Have(1, numbers(1))], "first flight"),
        ([hello(), b"\xf0\x00"], "must be understood"),
        ([hello(), b"\x83\xff\xff\xff"], "length"),
        ([b"\x81\x01\x02"], "version"),
        ([hello(), *(offer(handle, handle) for handle in range(1, PARTIALS_MAX + 2))], "unfinished"),
        ([hello(), *(whole(number) for number in range(1, PARTIALS_MAX + 2))], "unfinished"),
        ([hello(), *(whole(number, bytes(30_000)) for number in (1, 2, 3))], "credit"),
        ([whole()], "before it greeted"),
        (
            [hello(), offer(size_bytes=10**6), *(Data(1, at, bytes(30_000)) for at in (0, 30_000, 60_000))],
            "credit",
        ),
        ([hello(), offer(), *(Data(1, 2 * piece, b"x") for piece in range(FRAGMENTS_MAX + 1))], "pieces"),
        ([hello(), *[Idle()] * (FRAMES_PER_RECORD_MAX + 1)], "into one record"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_dialer_that_breaks_a_rule_is_cut_off_and_changes_nothing(
    frames: list[Frame | bytes], complaint: str
) -> None:
    puppet = Puppet()
    before = custody(puppet.store)
    puppet.say(*frames).assert_refused(complaint)
    assert custody(puppet.store) == before


def test_bytes_without_the_secret_end_the_session() -> None:
    puppet = Puppet()
    puppet.session.receive(b"\x00\x20" + bytes(32), 1.0)
    puppet.settle().assert_refused("altered")
    assert puppet.store.snapshot().generation == 0


def test_a_change_of_keys_inside_a_frame_is_refused() -> None:
    puppet = Puppet()
    puppet.say(hello(), b"\x83")
    puppet.listen().say(b"\x01x").assert_refused("middle of a frame")


def test_a_listener_that_speaks_before_it_greets_is_refused() -> None:
    Puppet(Role.DIALER).say(Idle()).assert_refused("before it greeted")


def test_a_dialer_is_not_hailed() -> None:
    Puppet(Role.DIALER).say(hail()).assert_refused("only the other end")


def test_an_answer_that_cannot_follow_our_hail_is_refused() -> None:
    Puppet(Role.DIALER).say(answer(None)).assert_refused("cannot follow")


def test_a_listener_that_greets_before_our_custody_is_open_is_refused() -> None:
    """Our preamble is out before our hello; a peer that jumps at it must not be taken for one in turn."""
    dialer = DialerChannel(SECRET, PAIR, PREAMBLE.salt)
    listener = ListenerChannel(SECRET, PREAMBLE, LISTENER_SALT)
    session = Session(role=Role.DIALER, channel=dialer, terms=SessionTerms(), now=0.0)
    store = new_store(1)
    effects = session.effects()
    session.receive(listener.greeting + listener.seal(encode_frame(hello())), 1.0)
    for effect in effects:
        session.completed(effect, run_now(perform(store, effect)), 1.0)
    ended = [event for event in session.events() if isinstance(event, SessionEnded)]
    assert [event.ending for event in ended] == [Ending.PEER_AT_FAULT]
    assert "turn" in ended[0].reason
    assert session.finished


def test_endless_questions_are_refused() -> None:
    puppet = Puppet(Role.DIALER)
    asks = [DigestAsk(THEIRS, numbers(number)) for number in range(1, DIFFERING_SETS_MAX + 2)]
    puppet.say(hello(), *asks).assert_refused("comparisons")


def test_unasked_answers_receipts_and_refusals_change_nothing() -> None:
    store = new_store(1)
    run_now(add(store, "ours", 5000))
    incarnation = run_now(store.open_session()).incarnation
    puppet = Puppet(Role.DIALER, store)
    before = custody(store)
    puppet.say(
        hello(),
        DigestTell(incarnation, numbers(1), 7),
        Stored(THEIRS, numbers(1)),
        Stored(incarnation, RangeSet(((2, 1000),))),
        Have(77, numbers(1)),
        Refused(incarnation, 9, RefusalReason.CORRUPT),
        Refused(THEIRS, 1, RefusalReason.CORRUPT),
        b"\x55\x02hi",
    )
    assert puppet.ending is None
    assert custody(store) == before
    assert puppet.session.counters.frames_skipped == 1


@pytest.mark.parametrize(("came", "ending"), [(b"xy", Ending.DONE), (b"x", Ending.PARTED)])
def test_a_goodbye_in_the_middle_of_a_bundle_is_not_the_end_of_all(came: bytes, ending: Ending) -> None:
    puppet = Puppet(Role.DIALER).say(hello(), offer(seal_tag=seal_tag_of(b"xy"), size_bytes=2))
    puppet.say(Data(1, 0, came), Idle()).say(Bye())
    assert puppet.ending is not None
    assert puppet.ending.ending is ending


def test_progress_told_with_the_last_breath_is_kept() -> None:
    store = new_store(1)
    run_now(add(store, "ours", 3000))
    puppet = Puppet(Role.DIALER, store)
    puppet.say(hello())
    puppet.say(Have(1, RangeSet.whole(1024)), Bye())
    assert puppet.ending is not None
    assert puppet.ending.ending is Ending.PARTED
    (pending,) = run_now(store.outgoing(RangeSet()))
    assert pending.receipted == RangeSet.whole(1024)


def test_advice_about_keys_and_backups_is_passed_on() -> None:
    puppet = Puppet(Role.DIALER)
    puppet.say(hello(), Rekey(THEIRS, 3, b"k9"), Safe(THEIRS, numbers(1, 8)))
    assert RekeyAsked(THEIRS, 3, b"k9") in puppet.events
    assert SafeReported(THEIRS, numbers(1, 8)) in puppet.events


def test_late_bytes_of_a_finished_bundle_are_only_counted() -> None:
    store = new_store(1)
    puppet = Puppet(Role.LISTENER, store)
    puppet.say(hello(), offer(size_bytes=2), Data(1, 0, b"no")).listen()
    assert any(isinstance(frame, Refused) and frame.reason is RefusalReason.CORRUPT for frame in puppet.heard)
    puppet.say(Data(1, 0, b"no"))
    assert puppet.ending is None
    assert puppet.session.counters.duplicate_bytes_received == 2
    assert run_now(store.open_session()).partials == ()


class TestReplayedFirstFlights:
    """A recording of a first flight is authentic, only old: it may not move custody."""

    def listener_with_history(self) -> tuple[MemoryStore, Incarnation]:
        store = new_store(1)
        run_now(add(store, "reply one", 100))
        run_now(add(store, "reply two", 100))
        run_now(receive(store, "from the node", 80, 1))
        run_now(store.mark_stored(numbers(1, 2)))
        return store, run_now(store.open_session()).incarnation

    @pytest.mark.parametrize("digest", [0, 1])
    def test_an_old_hello_loses_nothing_and_renews_nothing(self, digest: int) -> None:
        store, incarnation = self.listener_with_history()
        before = custody(store)
        old = hello(views=(StreamView(incarnation, numbers(1, 2), digest),))
        Puppet(Role.LISTENER, store).say(old)
        Puppet(Role.LISTENER, store).say(hello())
        Puppet(Role.LISTENER, store).say(hello(views=(StreamView(incarnation, numbers(1, 9), 0),)))
        assert custody(store) == before

    def test_it_gets_at_most_a_first_window_out_of_us(self) -> None:
        store = new_store(1)
        run_now(add(store, "long reply", 50_000))
        puppet = Puppet(Role.LISTENER, store).say(hello()).listen()
        assert 0 < sum(len(frame.data) for frame in puppet.heard if isinstance(frame, Data)) <= 4096

    def test_an_old_hello_accuses_nobody_of_a_restore_until_it_is_proven_fresh(self) -> None:
        store = new_store(1)
        Puppet(Role.LISTENER, store).say(replace(hello(), sequence_max=2), whole(1), whole(2))
        puppet = Puppet(Role.LISTENER, store).say(replace(hello(), sequence_max=1))
        assert not [event for event in puppet.events if isinstance(event, ForkSeen)]
        puppet.listen().say(Idle())
        assert [event.ours for event in puppet.events if isinstance(event, ForkSeen)] == [False]

    def test_the_same_words_proven_fresh_do_count(self) -> None:
        store, _ = self.listener_with_history()
        puppet = Puppet(Role.LISTENER, store).say(hello())
        assert run_now(store.outgoing(RangeSet())) == ()
        puppet.listen().say(Idle())
        assert [bundle.offer.sequence for bundle in run_now(store.outgoing(RangeSet()))] == [1, 2]


FRAMES = st.one_of(
    st.just(hello()),
    st.builds(offer, st.integers(0, 4), st.integers(1, 4), st.sampled_from([1, 50, 1000])),
    st.builds(Data, st.integers(0, 4), st.integers(0, 60), st.binary(min_size=1, max_size=60)),
    st.builds(whole, st.integers(1, 4), st.binary(min_size=1, max_size=60)),
    st.just(Await()),
    st.builds(Return, st.just(THEIRS), st.just(numbers(1, 2))),
    st.builds(Returning, st.sampled_from([THEIRS, Incarnation(b"else")]), st.just(numbers(1, 2))),
    st.builds(
        Safe,
        st.sampled_from([THEIRS, Incarnation(b"else")]),
        st.builds(RangeSet.whole, st.integers(0, 4)),
    ),
    st.builds(Have, st.integers(0, 4), st.just(numbers(0, 1, 2))),
    st.builds(Stored, st.sampled_from([THEIRS, Incarnation(b"else")]), st.just(numbers(1, 2))),
    st.builds(DigestAsk, st.just(THEIRS), st.just(numbers(1, 2))),
    st.builds(DigestTell, st.just(THEIRS), st.just(numbers(1)), st.integers(0, 3)),
    st.builds(Refused, st.just(THEIRS), st.integers(0, 3), st.sampled_from(RefusalReason)),
    st.builds(hail, st.sampled_from([0, 1, 2**64 - 1])),
    st.builds(answer, st.sampled_from([None, THEIRS])),
    st.builds(Account, st.integers(0, 3), st.just((StreamView(THEIRS, numbers(1), 7),)), st.just(())),
    st.builds(Kept, st.integers(2, 4), st.integers(1, 3)),
    st.just(Idle()),
    st.just(Bye()),
    st.binary(max_size=12),
)


@given(st.sampled_from(Role), st.lists(FRAMES, max_size=12))
def test_no_sequence_of_frames_escapes_as_an_exception_or_touches_what_is_ours(
    role: Role, frames: list[Frame | bytes]
) -> None:
    store = new_store(1)
    run_now(add(store, "ours", 3000))
    puppet = Puppet(role, store)
    for frame in [hello(), *frames]:
        puppet.say(frame)
    puppet.listen()
    assert len(run_now(store.outgoing(RangeSet()))) == 1
    assert puppet.session.deadline() is None or puppet.ending is None


def test_partials_of_no_use_are_passed_over() -> None:
    store = new_store(1)
    run_now(add(store, "ours", 3000))
    incarnation = run_now(store.open_session()).incarnation
    view = StreamView(incarnation, RangeSet(), 0)
    partials = (
        PartialView(incarnation, 1, SealTag(b"else"), RangeSet(((0, 3000),))),
        PartialView(incarnation, 5, SealTag(b"none"), RangeSet(((0, 3000),))),
    )
    puppet = Puppet(Role.LISTENER, store).say(hello(views=(view,), partials=partials)).listen()
    assert sum(len(frame.data) for frame in puppet.heard if isinstance(frame, Data)) == 3000
