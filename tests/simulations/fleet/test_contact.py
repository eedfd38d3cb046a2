"""A contact of a fleet costs what the same two transports cost on the same link elsewhere, ends in the dark
when a session would, and loses nothing when link or hub go away in the middle."""

from __future__ import annotations

import gc
import math
import random
import weakref
from dataclasses import dataclass, field

import pytest

from protocol.header import Priority
from protocol.ids import Pseudonym
from sfnode.services.metering import Bill
from simulations.fleet.contact import Contact, Learnt, Outcome, Terms
from simulations.links import DirectionProfile, LinkModel, Outage, ServicePlan
from sync.core import BundleReceived, Ending, LinkMemory
from sync.links.rate_memory import RateMemory
from sync.ports import Offer
from sync.scheduler import Allowance, Tariff
from sync.stores import MemoryStore
from tests.sync.links.datagram_contact import add, contact, new_store
from tests.sync.links.lossy_link import Conditions

RATE_BIT_S = 22_000
DELAY_S = 0.45
BY_THE_BYTE = Tariff(usd_per_megabyte=1_000.0)
BY_THE_MINUTE = Tariff(usd_per_minute=3.0, increment_s=20.0)
PROVEN = RateMemory(RATE_BIT_S / 8, 2 * DELAY_S, is_proven=True)


@dataclass(slots=True, weakref_slot=True)
class Heard:
    """A listener that writes down when what was whole."""

    whole: list[tuple[bool, int, float]] = field(default_factory=list)

    def reading(self, *, from_site: bool, sequence: int, is_answered: bool, at_s: float) -> None:
        """Not looked at here."""

    def received(self, offer: Offer, *, at_hub: bool, at_s: float) -> None:
        self.whole.append((at_hub, offer.size_bytes, at_s))

    def released(self, offer: Offer, *, from_site: bool, at_s: float) -> None:
        """Not looked at here."""


def meet(
    site: MemoryStore,
    hub: MemoryStore,
    heard: Heard,
    *,
    service: ServicePlan | None = None,
    tariff: Tariff = BY_THE_BYTE,
    usd_max: float = math.inf,
    hub_gone_s: float = math.inf,
) -> Outcome:
    direction = DirectionProfile(rate_bit_s=RATE_BIT_S, delay_ms=DELAY_S * 1_000, queue_bytes=65_536)
    terms = Terms(
        floor=Priority.BULK,
        learnt=Learnt(session=LinkMemory(), site=PROVEN),
        bill=Bill(tariff, Allowance(usd=usd_max)),
        hub_gone_s=hub_gone_s,
    )
    up, down = (LinkModel(direction, seed=way, service=service) for way in ("up", "down"))
    begun = Contact(
        (site, up), (hub, down), terms, heard, pair=Pseudonym(b"pair"), salts=random.Random(1), begins_s=0.0
    )
    return begun.run(lambda before_s: None)


@pytest.mark.parametrize("sizes", [(), (500,), (178, 760, 3_300, 20_000)])
def test_bytes_and_times_are_those_of_the_transports_elsewhere(sizes: tuple[int, ...]) -> None:
    here, there = (new_store(1), new_store(2)), (new_store(1), new_store(2))
    for site, _ in (here, there):
        for number, size_bytes in enumerate(sizes):
            add(site, size_bytes, seed=number)
    heard = Heard()
    ours = meet(*here, heard)
    line = Conditions(rate_bit_s=RATE_BIT_S, delay_s=DELAY_S)
    theirs = contact(*there, line, memory=PROVEN).run(until=600)
    assert (ours.ip_bytes_up, ours.ip_bytes_down) == (
        theirs.node.line.sent_bytes,
        theirs.hub.line.sent_bytes,
    )
    arrived = theirs.hub.times_of(BundleReceived)
    assert [at_s for _, _, at_s in heard.whole] == pytest.approx(arrived, abs=0.02)


def test_a_contact_ends_a_minute_and_a_bit_after_the_link_went_dark_and_the_next_one_goes_on() -> None:
    site, hub = new_store(1), new_store(2)
    add(site, 60_000, seed=3)
    cut = meet(site, hub, Heard(), service=ServicePlan((Outage(10.0, 1e6),)))
    assert cut.ending is Ending.PEER_SILENT
    assert 10 + 60 < cut.ended_s < 10 + 120
    heard = Heard()
    rest = meet(site, hub, heard)
    assert rest.ending is Ending.DONE
    assert [size_bytes for _, size_bytes, _ in heard.whole] == [60_000]
    assert rest.ip_bytes_up < 60_000 - 0.7 * 10 * RATE_BIT_S / 8


def test_a_short_gap_is_lived_through() -> None:
    site, hub = new_store(1), new_store(2)
    add(site, 60_000, seed=3)
    outcome = meet(site, hub, Heard(), service=ServicePlan((Outage(10.0, 30.0),)))
    assert outcome.ending is Ending.DONE
    assert outcome.ip_bytes_up < 1.25 * 60_000


def test_a_dial_into_the_dark_costs_half_a_minute_and_is_not_heard() -> None:
    site, hub = new_store(1), new_store(2)
    add(site, 800, seed=3)
    outcome = meet(site, hub, Heard(), service=ServicePlan((Outage(0.0, 1e6),)))
    assert not outcome.heard
    assert outcome.ended_s == pytest.approx(30, abs=5)
    assert outcome.ip_bytes_up > 800
    assert outcome.ip_bytes_down == 0


def test_a_hub_that_goes_away_in_the_middle_leaves_everything_in_custody() -> None:
    site, hub = new_store(1), new_store(2)
    add(site, 60_000, seed=3)
    outcome = meet(site, hub, Heard(), hub_gone_s=8.0)
    assert not outcome.went_well
    heard = Heard()
    assert meet(site, hub, heard).went_well
    assert [size_bytes for _, size_bytes, _ in heard.whole] == [60_000]


def test_what_may_be_spent_ends_a_contact_before_it_is_exceeded() -> None:
    site, hub = new_store(1), new_store(2)
    add(site, 60_000, seed=3)
    outcome = meet(site, hub, Heard(), usd_max=20.0)
    assert outcome.ending is Ending.PARTED
    assert 10.0 < outcome.usd <= 20.0


@pytest.mark.parametrize("dark_after_s", [0.0, 2.0, 10.0, 14.0, 16.0, 17.0, 17.5, 18.0, 18.5, 19.0, None])
def test_a_contact_paid_for_by_the_minute_is_over_before_the_next_step(dark_after_s: float | None) -> None:
    site, hub = new_store(1), new_store(2)
    add(site, 300_000, seed=3)
    service = None if dark_after_s is None else ServicePlan((Outage(dark_after_s, 1e6),))
    outcome = meet(site, hub, Heard(), service=service, tariff=BY_THE_MINUTE, usd_max=1.9)
    assert outcome.is_spent_out
    assert 15.0 < outcome.ended_s <= 20.0
    assert outcome.usd == 1.0
    # From a hub that was never heard it was not parted.
    assert outcome.went_well is (dark_after_s != 0.0)


def test_a_contact_that_is_over_leaves_nothing_to_search_for() -> None:
    site, hub = new_store(1), new_store(2)
    add(site, 800, seed=3)
    listener = weakref.ref(heard := Heard())
    gc.disable()
    try:
        meet(site, hub, heard)
        del heard
        assert listener() is None, "its two ends still hold each other"
    finally:
        gc.enable()
