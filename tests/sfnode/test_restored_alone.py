"""A vault that was restored without its spool: what it lost is asked for, whoever had written it."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from protocol.clinical import Vitals
from protocol.ranges import RangeSet
from sfnode.vault.vault import ENTRIES_FILE
from sync.stores.incidents import IncidentKind
from tests.sfnode.services.post import open_post, sent_case
from tests.sfnode.services.station import NOW_S


async def test_a_vault_restored_alone_asks_for_what_it_lost(tmp_path: Path) -> None:
    home, copy = tmp_path / "site", tmp_path / "copy.db"
    async with open_post(home) as post:
        case, hub = await sent_case(post), post.hub
        await post.arrive(hub.seal_entry(case.advice(post, "Sit up.")), 1)
        await post.inbox.open_waiting()
        first = (await (await post.custody()).open_session()).sequence_max
        await (await post.custody()).mark_stored(RangeSet.of([(1, first + 1)]))
    await asyncio.to_thread(shutil.copy, home / ENTRIES_FILE, copy)
    async with open_post(home, hub=hub) as post:
        await post.inbox.recover()
        await post.book.add_vitals(case.case_id, [Vitals(observed_s=NOW_S, pain=3)])
        await post.outbox.seal_waiting()
        advice = hub.seal_entry(case.advice(post, "Lie down."))
        await post.arrive(advice, 2)
        await post.inbox.open_waiting()
        custody = await post.custody()
        last = (await custody.open_session()).sequence_max
        assert last > first
        await custody.mark_stored(RangeSet.of([(first + 1, last + 1)]))
        assert (await custody.open_session()).foreign == ()
    await asyncio.to_thread(shutil.copy, copy, home / ENTRIES_FILE)
    async with open_post(home, hub=hub) as post:
        assert len((await post.book.case_view(case.case_id)).vitals) == 0
        for _ in range(2):
            await post.inbox.recover()
            view = await (await post.custody()).open_session()
            assert [each.held for each in view.received] == [RangeSet.of([(1, 2)])]
            (lost,) = view.foreign
            assert lost.sequences == RangeSet.of([(first + 1, last + 1)])
        (told,) = await (await post.custody()).incidents_after(0, 9)
        assert told.kind is IncidentKind.UNAPPLIED
        await post.arrive(advice, 2)
        await post.inbox.open_waiting()
        advised = (await post.book.plan_view(case.case_id)).advice
        assert any(line.endswith("Lie down.") for line in advised)


async def test_a_spool_restored_alone_sends_what_it_had_been_given(tmp_path: Path) -> None:
    """What the hub never got is nowhere but in the vault, which takes it for sent."""
    home, copy = tmp_path / "site", tmp_path / "copy"
    async with open_post(home) as post:
        case, hub = await sent_case(post), post.hub
    await asyncio.to_thread(copy_spool, home, copy)
    async with open_post(home, hub=hub) as post:
        await post.inbox.recover()
        await post.book.add_vitals(case.case_id, [Vitals(observed_s=NOW_S, pain=3)])
        await post.outbox.seal_waiting()
        had = await (await post.custody()).outgoing(RangeSet())
    await asyncio.to_thread(copy_spool, copy, home)
    async with open_post(home, hub=hub) as post:
        assert len(await (await post.custody()).outgoing(RangeSet())) < len(had)
        for _ in range(2):
            await post.inbox.recover()
            await post.outbox.seal_waiting()
            left = await (await post.custody()).outgoing(RangeSet())
            assert [each.offer.bundle_id for each in left] == [each.offer.bundle_id for each in had]


def copy_spool(source: Path, target: Path) -> None:
    """The spool's database alone; its log belongs to it."""
    target.mkdir(exist_ok=True)
    for path in target.glob("spool.db*"):
        path.unlink()
    for path in source.glob("spool.db*"):
        shutil.copy(path, target / path.name)


async def test_what_the_hub_lacks_is_looked_at_again_at_the_next_opening(tmp_path: Path) -> None:
    home, copy = tmp_path / "site", tmp_path / "copy.db"
    async with open_post(home) as post:
        case, hub = await sent_case(post), post.hub
        sent = (await (await post.custody()).open_session()).sequence_max
    await asyncio.to_thread(shutil.copy, home / ENTRIES_FILE, copy)
    async with open_post(home, hub=hub) as post:
        await post.book.add_vitals(case.case_id, [Vitals(observed_s=NOW_S, pain=3)])
        await post.outbox.seal_waiting()
    await asyncio.to_thread(shutil.copy, copy, home / ENTRIES_FILE)
    async with open_post(home, hub=hub) as post:
        custody = await post.custody()
        await post.inbox.recover()
        view = await custody.open_session()
        assert view.foreign == (), "it is still on its way to the hub"
        await post.book.add_vitals(case.case_id, [Vitals(observed_s=NOW_S, pain=4)])
        await post.outbox.seal_waiting()
        await custody.mark_stored(RangeSet.of([(1, view.sequence_max + 1)]))
    async with open_post(home, hub=hub) as post:
        await post.inbox.recover()
        (lost,) = (await (await post.custody()).open_session()).foreign
        assert lost.sequences == RangeSet.of([(sent + 1, view.sequence_max + 1)])
