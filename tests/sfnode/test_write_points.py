"""A node killed at any commit of vault, pictures or spool: what was answered is there, and leaves once."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections import Counter
from pathlib import Path

from protocol.actors import Party
from protocol.bundle import EntryBundle
from protocol.clinical import Vitals
from protocol.ids import CaseId, EntryId
from protocol.ranges import RangeSet
from protocol.sealing import HpkeSealer, Prekey
from sync.stores.database import InlineThread
from tests.sfnode.services.post import Post, open_post, sent_case
from tests.sfnode.services.station import NOW_S, photo_layers
from tests.sync.stores.write_points import CommitPoints, Images

ADVICE = "Sit the patient up."


async def entries_in_custody(post: Post) -> Counter[EntryId]:
    """What the hub would find in all that waits for it, entry by entry."""
    custody = await post.custody()
    keys = {Prekey(post.hub.opening.public_key().public_bytes_raw()).short_id: post.hub.opening}
    found: Counter[EntryId] = Counter()
    for bundle in await custody.outgoing(RangeSet()):
        sealed = await custody.read(bundle.offer.sequence, 0, bundle.offer.size_bytes)
        content = post.hub.up.open(bundle.offer, sealed, keys=keys, sealer=HpkeSealer(os.urandom))
        if isinstance(content, EntryBundle):
            found.update(entry.entry_id for entry in content.entries)
    return found


async def entries_of(post: Post, case_id: CaseId) -> list[EntryId]:
    """Of our own, as the vault has them."""
    rows = await post.vault.vault.database.read(
        lambda connection: connection.execute(
            "SELECT entry_id FROM entry WHERE case_id = ? AND party = ?", (case_id, Party.SITE)
        ).fetchall()
    )
    return [EntryId(entry_id) for (entry_id,) in rows]


async def check(post: Post, case_id: CaseId, answered: list[str]) -> None:
    """Everything that was answered is there; a restart finishes what was under way."""
    await post.vault.vault.database.verify()
    await post.inbox.open_waiting()
    await post.outbox.seal_waiting()
    view = await post.book.case_view(case_id)
    records = [each.record for each in view.vitals] + [each.record for each in view.photos]
    assert {record for record in answered if record != ADVICE} <= set(records)
    assert len(records) == len(set(records))
    for layer in (layer for photo in view.photos for layer in photo.layers):
        assert len(await post.book.read_blob(case_id, bytes.fromhex(layer.blob))) == layer.size_bytes
    advice = (await post.book.plan_view(case_id)).advice
    assert len(advice) <= 1
    assert (ADVICE in answered) <= any(each.endswith(ADVICE) for each in advice)
    waiting = await entries_in_custody(post)
    ours = await entries_of(post, case_id)
    assert ours
    assert set(ours) <= set(waiting)
    assert max(waiting.values()) == 1
    assert await post.book.outbox() == ()


async def test_a_node_killed_at_any_commit_has_and_sends_all_that_was_answered(tmp_path: Path) -> None:
    answered: list[str] = []
    home = tmp_path / "site"
    images = Images(home, tmp_path)
    points = CommitPoints()
    async with open_post(home, execution=points) as post:
        case = await sent_case(post)
        points.at_each = lambda: images.take(len(answered))
        for number in range(2):
            view = await post.book.add_vitals(case.case_id, [Vitals(observed_s=NOW_S, pain=number)])
            answered.append(view.records[0].hex())
            photo = await post.book.add_photo(
                case.case_id, photo_layers(preview=bytes((number,)) * 900), caption=f"picture {number}"
            )
            answered.append(photo.record)
            await post.outbox.seal_waiting()
            if not number:
                await post.arrive(post.hub.seal_entry(case.advice(post, ADVICE)), 1)
                answered.append(ADVICE)
                await post.inbox.open_waiting()
        points.at_each = lambda: None
        await check(post, case.case_id, answered)
        hub = post.hub
    assert len(images.taken) > 20
    for count, image in images.taken:
        async with open_post(image, hub=hub, execution=InlineThread) as again:
            await check(again, case.case_id, answered[:count])
        await asyncio.to_thread(shutil.rmtree, image)
