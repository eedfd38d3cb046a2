"""An urgent text on a thin link is asked about before its silence means that the link is dark."""

from __future__ import annotations

import pytest

from protocol.channel import DialerPreamble
from protocol.datagram_parts import Ping, encode_parts
from protocol.datagrams import SALT_BYTES, DialerSeal, ListenerSeal
from protocol.frames import Data
from protocol.framing import encode_frame
from protocol.header import Priority
from sync.links.datagram_flight import Flight
from sync.links.datagram_transport import DatagramTransport
from sync.links.rate_memory import RateMemory

from .datagram_contact import Contact, add, contact, new_store
from .datagram_overtaking import DELAY_S, OWN_S, RATE_BIT_S, TEXT_BYTES
from .lossy_link import PAIR, SECRET, Conditions

VOICE_BAND = Conditions(rate_bit_s=RATE_BIT_S, delay_s=DELAY_S)
SMALL_BYTES = 64
"""A datagram that asks, and says hardly more."""
ROUND_TRIP_S = 2 * DELAY_S


def told(priority: Priority, link: Conditions = VOICE_BAND) -> Contact:
    """A node that has met its hub before has nothing but a text."""
    node, hub = new_store(1), new_store(2)
    add(node, TEXT_BYTES, seed=3, priority=priority)
    return contact(node, hub, link)


def asked_at(met: Contact) -> list[float]:
    return [at for at, size in met.node.line.sent if size <= SMALL_BYTES]


def test_right_behind_an_emergency_a_small_datagram_asks() -> None:
    met = told(Priority.EMERGENCY).run(until=60)
    assert asked_at(met)[0] == pytest.approx(met.node.line.sent[0][1] * 8 / RATE_BIT_S, abs=0.1)


@pytest.mark.parametrize("priority", [Priority.URGENT, Priority.ROUTINE])
def test_any_other_text_pays_for_no_such_datagram_where_nothing_is_lost(priority: Priority) -> None:
    met = told(priority).run(until=60)
    assert len(met.node.line.sent) == 1


def test_a_lone_urgent_text_that_was_lost_is_asked_about_as_soon_as_its_answer_is_late() -> None:
    met = told(Priority.URGENT, Conditions(rate_bit_s=RATE_BIT_S, delay_s=DELAY_S, deaf=((0.0, 0.1),)))
    met.run(until=60)
    assert OWN_S + ROUND_TRIP_S < asked_at(met)[0] < OWN_S + ROUND_TRIP_S + 2.0


def test_on_a_link_that_is_not_thin_a_text_is_not_asked_about() -> None:
    met = told(Priority.EMERGENCY, Conditions(rate_bit_s=64_000, delay_s=DELAY_S)).run(until=60)
    assert len(met.node.line.sent) == 1


def test_a_caller_who_has_not_been_answered_says_with_the_question_who_it_is() -> None:
    """Else a hub that never saw the text could not tell whose question that is."""
    met = told(Priority.EMERGENCY, Conditions(rate_bit_s=RATE_BIT_S, delay_s=DELAY_S, deaf=((0.0, 0.1),)))
    met.run(until=8.0)
    assert met.hub.line.sent
    assert met.hub.line.sent[0][0] < asked_at(met)[0] + DELAY_S + 1.0


def test_a_flight_knows_the_last_urgent_text_until_it_is_settled() -> None:
    flight = Flight(0.0)
    for number, urgency in enumerate((None, Priority.URGENT, Priority.EMERGENCY, None)):
        flight.launch(
            number, 100, (Ping(),), 0.1 * number, asks=False, limited=False, rate_bytes_s=300, urgency=urgency
        )
    assert flight.latest_asking is None
    for number in (2, 1):
        text = flight.latest_urgent
        assert text is not None
        assert text.number == number
        flight.lose(text)
    assert flight.latest_urgent is None


def test_a_flight_that_is_given_up_holds_no_urgent_text() -> None:
    flight = Flight(0.0)
    flight.launch(
        0, 100, (Ping(),), 0.0, asks=True, limited=False, rate_bytes_s=300, urgency=Priority.EMERGENCY
    )
    flight.clear()
    assert flight.latest_urgent is None


@pytest.mark.parametrize("questions", range(1, 40))
def test_a_listener_that_was_only_asked_answers_and_then_waits(questions: int) -> None:
    """Three times that is too little for more than a word or two; nothing is due until the caller goes on."""
    salt = bytes(SALT_BYTES)
    question = DialerSeal(SECRET, PAIR, salt).seal(0, -1, encode_parts([Ping()] * questions), asks=True)
    seal = ListenerSeal(SECRET, DialerPreamble(PAIR, salt), bytes(SALT_BYTES))
    listener = DatagramTransport(seal, RateMemory(2750.0, 0.9), 0.0, is_dialer=False)
    listener.receive(question, 0.0)
    said: list[bytes] = []
    for step in range(200):
        now = 0.1 * step
        if step == 20:
            listener.write(encode_frame(Data(1, 0, bytes(500))), now)
        said += listener.datagrams(now)
        deadline = listener.deadline()
        assert deadline is None or deadline > now
    assert said
    assert sum(map(len, said)) <= 3 * len(question)


@pytest.mark.parametrize("greeting_bytes", [1, 8, 60, 120])
def test_the_shortest_introduction_is_answered_at_once(greeting_bytes: int) -> None:
    """Three times its length is little: the answer begins all the same, and goes on when it was heard."""
    salt = bytes(SALT_BYTES)
    dialer = DatagramTransport(DialerSeal(SECRET, PAIR, salt), RateMemory(2750.0, 0.9), 0.0, is_dialer=True)
    seal = ListenerSeal(SECRET, DialerPreamble(PAIR, salt), bytes(SALT_BYTES))
    listener = DatagramTransport(seal, RateMemory(2750.0, 0.9), 0.0, is_dialer=False)
    dialer.write(encode_frame(Data(1, 0, b"H")), 0.0)
    said: list[bytes] = []
    for step in range(40):
        now = 0.05 * step
        for datagram in dialer.datagrams(now):
            listener.receive(datagram, now)
        if step == 2:
            listener.write(encode_frame(Data(1, 0, bytes(greeting_bytes))), now)
        for datagram in listener.datagrams(now):
            said.append(datagram)
            dialer.receive(datagram, now)
        if step == 4:
            assert said, "the caller would wait for ten seconds"
    assert sum(map(len, said)) > greeting_bytes
    assert not listener.unconfirmed
