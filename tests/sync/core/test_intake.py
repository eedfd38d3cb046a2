"""The receiving half: one batch at a time, receipts only for what is durable, bytes counted honestly."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.frames import Data, Frame, Have, Offer, RefusalReason, Refused, Stored, Whole
from protocol.header import Priority
from protocol.ids import BundleId, Incarnation, SealTag, seal_tag_of
from protocol.ranges import RangeSet
from sync.core import BundleProgress, BundleReceived, Event, ForkSeen, Persist, RemoteError
from sync.core.intake import Intake
from sync.ports import ChunkOutcome, PartialBundle, ReceivedStream, SessionView
from sync.ports import Offer as CustodyOffer

from ..stores.contract import numbers

THEIRS = Incarnation(b"them")
PARTIAL, STORED = ChunkOutcome.PARTIAL, ChunkOutcome.STORED


def offer(handle: int = 1, sequence: int = 1, size_bytes: int = 100) -> Offer:
    return Offer(
        handle=handle,
        incarnation=None,
        sequence=sequence,
        bundle_id=BundleId(b"bundle" + sequence.to_bytes(6, "big")),
        seal_tag=SealTag(b"seal"),
        priority=Priority.ROUTINE,
        dwell_code=0,
        recipient_key=b"k1",
        size_bytes=size_bytes,
    )


def view(received: tuple[ReceivedStream, ...] = (), partials: tuple[PartialBundle, ...] = ()) -> SessionView:
    return SessionView(
        generation=1,
        incarnation=Incarnation(b"ours"),
        sequence_max=0,
        stored=RangeSet(),
        former=(),
        pending=(),
        received=received,
        partials=partials,
    )


def custody_offer(frame: Offer) -> CustodyOffer:
    intake = Intake(1000)
    intake.offered(frame, THEIRS)
    batch = intake.next_batch()
    assert batch is not None
    return batch.chunks[0].offer


@pytest.fixture
def intake() -> Intake:
    intake = Intake(1000)
    intake.open(view())
    return intake


def batch_of(intake: Intake) -> Persist:
    batch = intake.next_batch()
    assert batch is not None
    return batch


def persisted(
    intake: Intake, batch: Persist, outcomes: list[ChunkOutcome]
) -> tuple[list[Frame], list[Event]]:
    """All that is to be told of a batch, soon or later, and its events."""
    events = intake.persisted(batch, outcomes, 1.0)
    return intake.receipts.take(), events


def test_what_comes_during_a_batch_waits_for_the_next(intake: Intake) -> None:
    intake.offered(offer(), THEIRS)
    intake.received(Data(1, 0, b"a" * 10))
    intake.received(Data(1, 10, b"b" * 10))
    first = batch_of(intake)
    assert [chunk.offset for chunk in first.chunks] == [0, 10]
    intake.received(Data(1, 20, b"c" * 10))
    assert intake.next_batch() is None
    assert not intake.idle
    assert persisted(intake, first, [PARTIAL, PARTIAL])[0] == [Have(1, RangeSet.whole(20))]
    second = batch_of(intake)
    assert [chunk.offset for chunk in second.chunks] == [20]
    persisted(intake, second, [PARTIAL])
    assert intake.idle


def test_an_offer_without_bytes_reaches_custody_and_is_answered(intake: Intake) -> None:
    intake.offered(offer(), THEIRS)
    assert not intake.idle
    batch = batch_of(intake)
    assert [chunk.data for chunk in batch.chunks] == [b""]
    frames, events = persisted(intake, batch, [PARTIAL])
    assert frames == [Have(1, RangeSet())]
    assert [type(event) for event in events] == [BundleProgress]


def test_a_repeated_offer_changes_nothing(intake: Intake) -> None:
    intake.offered(offer(), THEIRS)
    batch_of(intake)
    intake.offered(offer(), THEIRS)
    assert intake.next_batch() is None


def test_receipts_are_runs_of_all_that_came() -> None:
    intake = Intake(1000)
    intake.open(view((ReceivedStream(incarnation=THEIRS, held=numbers(1, 2, 3, 7), digest=0),)))
    for sequence, told in ((4, RangeSet(((4, 5),))), (5, RangeSet(((4, 6),))), (9, RangeSet(((9, 10),)))):
        intake.offered(offer(handle=sequence, sequence=sequence), THEIRS)
        frames, events = persisted(intake, batch_of(intake), [STORED])
        assert frames == [Stored(THEIRS, told)]
        assert events == []  # Not a byte came: custody knew the bundle by its id.


def test_a_resumed_bundle_counts_what_was_held_before() -> None:
    intake = Intake(1000)
    held = RangeSet(((0, 60),))
    intake.open(view(partials=(PartialBundle(offer=custody_offer(offer()), held=held),)))
    intake.offered(offer(), THEIRS)
    intake.received(Data(1, 50, b"x" * 50))
    assert (intake.payload_bytes, intake.duplicate_bytes) == (50, 10)
    frames, events = persisted(intake, batch_of(intake), [STORED])
    assert frames == [Stored(THEIRS, numbers(1))]
    assert [type(event) for event in events] == [BundleReceived]
    assert intake.bundles == 1


def test_a_bundle_known_by_its_id_makes_all_its_bytes_duplicates(intake: Intake) -> None:
    intake.offered(offer(), THEIRS)
    intake.received(Data(1, 0, b"x" * 30))
    persisted(intake, batch_of(intake), [STORED])
    assert (intake.duplicate_bytes, intake.bundles) == (30, 0)


def test_a_refused_bundle_is_told_once_and_its_waiting_bytes_are_dropped(intake: Intake) -> None:
    intake.offered(offer(), THEIRS)
    intake.received(Data(1, 0, b"x" * 50))
    batch = batch_of(intake)
    intake.received(Data(1, 50, b"x" * 50))
    frames, _ = persisted(intake, batch, [ChunkOutcome.NO_ROOM])
    assert frames == [Refused(THEIRS, 1, RefusalReason.NO_ROOM)]
    assert intake.idle
    intake.received(Data(1, 50, b"x" * 50))
    assert intake.idle
    for sequence in range(2, 22):  # Nothing of it counts against the credit any more.
        intake.offered(offer(sequence, sequence), THEIRS)
        intake.received(Data(sequence, 0, b"x" * 50))


def test_a_fork_is_receipted_and_reported(intake: Intake) -> None:
    intake.offered(offer(), THEIRS)
    intake.received(Data(1, 0, b"x" * 100))
    frames, events = persisted(intake, batch_of(intake), [ChunkOutcome.FORKED])
    assert frames == [Stored(THEIRS, numbers(1))]
    assert [type(event) for event in events] == [BundleReceived, ForkSeen]


def test_credit_comes_back_when_a_batch_is_durable(intake: Intake) -> None:
    intake.offered(offer(size_bytes=5000), THEIRS)
    for offset in range(0, 5000, 1000):
        intake.received(Data(1, offset, b"x" * 1000))
        persisted(intake, batch_of(intake), [PARTIAL])
    intake.received(Data(1, 0, b"x" * 1000))
    with pytest.raises(RemoteError, match="credit"):
        intake.received(Data(1, 1000, b"x"))


def test_what_is_discarded_is_gone(intake: Intake) -> None:
    intake.offered(offer(), THEIRS)
    intake.received(Data(1, 0, b"x"))
    batch = batch_of(intake)
    intake.offered(offer(2, 2), THEIRS)
    intake.received(Data(2, 0, b"x"))
    intake.discard()
    frames, events = persisted(intake, batch, [PARTIAL])
    assert (frames, events, intake.idle) == ([], [], True)


def whole(sequence: int = 1, size_bytes: int = 100) -> Whole:
    named = offer(sequence=sequence, size_bytes=size_bytes)
    return Whole(
        incarnation=None,
        sequence=sequence,
        bundle_id=named.bundle_id,
        priority=named.priority,
        dwell_code=0,
        recipient_key=b"k1",
        data=b"x" * size_bytes,
    )


def test_a_bundle_in_one_frame_is_offered_sent_and_done(intake: Intake) -> None:
    intake.received_whole(whole(), THEIRS)
    batch = batch_of(intake)
    assert [(chunk.offset, len(chunk.data)) for chunk in batch.chunks] == [(0, 100)]
    seal_tag = seal_tag_of(b"x" * 100)
    assert batch.chunks[0].offer == replace(custody_offer(offer()), seal_tag=seal_tag)
    frames, events = persisted(intake, batch, [STORED])
    assert frames == [Stored(THEIRS, numbers(1))]
    assert [type(event) for event in events] == [BundleReceived]
    assert (intake.bundles, intake.payload_bytes, intake.duplicate_bytes) == (1, 100, 0)
    assert intake.idle
    assert intake.nothing_is_open


def test_one_that_comes_twice_is_stored_once_and_counted(intake: Intake) -> None:
    intake.received_whole(whole(), THEIRS)
    intake.received_whole(whole(), THEIRS)
    persisted(intake, batch_of(intake), [STORED, STORED])
    intake.received_whole(whole(), THEIRS)
    frames, events = persisted(intake, batch_of(intake), [STORED])
    assert frames == [Stored(THEIRS, numbers(1))]
    assert events == []
    assert (intake.bundles, intake.payload_bytes, intake.duplicate_bytes) == (1, 300, 200)


def test_one_that_is_refused_is_named_by_its_number(intake: Intake) -> None:
    intake.received_whole(whole(sequence=7), THEIRS)
    frames, _ = persisted(intake, batch_of(intake), [ChunkOutcome.CORRUPT])
    assert frames == [Refused(THEIRS, 7, RefusalReason.CORRUPT)]
    assert intake.nothing_is_open


def test_one_that_was_offered_before_goes_on_under_its_handle(intake: Intake) -> None:
    named = replace(offer(), seal_tag=seal_tag_of(b"x" * 100))
    intake.offered(named, THEIRS)
    intake.received(Data(1, 0, b"x" * 40))
    intake.received_whole(whole(), THEIRS)
    frames, _ = persisted(intake, batch_of(intake), [PARTIAL, STORED])
    assert frames == [Stored(THEIRS, numbers(1))]
    assert intake.duplicate_bytes == 40
    assert intake.nothing_is_open
