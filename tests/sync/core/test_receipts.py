"""Receipts travel with what leaves anyhow, and never later than somebody needs them."""

from __future__ import annotations

import pytest

from protocol.advice import Await
from protocol.bare_channel import BareChannel, encode_message
from protocol.channel import DialerChannel, ListenerChannel, Phase
from protocol.frames import Data, Frame, Have, Idle, RefusalReason, Refused, Stored
from protocol.framing import FrameDecoder, encode_frame
from protocol.header import Priority
from protocol.hello import Hello
from protocol.ranges import RangeSet
from sync.core import BundleReceived, BundleSent, Effect, LinkMemory, Persist, Role, Session, SessionTerms
from sync.core.receipts import HELD_BACK_S, URGENT_HELD_BACK_S, Receipts
from sync.performance import perform
from sync.ports import PARTIALS_MAX, Rank
from sync.stores import MemoryStore

from ..stores.contract import add, numbers
from .simulated_contact import PAIR, SECRET, Conditions, Contact, meet, new_store, run_now
from .test_hostile_peers import LISTENER_SALT, PREAMBLE, THEIRS, Puppet, hello, offer

THIN = Conditions(rate_bit_s=2400, delay_s=0.75)
THIN_MEMORY = LinkMemory(300.0, 1.5)
HALF, WHOLE = RangeSet.whole(50), RangeSet.whole(100)


def told(receipts: Receipts, now: float, *, more_may_come: bool = False) -> list[Frame]:
    return receipts.take() if receipts.is_due(now, more_may_come=more_may_come) else []


class TestWhenTheyLeave:
    def test_what_nobody_waits_for_is_held_back_so_long_and_no_longer(self) -> None:
        receipts = Receipts()
        receipts.progress(1, HALF, 10.0)
        receipts.progress(1, WHOLE, 12.0)
        assert receipts.due_at == 10.0 + HELD_BACK_S
        assert told(receipts, 10.0 + HELD_BACK_S - 0.01) == []
        assert told(receipts, 10.0 + HELD_BACK_S) == [Have(1, WHOLE)]
        assert receipts.due_at is None
        assert told(receipts, 1e9) == []

    def test_of_what_is_urgent_it_is_told_sooner(self) -> None:
        receipts = Receipts()
        receipts.progress(1, HALF, 10.0)
        receipts.stored(THEIRS, numbers(1), 10.5, is_urgent=True)
        assert receipts.due_at == 10.5 + URGENT_HELD_BACK_S

    def test_a_peer_that_waits_is_told_at_once(self) -> None:
        receipts = Receipts()
        receipts.hurry()  # There was nothing to tell; the next word may wait again.
        receipts.progress(1, HALF, 0.0)
        assert told(receipts, 0.0) == []
        receipts.hurry()
        assert told(receipts, 0.0) == [Have(1, HALF)]

    def test_a_peer_that_has_no_more_is_told_when_all_of_it_has_come(self) -> None:
        receipts = Receipts()
        receipts.peer_is_idle()
        receipts.stored(THEIRS, numbers(1), 0.0)
        assert told(receipts, 0.0, more_may_come=True) == []
        assert told(receipts, 0.0) == [Stored(THEIRS, numbers(1))]
        receipts.peer_goes_on()
        receipts.stored(THEIRS, numbers(2), 0.0)
        assert told(receipts, 0.0) == []

    def test_one_word_covers_what_came_meanwhile_and_none_is_said_of_what_is_done(self) -> None:
        receipts = Receipts()
        receipts.progress(1, HALF, 0.0)
        receipts.progress(2, HALF, 0.0)
        receipts.done(1)
        receipts.stored(THEIRS, numbers(1), 0.0)
        receipts.stored(THEIRS, numbers(2, 3), 0.0)
        assert receipts.take() == [Have(2, HALF), Stored(THEIRS, numbers(1, 2, 3))]

    def test_what_is_final_may_go_ahead_of_progress(self) -> None:
        receipts = Receipts()
        receipts.progress(2, HALF, 1.0)
        receipts.stored(THEIRS, numbers(1), 1.0)
        assert receipts.take_final() == [Stored(THEIRS, numbers(1))]
        assert receipts.due_at == 1.0 + HELD_BACK_S
        assert receipts.take() == [Have(2, HALF)]


