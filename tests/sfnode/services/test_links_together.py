"""Several links to one hub: real sessions over memory links, one of them dead, dear, capped or narrow."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from protocol.header import Priority
from protocol.ids import BUNDLE_ID_BYTES, BundleId
from protocol.ranges import RangeSet
from sfnode.config import LinkMode, LinkSettings
from sfnode.errors import NotFound
from sfnode.services.clock import SystemClock, tick_of
from sfnode.services.contact_words import ALLOWANCE_SPENT
from sfnode.services.link_ledger import LinkLedger
from sfnode.services.outgoing import HELD_BACK
from sfnode.services.pace import remind_of_turns
from sync.core.greeting import EMERGENCY_BYTES_BORNE_MAX
from sync.links.http_path import TURNS_REMEMBERED_S, HttpWay
from sync.links.memory import MemoryLinkConditions
from sync.ports import ChunkOutcome, IncomingChunk, LinkError, LinkRefused, Rank
from sync.scheduler.arrival import CONTACTS_BEFORE_FORECAST
from sync.stores.memory import MemoryStore
from tests.sfnode.services.post import HUB_LIFE
from tests.sfnode.services.test_contacts import LINK, Shore, open_shore, until
from tests.sfnode.stand_in_hub import PSEUDONYM

HUB = "http://hub.example"
DEAR = LinkSettings(hub_url=HUB, name="lband", usd_per_megabyte=8.0, rate_bit_s=22_000, rtt_s=0.9)
FREE = LinkSettings(hub_url=HUB, name="vsat", rate_bit_s=512_000, rtt_s=0.6)
DEAD = LinkRefused("no signal")


class HubThatTakesNoEmergency(MemoryStore):
    """As one does whose disk has filled up meanwhile, and lower classes had begun."""

    async def persist(self, chunks: Sequence[IncomingChunk]) -> tuple[ChunkOutcome, ...]:
        taken = [chunk for chunk in chunks if chunk.offer.priority is not Priority.EMERGENCY]
        outcomes = dict(zip(taken, await super().persist(taken), strict=True))
        return tuple(outcomes.get(chunk, ChunkOutcome.NO_ROOM) for chunk in chunks)


async def classes_waiting(shore: Shore) -> list[Priority]:
    custody = await shore.post.custody()
    return [bundle.offer.priority for bundle in await custody.outgoing(RangeSet())]


async def queue(shore: Shore, *, urgency: Priority, photo: bool = False) -> None:
    await shore.send_case(urgency=urgency, photo=photo)
    for bundle in await shore.post.spool.transfers.unstored():
        shore.contacts.queued(bundle.bundle_id)


async def test_sync_takes_the_next_link_when_one_is_dead(tmp_path: Path) -> None:
    async with open_shore(tmp_path, link=FREE, others=[DEAR]) as shore:
        shore.lines["vsat"].down = DEAD
        await shore.send_case()
        report = await shore.contacts.sync_once()
        assert (report.complete, report.link, report.held) == (True, "vsat, lband", ())
        assert [line.dialled for line in shore.lines.values()] == [1, 1]
        assert await classes_waiting(shore) == []
        assert shore.contacts.state.up
        assert "no signal" in shore.contacts.state.words


async def test_sync_stays_with_the_cheap_link_when_it_works(tmp_path: Path) -> None:
    async with open_shore(tmp_path, link=DEAR, others=[FREE]) as shore:
        await shore.send_case(urgency=Priority.ROUTINE)
        report = await shore.contacts.sync_once()
        assert (report.complete, report.link, report.usd) == (True, "vsat", 0.0)
        assert shore.lines["lband"].dialled == 0


async def test_sync_over_a_named_link_and_no_other(tmp_path: Path) -> None:
    async with open_shore(tmp_path, link=FREE, others=[DEAR]) as shore:
        assert (await shore.contacts.sync_once("lband")).link == "lband"
        shore.lines["lband"].down = DEAD
        assert not (await shore.contacts.sync_once("lband")).complete
        assert shore.lines["vsat"].dialled == 0
        with pytest.raises(NotFound, match="link list"):
            await shore.contacts.sync_once("inmarsat")


async def test_an_emergency_goes_over_the_dear_link_at_once_and_routine_waits(tmp_path: Path) -> None:
    async with open_shore(tmp_path, link=FREE, others=[DEAR]) as shore, asyncio.TaskGroup() as group:
        shore.lines["vsat"].down = DEAD
        running = group.create_task(shore.contacts.run())
        await until(lambda: shore.contacts.state.words.startswith("up, lband; vsat down since"))
        # The look for replies fell back to the dear link; so much was spent before anything was written.
        looks = shore.lines["lband"].dialled
        await queue(shore, urgency=Priority.ROUTINE)
        for _ in range(200):
            await asyncio.sleep(0)
        # What this machine states of itself, its keys, is urgent and goes with what may wait.
        assert Priority.ROUTINE in await classes_waiting(shore)
        await queue(shore, urgency=Priority.EMERGENCY)
        while Priority.EMERGENCY in await classes_waiting(shore):  # noqa: ASYNC110 - another task's work.
            await asyncio.sleep(0)
        assert shore.lines["lband"].dialled > looks
        assert Priority.ROUTINE in await classes_waiting(shore)
        running.cancel()


async def test_a_floor_holds_back_what_is_below_and_says_so(tmp_path: Path) -> None:
    narrow = LinkSettings(hub_url=HUB, name="lband", floor="urgent")
    async with open_shore(tmp_path, link=narrow) as shore:
        await shore.send_case(urgency=Priority.ROUTINE, photo=True)
        report = await shore.contacts.sync_once()
        assert report.complete
        assert set(await classes_waiting(shore)) == {Priority.ROUTINE}
        (sentence,) = report.held
        assert "routine items" in sentence
        assert "lband carries nothing below urgent" in sentence
        assert "`sfnode link set lband --floor bulk`" in sentence


async def test_a_cap_ends_the_contact_before_it_is_exceeded(tmp_path: Path) -> None:
    capped = LinkSettings(hub_url=HUB, name="lband", usd_per_megabyte=1000.0, cap_usd_per_day=8.0, rtt_s=0.01)
    async with open_shore(tmp_path, link=capped) as shore:
        shore.line.conditions = MemoryLinkConditions(rate_bit_s=40_000, delay_s=0.005)
        await shore.send_case(urgency=Priority.ROUTINE, photo=True)
        # The site's headline is an emergency, and goes alone, since all together cost more than is left.
        report = await shore.contacts.sync_once()
        assert (report.complete, report.ended) == (False, ALLOWANCE_SPENT)
        assert 3.0 < report.usd <= 6.0
        assert (
            "today's cap of $8.00 pays for no further contact (25% of it is kept for emergencies)"
            in report.held[0]
        )
        again = await shore.contacts.sync_once()
        # The reserve pays for a look, since the answer to an emergency is one too; nothing else goes along.
        assert (again.complete, again.bundles_sent, shore.line.dialled) == (True, 0, 3)
        assert again.usd < 0.5
        assert again.held
        # The reserve is there for an emergency, and the rest still waits behind it.
        await shore.send_case(urgency=Priority.EMERGENCY)
        urgent = await shore.contacts.sync_once()
        assert urgent.complete
        waiting = await classes_waiting(shore)
        assert Priority.ROUTINE in waiting
        assert Priority.EMERGENCY not in waiting


async def test_no_cap_ends_a_contact_in_the_middle_of_an_emergency_of_the_hubs(tmp_path: Path) -> None:
    capped = LinkSettings(hub_url=HUB, name="lband", usd_per_megabyte=1000.0, cap_usd_per_day=8.0, rtt_s=0.01)
    async with open_shore(tmp_path, link=capped) as shore:
        shore.line.conditions = MemoryLinkConditions(rate_bit_s=40_000, delay_s=0.005)
        for priority in (Priority.EMERGENCY, Priority.BULK):
            await shore.line.store.add(
                bundle_id=BundleId(priority.name.encode().ljust(BUNDLE_ID_BYTES)[:BUNDLE_ID_BYTES]),
                priority=priority,
                rank=Rank.TEXT,
                recipient_key=b"k1",
                dwell_code=0,
                sealed=bytes(12_000 if priority is Priority.EMERGENCY else 1_000_000),
            )
        report = await shore.contacts.sync_once()
        assert report.ended == ALLOWANCE_SPENT
        (left,) = await shore.line.store.outgoing(RangeSet())
        assert left.offer.priority is Priority.BULK


async def test_bulk_of_the_hubs_that_is_called_an_emergency_passes_the_cap_by_little(tmp_path: Path) -> None:
    capped = LinkSettings(hub_url=HUB, name="lband", usd_per_megabyte=1000.0, cap_usd_per_day=8.0, rtt_s=0.01)
    async with open_shore(tmp_path, link=capped) as shore:
        shore.line.conditions = MemoryLinkConditions(rate_bit_s=400_000, delay_s=0.005)
        await shore.line.store.add(
            bundle_id=BundleId(b"a photograph"),
            priority=Priority.EMERGENCY,
            rank=Rank.FULL,
            recipient_key=b"k1",
            dwell_code=0,
            sealed=bytes(2_000_000),
        )
        report = await shore.contacts.sync_once()
        assert report.ended == ALLOWANCE_SPENT
        # What is under way when the account is looked at comes on top: as much again over such a link.
        assert EMERGENCY_BYTES_BORNE_MAX / 1000 < report.usd < 3 * EMERGENCY_BYTES_BORNE_MAX / 1000


async def test_an_emergency_that_the_hub_refuses_lets_nothing_else_pass_the_cap(tmp_path: Path) -> None:
    capped = LinkSettings(hub_url=HUB, name="lband", usd_per_megabyte=1000.0, cap_usd_per_day=8.0, rtt_s=0.01)
    async with open_shore(tmp_path, link=capped) as shore:
        shore.line.store = HubThatTakesNoEmergency(lambda: HUB_LIFE)
        shore.line.conditions = MemoryLinkConditions(rate_bit_s=40_000, delay_s=0.005)
        await shore.send_case(urgency=Priority.ROUTINE, photo=True)
        report = await shore.contacts.sync_once()
        assert (report.complete, report.ended) == (False, ALLOWANCE_SPENT)
        # Offered in each of two contacts, it has cost something itself, for which there is the reserve.
        assert report.usd <= 8.0
        assert {Priority.EMERGENCY, Priority.ROUTINE} <= set(await classes_waiting(shore))


async def test_beyond_the_reserve_an_emergency_still_goes_and_the_person_is_told(tmp_path: Path) -> None:
    capped = LinkSettings(hub_url=HUB, name="lband", usd_per_megabyte=8.0, cap_usd_per_day=0.0)
    async with open_shore(tmp_path, link=capped) as shore:
        held = await shore.contacts.sync_once()
        assert (held.complete, shore.line.dialled) == (False, 0)
        assert held.held[0].startswith("Nothing was dialled")
        await shore.send_case(urgency=Priority.EMERGENCY)
        assert (await shore.contacts.sync_once()).complete
        assert any("EMERGENCY went over lband" in notice for notice in shore.contacts.notices)


async def test_an_emergency_that_nobody_took_went_over_no_cap(tmp_path: Path) -> None:
    capped = LinkSettings(hub_url=HUB, name="lband", usd_per_megabyte=8.0, cap_usd_per_day=0.0)
    async with open_shore(tmp_path, link=capped) as shore:
        shore.line.down = DEAD
        await shore.send_case(urgency=Priority.EMERGENCY)
        report = await shore.contacts.sync_once()
        assert (report.failed, report.complete) == (True, False)
        assert not any("EMERGENCY" in notice for notice in shore.contacts.notices)


async def test_a_link_by_another_name_has_still_cost_what_it_cost(tmp_path: Path) -> None:
    metered = LinkSettings(hub_url=HUB, name="lband", usd_per_megabyte=8.0, cap_usd_per_day=5.0)
    async with open_shore(tmp_path, link=metered) as shore:
        await shore.send_case()
        for each in await shore.post.spool.transfers.unstored():
            await shore.arrivals.note_queued(each.bundle_id)
        await shore.contacts.sync_once()
        await shore.watch.catch_up()
        learnt = await shore.post.spool.foretold.arrived("lband", was_down=False)
        (before,) = await shore.contacts.ledger.links_now(shore.contacts.links)
        assert before.spent.usd > 0
        shore.contacts.change_links([replace(metered, name="fleet")])
        (after,) = await shore.contacts.ledger.links_now(shore.contacts.links)
        assert (after.name, after.spent, after.measured) == ("fleet", before.spent, before.measured)
        assert learnt
        assert await shore.post.spool.foretold.arrived("fleet", was_down=False) == learnt


async def test_what_is_held_back_is_not_said_to_wait_for_a_link(tmp_path: Path) -> None:
    narrow = LinkSettings(hub_url=HUB, name="lband", floor="urgent")
    async with open_shore(tmp_path, link=narrow) as shore, asyncio.TaskGroup() as group:
        running = group.create_task(shore.contacts.run())
        await queue(shore, urgency=Priority.ROUTINE)
        await until(lambda: shore.contacts.held_classes(PSEUDONYM) == {Priority.ROUTINE})
        waiting = [each.bundle_id for each in await shore.post.spool.transfers.unstored()]
        progress = await shore.carriage.progress(waiting)
        held = {each.state for each in progress.values() if each.stored_s is None}
        assert HELD_BACK in held
        running.cancel()


async def test_the_cap_counts_on_after_a_restart_and_is_lifted_by_a_change(tmp_path: Path) -> None:
    capped = LinkSettings(hub_url=HUB, name="lband", usd_per_megabyte=8.0, cap_usd_per_day=1e-9)
    async with open_shore(tmp_path, link=capped) as shore:
        await shore.send_case(urgency=Priority.EMERGENCY)
        await shore.contacts.sync_once()
        (link,) = await shore.contacts.ledger.links_now(shore.contacts.links)
        assert link.spent.usd > 1e-9
        lifted = LinkSettings(hub_url=HUB, name="lband", usd_per_megabyte=8.0)
        shore.contacts.change_links([lifted])
        assert (await shore.contacts.sync_once()).complete


async def test_failures_are_kept_as_rows_and_a_new_life_goes_on_with_its_pause(tmp_path: Path) -> None:
    async with open_shore(tmp_path, link=FREE) as shore:
        shore.line.down = LinkError("nobody answers")
        await shore.contacts.sync_once()
        await shore.contacts.sync_once()
        spool = shore.post.spool
        ((way, failing),) = (await spool.retries.all(shore.contacts._clock.boot())).items()
        assert (way[1], failing.attempts.failures, failing.outcome) == ("vsat", 2, "nobody answers")
        ((_, other_boot),) = (await spool.retries.all("another boot")).items()
        assert other_boot.attempts.failed_s <= 0.0
        assert other_boot.attempts.pause_s == failing.attempts.pause_s
        shore.line.down = None
        await shore.contacts.sync_once()
        assert not await spool.retries.all("any")


async def test_what_was_measured_outlives_the_process(tmp_path: Path) -> None:
    async with open_shore(tmp_path, link=FREE) as shore:
        shore.line.conditions = MemoryLinkConditions(rate_bit_s=400_000, delay_s=0.01)
        await shore.send_case(photo=True)
        await shore.contacts.sync_once()
        (link,) = await shore.contacts.ledger.links_now(shore.contacts.links)
        kept = await shore.post.spool.link_memories.of("vsat", f"{HUB} 512000 0.6")
        assert kept == link.measured
        rated = await shore.post.spool.link_memories.rated("vsat", f"{HUB} 512000 0.6")
        clock = shore.contacts._clock
        assert rated.boot == clock.boot()
        assert 0.0 <= clock.monotonic_s() - rated.at_s < 60.0, "so that the next process knows how old it is"
        assert shore.contacts.ledger.rate_age_s(shore.contacts.links[0]) < 60.0
        assert await shore.post.spool.link_memories.of("vsat", "another way") is None


async def test_that_whole_requests_take_turns_outlives_the_process(tmp_path: Path) -> None:
    async with open_shore(tmp_path, link=FREE) as shore:
        loop_s = asyncio.get_running_loop().time
        found, spool = HttpWay(), shore.post.spool
        found.remember_turns(loop_s())
        vars(shore.line)["way"] = found  # As a dialer over HTTP has it.
        await shore.contacts.sync_once()
        until_s = await spool.link_memories.in_turns_until_s("vsat", f"{HUB} 512000 0.6")
        assert until_s == pytest.approx(SystemClock().wall_s() + TURNS_REMEMBERED_S, abs=60)
        assert await spool.link_memories.in_turns_until_s("vsat", "another way") == 0

        vars(shore.line)["way"] = fresh = HttpWay()
        another_life = LinkLedger(spool, clock=SystemClock())
        await another_life.links_now([FREE])
        remind_of_turns(shore.line, another_life.in_turns_s(FREE))
        assert fresh.is_in_turns(loop_s())
        assert not fresh.is_in_turns(loop_s() + TURNS_REMEMBERED_S + 60)


async def test_a_price_names_bytes_minutes_money_and_what_they_rest_on(tmp_path: Path) -> None:
    async with open_shore(tmp_path, link=DEAR, others=[FREE]) as shore:
        await shore.send_case(urgency=Priority.EMERGENCY, photo=True)
        prices = shore.prices()
        view = await prices.view(None)
        assert [each.link for each in view.links] == ["vsat", "lband"]
        dear = view.links[1]
        assert dear.usd == pytest.approx(dear.bytes * 8e-6)
        assert dear.seconds > view.size_bytes * 8 / 22_000
        assert dear.basis == "no forecast yet: 22 kbit/s as declared"
        assert view.size_bytes == sum(each.size_bytes for each in view.bundles)
        assert [each.link for each in view.bundles] == ["vsat"] * len(view.bundles)


@pytest.mark.parametrize(
    ("tariff", "usd"),
    [
        ({"usd_per_megabyte": 8.0, "session_bytes_min": 50_000}, 0.40),
        ({"usd_per_minute": 1.44, "increment_s": 20.0, "session_s_min": 60.0}, 1.44),
        ({"usd_per_minute": 1.44, "increment_s": 20.0, "usd_per_session": 0.5}, 0.98),
    ],
)
async def test_the_price_that_was_told_is_what_the_cap_then_counts(
    tmp_path: Path, tariff: dict[str, Any], usd: float
) -> None:
    """Where the least that a carrier bills covers all of it; else the estimate is as good as its rate."""
    metered = LinkSettings(
        hub_url=HUB, name="lband", cap_usd_per_day=10.0, rate_bit_s=64_000, rtt_s=0.1, **tariff
    )
    async with open_shore(tmp_path, link=metered) as shore:
        await shore.send_case()
        (told,) = (await shore.prices().view(None)).links
        report = await shore.contacts.sync_once()
        (after,) = await shore.contacts.ledger.links_now(shore.contacts.links)
        assert report.complete
        assert told.usd == pytest.approx(usd)
        assert report.usd == pytest.approx(usd)
        assert after.spent.usd == pytest.approx(usd)
        # A look costs as much as the first contact did: nothing is cheaper than the least.
        (look,) = (await shore.prices().view(None)).links
        await shore.contacts.sync_once()
        (after,) = await shore.contacts.ledger.links_now(shore.contacts.links)
        assert after.spent.usd == pytest.approx(usd + look.usd)


async def test_a_price_says_what_goes_and_what_a_cap_holds_until_when(tmp_path: Path) -> None:
    capped = LinkSettings(hub_url=HUB, name="lband", usd_per_megabyte=8.0, cap_usd_per_day=1.0)
    async with open_shore(tmp_path, link=capped) as shore:
        await shore.post.spool.spending.add("lband", tick_of(SystemClock()), usd=0.9, size_bytes=100_000)
        await shore.send_case(urgency=Priority.ROUTINE)
        await shore.send_case(urgency=Priority.EMERGENCY)
        view = await shore.prices().view(None)
        assert (view.links[0].held or "").startswith(
            "the EMERGENCY part goes now; the rest is held: on lband today's cap of $1.00 pays for no "
            "further contact (25% of it is kept for emergencies) until "
        )
        assert {each.priority for each in view.bundles if each.link} == {"emergency"}
        assert all(each.link is None for each in view.bundles if each.priority == "routine")


async def test_what_costs_more_than_is_left_goes_as_far_as_that_pays(tmp_path: Path) -> None:
    """An emergency goes whole; of the rest, what today still pays for."""
    capped = LinkSettings(hub_url=HUB, name="lband", usd_per_megabyte=1_000.0, cap_usd_per_day=8.0)
    async with open_shore(tmp_path, link=capped) as shore:
        await shore.send_case(urgency=Priority.ROUTINE, photo=True)
        (routine,) = [row.case for row in await shore.post.book.case_rows()]
        await shore.send_case(urgency=Priority.EMERGENCY)
        rest = "more than what may still be spent on it today: what it does not pay for goes after "
        (all_of_it,) = (await shore.prices().view(None)).links
        assert (all_of_it.held or "").startswith(f"the EMERGENCY part goes whole; {rest}")
        (its_own,) = (await shore.prices().view(routine)).links
        assert (its_own.held or "").startswith(rest)


async def test_a_cap_that_no_day_lifts_is_given_no_end(tmp_path: Path) -> None:
    narrow = LinkSettings(hub_url=HUB, name="lband", usd_per_megabyte=8.0, cap_usd_per_day=1e-6)
    async with open_shore(tmp_path, link=narrow) as shore:
        await shore.send_case(urgency=Priority.ROUTINE)
        (link,) = (await shore.prices().view(None)).links
        assert link.held is not None
        assert "until" not in link.held


async def test_of_a_link_that_is_down_no_window_is_told(tmp_path: Path) -> None:
    async with open_shore(tmp_path, link=FREE) as shore:
        await shore.contacts.sync_once()
        (up,) = (await shore.prices().view(None)).links
        assert up.window == "no forecast of this window yet: 0 of 5 past ones seen"
        shore.line.down = DEAD
        await shore.contacts.sync_once()
        (down,) = (await shore.prices().view(None)).links
        assert down.window == ""


async def test_what_is_sent_again_and_again_is_foretold(tmp_path: Path) -> None:
    async with open_shore(tmp_path, link=FREE) as shore:
        for seen in range(CONTACTS_BEFORE_FORECAST):
            await shore.send_case()
            for each in await shore.post.spool.transfers.unstored():
                await shore.arrivals.note_queued(each.bundle_id)
            view = await shore.prices().view(None)
            assert view.arrival == f"no forecast yet: {seen} of {CONTACTS_BEFORE_FORECAST} contacts seen"
            await shore.contacts.sync_once()
            await shore.watch.catch_up()
        await shore.send_case()
        view = await shore.prices().view(None)
        assert f"(from {CONTACTS_BEFORE_FORECAST} past contacts)" in view.arrival
        arrivals = [each.arrival for each in view.bundles]
        assert all(each is not None and each.low_s is not None for each in arrivals)


async def test_what_the_hub_holds_of_a_bundle_is_not_priced_again(tmp_path: Path) -> None:
    async with open_shore(tmp_path, link=DEAR) as shore:
        await shore.send_case(photo=True)
        prices = shore.prices()
        before = await prices.view(None)
        custody = await shore.post.custody()
        half_sent = max(
            (each.offer for each in await custody.outgoing(RangeSet())), key=lambda o: o.size_bytes
        )
        await custody.mark_receipted(half_sent.sequence, RangeSet.whole(1000))
        assert (await prices.view(None)).size_bytes == before.size_bytes - 1000


async def test_a_draft_is_priced_by_what_sending_it_would_queue_and_stays_a_draft(tmp_path: Path) -> None:
    async with open_shore(tmp_path, link=DEAR) as shore:
        await shore.send_case()
        case_id = await shore.post.book.find_case((await shore.post.book.case_rows())[0].case)
        assert await shore.post.book.draft_bundles(case_id) == ()
        from tests.sfnode.services.station import new_case

        draft = await shore.post.book.open_case(new_case(note="Second patient. " * 20))
        foreseen = await shore.post.book.draft_bundles(draft.case_id)
        assert await shore.post.book.draft_bundles(draft.case_id) == foreseen
        assert await shore.post.outbox.seal_waiting() == 0
        sent = await shore.post.book.send_case(draft.case_id)
        assert sorted((each.what, each.size_bytes) for each in foreseen) == sorted(
            (each.what, each.size_bytes) for each in sent
        )


async def test_a_held_dear_link_parts_when_the_cheap_one_comes_up(tmp_path: Path) -> None:
    dear = LinkSettings(hub_url=HUB, name="lband", usd_per_megabyte=8.0, mode=LinkMode.HOLD)
    cheap = LinkSettings(hub_url=HUB, name="vsat", mode=LinkMode.HOLD)
    async with open_shore(tmp_path, link=dear, others=[cheap]) as shore, asyncio.TaskGroup() as group:
        shore.lines["vsat"].down = DEAD
        running = group.create_task(shore.contacts.run())
        await until(lambda: shore.lines["lband"].dialled == 1 and shore.contacts.state.up)
        shore.lines["vsat"].down = None
        shore.contacts.link_appeared()
        await until(lambda: shore.contacts.state.words == "up, lband; up, vsat")
        assert shore.lines["lband"].dialled == 1
        running.cancel()


def test_the_first_link_of_the_tests_is_like_the_others() -> None:
    assert LINK.terms.name == "test link"
