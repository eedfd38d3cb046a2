"""Where nobody says goodbye, nobody is missed: a listener does not ask after a caller that has gone."""

from __future__ import annotations

import random

import pytest

from protocol.header import Priority
from sync.core import Ending, SessionEnded

from .datagram_contact import Contact, add, contact, new_store
from .lossy_link import Conditions

SIZES_BYTES = (100, 900, 2000, 3000, 20_000)
LINKS = tuple(
    Conditions(rate_bit_s=rate_bit_s, delay_s=delay_s)
    for rate_bit_s in (2_400, 22_000, 1_000_000)
    for delay_s in (0.05, 0.75)
)


def exchanged(link: Conditions, seed: int) -> Contact:
    """Up to two bundles each way."""
    chance = random.Random(seed)
    node, hub = new_store(1), new_store(2)
    for store, most_bytes in ((node, 20_000), (hub, 3_000)):
        for _ in range(chance.randrange(3)):
            size_bytes = min(chance.choice(SIZES_BYTES), most_bytes)
            add(store, size_bytes, seed=chance.getrandbits(32), priority=chance.choice(tuple(Priority)))
    return contact(node, hub, link, seed=seed).run(until=600)


@pytest.mark.parametrize("link", LINKS, ids=lambda link: f"{link.rate_bit_s} bit/s, {link.delay_s} s")
def test_a_hub_does_not_ask_after_a_node_that_has_gone(link: Conditions) -> None:
    for seed in range(25):
        met = exchanged(link, seed)
        (gone_at,) = met.node.times_of(SessionEnded)
        assert met.node.ended is not None
        assert met.node.ended.ending is Ending.DONE
        hears_at = gone_at + 2 * link.delay_s + 1.0
        late = [size_bytes for at, size_bytes in met.hub.line.sent if at > hears_at]
        assert not late, f"in world {seed}"