def thinly(node: MemoryStore, hub: MemoryStore) -> Contact:
    return meet(node, hub, up=THIN, down=THIN, node_memory=THIN_MEMORY)


class TestWhatTheySpare:
    def test_a_consult_on_a_thin_link_costs_few_records_of_the_hub(self) -> None:
        """Greeting; hello with its own bundle; stored; goodbye. Progress has no record of its own."""
        node, hub = new_store(1), new_store(2)
        run_now(add(node, "consult", 2000))
        run_now(add(hub, "reply", 200))
        contact = thinly(node, hub)
        assert len(contact.hub.sent_records) <= 4
        counters = contact.node.session.counters
        assert counters.link_bytes_sent + counters.link_bytes_received <= 2200 + 360

    def test_small_bundles_that_come_together_are_receipted_together(self) -> None:
        node, hub = new_store(1), new_store(2)
        for number in range(5):
            run_now(add(node, f"note {number}", 300))
        contact = thinly(node, hub)
        assert len(contact.hub.sent_records) <= 4
        assert len(contact.node.events_of(BundleSent)) == 5

    def test_an_emergency_is_known_to_have_arrived_although_a_photograph_follows(self) -> None:
        node, hub = new_store(1), new_store(2)
        run_now(add(node, "photo", 60_000, priority=Priority.BULK))
        run_now(add(node, "alarm", 300, priority=Priority.EMERGENCY, rank=Rank.HEADLINE))
        contact = Contact(node, hub, up=THIN, down=THIN, node_memory=THIN_MEMORY).run(until=60.0)
        arrived_at = contact.hub.times_of(BundleReceived)[0]
        known_at = contact.node.times_of(BundleSent)[0]
        assert known_at - arrived_at < URGENT_HELD_BACK_S + THIN.delay_s + 0.5

    @pytest.mark.parametrize("rate_bit_s", [2400, 64_000, 2_000_000])
    def test_nothing_is_held_back_from_a_sender_whose_window_is_full(self, rate_bit_s: float) -> None:
        node, hub = new_store(1), new_store(2)
        seconds = 60
        size_bytes = int(rate_bit_s / 8 * seconds)
        run_now(add(node, "photo", size_bytes))
        conditions = Conditions(rate_bit_s=rate_bit_s, delay_s=0.3)
        contact = meet(node, hub, up=conditions, down=conditions, node_memory=LinkMemory(rate_bit_s / 8, 0.6))
        assert contact.hub.times_of(BundleReceived)[0] < seconds * 1.06 + 0.6

    def test_more_bundles_than_may_be_unfinished_flow_without_a_pause(self) -> None:
        node, hub = new_store(1), new_store(2)
        for number in range(3 * PARTIALS_MAX):
            run_now(add(node, f"note {number}", 10))
        fast = Conditions(rate_bit_s=10_000_000, delay_s=0.05)
        contact = meet(node, hub, up=fast, down=fast, node_memory=LinkMemory(1_250_000.0, 0.1))
        assert contact.hub.times_of(BundleReceived)[-1] < HELD_BACK_S


class TestWaiting:
    """A listener that is told nothing of who waits, and one that is."""

    @pytest.fixture
    def puppet(self) -> Puppet:
        return Puppet(Role.LISTENER, new_store(1)).say(hello()).listen()

    def receipts_of(self, puppet: Puppet) -> list[Frame]:
        return [frame for frame in puppet.heard if isinstance(frame, Have | Stored)]

    def test_progress_that_nobody_asked_for_waits(self, puppet: Puppet) -> None:
        puppet.say(offer(), Data(1, 0, bytes(10)))
        assert self.receipts_of(puppet) == []
        assert puppet.session.deadline() == 1.0 + HELD_BACK_S
        puppet.session.wake(1.0 + HELD_BACK_S)
        assert self.receipts_of(puppet.settle()) == [Have(1, RangeSet.whole(10))]

    def test_who_awaits_it_hears_of_all_that_it_sent_before(self, puppet: Puppet) -> None:
        puppet.say(offer(), Data(1, 0, bytes(10)), Await(), Data(1, 10, bytes(5)))
        assert self.receipts_of(puppet) == [Have(1, RangeSet.whole(15))]

    def test_awaiting_again_when_all_was_told_changes_nothing(self, puppet: Puppet) -> None:
        puppet.say(offer(), Data(1, 0, bytes(10)), Await())
        puppet.say(Await())
        assert len(self.receipts_of(puppet)) == 1
        puppet.say(Data(1, 10, bytes(5)))
        assert len(self.receipts_of(puppet)) == 1

    def test_awaiting_late_brings_what_was_held_back(self, puppet: Puppet) -> None:
        puppet.say(offer(), Data(1, 0, bytes(10)))
        puppet.say(Await())
        assert self.receipts_of(puppet) == [Have(1, RangeSet.whole(10))]

    def test_an_offer_without_bytes_is_answered_when_its_sender_waits(self, puppet: Puppet) -> None:
        puppet.say(offer())
        assert self.receipts_of(puppet) == []
        puppet.say(offer(2, 2), Await())
        assert self.receipts_of(puppet) == [Have(1, RangeSet()), Have(2, RangeSet())]

    def test_an_idle_peer_is_not_told_of_progress(self, puppet: Puppet) -> None:
        """All its bytes are under way: word of some of them would help it to nothing."""
        puppet.say(offer(), Data(1, 0, bytes(10)), Idle())
        assert self.receipts_of(puppet) == []

    def test_goodbye_takes_along_what_is_held_back(self, puppet: Puppet) -> None:
        puppet.say(offer(), Data(1, 0, bytes(10)))
        puppet.session.part("for the test", 1.0)
        puppet.settle()
        assert [type(frame).__name__ for frame in puppet.heard[-2:]] == ["Have", "Bye"]


