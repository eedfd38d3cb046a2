"""What every store promises: one suite for `PairStore` and `Custody`, run on each adapter.

An adapter's test module subclasses `StoreContract` and gives `opened`, an async context manager that yields
a fresh, empty store of one pair.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from hashlib import blake2b
from typing import Protocol

import pytest

from protocol.header import Priority
from protocol.ids import BundleId, Incarnation, seal_tag_of
from protocol.limits import RANGES_MAX
from protocol.past import fork_of
from protocol.ranges import RangeSet
from protocol.summary import digest
from sync.ports import (
    BACKUP_MOMENTS_MAX,
    OUTGOING_PAGE,
    PARTIALS_MAX,
    RESEALS_MAX,
    STREAMS_MAX,
    ChunkOutcome,
    Custody,
    ForeignNumbers,
    IncomingChunk,
    Moment,
    Offer,
    PairStore,
    Rank,
    ReceivedStream,
    SafeMark,
    Settlement,
)

PEER = Incarnation(b"peer")
OTHER = Incarnation(b"othr")
NOTHING = RangeSet()
STORED_S = 1_800_000_000.0
"""What the wall clock of every store under test says."""


class Store(PairStore, Custody, Protocol):
    """Both sides of one pair's custody."""


def numbers(*members: int) -> RangeSet:
    return RangeSet.of((member, member + 1) for member in members)


def safe_mark(*members: int) -> tuple[SafeMark, ...]:
    """What `safe` says when of the peer just these numbers are in a backup."""
    return (SafeMark(incarnation=PEER, sequences=numbers(*members)),)


def bundle_id_of(label: str) -> BundleId:
    return BundleId(blake2b(label.encode(), digest_size=12).digest())


