"""On a thin link an emergency waits behind seconds of bulk, never behind all that was written before it."""

from __future__ import annotations

import pytest

from protocol.header import Priority
from sync.core import BundleReceived, LinkMemory
from sync.links.datagram_rate import RateMemory
from sync.ports import Rank

from .datagram_contact import add, contact, new_store
from .lossy_link import Conditions

RATE_BIT_S = 2_400
DELAY_S = 0.75
PHOTOGRAPH_BYTES = 5_000_000
TEXT_BYTES = 761
OWN_S = TEXT_BYTES * 8 / RATE_BIT_S + DELAY_S


@pytest.mark.parametrize("queued_s", [0.5, 2, 5, 10, 20, 33, 60])
def test_an_emergency_behind_a_photograph_waits_a_few_seconds(queued_s: float) -> None:
    node, hub = new_store(1), new_store(2)
    add(node, PHOTOGRAPH_BYTES, seed=9, priority=Priority.ROUTINE, rank=Rank.STANDARD)
    met = contact(
        node,
        hub,
        Conditions(rate_bit_s=RATE_BIT_S, delay_s=DELAY_S),
        memory=RateMemory(RATE_BIT_S / 8, 2 * DELAY_S),
        link_memory=LinkMemory(RATE_BIT_S / 8, 2 * DELAY_S),
        seed=3,
    )
    met.run(until=queued_s)
    add(node, TEXT_BYTES, seed=11, priority=Priority.EMERGENCY)
    met.node.session.outgoing_changed(met.world.now)
    met.node.settle()
    met.run(until=queued_s + 60)
    arrived_s = next(
        at
        for at, event in met.hub.observed
        if isinstance(event, BundleReceived) and event.offer.size_bytes == TEXT_BYTES
    )
    # A datagram or two of bulk that are on their way, and its own frames: 14 s before this was bounded.
    assert arrived_s - queued_s < OWN_S + 5.5
