"""Sessions over datagrams on a simulated link: what they cost, how long they take, that they lose nothing."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.header import Priority
from sync.core import BundleReceived, Ending, LinkMemory
from sync.links.datagram_sizes import DATAGRAM_BYTES_MAX, HEADERS_BYTES
from sync.links.rate_memory import RateMemory
from sync.stores import MemoryStore

from .datagram_contact import Contact, End, add, contact, new_store
from .lossy_link import Conditions

VOICE_BAND = Conditions(rate_bit_s=2_400, delay_s=0.75)
SATELLITE = Conditions(rate_bit_s=10_000_000, delay_s=0.3, queue_bytes=750_000)


def ended_well(met: Contact) -> None:
    for end in (met.node, met.hub):
        assert end.ended is not None, end.name
        assert end.ended.ending is Ending.DONE, end.ended
        assert end.strangers == 0


def received_at(end: End, size_bytes: int) -> float:
    """When a bundle of that size was durable there."""
    return next(
        at
        for at, event in end.observed
        if isinstance(event, BundleReceived) and event.offer.size_bytes == size_bytes
    )


def ip_bytes(met: Contact) -> int:
    return met.node.line.sent_bytes + met.hub.line.sent_bytes


# What it costs, and how long it takes.


def test_a_consult_at_2400_bit_s_takes_one_round_trip_and_its_bytes() -> None:
    node, hub = new_store(1), new_store(2)
    add(node, 2000, seed=3)
    add(hub, 200, seed=4)
    met = contact(node, hub, VOICE_BAND).run(until=60)
    ended_well(met)
    assert received_at(met.hub, 2000) < 8.1
    assert received_at(met.node, 200) <= 9.8
    assert max(at for end in (met.node,) for at, _ in end.observed) <= 9.8
    assert [len(end.line.sent) for end in (met.node, met.hub)] == [3, 1]
    assert ip_bytes(met) - 2200 <= 300


def test_nothing_new_is_one_datagram_each_way() -> None:
    node, hub = new_store(1), new_store(2)
    met = contact(node, hub, VOICE_BAND).run(until=60)
    ended_well(met)
    assert [len(end.line.sent) for end in (met.node, met.hub)] == [1, 1]
    assert ip_bytes(met) <= 155


def test_nothing_new_after_a_history_is_still_one_datagram_each_way() -> None:
    node, hub = new_store(1), new_store(2)
    add(node, 2000, seed=3)
    add(hub, 200, seed=4)
    ended_well(contact(node, hub, VOICE_BAND).run(until=60))
    met = contact(node, hub, VOICE_BAND, seed=9).run(until=60)
    ended_well(met)
    assert [len(end.line.sent) for end in (met.node, met.hub)] == [1, 1]
    assert ip_bytes(met) <= 160


def test_a_hub_that_missed_the_last_receipt_learns_of_it_in_the_next_session() -> None:
    node, hub = new_store(1), new_store(2)
    add(node, 300, seed=3)
    add(hub, 200, seed=4)
    first = contact(node, hub, VOICE_BAND)
    first.node.line.gone_after = 1  # The greeting arrives, no receipt does.
    first.run(until=200)
    assert received_at(first.node, 200) < 10
    second = contact(node, hub, VOICE_BAND, seed=9).run(until=60)
    ended_well(second)
    third = contact(node, hub, VOICE_BAND, seed=10).run(until=60)
    assert [len(end.line.sent) for end in (third.node, third.hub)] == [1, 1]
    assert second.hub.session.counters.payload_bytes_sent == 0, "the node held it all the time"


@pytest.mark.parametrize("loss", [0.0, 0.01])
def test_ten_megabit_are_used_when_the_rate_is_remembered(loss: float) -> None:
    node, hub = new_store(1), new_store(2)
    add(node, 6_000_000, seed=3, priority=Priority.BULK)
    link = Conditions(rate_bit_s=10_000_000, delay_s=0.3, queue_bytes=750_000, loss=loss)
    met = contact(node, hub, link, memory=RateMemory(1_250_000, 0.6, is_proven=True)).run(until=60)
    ended_well(met)
    # A round trip passes before the peer's credit is known, and half a one on the way.
    seconds = received_at(met.hub, 6_000_000) - 0.9
    assert 6_000_000 * 8 / seconds / 10_000_000 > 0.85


def test_a_rate_is_found_without_being_told() -> None:
    node, hub = new_store(1), new_store(2)
    add(node, 8_000_000, seed=3, priority=Priority.BULK)
    met = contact(node, hub, SATELLITE, memory=RateMemory(2_750, 0.9)).run(until=60)
    ended_well(met)
    found = met.node.transport.memory
    assert found.is_proven
    assert found.rate_bytes_s == pytest.approx(1_250_000, rel=0.05)
    assert found.rtt_s == pytest.approx(0.6, abs=0.05)


def test_a_rate_that_was_guessed_far_too_high_does_not_flood_the_link() -> None:
    node, hub = new_store(1), new_store(2)
    add(node, 100_000, seed=3, priority=Priority.BULK)
    link = Conditions(rate_bit_s=64_000, delay_s=0.3, queue_bytes=30_000)
    met = contact(node, hub, link, memory=RateMemory(125_000, 0.6, is_proven=True)).run(until=120)
    ended_well(met)
    assert met.node.line.sent_bytes < 200_000
    assert met.node.transport.memory.rate_bytes_s == pytest.approx(8_000, rel=0.1)


def test_an_emergency_overtakes_a_photograph() -> None:
    own_s = 0.75 + (300 + 90) * 8 / 2_400
    waits = [emergency_after(moment) - own_s for moment in (60.0, 60.4, 60.8, 61.2)]
    assert sum(waits) / len(waits) <= 3
    assert max(waits) <= 4


def emergency_after(moment: float) -> float:
    """How long a call for help takes that is written while a photograph is being sent."""
    node, hub = new_store(1), new_store(2)
    add(node, 5_000_000, seed=3, priority=Priority.BULK)
    met = contact(node, hub, VOICE_BAND)

    def call_for_help() -> None:
        add(node, 300, seed=4, priority=Priority.EMERGENCY)
        met.node.session.outgoing_changed(met.world.now)
        met.node.settle()

    met.world.at(moment, call_for_help)
    met.run(until=80)
    return received_at(met.hub, 300) - moment


# Darkness.


@pytest.mark.parametrize("dark_s", [3.0, 20.0, 55.0])
def test_into_a_dark_link_goes_little_and_afterwards_it_is_used_at_once(dark_s: float) -> None:
    node, hub = new_store(1), new_store(2)
    add(node, 300_000, seed=3, priority=Priority.BULK)
    dark = (10.0, 10.0 + dark_s)
    link = Conditions(rate_bit_s=128_000, delay_s=0.5, dark=(dark,))
    met = contact(node, hub, link, memory=RateMemory(16_000, 1.0, is_proven=True)).run(until=200)
    ended_well(met)
    wasted = [(at, size) for at, size in met.node.line.sent if dark[0] <= at < dark[1]]
    assert sum(size for _, size in wasted) <= 16_000 * (1.0 + 1.0)
    assert all(size < 200 for at, size in wasted if at > dark[0] + 2.0 + 0.1), "only probes"
    useful = [at for at, size in met.node.line.sent if at >= dark[1] and size > 1000]
    assert useful[0] - dark[1] <= 2.0 + 0.1
    assert met.hub.session.counters.duplicate_bytes_received <= 2 * DATAGRAM_BYTES_MAX


def test_where_nobody_answers_a_dialer_gives_up() -> None:
    node, hub = new_store(1), new_store(2)
    met = contact(node, hub, Conditions(dark=((0.0, 1e9),))).run(until=200)
    assert met.node.ended is not None
    assert met.node.ended.ending is Ending.PEER_SILENT
    assert met.node.observed[-1][0] < 60
    assert met.node.line.sent_bytes < 4096


# A stranger's address.


def test_a_caller_that_proves_nothing_gets_three_times_its_bytes_at_most() -> None:
    node, hub = new_store(1), new_store(2)
    for seed in range(5):
        add(hub, 60_000, seed=seed)
    met = contact(node, hub, Conditions(), Conditions(dark=((0.0, 1e9),))).run(until=300)
    heard = sum(size - HEADERS_BYTES for _, size in met.node.line.sent)
    said = sum(size - HEADERS_BYTES for _, size in met.hub.line.sent)
    assert 0 < said <= 3 * heard


# Whatever the link does.


LINKS = st.builds(
    Conditions,
    rate_bit_s=st.sampled_from([2_400, 22_000, 512_000, 10_000_000]),
    delay_s=st.sampled_from([0.001, 0.1, 0.9]),
    loss=st.sampled_from([0.0, 0.02, 0.2]),
    repeats=st.sampled_from([0.0, 0.2]),
    jitter_s=st.sampled_from([0.0, 0.05, 1.0]),
    queue_bytes=st.sampled_from([6_000, 65_536, 1_000_000]),
)


@settings(max_examples=60, deadline=None)
@given(
    up=LINKS,
    down=LINKS,
    seed=st.integers(0, 2**20),
    deaths=st.lists(st.floats(0.01, 30.0), max_size=3),
    sizes=st.lists(st.integers(1, 9_000), max_size=4),
    replies=st.lists(st.integers(1, 3_000), max_size=3),
)
def test_any_losses_repeats_disorder_and_deaths_end_with_equal_sets(
    up: Conditions,
    down: Conditions,
    seed: int,
    deaths: list[float],
    sizes: list[int],
    replies: list[int],
) -> None:
    node, hub = new_store(1), new_store(2)
    wanted_up = [add(node, size, seed=seed + number) for number, size in enumerate(sizes)]
    wanted_down = [add(hub, size, seed=seed + 100 + number) for number, size in enumerate(replies)]
    memory = LinkMemory()
    for number, moment in enumerate(deaths):
        met = contact(node, hub, up, down, seed=seed + number, link_memory=memory, memory=GUESS)
        met.run(until=moment)
        met.die()
        memory = met.node.session.memory
    healed = Conditions(rate_bit_s=64_000, delay_s=0.3)
    for number in range(3):
        contact(node, hub, healed, seed=seed + 50 + number, memory=GUESS).run(until=400)
    last = contact(node, hub, healed, seed=seed + 60, memory=GUESS).run(until=400)
    ended_well(last)
    assert last.node.session.counters.payload_bytes_sent == 0
    for store, wanted in ((hub, wanted_up), (node, wanted_down)):
        assert all(store.holds(bundle_id) for bundle_id in wanted)


GUESS = RateMemory(2_750.0, 0.9)


@settings(max_examples=25, deadline=None)
@given(link=LINKS.filter(lambda link: link.loss < 0.1), seed=st.integers(0, 2**20))
def test_one_session_suffices_where_the_link_stays(link: Conditions, seed: int) -> None:
    node, hub = new_store(1), new_store(2)
    content = random.Random(seed)
    for number in range(3):
        add(node, content.randrange(1, 20_000), seed=seed + number)
        add(hub, content.randrange(1, 5_000), seed=seed + 10 + number)
    met = contact(node, hub, link, seed=seed, memory=GUESS).run(until=1500)
    assert met.node.ended is not None
    assert met.node.ended.ending is Ending.DONE, met.node.ended
    assert holds_all(hub, node)
    assert holds_all(node, hub)


def holds_all(here: MemoryStore, there: MemoryStore) -> bool:
    return all(here.holds(offer.bundle_id) for offer in there.all_offers())
