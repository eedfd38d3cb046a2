"""Frames that come twice or in another order leave custody as it would be without.

What stays fixed is said by the wire format: HELLO comes first, an offer before the bytes it announces, and
offers among themselves in the order of their handles.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hypothesis import example, given
from hypothesis import strategies as st

from protocol.advice import Safe
from protocol.frames import Data, Frame, Have, Idle, Offer, Stored
from protocol.header import Priority
from protocol.ids import BundleId, Incarnation
from protocol.ranges import RangeSet
from sync.core import Role
from sync.ports import Offer as CustodyOffer
from sync.stores import MemoryStore

from ..stores.contract import PEER, add, bundle_id_of, numbers, offer_of, sealed_of
from .simulated_contact import new_store, run_now
from .test_hostile_peers import Puppet, hello

SIZES = {1: 700, 2: 300, 3: 40}
"""Handle, which is also the number, to bytes."""
CHUNK_BYTES = 100
OWN_BYTES = 2500

Chunk = tuple[int, int]
CHUNKS: list[Chunk] = [(handle, at) for handle, size in SIZES.items() for at in range(0, size, CHUNK_BYTES)]


def offer(handle: int) -> Offer:
    held = offer_of(f"bundle {handle}", SIZES[handle], handle, PEER)
    return Offer(
        handle=handle,
        incarnation=PEER,
        sequence=held.sequence,
        bundle_id=held.bundle_id,
        seal_tag=held.seal_tag,
        priority=Priority.ROUTINE,
        dwell_code=held.dwell_code,
        recipient_key=held.recipient_key,
        size_bytes=held.size_bytes,
    )


def data(chunk: Chunk) -> Data:
    handle, at = chunk
    return Data(handle, at, sealed_of(f"bundle {handle}", SIZES[handle])[at : at + CHUNK_BYTES])


def in_flight(chunks: Sequence[Chunk], repeated_offers: Sequence[int]) -> Iterator[Frame]:
    """The chunks in this order, each offer just in time, and once more where an offer is repeated."""
    offered = 0
    for index, chunk in enumerate(chunks):
        for handle in range(offered + 1, chunk[0] + 1):
            yield offer(handle)
        offered = max(offered, chunk[0])
        if index < len(repeated_offers) and repeated_offers[index] <= offered:
            yield offer(repeated_offers[index])
            yield Idle()
        yield data(chunk)
    yield from map(offer, SIZES)


def told(role: Role, store: MemoryStore, frames: Sequence[Frame], together: int) -> Puppet:
    puppet = Puppet(role, store).say(hello())
    for start in range(0, len(frames), together):
        puppet.say(*frames[start : start + together])
    assert puppet.ending is None
    return puppet


def whole(store: MemoryStore) -> dict[BundleId, bytes]:
    return {bundle.offer.bundle_id: bundle.sealed for bundle in run_now(store.received_after(0, 10_000))}


def unfinished(store: MemoryStore) -> set[tuple[CustodyOffer, RangeSet]]:
    return {(partial.offer, partial.held) for partial in run_now(store.open_session()).partials}


@given(
    st.lists(st.sampled_from(CHUNKS), max_size=40),
    st.lists(st.integers(1, len(SIZES)), max_size=40),
    st.integers(1, 5),
)
@example(CHUNKS[::-1] + CHUNKS, [3, 2, 1], 1)
def test_what_is_received_does_not_depend_on_repeats_and_order(
    chunks: list[Chunk], repeated_offers: list[int], together: int
) -> None:
    plain, shuffled = new_store(1), new_store(1)
    told(Role.LISTENER, plain, list(in_flight(sorted(set(chunks)), [])), 1)
    told(Role.LISTENER, shuffled, list(in_flight(chunks, repeated_offers)), together)
    assert whole(shuffled) == whole(plain)
    assert unfinished(shuffled) == unfinished(plain)
    for handle, size_bytes in SIZES.items():
        if set(chunks) >= {chunk for chunk in CHUNKS if chunk[0] == handle}:
            label = f"bundle {handle}"
            assert whole(shuffled)[bundle_id_of(label)] == sealed_of(label, size_bytes)


def receipts(life: Incarnation) -> list[Frame]:
    """What a peer may say of three bundles of ours while they are on their way."""
    progress: list[Frame] = [
        Have(handle, RangeSet(((start, start + 512),))) for handle in (1, 2) for start in (0, 512, 1024)
    ]
    return [*progress, Stored(life, numbers(1)), Stored(life, numbers(2)), Safe(life, numbers(1)), Idle()]


def pending(store: MemoryStore) -> dict[int, RangeSet | None]:
    return {bundle.offer.sequence: bundle.receipted for bundle in run_now(store.outgoing(RangeSet()))}


@given(st.lists(st.integers(0, 9), max_size=20), st.integers(1, 5))
@example([6, 0, 7, 3], 1)  # Progress told behind the receipt of the whole.
def test_what_is_believed_of_our_bundles_does_not_depend_on_repeats_and_order(
    said: list[int], together: int
) -> None:
    outcomes = []
    for order, group in ((sorted(set(said)), 1), (said, together)):
        store = new_store(1)
        for number in (1, 2, 3):
            run_now(add(store, f"ours {number}", OWN_BYTES))
        frames = receipts(run_now(store.open_session()).incarnation)
        told(Role.DIALER, store, [frames[index] for index in order], group)
        outcomes.append(pending(store))
    assert outcomes[0] == outcomes[1]
    assert set(outcomes[0]) == {1, 2, 3} - {index - 5 for index in said if index in (6, 7)}
