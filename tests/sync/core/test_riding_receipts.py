"""A dialer's last receipt waits for the peer's, since its answer to that carries it."""

from __future__ import annotations

from protocol.frames import Frame, Stored
from protocol.ranges import RangeSet
from sync.core.receipts import HELD_BACK_S, RIDING_BYTES_MAX, URGENT_HELD_BACK_S, Receipts

from .test_hostile_peers import THEIRS

ONE = RangeSet(((1, 2),))


def receipts_of(size_bytes: int, *, may_ride: bool) -> Receipts:
    receipts = Receipts()
    receipts.may_ride = may_ride
    receipts.peer_is_idle()
    receipts.received(size_bytes)
    receipts.stored(THEIRS, ONE, 10.0, is_urgent=True)
    return receipts


def told(receipts: Receipts, now: float) -> list[Frame]:
    return receipts.take() if receipts.is_due(now, more_may_come=False) else []


def test_a_short_one_waits_and_not_for_long() -> None:
    receipts = receipts_of(RIDING_BYTES_MAX, may_ride=True)
    assert receipts.due_at == 10.0 + HELD_BACK_S
    assert told(receipts, 10.0 + HELD_BACK_S - 0.01) == []
    assert told(receipts, 10.0 + HELD_BACK_S) == [Stored(THEIRS, ONE)]


def test_where_nothing_is_awaited_of_the_peer_it_leaves_at_once() -> None:
    receipts = receipts_of(200, may_ride=False)
    assert receipts.due_at == 10.0 + URGENT_HELD_BACK_S
    assert told(receipts, 10.0) == [Stored(THEIRS, ONE)]


def test_what_would_be_dear_to_send_again_is_told_at_once() -> None:
    assert told(receipts_of(RIDING_BYTES_MAX + 1, may_ride=True), 10.0) == [Stored(THEIRS, ONE)]


def test_a_peer_that_has_asked_is_told_at_once() -> None:
    receipts = receipts_of(200, may_ride=True)
    receipts.hurry()
    assert told(receipts, 10.0) == [Stored(THEIRS, ONE)]


def test_as_soon_as_the_peer_has_spoken_it_leaves() -> None:
    receipts = receipts_of(200, may_ride=True)
    assert told(receipts, 11.0) == []
    receipts.may_ride = False
    assert told(receipts, 11.0) == [Stored(THEIRS, ONE)]