def test_the_first_answer_waits_for_what_came_with_the_call() -> None:
    """Hello and receipt in one record, since the disk takes less time than a record costs."""
    store = new_store(1)
    dialer = DialerChannel(SECRET, PAIR, PREAMBLE.salt)
    listener = ListenerChannel(SECRET, PREAMBLE, LISTENER_SALT)
    session = Session(role=Role.LISTENER, channel=listener, terms=SessionTerms(), now=0.0)
    call = (hello(), offer(size_bytes=2), Data(1, 0, b"no"), Idle())
    session.receive(dialer.seal(b"".join(encode_frame(frame) for frame in call)), 0.0)
    said: list[bytes] = []
    while not said:
        # As the driver does: speak if that is allowed, else let custody do what it was asked.
        if session.may_speak and (data := session.outgoing(0.0)):
            said.append(data)
        for effect in session.effects() if not said else []:
            session.completed(effect, run_now(perform(store, effect)), 0.0)
    heard = [frame for opened in dialer.receive(said[0]) for frame in FrameDecoder().feed(opened.plaintext)]
    assert [type(frame) for frame in heard] == [Hello, Refused, Idle]


class Called:
    """A listener over a link that seals by itself, whose custody takes its time when a test wants that."""

    def __init__(self) -> None:
        self._store = new_store(1)
        self.session = Session(role=Role.LISTENER, channel=BareChannel(), terms=SessionTerms(), now=0.0)
        self.hear(hello())
        self.finish(*self.session.effects())
        self.said()

    def hear(self, *frames: Frame) -> None:
        words = b"".join(encode_frame(frame) for frame in frames)
        self.session.receive(encode_message(Phase.FRESH, words), 0.0)

    def finish(self, *effects: Effect) -> None:
        for effect in effects:
            self.session.completed(effect, run_now(perform(self._store, effect)), 0.0)
        if more := self.session.effects() if effects and not isinstance(effects[0], Persist) else []:
            self.finish(*more)

    def said(self) -> list[Frame]:
        return list(FrameDecoder().feed(self.session.outgoing(0.0)))


def test_a_peer_that_never_pauses_is_answered_between_two_batches() -> None:
    called = Called()
    called.hear(offer(size_bytes=100), Data(1, 0, bytes(10)), Await())
    (first,) = called.session.effects()
    called.hear(Data(1, 10, bytes(10)), Await())
    called.finish(first)
    assert called.said() == [Have(1, RangeSet.whole(10))]
    assert [type(effect) for effect in called.session.effects()] == [Persist]


def test_one_word_tells_of_what_is_being_made_durable_too() -> None:
    called = Called()
    called.hear(offer(size_bytes=10), Data(1, 0, bytes(5)))
    called.finish(*called.session.effects())
    called.hear(Data(1, 5, bytes(5)), Await(), Idle())
    assert called.said() == []
    called.finish(*called.session.effects())
    assert called.said()[0] == Refused(THEIRS, 1, RefusalReason.CORRUPT)
