"""A link that is dark every now and then: little is sent into the darkness, no receipt is stuck behind it."""

from __future__ import annotations

from itertools import pairwise

import pytest

from protocol.header import Priority
from sync.core import BundleReceived, BundleSent
from sync.links.datagram_silence import READER_PROBES_EAGER
from sync.ports import Rank

from . import datagram_figures as figures
from .datagram_contact import Contact, add, contact, new_store
from .lossy_link import Conditions

RATE_BYTES_S = 22_000 / 8
RTT_S = 0.9
DARK_BYTES_MAX = RATE_BYTES_S * (RTT_S + 1.0)
RECEIPT_S = 6.0
"""Some round trips: a receipt may be lost, and what it takes to find that out."""
BACK_S = 2.0
LONG_BYTES = 1000
"""A datagram of bulk."""
FILLED_S = 4.0
EMPTY_S_MAX = 0.1


@pytest.mark.parametrize("seed", figures.SEEDS)
def test_what_each_darkness_takes_is_bounded(seed: int) -> None:
    """What was under way as it began, what was sent before it was noticed, and each knock until it ended."""
    met = figures._gappy(seed)
    ends = [0.0, *(end for _, end in figures._gaps(seed))]
    for light, dark_ends in pairwise(ends):
        taken = [size for at, size in met.node.line.swallowed if light <= at < dark_ends]
        assert sum(taken) <= DARK_BYTES_MAX


@pytest.mark.parametrize("seed", figures.SEEDS)
def test_a_link_that_returns_is_used_within_two_seconds(seed: int) -> None:
    met = figures._gappy(seed)
    done_at = figures._done_at(met)
    returns = [end for _, end in figures._gaps(seed) if end < done_at]
    assert returns
    for end in returns:
        used_at = min(at for at, size in met.node.line.sent if at >= end and size >= LONG_BYTES)
        assert used_at - end <= BACK_S


@pytest.mark.parametrize("seed", figures.SEEDS)
def test_a_link_that_returned_does_not_run_empty_again(seed: int) -> None:
    """It did for half a second, where the first datagram after the darkness had not asked what arrived."""
    met = figures._gappy(seed)
    done_at = figures._done_at(met)
    for end in (end for _, end in figures._gaps(seed) if end + FILLED_S < done_at):
        sent = [(at, size) for at, size in met.node.line.sent if at >= end]
        began_at = free_at = next(at for at, size in sent if size >= LONG_BYTES)
        empty_s = 0.0
        for at, size in sent:
            if began_at <= at < began_at + FILLED_S:
                empty_s += max(0.0, at - free_at)
                free_at = max(at, free_at) + size / RATE_BYTES_S
        assert empty_s <= EMPTY_S_MAX


@pytest.mark.parametrize("seed", figures.SEEDS)
def test_who_has_little_to_say_does_not_take_darkness_for_a_dead_link(seed: int) -> None:
    """A hub that did held its receipts back for a minute, after a few lost datagrams."""
    met = figures._gappy(seed)
    dark = figures._gaps(seed)
    for stored, known in zip(met.hub.times_of(BundleReceived), met.node.times_of(BundleSent), strict=True):
        in_the_dark_s = sum(max(0.0, min(known, ends) - max(stored, begins)) for begins, ends in dark)
        assert known - stored - in_the_dark_s <= RECEIPT_S
    assert met.hub.transport.memory.rate_bytes_s >= RATE_BYTES_S / 2


def photograph() -> Contact:
    node, hub = new_store(1), new_store(2)
    add(node, 200_000, seed=3, priority=Priority.BULK, rank=Rank.FULL)
    return contact(node, hub, Conditions(rate_bit_s=22_000, delay_s=0.45))


def test_a_hub_whose_caller_died_amid_bulk_knocks_for_a_minute_and_then_less_and_less() -> None:
    met = photograph().run(until=30.0)
    met.node.is_dead = True
    met.run(until=30.0 + 600.0)
    after = [(at, size) for at, size in met.hub.line.sent if at > 33.0]
    assert READER_PROBES_EAGER <= len(after) <= READER_PROBES_EAGER + 60
    assert all(size < 100 for _, size in after)
    assert sum(at > 130.0 for at, _ in after) <= 45


def test_progress_rides_on_words_that_are_due_anyway() -> None:
    """By itself it cost six times its length, and the answer to it as much."""
    met = photograph().run(until=60.0)
    bulk = [size for _, size in met.node.line.sent if size >= LONG_BYTES]
    assert len(met.hub.line.sent) <= 0.6 * len(bulk)
    assert len(met.node.line.sent) - len(bulk) <= 3
