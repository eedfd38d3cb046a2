"""A link that is dark every now and then: little is sent into the darkness, no receipt is stuck behind it."""

from __future__ import annotations

import pytest

from sync.core import BundleReceived, BundleSent

from . import datagram_figures as figures

RATE_BYTES_S = 22_000 / 8
RTT_S = 0.9
RECEIPT_S = 6.0
"""Some round trips: a receipt may be lost, and what it takes to find that out."""


@pytest.mark.parametrize("seed", figures.SEEDS)
def test_what_is_sent_into_each_darkness_is_bounded(seed: int) -> None:
    met = figures._gappy(seed)
    for begins, ends in figures._gaps(seed):
        in_the_dark = sum(size for at, size in met.node.line.sent if begins <= at < min(ends, begins + 5.0))
        assert in_the_dark <= RATE_BYTES_S * (RTT_S + 1.0)


@pytest.mark.parametrize("seed", figures.SEEDS)
def test_who_has_little_to_say_does_not_take_darkness_for_a_dead_link(seed: int) -> None:
    """A hub that did held its receipts back for a minute, after a few lost datagrams."""
    met = figures._gappy(seed)
    dark = figures._gaps(seed)
    for stored, known in zip(met.hub.times_of(BundleReceived), met.node.times_of(BundleSent), strict=True):
        in_the_dark_s = sum(max(0.0, min(known, ends) - max(stored, begins)) for begins, ends in dark)
        assert known - stored - in_the_dark_s <= RECEIPT_S
    assert met.hub.transport.memory.rate_bytes_s >= RATE_BYTES_S / 2