def sealed_of(label: str, size_bytes: int) -> bytes:
    """Incompressible-looking bytes that differ at every offset and with every label."""
    blocks = (blake2b(f"{label}/{block}".encode()).digest() for block in range(size_bytes // 64 + 1))
    return b"".join(blocks)[:size_bytes]


async def add(
    store: Custody,
    label: str,
    size_bytes: int = 1000,
    *,
    priority: Priority = Priority.ROUTINE,
    rank: Rank = Rank.TEXT,
) -> Offer:
    """Put a bundle named `label` into custody."""
    return await store.add(
        bundle_id=bundle_id_of(label),
        priority=priority,
        rank=rank,
        recipient_key=b"k1",
        dwell_code=22,
        sealed=sealed_of(label, size_bytes),
    )


def offer_of(label: str, size_bytes: int, sequence: int, incarnation: Incarnation = PEER) -> Offer:
    """The peer's offer of a bundle named `label`."""
    return Offer(
        incarnation=incarnation,
        sequence=sequence,
        bundle_id=bundle_id_of(label),
        seal_tag=seal_tag_of(sealed_of(label, size_bytes)),
        priority=Priority.ROUTINE,
        dwell_code=22,
        recipient_key=b"k1",
        size_bytes=size_bytes,
    )


def resealed(offer: Offer, label: str, sequence: int) -> Offer:
    """The same bundle under another seal, whose bytes are those of `label`, and another number."""
    return replace(
        offer,
        sequence=sequence,
        seal_tag=seal_tag_of(sealed_of(label, offer.size_bytes)),
        recipient_key=b"k7",
    )


def chunk_of(offer: Offer, label: str, start: int = 0, end: int | None = None) -> IncomingChunk:
    sealed = sealed_of(label, offer.size_bytes)
    return IncomingChunk(
        offer=offer, offset=start, data=sealed[start : offer.size_bytes if end is None else end]
    )


async def receive(store: PairStore, label: str, size_bytes: int, sequence: int) -> Offer:
    """Persist the peer's whole bundle in one chunk."""
    offer = offer_of(label, size_bytes, sequence)
    assert await store.persist([chunk_of(offer, label)]) == (ChunkOutcome.STORED,)
    return offer


class StoreContract:
    """Promises of `PairStore` and `Custody`."""

    def opened(self) -> AbstractAsyncContextManager[Store]:
        raise NotImplementedError

    # Custody, outgoing.

    async def test_a_new_store_has_nothing(self) -> None:
        async with self.opened() as store:
            view = await store.open_session()
            assert (view.sequence_max, view.pending, view.received, view.partials) == (0, (), (), ())
            assert (view.stored, view.former) == (NOTHING, ())
            assert len(view.incarnation) == 4
            assert await store.received_after(0, 10) == ()

    async def test_each_session_has_a_higher_generation(self) -> None:
        async with self.opened() as store:
            first = await store.open_session()
            second = await store.open_session()
            assert second.generation > first.generation >= 1
            assert second.incarnation == first.incarnation

    async def test_added_bundles_are_numbered_in_order_and_offered_as_sealed(self) -> None:
        async with self.opened() as store:
            offers = [await add(store, "a", 10), await add(store, "b", 20)]
            view = await store.open_session()
            assert [offer.sequence for offer in offers] == [1, 2]
            assert view.sequence_max == 2
            assert [bundle.offer for bundle in view.pending] == offers
            assert offers[1].seal_tag == seal_tag_of(sealed_of("b", 20))
            assert offers[1].incarnation == view.incarnation
            assert (offers[1].size_bytes, offers[1].dwell_code, offers[1].recipient_key) == (20, 22, b"k1")
            assert [bundle.receipted for bundle in view.pending] == [None, None]

    async def test_adding_the_same_bundle_again_changes_nothing(self) -> None:
        async with self.opened() as store:
            first = await add(store, "a", 10)
            again = await store.add(
                bundle_id=first.bundle_id,
                priority=Priority.BULK,
                rank=Rank.FULL,
                recipient_key=b"k2",
                dwell_code=3,
                sealed=sealed_of("another seal", 30),
            )
            assert again == first
            await store.mark_stored(numbers(1))
            assert await add(store, "a", 10) == first
            view = await store.open_session()
            assert (view.sequence_max, view.pending) == (1, ())

    async def test_outgoing_is_ordered_by_urgency_and_skips_what_the_caller_knows(self) -> None:
        async with self.opened() as store:
            await add(store, "bulk", priority=Priority.BULK, rank=Rank.HEADLINE)
            await add(store, "photo", rank=Rank.STANDARD)
            await add(store, "text", rank=Rank.TEXT)
            await add(store, "later text", rank=Rank.TEXT)
            await add(store, "alarm", priority=Priority.EMERGENCY, rank=Rank.FULL)
            urgent_first = [bundle.offer.sequence for bundle in await store.outgoing(NOTHING)]
            assert urgent_first == [5, 3, 4, 2, 1]
            beside = await store.outgoing(numbers(3, 5))
            assert [bundle.offer.sequence for bundle in beside] == [4, 2, 1]
            assert (await store.open_session()).pending == await store.outgoing(NOTHING)

    async def test_outgoing_comes_in_pages(self) -> None:
        async with self.opened() as store:
            for number in range(OUTGOING_PAGE + 2):
                await add(store, f"b{number}", 3)
            page = await store.outgoing(NOTHING)
            assert len(page) == OUTGOING_PAGE
            rest = await store.outgoing(numbers(*(bundle.offer.sequence for bundle in page)))
            assert [bundle.offer.sequence for bundle in rest] == [OUTGOING_PAGE + 1, OUTGOING_PAGE + 2]

    async def test_read_returns_any_range_while_in_custody(self) -> None:
        async with self.opened() as store:
            await add(store, "a", 200_000)
            sealed = sealed_of("a", 200_000)
            assert await store.read(1, 0, 200_000) == sealed
            assert await store.read(1, 65_000, 1_100) == sealed[65_000:66_100]
            assert await store.read(1, 199_990, 64) == sealed[199_990:]
            assert await store.read(2, 0, 10) == b""

    async def test_receipts_survive_into_the_next_session(self) -> None:
        async with self.opened() as store:
            await add(store, "a", 1000)
            await store.mark_receipted(1, NOTHING)
            (begun,) = (await store.open_session()).pending
            assert begun.receipted == NOTHING
            await store.mark_receipted(1, RangeSet.of([(0, 300), (500, 600)]))
            (half,) = (await store.open_session()).pending
            assert half.receipted == RangeSet.of([(0, 300), (500, 600)])
            await store.mark_receipted(99, NOTHING)

    async def test_stored_bundles_leave_the_pending_set(self) -> None:
        async with self.opened() as store:
            for label in "abc":
                await add(store, label)
            await store.mark_stored(RangeSet.of([(1, 3), (50, 60)]))
            await store.mark_stored(numbers(1))
            view = await store.open_session()
            assert [bundle.offer.sequence for bundle in view.pending] == [3]
            assert view.stored == numbers(1, 2)
            assert view.sequence_max == 3

    async def test_lost_bundles_are_pending_again_from_the_start(self) -> None:
        async with self.opened() as store:
            await add(store, "a", 500)
            await add(store, "b")
            view = await store.open_session()
            await store.mark_receipted(1, RangeSet.whole(500))
            await store.mark_stored(numbers(1, 2))
            await store.mark_lost(view.incarnation, numbers(1, 77))
            view = await store.open_session()
            assert [(bundle.offer.sequence, bundle.receipted) for bundle in view.pending] == [(1, None)]
            assert view.stored == numbers(2)
            assert await store.read(1, 0, 500) == sealed_of("a", 500)

    async def test_digest_sums_our_ids_in_a_range(self) -> None:
        async with self.opened() as store:
            for label in "abc":
                await add(store, label)
            view = await store.open_session()
            await store.mark_stored(numbers(2))
            assert await store.digest(view.incarnation, RangeSet.of([(2, 90)])) == digest(
                [bundle_id_of("b"), bundle_id_of("c")]
            )
            assert await store.digest(view.incarnation, NOTHING) == 0
            assert await store.digest(OTHER, RangeSet.of([(1, 4)])) == 0

    async def test_a_refused_bundle_stays_pending(self) -> None:
        async with self.opened() as store:
            await add(store, "a")
            await store.note_refusal(1, "unknown key")
            await store.note_refusal(9, "unknown key")
            assert [bundle.offer.sequence for bundle in await store.outgoing(NOTHING)] == [1]

    # A new incarnation.

    async def test_renewal_numbers_the_pending_anew_and_keeps_the_stored_as_former(self) -> None:
        async with self.opened() as store:
            for label in "abcd":
                await add(store, label)
            before = await store.open_session()
            await store.mark_stored(numbers(1, 3))
            await store.mark_receipted(4, RangeSet.whole(10))
            after = await store.renew_incarnation("restored")
            assert after.incarnation != before.incarnation
            assert after.generation == before.generation
            assert [(bundle.offer.sequence, bundle.offer.bundle_id) for bundle in after.pending] == [
                (1, bundle_id_of("b")),
                (2, bundle_id_of("d")),
            ]
            assert all(bundle.offer.incarnation == after.incarnation for bundle in after.pending)
            assert [bundle.receipted for bundle in after.pending] == [None, None]
            assert (after.sequence_max, after.stored) == (2, NOTHING)
            assert [(stream.incarnation, stream.stored) for stream in after.former] == [
                (before.incarnation, numbers(1, 3))
            ]
            # Also of those that go under other numbers by now: the peer may hold them under these.
            assert await store.digest(before.incarnation, RangeSet.of([(1, 9)])) == digest(
                [bundle_id_of(label) for label in "abcd"]
            )
            assert await store.read(2, 0, 1000) == sealed_of("d", 1000)

    async def test_what_is_lost_of_a_former_incarnation_is_numbered_anew(self) -> None:
        async with self.opened() as store:
            await add(store, "a")
            await add(store, "b")
            before = await store.open_session()
            await store.mark_stored(numbers(1, 2))
            await store.renew_incarnation("restored")
            await add(store, "c")
            await store.mark_lost(before.incarnation, numbers(2))
            view = await store.open_session()
            assert [(bundle.offer.sequence, bundle.offer.bundle_id) for bundle in view.pending] == [
                (1, bundle_id_of("c")),
                (2, bundle_id_of("b")),
            ]
            assert [stream.stored for stream in view.former] == [numbers(1)]
            assert view.sequence_max == 2

    # Receiving.

    async def test_chunks_in_any_order_make_the_bundle_once(self) -> None:
        async with self.opened() as store:
            offer = offer_of("a", 3000, 7)
            assert await store.persist([chunk_of(offer, "a", 2000, 3000)]) == (ChunkOutcome.PARTIAL,)
            (partial,) = (await store.open_session()).partials
            assert (partial.offer, partial.held) == (offer, RangeSet.of([(2000, 3000)]))
            outcomes = await store.persist([chunk_of(offer, "a", 0, 1500), chunk_of(offer, "a", 1000, 2200)])
            assert outcomes == (ChunkOutcome.PARTIAL, ChunkOutcome.STORED)
            assert await store.persist([chunk_of(offer, "a", 0, 10)]) == (ChunkOutcome.STORED,)
            view = await store.open_session()
            assert view.partials == ()
            assert view.received == (
                ReceivedStream(incarnation=PEER, held=numbers(7), digest=digest([bundle_id_of("a")])),
            )
            (received,) = await store.received_after(0, 10)
            assert (received.offer, received.sealed) == (offer, sealed_of("a", 3000))

    @pytest.mark.parametrize("seed", range(8))
    async def test_any_overlapping_chunks_add_up(self, seed: int) -> None:
        chance = random.Random(seed)
        async with self.opened() as store:
            offer = offer_of("a", 3000, 1)
            held = NOTHING
            for _ in range(chance.randrange(12)):
                start = chance.randrange(3000)
                end = min(start + chance.randrange(1, 3000), 3000)
                held = held.add(start, end)
                (outcome,) = await store.persist([chunk_of(offer, "a", start, end)])
                whole = held.covers(3000)
                assert outcome == (ChunkOutcome.STORED if whole else ChunkOutcome.PARTIAL)
            for partial in (await store.open_session()).partials:
                assert partial.held == held
            await store.persist([chunk_of(offer, "a")])
            (received,) = await store.received_after(0, 10)
            assert received.sealed == sealed_of("a", 3000)

    async def test_an_offer_alone_makes_an_empty_partial(self) -> None:
        async with self.opened() as store:
            offer = offer_of("a", 100, 1)
            assert await store.persist([chunk_of(offer, "a", 0, 0)]) == (ChunkOutcome.PARTIAL,)
            assert await store.received_after(0, 10) == ()

    async def test_bytes_that_do_not_match_their_seal_tag_are_dropped_whole(self) -> None:
        async with self.opened() as store:
            offer = offer_of("a", 100, 1)
            outcome = await store.persist([IncomingChunk(offer=offer, offset=0, data=bytes(100))])
            assert outcome == (ChunkOutcome.CORRUPT,)
            view = await store.open_session()
            assert (view.partials, view.received) == ((), ())
            await receive(store, "a", 100, 1)

    async def test_another_seal_voids_the_partial(self) -> None:
        async with self.opened() as store:
            old = offer_of("a", 100, 1)
            sealed = sealed_of("a, sealed again", 120)
            new = Offer(
                incarnation=PEER,
                sequence=1,
                bundle_id=old.bundle_id,
                seal_tag=seal_tag_of(sealed),
                priority=Priority.ROUTINE,
                dwell_code=22,
                recipient_key=b"k2",
                size_bytes=120,
            )
            await store.persist([chunk_of(old, "a", 0, 60)])
            outcome = await store.persist([IncomingChunk(offer=new, offset=60, data=sealed[60:])])
            assert outcome == (ChunkOutcome.PARTIAL,)
            (partial,) = (await store.open_session()).partials
            assert (partial.offer, partial.held) == (new, RangeSet.of([(60, 120)]))

    async def test_a_partial_keeps_its_bytes_when_the_peer_numbers_it_anew(self) -> None:
        async with self.opened() as store:
            await store.persist([chunk_of(offer_of("a", 100, 9), "a", 0, 60)])
            anew = offer_of("a", 100, 1, OTHER)
            await store.persist([chunk_of(anew, "a", 60, 61)])
            (partial,) = (await store.open_session()).partials
            assert (partial.offer, partial.held) == (anew, RangeSet.of([(0, 61)]))
            assert await store.persist([chunk_of(anew, "a", 61)]) == (ChunkOutcome.STORED,)
            assert (await store.open_session()).partials == ()

    async def test_a_bundle_held_under_another_number_is_stored_without_its_bytes(self) -> None:
        async with self.opened() as store:
            await receive(store, "a", 100, 1)
            again = offer_of("a", 100, 4, OTHER)
            assert await store.persist([chunk_of(again, "a", 0, 0)]) == (ChunkOutcome.STORED,)
            streams = {stream.incarnation: stream.held for stream in (await store.open_session()).received}
            assert streams == {PEER: numbers(1), OTHER: numbers(4)}
            assert len(await store.received_after(0, 10)) == 1

    async def test_a_forked_number_keeps_both_bundles_and_counts_the_first(self) -> None:
        async with self.opened() as store:
            await receive(store, "a", 100, 1)
            twin = offer_of("twin", 100, 1)
            assert await store.persist([chunk_of(twin, "twin", 0, 50)]) == (ChunkOutcome.PARTIAL,)
            assert await store.persist([chunk_of(twin, "twin", 50)]) == (ChunkOutcome.FORKED,)
            ids = [received.offer.bundle_id for received in await store.received_after(0, 10)]
            assert ids == [bundle_id_of("a"), bundle_id_of("twin")]
            stream, fork = (await store.open_session()).received
            assert (stream.held, stream.digest) == (numbers(1), digest([bundle_id_of("a")]))
            assert fork.incarnation == fork_of(stream.incarnation)

    async def test_received_digest_drills_into_any_range(self) -> None:
        async with self.opened() as store:
            for sequence, label in enumerate("abc", start=1):
                await receive(store, label, 50, sequence)
            assert await store.received_digest(PEER, RangeSet.of([(2, 9)])) == digest(
                [bundle_id_of("b"), bundle_id_of("c")]
            )
            assert await store.received_digest(OTHER, RangeSet.of([(1, 9)])) == 0

    async def test_the_incarnation_heard_last_comes_first(self) -> None:
        async with self.opened() as store:
            await receive(store, "a", 50, 1)
            await store.persist([chunk_of(offer_of("b", 50, 1, OTHER), "b")])
            assert [stream.incarnation for stream in (await store.open_session()).received] == [OTHER, PEER]
            await receive(store, "c", 50, 2)
            assert [stream.incarnation for stream in (await store.open_session()).received] == [PEER, OTHER]

    async def test_unfinished_bundles_are_bounded(self) -> None:
        async with self.opened() as store:
            offers = [offer_of(f"b{number}", 50, number) for number in range(1, PARTIALS_MAX + 2)]
            chunks = [chunk_of(offer, f"b{offer.sequence}", 0, 10) for offer in offers]
            outcomes = await store.persist(chunks)
            assert outcomes == (ChunkOutcome.PARTIAL,) * PARTIALS_MAX + (ChunkOutcome.NO_ROOM,)
            assert len((await store.open_session()).partials) == PARTIALS_MAX

    # Custody, received.

    async def test_received_bundles_come_in_order_of_arrival_and_in_pages(self) -> None:
        async with self.opened() as store:
            for sequence, label in ((3, "c"), (1, "a"), (2, "b")):
                await receive(store, label, 60, sequence)
            first = await store.received_after(0, 2)
            assert [received.offer.sequence for received in first] == [3, 1]
            assert first[0].row < first[1].row
            rest = await store.received_after(first[-1].row, 2)
            assert [received.offer.sequence for received in rest] == [2]

    async def test_taken_and_quarantined_bundles_stay_held_and_are_not_delivered_again(self) -> None:
        async with self.opened() as store:
            offers = [await receive(store, label, 60, number) for number, label in enumerate("abc", start=1)]
            taken, bad, waiting = await store.received_after(0, 10)
            await store.take(taken.row)
            await store.take(taken.row)
            await store.quarantine(bad.row, "cannot be opened")
            assert await store.received_after(0, 10) == (waiting,)
            for offer, label in zip(offers, "abc", strict=True):
                assert await store.persist([chunk_of(offer, label, 0, 5)]) == (ChunkOutcome.STORED,)
            assert await store.received_after(0, 10) == (waiting,)
            (stream,) = (await store.open_session()).received
            assert stream.held == numbers(1, 2, 3)

    # Keys that are gone.

    async def test_what_cannot_be_opened_is_asked_for_and_taken_once_under_a_new_seal(self) -> None:
        async with self.opened() as store:
            old = await receive(store, "a", 300, 4)
            (unopened,) = await store.received_after(0, 9)
            await store.ask_rekey(unopened.row, b"k7", "its key is gone")
            assert await store.received_after(0, 9) == ()
            (asked,) = await store.unopened()
            assert (asked.incarnation, asked.sequence, asked.recipient_key) == (PEER, 4, b"k7")
            new = resealed(old, "a under k7", 6)
            chunks = [chunk_of(new, "a under k7", 0, 100), chunk_of(new, "a under k7", 100)]
            assert await store.persist(chunks) == (ChunkOutcome.PARTIAL, ChunkOutcome.STORED)
            (opened,) = await store.received_after(0, 9)
            assert (opened.offer, opened.sealed) == (new, sealed_of("a under k7", 300))
            assert opened.row > unopened.row
            assert await store.unopened() == ()
            await store.take(opened.row)
            for offer, label in ((old, "a"), (new, "a under k7"), (resealed(old, "third", 7), "third")):
                assert await store.persist([chunk_of(offer, label)]) == (ChunkOutcome.STORED,)
            assert await store.received_after(0, 9) == ()
            (stream,) = (await store.open_session()).received
            assert stream.held == numbers(4, 6, 7)

    async def test_the_old_seal_again_is_not_taken_and_is_asked_for_by_its_latest_number(self) -> None:
        async with self.opened() as store:
            await receive(store, "a", 300, 4)
            (unopened,) = await store.received_after(0, 9)
            await store.ask_rekey(unopened.row, b"k7", "its key is gone")
            again = offer_of("a", 300, 2, OTHER)
            assert await store.persist([chunk_of(again, "a", 0, 0)]) == (ChunkOutcome.STORED,)
            assert await store.received_after(0, 9) == ()
            await store.ask_rekey(unopened.row, b"k8", "its key is gone")
            (asked,) = await store.unopened()
            assert (asked.incarnation, asked.sequence, asked.recipient_key) == (OTHER, 2, b"k8")

    async def test_unopened_bytes_stay_until_the_new_seal_is_whole(self) -> None:
        async with self.opened() as store:
            old = await receive(store, "a", 300, 4)
            (unopened,) = await store.received_after(0, 9)
            await store.ask_rekey(unopened.row, b"k7", "its key is gone")
            new = resealed(old, "a under k7", 6)
            assert await store.persist([chunk_of(new, "a under k7", 0, 100)]) == (ChunkOutcome.PARTIAL,)
            broken = IncomingChunk(offer=new, offset=100, data=bytes(200))
            assert await store.persist([broken]) == (ChunkOutcome.CORRUPT,)
            assert len(await store.unopened()) == 1
            assert await store.received_after(0, 9) == ()

    async def test_a_taken_bundle_is_asked_for_no_more(self) -> None:
        async with self.opened() as store:
            await receive(store, "a", 300, 4)
            (bundle,) = await store.received_after(0, 9)
            await store.take(bundle.row)
            await store.ask_rekey(bundle.row, b"k7", "its key is gone")
            assert await store.unopened() == ()

    async def test_asking_wakes_the_session(self) -> None:
        async with self.opened() as store:
            await receive(store, "a", 300, 4)
            (bundle,) = await store.received_after(0, 9)
            await store.ask_rekey(bundle.row, b"k7", "its key is gone")
            await asyncio.wait_for(store.wait_outgoing(), 10)

    async def test_a_bundle_sealed_again_has_a_new_number_and_the_old_one_still_counts(self) -> None:
        async with self.opened() as store:
            await add(store, "a", 300)
            await add(store, "b", 40)
            view = await store.open_session()
            await store.mark_stored(numbers(1, 2))
            await store.note_rekey(view.incarnation, 1, b"k7")
            (asked,) = await store.rekeys()
            assert (asked.bundle_id, asked.recipient_key, asked.gone_key) == (
                bundle_id_of("a"),
                b"k7",
                b"k1",
            )
            sealed = sealed_of("a under k7", 310)
            offer = await store.reseal(bundle_id=asked.bundle_id, recipient_key=b"k7", sealed=sealed)
            assert offer is not None
            assert (offer.sequence, offer.recipient_key, offer.size_bytes) == (3, b"k7", 310)
            assert await store.rekeys() == ()
            after = await store.open_session()
            assert [bundle.offer for bundle in after.pending] == [offer]
            assert (after.stored, after.sequence_max) == (numbers(1, 2), 3)
            assert await store.read(3, 0, 310) == sealed
            assert await store.read(1, 0, 310) == b""
            ids = [bundle_id_of(label) for label in "aba"]
            assert await store.digest(view.incarnation, RangeSet.of([(1, 4)])) == digest(ids)
            assert await add(store, "a", 300) == offer

    async def test_the_former_number_may_be_lost_and_found(self) -> None:
        async with self.opened() as store:
            await add(store, "a", 300)
            view = await store.open_session()
            await store.mark_stored(numbers(1))
            await store.note_rekey(view.incarnation, 1, b"k7")
            await store.reseal(bundle_id=bundle_id_of("a"), recipient_key=b"k7", sealed=b"new")
            await store.mark_lost(view.incarnation, numbers(1))
            lost = await store.open_session()
            assert (lost.stored, [bundle.offer.sequence for bundle in lost.pending]) == (NOTHING, [2])
            await store.mark_stored(numbers(1, 2))
            assert (await store.open_session()).stored == numbers(1, 2)
            await store.renew_incarnation("restored")
            renewed = await store.open_session()
            assert [stream.stored for stream in renewed.former] == [numbers(1, 2)]
            await store.mark_lost(view.incarnation, numbers(1, 2))
            (again,) = (await store.open_session()).pending
            assert (again.offer.sequence, again.offer.bundle_id) == (1, bundle_id_of("a"))

    async def test_what_nobody_may_ask_for_changes_nothing(self) -> None:
        async with self.opened() as store:
            await add(store, "a", 300)
            view = await store.open_session()
            await store.note_rekey(view.incarnation, 9, b"k7")
            await store.note_rekey(OTHER, 1, b"k7")
            assert await store.rekeys() == ()
            unasked = await store.reseal(bundle_id=bundle_id_of("a"), recipient_key=b"k7", sealed=b"new")
            assert unasked is None
            assert (await store.open_session()).pending == view.pending

    async def test_a_bundle_is_sealed_again_only_so_often(self) -> None:
        async with self.opened() as store:
            offer: Offer | None = await add(store, "a", 300)
            for turn in range(RESEALS_MAX + 1):
                assert offer is not None
                first = offer
                await store.note_rekey(offer.incarnation, offer.sequence, b"k7")
                assert len(await store.rekeys()) == (turn < RESEALS_MAX)
                offer = await store.reseal(
                    bundle_id=offer.bundle_id, recipient_key=b"k7", sealed=f"seal {turn}".encode()
                )
                await store.note_rekey(first.incarnation, first.sequence, b"k7")
            assert offer is None

    # Safe and pruned.

    async def test_what_was_settled_before_a_verified_backup_is_safe(self) -> None:
        async with self.opened() as store:
            for sequence, label in enumerate("abcd", start=1):
                await receive(store, label, 60, sequence)
            first, second, third, fourth = await store.received_after(0, 9)
            await store.take(first.row)
            await store.quarantine(second.row, "cannot be opened")
            moment = await store.begin_backup()
            await store.take(third.row)
            assert await store.safe() == ()
            assert await store.note_backup(moment)
            assert await store.safe() == safe_mark(1, 2)
            await store.take(fourth.row)
            assert await store.note_backup(moment)
            assert await store.safe() == safe_mark(1, 2)
            assert await store.note_backup(await store.begin_backup())
            assert (await store.open_session()).safe_here == safe_mark(1, 2, 3, 4)

    async def test_what_is_missing_or_waits_for_a_seal_is_not_safe_and_holds_nothing_else_up(self) -> None:
        async with self.opened() as store:
            for sequence, label in ((1, "a"), (2, "b"), (4, "d")):
                await receive(store, label, 60, sequence)
            first, unopened, last = await store.received_after(0, 9)
            await store.take(first.row)
            await store.take(last.row)
            await store.quarantine(unopened.row, "cannot be opened")
            await store.ask_rekey(unopened.row, b"k7", "its key is gone")
            await store.note_backup(await store.begin_backup())
            assert await store.safe() == safe_mark(1, 4)
            new = resealed(unopened.offer, "b under k7", 3)
            await store.persist([chunk_of(new, "b under k7")])
            (opened,) = await store.received_after(0, 9)
            await store.take(opened.row)
            await store.note_backup(await store.begin_backup())
            assert await store.safe() == safe_mark(1, 2, 3, 4)

    async def test_a_moment_of_another_history_covers_nothing(self) -> None:
        async with self.opened() as store:
            await receive(store, "a", 60, 1)
            (received,) = await store.received_after(0, 9)
            await store.take(received.row)
            assert not await store.note_backup(Moment(b"elsewhen"))
            moments = [await store.begin_backup() for _ in range(BACKUP_MOMENTS_MAX + 1)]
            assert not await store.note_backup(moments[0])
            assert await store.safe() == ()
            assert await store.note_backup(moments[1])
            assert await store.safe() == safe_mark(1)

    async def test_of_more_gaps_than_can_be_told_the_lowest_ranges_are(self) -> None:
        async with self.opened() as store:
            for sequence in range(1, 2 * RANGES_MAX + 4, 2):
                await receive(store, f"no. {sequence}", 1, sequence)
            for received in await store.received_after(0, 2 * RANGES_MAX):
                await store.take(received.row)
            await store.note_backup(await store.begin_backup())
            assert await store.safe() == safe_mark(*range(1, 2 * RANGES_MAX, 2))
            # A gap that closes makes room for what lies behind.
            await receive(store, "no. 2", 1, 2)
            (received,) = await store.received_after(0, 9)
            await store.take(received.row)
            await store.note_backup(await store.begin_backup())
            assert await store.safe() == safe_mark(2, *range(1, 2 * RANGES_MAX + 2, 2))

    async def test_noting_a_backup_wakes_the_session(self) -> None:
        async with self.opened() as store:
            await store.note_backup(await store.begin_backup())
            await asyncio.wait_for(store.wait_outgoing(), 10)

    async def test_only_what_is_safe_stored_long_ago_and_not_among_the_newest_is_pruned(self) -> None:
        async with self.opened() as store:
            for label in "abcdef":
                await add(store, label, 100)
            life = (await store.open_session()).incarnation
            await store.mark_stored(RangeSet.of([(1, 4), (5, 6)]))
            await store.mark_safe(life, RangeSet.of([(1, 5)]))
            await store.mark_safe(OTHER, RangeSet.of([(1, 7)]))
            assert await store.prune(stored_before_s=STORED_S, keep_newest=0) == 0
            assert await store.prune(stored_before_s=STORED_S + 1, keep_newest=4) == 2
            assert await store.prune(stored_before_s=STORED_S + 1, keep_newest=0) == 1
            assert await store.prune(stored_before_s=STORED_S + 1, keep_newest=0) == 0
            view = await store.open_session()
            assert view.stored == numbers(1, 2, 3, 5)
            assert [bundle.offer.sequence for bundle in view.pending] == [4, 6]
            ids = [bundle_id_of(label) for label in "abcdef"]
            assert await store.digest(life, RangeSet.of([(1, 7)])) == digest(ids)
            await store.mark_lost(life, numbers(5))
            assert await store.read(5, 0, 100) == sealed_of("e", 100)

    @pytest.mark.parametrize(
        ("since_s", "now_s", "dated_s"),
        [
            (STORED_S + 1, STORED_S + 90, STORED_S + 90),  # Before any clock was set.
            (0, STORED_S - 90, STORED_S - 90),  # In the future.
            (STORED_S, STORED_S, STORED_S),
            (0, STORED_S + 90, STORED_S),
        ],
    )
    async def test_a_receipt_without_a_date_is_dated_by_who_knows_one(
        self, since_s: float, now_s: float, dated_s: float
    ) -> None:
        async with self.opened() as store:
            await add(store, "a", 100)
            await add(store, "b", 100)
            life = (await store.open_session()).incarnation
            await store.mark_stored(numbers(1))
            await store.mark_safe(life, numbers(1))
            await store.date_receipts(since_s=since_s, now_s=now_s)
            assert await store.prune(stored_before_s=dated_s, keep_newest=0) == 0
            assert await store.prune(stored_before_s=dated_s + 0.5, keep_newest=0) == 1
            assert (await store.open_session()).stored == numbers(1)

    async def test_what_was_pruned_and_lost_by_the_peer_is_sealed_again_under_its_number(self) -> None:
        async with self.opened() as store:
            for label in "abc":
                await add(store, label, 100)
            life = (await store.open_session()).incarnation
            await store.mark_stored(RangeSet.of([(1, 4)]))
            await store.mark_safe(life, numbers(1, 2))
            await store.prune(stored_before_s=STORED_S + 1, keep_newest=0)
            await store.mark_lost(life, RangeSet.of([(1, 4)]))
            assert [bundle.offer.sequence for bundle in await store.outgoing(NOTHING)] == [3]
            assert await store.without_bytes(9) == (bundle_id_of("a"), bundle_id_of("b"))
            assert await store.without_bytes(1) == (bundle_id_of("a"),)
            offer = await add(store, "a", 100)
            assert offer.sequence == 1
            assert await store.read(1, 0, 100) == sealed_of("a", 100)
            assert await store.without_bytes(9) == (bundle_id_of("b"),)
            after = await store.renew_incarnation("restored")
            assert [bundle.offer.bundle_id for bundle in after.pending] == [
                bundle_id_of("a"),
                bundle_id_of("c"),
            ]
            assert await store.without_bytes(9) == (bundle_id_of("b"),)
            assert (await add(store, "b", 100)).incarnation == after.incarnation
            assert await store.without_bytes(9) == ()

    async def test_what_was_lost_once_is_not_safe_until_the_peer_says_so_again(self) -> None:
        async with self.opened() as store:
            await add(store, "a", 100)
            life = (await store.open_session()).incarnation
            await store.mark_safe(life, numbers(1))
            await store.mark_stored(numbers(1))
            assert await store.prune(stored_before_s=STORED_S + 1, keep_newest=0) == 0
            await store.mark_safe(life, numbers(1))
            await store.mark_lost(life, numbers(1))
            await store.mark_stored(numbers(1))
            assert await store.prune(stored_before_s=STORED_S + 1, keep_newest=0) == 0

    # Given back.

    async def test_a_former_life_ends_with_its_last_number_whatever_was_promised_back(self) -> None:
        async with self.opened() as store:
            await add(store, "a")
            await add(store, "b")
            before = (await store.open_session()).incarnation
            await store.mark_stored(numbers(1, 2))
            await store.renew_incarnation("restored")
            await store.renew_incarnation("restored again, with nothing numbered between")
            former = (await store.open_session()).former
            assert [(each.incarnation, each.sequence_max) for each in former] == [(before, 2)]
            await store.note_foreign(before, numbers(3, 4, 7))
            await store.note_foreign(OTHER, numbers(9))
            await store.mark_promised(before, numbers(4, 7))
            await store.mark_promised(before, numbers(3))
            await store.mark_promised(OTHER, numbers(9))
            view = await store.open_session()
            assert {each.incarnation: each.sequence_max for each in view.former} == {before: 2}
            assert view.promised == (
                ForeignNumbers(incarnation=OTHER, sequences=numbers(9)),
                ForeignNumbers(incarnation=before, sequences=numbers(3, 4, 7)),
            )

    async def test_foreign_numbers_are_asked_for_until_promised(self) -> None:
        async with self.opened() as store:
            view = await store.open_session()
            await store.note_foreign(view.incarnation, numbers(3, 4, 5))
            await store.note_foreign(OTHER, numbers(8))
            await store.note_foreign(OTHER, numbers(9))
            renewed = await store.renew_incarnation("restored")
            asked = (
                ForeignNumbers(incarnation=OTHER, sequences=numbers(8, 9)),
                ForeignNumbers(incarnation=view.incarnation, sequences=numbers(3, 4, 5)),
            )
            assert renewed.foreign == asked
            await store.mark_promised(OTHER, numbers(8, 9, 10))
            await store.mark_promised(view.incarnation, numbers(4))
            await store.mark_promised(PEER, numbers(3))
            assert (await store.open_session()).foreign == (
                ForeignNumbers(incarnation=view.incarnation, sequences=numbers(3, 5)),
            )

    async def test_what_is_asked_for_is_bounded(self) -> None:
        async with self.opened() as store:
            many = RangeSet.of((3 * number, 3 * number + 2) for number in range(1, RANGES_MAX + 2))
            await store.note_foreign(OTHER, many)
            (kept,) = (await store.open_session()).foreign
            assert kept.sequences.spans == many.spans[:RANGES_MAX]
            await store.mark_promised(OTHER, numbers(4))
            (kept,) = (await store.open_session()).foreign
            assert kept.sequences.spans == ((3, 4), *many.spans[1:RANGES_MAX])
            for life in range(STREAMS_MAX):
                await store.note_foreign(Incarnation(bytes((life, 0, 0, 0))), numbers(1))
            lives = [each.incarnation for each in (await store.open_session()).foreign]
            assert lives == [Incarnation(bytes((life, 0, 0, 0))) for life in reversed(range(STREAMS_MAX))]

    async def test_a_promise_that_would_forget_others_is_asked_for_again(self) -> None:
        async with self.opened() as store:
            many = RangeSet.of((4 * number, 4 * number + 3) for number in range(1, RANGES_MAX + 1))
            await store.note_foreign(OTHER, many)
            await store.mark_promised(OTHER, numbers(5))
            assert (await store.open_session()).foreign == (
                ForeignNumbers(incarnation=OTHER, sequences=many),
            )

    async def test_what_the_peer_asks_back_is_given_once_most_urgent_first(self) -> None:
        async with self.opened() as store:
            for sequence, label in enumerate("abc", start=1):
                await receive(store, label, 60, sequence)
            urgent = replace(offer_of("d", 60, 4), priority=Priority.URGENT)
            await store.persist([chunk_of(urgent, "d")])
            taken, *_ = await store.received_after(0, 9)
            await store.take(taken.row)
            assert await store.note_return(PEER, numbers(1, 3, 4, 77)) == 3
            assert await store.note_return(OTHER, numbers(1)) == 0
            assert await store.note_return(PEER, numbers(3)) == 0
            asked = await store.to_return(9)
            assert [(each.sequence, each.bundle_id, each.incarnation) for each in asked] == [
                (4, bundle_id_of("d"), PEER),
                (1, bundle_id_of("a"), PEER),
                (3, bundle_id_of("c"), PEER),
            ]
            assert await store.to_return(1) == asked[:1]
            await store.mark_returned([asked[0].row, asked[1].row, 99])
            assert await store.to_return(9) == asked[2:]
            assert await store.note_return(PEER, numbers(1, 2)) == 1
            assert [each.sequence for each in await store.to_return(9)] == [3, 2]
            owed = ForeignNumbers(incarnation=PEER, sequences=numbers(1, 2, 3, 4))
            assert (await store.open_session()).owed == (owed,)

    async def test_a_second_bundle_under_a_number_is_held_in_its_own_name_until_it_has_a_number(self) -> None:
        async with self.opened() as store:
            await receive(store, "a", 60, 1)
            for label in "bcb":
                (outcome,) = await store.persist([chunk_of(offer_of(label, 60, 1), label)])
                assert outcome is ChunkOutcome.FORKED
            fork = fork_of(PEER)
            held = {each.incarnation: each for each in (await store.open_session()).received}
            assert {life: stream.held for life, stream in held.items()} == {
                PEER: numbers(1),
                fork: numbers(1, 2),
            }
            assert held[fork].digest == digest([bundle_id_of("b"), bundle_id_of("c")])
            assert await store.note_return(fork, numbers(1)) == 1
            await receive(store, "b", 60, 2)
            view = await store.open_session()
            held = {each.incarnation: each for each in view.received}
            assert held[fork].held == numbers(2)
            assert view.owed == ()
            assert await store.to_return(9) == ()

    async def test_however_many_bundles_come_under_one_number_each_has_a_name_of_its_own(self) -> None:
        """A card that is restored from the same backup every week; and a name that the peer knows as given
        back never stands for another bundle."""
        async with self.opened() as store:
            await receive(store, "first", 60, 1)
            labels = [f"week {number}" for number in range(20)]
            for label in labels:
                await store.persist([chunk_of(offer_of(label, 60, 1), label)])
            (held,) = [each for each in (await store.open_session()).received if each.incarnation != PEER]
            assert held.held == numbers(*range(1, 21))
            await receive(store, labels[-1], 60, 2)
            await store.persist([chunk_of(offer_of("late", 60, 1), "late")])
            (held,) = [each for each in (await store.open_session()).received if each.incarnation != PEER]
            assert held.held == numbers(*range(1, 20), 21)

    async def test_what_was_settled_is_known_until_something_of_former_lives_changes(self) -> None:
        async with self.opened() as store:
            await add(store, "a", 100)
            former = (await store.open_session()).incarnation
            await store.mark_stored(numbers(1))
            await store.renew_incarnation("restored")
            await add(store, "b", 100)
            settled = Settlement(peer_incarnation=PEER, past=1 << 63)
            await store.note_settled(Settlement(peer_incarnation=OTHER, past=1))
            await store.note_settled(settled)
            await store.mark_stored(numbers(1))
            await store.mark_lost((await store.open_session()).incarnation, numbers(1))
            assert (await store.open_session()).settlement == settled
            for change in (
                lambda: store.note_foreign(OTHER, numbers(1)),
                lambda: store.mark_promised(OTHER, numbers(1)),
                lambda: store.mark_lost(former, numbers(1)),
                lambda: store.renew_incarnation("restored again"),
            ):
                await store.note_settled(settled)
                await change()
                assert (await store.open_session()).settlement is None

    async def test_being_asked_back_wakes_whoever_waits(self) -> None:
        async with self.opened() as store:
            await store.note_return(PEER, numbers(1))
            await asyncio.wait_for(store.wait_outgoing(), 10)

    async def test_waiting_for_outgoing_returns_once_something_was_added(self) -> None:
        async with self.opened() as store:
            await add(store, "a")
            await asyncio.wait_for(store.wait_outgoing(), 10)
            async with asyncio.TaskGroup() as group:
                waiting = group.create_task(store.wait_outgoing())
                await asyncio.sleep(0)
                assert not waiting.done()
                await add(store, "b")
                await asyncio.wait_for(waiting, 10)
