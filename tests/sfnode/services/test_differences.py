"""A correction of what the hub holds leaves as a difference; one that cannot be read is asked for whole."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from protocol.bundle import BundleContent, EntryBundle
from protocol.entry import SignedEntry
from protocol.errors import BaseMissing
from protocol.header import Priority
from protocol.ranges import RangeSet
from protocol.sealing import HpkeSealer, Prekey
from sync.envelope import SealedContent
from sync.ports import OutgoingBundle
from tests.sfnode.services.post import Post, Sent, open_post, sent_case

SEALER = HpkeSealer(os.urandom)


async def pending(post: Post) -> tuple[OutgoingBundle, ...]:
    return await (await post.custody()).outgoing(RangeSet())


async def arrived_at_hub(post: Post) -> None:
    """The hub has said that it holds all that was sealed so far."""
    custody = await post.custody()
    await custody.mark_stored(
        RangeSet(tuple((b.offer.sequence, b.offer.sequence + 1) for b in await pending(post)))
    )


async def opened_at_hub(post: Post, base: SignedEntry | None = None) -> BundleContent:
    """The one bundle that waits."""
    (bundle,) = await pending(post)
    sealed = await (await post.custody()).read(bundle.offer.sequence, 0, bundle.offer.size_bytes)
    keys = {Prekey(post.hub.opening.public_key().public_bytes_raw()).short_id: post.hub.opening}
    return post.hub.up.open(bundle.offer, sealed, keys=keys, sealer=SEALER, base=base)


async def correct_patient(post: Post, case: Sent, code: str) -> SignedEntry:
    """The entry that says so, as it waits in the vault."""
    await post.book.update_patient(case.case_id, lambda patient: replace(patient, code=code))
    (outgoing,) = await post.book.outbox()
    assert isinstance(outgoing.content, EntryBundle)
    await post.outbox.seal_waiting()
    return outgoing.content.entries[0]


async def test_a_correction_of_what_the_hub_holds_is_a_difference_from_it(tmp_path: Path) -> None:
    async with open_post(tmp_path) as post:
        case = await sent_case(post)
        await arrived_at_hub(post)
        first = await correct_patient(post, case, "P-1")
        await arrived_at_hub(post)
        second = await correct_patient(post, case, "P-2")
        with pytest.raises(BaseMissing) as missing:
            await opened_at_hub(post)
        assert first.entry_id.startswith(missing.value.base_id)
        assert await opened_at_hub(post, base=first) == EntryBundle((second,))


async def test_a_correction_of_what_the_hub_may_lack_is_whole(tmp_path: Path) -> None:
    async with open_post(tmp_path) as post:
        case = await sent_case(post)
        await arrived_at_hub(post)
        await correct_patient(post, case, "P-1")
        custody = await post.custody()
        (waiting,) = await pending(post)
        second = await correct_patient(post, case, "P-2")
        bundle = next(each for each in await pending(post) if each.offer != waiting.offer)
        sealed = await custody.read(bundle.offer.sequence, 0, bundle.offer.size_bytes)
        keys = {Prekey(post.hub.opening.public_key().public_bytes_raw()).short_id: post.hub.opening}
        assert post.hub.up.open(bundle.offer, sealed, keys=keys, sealer=SEALER) == EntryBundle((second,))


async def test_a_difference_that_the_hub_cannot_read_goes_out_whole(tmp_path: Path) -> None:
    async with open_post(tmp_path) as post:
        case = await sent_case(post)
        await arrived_at_hub(post)
        await correct_patient(post, case, "P-1")
        await arrived_at_hub(post)
        second = await correct_patient(post, case, "P-2")
        (bundle,) = await pending(post)
        custody = await post.custody()
        await arrived_at_hub(post)
        offer = bundle.offer
        await custody.note_rekey(offer.incarnation, offer.sequence, offer.recipient_key)
        assert await post.outbox.seal_waiting() == 1
        assert await opened_at_hub(post) == EntryBundle((second,))


def difference(post: Post, entry: SignedEntry, base: SignedEntry) -> SealedContent:
    return post.hub.down.seal(
        EntryBundle((entry,)),
        priority=Priority.URGENT,
        recipient=Prekey(post.hub.enrolled.opening),
        sealer=SEALER,
        base=base,
    )


ADVICE = "Sit the patient up, oxygen 6 litres by mask, and repeat the blood pressure every ten minutes."


async def test_a_difference_from_what_is_here_is_read(tmp_path: Path) -> None:
    async with open_post(tmp_path) as post:
        case = await sent_case(post)
        first, second = case.advice(post, ADVICE), case.advice(post, ADVICE.replace("ten", "five"))
        await post.arrive(post.hub.seal_entry(first), 1)
        changed = difference(post, second, first)
        assert len(changed.sealed) < len(post.hub.seal_entry(second).sealed) - 30
        await post.arrive(changed, 2)
        assert await post.inbox.open_waiting() == 2
        advice = (await post.book.plan_view(case.case_id)).advice
        assert any("every five minutes" in each for each in advice)


async def test_a_difference_from_what_is_not_here_is_asked_for_whole_and_stops_nothing(
    tmp_path: Path,
) -> None:
    async with open_post(tmp_path) as post:
        case = await sent_case(post)
        lost, second = case.advice(post, ADVICE), case.advice(post, ADVICE.replace("ten", "five"))
        changed = difference(post, second, lost)
        await post.arrive(changed, 1)
        await post.arrive(post.hub.seal_entry(case.advice(post, "Keep him warm.")), 2)
        assert await post.inbox.open_waiting() == 2
        (advice,) = (await post.book.plan_view(case.case_id)).advice
        assert advice.endswith("Keep him warm.")
        (asked,) = await (await post.custody()).unopened()
        assert (asked.sequence, asked.recipient_key) == (1, changed.recipient_key)
        await post.arrive(post.hub.seal_entry(second), 3)
        await post.inbox.open_waiting()
        assert len((await post.book.plan_view(case.case_id)).advice) == 2
        assert await (await post.custody()).unopened() == ()
