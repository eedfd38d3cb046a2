"""What nobody plans for: restores one after another, during a session, of what is too old, and enrolling anew
where nothing is wrong. Nothing that was acknowledged is lost, and nothing that is there is paid for again."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from protocol.prekeys import RevocationReason
from sfhub.domain.notice_words import HUB_RESTORED, site_enrolled_anew, site_restored
from sfhub.services.restore import restore_hub
from sfnode.domain.notice_words import CANNOT_RESEND, SITE_RESTORED
from sfnode.domain.notice_words import HUB_REBUILT as ENROLLED_ANEW
from sfnode.domain.notice_words import HUB_RESTORED as HUB_LOST_SOME
from sync.links.memory import MemoryLinkConditions
from sync.ports import LinkRefused
from tests.integration.recovery import Sea, Site, at_sea


@pytest.fixture
def backups(tmp_path: Path) -> Path:
    return tmp_path / "backups"


async def whole(sea: Sea, site: Site, *, lost: frozenset[bytes]) -> None:
    """Nothing that was acknowledged is missing anywhere, nothing was put aside, both sides hold the same."""
    assert lost <= await site.entries()
    assert await site.entries() == await sea.hub_entries()
    assert await sea.put_aside() == []
    assert await site.book.quarantined() == ()


async def restore(sea: Sea, backup: Path) -> None:
    await sea.end_hub()
    await restore_hub(
        sea.home, backup, replace=True, clock=sea.clock, progressed=lambda what, done, total: None
    )
    await sea.begin_hub()


async def site_restored_from(sea: Sea, copy: str) -> Site:
    await sea.end_site("site")
    sea.copy(copy, "site")
    return await sea.begin_site("site")


async def keep_copy(sea: Sea, name: str) -> Site:
    await sea.end_site("site")
    sea.copy("site", name)
    return await sea.begin_site("site")


async def bytes_up(sea: Sea, site: Site) -> int:
    """Payload that the next contacts cost."""
    return sum([(await sea.meet(site)).counters.payload_bytes_sent for _ in range(3)])


# Enrolling anew.


async def test_enrolling_again_with_a_hub_that_has_lost_nothing_sends_nothing_twice(tmp_path: Path) -> None:
    async with at_sea(tmp_path) as sea:
        site = sea.sites["site"]
        case_id = await site.write("Paid for once?", photo=True)
        await sea.heal()
        await sea.answer(case_id, "Give oxygen.")
        await sea.heal()
        had = await sea.hub_entries()

        await site.enrol(sea.hub)
        assert await bytes_up(sea, site) == 0
        await whole(sea, site, lost=had)
        assert await site.notices() == await sea.hub_notices() == ()
        await site.note(case_id, "Written after it.")
        await sea.answer(case_id, "Go on.")
        await sea.heal()
        await whole(sea, site, lost=had)


async def test_a_restored_hub_needs_no_enrolling_and_is_harmed_by_none(tmp_path: Path, backups: Path) -> None:
    async with at_sea(tmp_path) as sea:
        site = sea.sites["site"]
        known = await site.write("In the backup?", photo=True)
        await sea.heal()
        await sea.hub.backups.create(backups)
        await site.write("After it?")
        await sea.answer(known, "Give oxygen.")
        await sea.heal()
        had = await sea.hub_entries()
        await restore(sea, backups)

        await site.enrol(sea.hub)
        spent = await bytes_up(sea, site)
        await sea.heal()
        await whole(sea, site, lost=had)
        assert spent < 15_000, "the picture that the backup has is sent again"


async def test_a_site_that_was_enrolled_after_the_backup_enrols_again_and_fills_the_hub(
    tmp_path: Path, backups: Path
) -> None:
    async with at_sea(tmp_path) as sea:
        await sea.hub.backups.create(backups)
        late = await sea.begin_site("late", "MV BEAGLE")
        await late.enrol(sea.hub)
        await late.settle()
        case_id = await late.write("Known to nobody?", photo=True)
        await sea.heal(late)
        await sea.answer(case_id, "Give oxygen.")
        await sea.heal(late)
        had, pictures = await late.entries(), await sea.hub_pictures()

        await restore(sea, backups)
        pairing = await late.spool.pairings.home()
        assert pairing is not None
        assert await sea.hub.contacts.callee(pairing.pseudonym) is None
        await late.enrol(sea.hub)
        await late.settle()
        await sea.heal(late)

        assert had <= await late.entries() <= await sea.hub_entries()
        assert await sea.hub_pictures() == pictures
        assert await sea.put_aside() == []
        assert await late.notices() == (ENROLLED_ANEW.sentence,)
        assert await sea.hub_notices() == (HUB_RESTORED.sentence,)


async def test_a_site_that_has_lost_its_spool_gets_back_what_lay_in_it(tmp_path: Path) -> None:
    """The hub knows that an answer is at the site; the site had not opened it yet."""
    async with at_sea(tmp_path) as sea:
        site = sea.sites["site"]
        case_id = await site.write("Answered?", photo=True)
        await sea.heal()
        await site.vault.lock()
        await sea.answer(case_id, "Give oxygen.")
        await sea.carry(site)
        await sea.end_site("site")
        (sea.folder / "site" / "spool.db").unlink()
        for end in ("-wal", "-shm"):
            (sea.folder / "site" / f"spool.db{end}").unlink(missing_ok=True)

        site = await sea.begin_site("site")
        await site.enrol(sea.hub)
        await site.settle()
        await sea.heal()
        assert await site.book.unread_replies() == 1
        await whole(sea, site, lost=await sea.hub_entries())
        pair = await sea.pair_of(site)
        assert await sea.hub_notices() == (site_enrolled_anew(pair.site, pair.site_name).sentence,)


# One after another.


async def test_two_restores_of_the_hub_one_after_another(tmp_path: Path, backups: Path) -> None:
    async with at_sea(tmp_path) as sea:
        site = sea.sites["site"]
        first = await site.write("First?", photo=True)
        await sea.heal()
        older = Path((await sea.hub.backups.create(backups)).folder)
        await site.write("Second?", photo=True)
        await sea.answer(first, "Give aspirin.")
        await sea.heal()
        newer = Path((await sea.hub.backups.create(tmp_path / "others")).folder)
        third = await site.write("Third?")
        await sea.heal()
        await sea.answer(third, "Give oxygen.")
        await sea.heal()
        had, pictures = await sea.hub_entries(), await sea.hub_pictures()

        await restore(sea, newer)
        await sea.meet(site)
        await restore(sea, older)
        await sea.meet(site)
        await restore(sea, newer)
        await sea.heal()

        await whole(sea, site, lost=had)
        assert await sea.hub_pictures() == pictures
        assert await sea.hub_notices() == (HUB_RESTORED.sentence,)
        assert await site.notices() == (HUB_LOST_SOME.sentence,)


async def test_two_restores_of_a_site_one_after_another(tmp_path: Path) -> None:
    async with at_sea(tmp_path) as sea:
        site = await keep_copy(sea, "older")
        first = await site.write("First?")
        await sea.heal()
        site = await keep_copy(sea, "newer")
        await site.write("Second?", photo=True)
        await sea.answer(first, "Give aspirin.")
        await sea.heal()
        had = await site.entries()

        site = await site_restored_from(sea, "older")
        await site.write("Written between the two?")
        await sea.meet(site)
        had |= await site.acknowledged()
        site = await site_restored_from(sea, "newer")
        await sea.meet(site)
        site = await site_restored_from(sea, "older")
        await sea.heal()

        await whole(sea, site, lost=had)
        assert await site.notices() == (SITE_RESTORED.sentence,)


async def test_both_sides_are_restored_to_different_moments(tmp_path: Path, backups: Path) -> None:
    async with at_sea(tmp_path) as sea:
        site = sea.sites["site"]
        await site.write("At the hub alone?")
        await sea.heal()
        await sea.hub.backups.create(backups)
        site = await keep_copy(sea, "copy")
        kept = await site.entries()
        later = await site.write("In neither?")
        await sea.heal()

        await restore(sea, backups)
        site = await site_restored_from(sea, "copy")
        new = await site.write("Written after both?")
        await sea.heal()

        await whole(sea, site, lost=kept)
        cases = {row.case for row in await site.book.case_rows()}
        assert new.hex() in cases
        assert later.hex() not in cases


async def test_an_answer_that_a_site_gave_back_returns_to_it_when_it_is_restored_itself(
    tmp_path: Path, backups: Path
) -> None:
    async with at_sea(tmp_path) as sea:
        case_id = await sea.sites["site"].write("Answered?")
        await sea.heal()
        await sea.hub.backups.create(backups)
        site = await keep_copy(sea, "copy")
        await sea.answer(case_id, "Give oxygen.")
        await sea.heal()
        had = await site.entries()

        await restore(sea, backups)
        await sea.heal()
        site = await site_restored_from(sea, "copy")
        await sea.heal()

        await whole(sea, site, lost=had)


async def test_a_copy_of_a_card_is_restored_while_the_other_runs(tmp_path: Path) -> None:
    async with at_sea(tmp_path) as sea:
        site = sea.sites["site"]
        case_id = await site.write("Whose card is this?")
        await sea.heal()
        site = await keep_copy(sea, "twin")
        twin = await sea.begin_site("twin")
        await site.note(case_id, "Written on one copy.")
        await twin.note(case_id, "Written on the other.")
        await sea.heal()
        had = await sea.hub_entries()
        await sea.end_site("twin")
        sea.copy("twin", "older")
        twin = await sea.begin_site("twin")
        await twin.note(case_id, "Written on the other, later.")
        await sea.heal()
        had = await sea.hub_entries()

        await sea.end_site("twin")
        sea.copy("older", "twin")
        twin = await sea.begin_site("twin")
        await site.note(case_id, "Written on one copy, later.")
        await sea.answer(case_id, "Give oxygen.")
        await sea.heal()

        assert had <= await site.entries()
        assert await site.entries() == await twin.entries() == await sea.hub_entries()
        assert await sea.put_aside() == []
        pair = await sea.pair_of(site)
        assert await sea.hub_notices() == (site_restored(pair.site, pair.site_name).sentence,)


# At a bad moment.


@pytest.mark.parametrize("cut_after_bytes", [200, 2_000, 9_000])
async def test_a_hub_is_restored_in_the_middle_of_a_session(
    tmp_path: Path, backups: Path, cut_after_bytes: int
) -> None:
    async with at_sea(tmp_path) as sea:
        site = sea.sites["site"]
        first = await site.write("First?", photo=True)
        await sea.heal()
        await sea.hub.backups.create(backups)
        await site.write("Second?", photo=True)
        await sea.answer(first, "Give aspirin.")
        down = MemoryLinkConditions(cut_after_bytes=cut_after_bytes)
        await sea.carry(site, down=down)
        had = await site.acknowledged()

        await restore(sea, backups)
        await sea.heal()
        await whole(sea, site, lost=had)


async def test_a_backup_that_is_made_during_sessions_loses_nothing(tmp_path: Path, backups: Path) -> None:
    async with at_sea(tmp_path) as sea:
        site = sea.sites["site"]

        async def work() -> None:
            while not making.done():
                await site.write("While it is made?")
                await sea.meet(site)

        async with asyncio.TaskGroup() as group:
            making = group.create_task(sea.hub.backups.create(backups))
            group.create_task(work())
        await sea.heal()
        had = await sea.hub_entries()
        custody = await site.custody()
        await custody.prune(stored_before_s=site.clock.wall_s() + 1, keep_newest=0)
        await restore(sea, backups)
        # What was pruned was in the backup, whenever in its making that was said.
        await sea.heal()
        await whole(sea, site, lost=had)


# Of what is too old.


async def test_a_backup_older_than_what_sites_keep_is_filled_from_their_vaults(
    tmp_path: Path, backups: Path
) -> None:
    async with at_sea(tmp_path) as sea:
        site = sea.sites["site"]
        await sea.hub.backups.create(backups)
        case_id = await site.write("Long ago?", photo=True)
        await sea.heal()
        await sea.answer(case_id, "Give oxygen.")
        await sea.heal()
        newest = tmp_path / "newest"
        for _ in range(3):
            await sea.hub.backups.create(newest)
            await sea.heal()
            sea.pass_days(91)
            await site.settle()
            custody = await site.custody()
            await custody.prune(stored_before_s=site.clock.wall_s() - 90 * 86400, keep_newest=0)
        had, pictures = await sea.hub_entries(), await sea.hub_pictures()

        shutil.rmtree(newest)
        await restore(sea, backups)
        await sea.heal()
        assert had <= await site.entries() == await sea.hub_entries()
        assert await sea.hub_pictures() == pictures
        assert await sea.put_aside() == []


async def test_what_a_site_has_pruned_and_erased_is_lost_to_a_restored_hub_and_the_site_says_so(
    tmp_path: Path, backups: Path
) -> None:
    async with at_sea(tmp_path) as sea:
        site = sea.sites["site"]
        await sea.hub.backups.create(backups)
        erased, kept = await site.write("Erased?", photo=True), await site.write("Kept?")
        await sea.heal()
        await sea.hub.backups.create(tmp_path / "newest")
        await sea.heal()
        custody = await site.custody()
        await custody.prune(stored_before_s=site.clock.wall_s() + 1, keep_newest=0)
        await site.book.erase_case(erased, reason="Asked for by the patient.")
        await sea.heal()
        await restore(sea, backups)
        await sea.heal()

        # Nothing of it comes but the word that it was erased, and nothing waits behind it.
        later = await site.write("Written later?")
        await sea.heal()
        queue = {row.case: row.complaint for row in await sea.hub.worklist.queue()}
        assert {kept.hex(), later.hex()} <= queue.keys()
        assert "readable" in queue.get(erased.hex(), "nothing readable")
        assert CANNOT_RESEND.sentence in await site.notices()
        assert await sea.put_aside() == []


async def test_a_key_that_was_revoked_after_the_backup_is_revoked_again(
    tmp_path: Path, backups: Path
) -> None:
    async with at_sea(tmp_path) as sea:
        site = sea.sites["site"]
        stolen = await sea.begin_site("stolen", "MV BEAGLE")
        await stolen.enrol(sea.hub)
        await stolen.settle()
        await sea.heal()
        await sea.hub.backups.create(backups)
        pair = await sea.pair_of(stolen)
        await sea.end_site("stolen")
        await sea.hub.revocations.revoke("MV BEAGLE", reason=RevocationReason.STOLEN)
        await restore(sea, backups)
        again = sea.hub.sites.directory.pair_of(pair.pseudonym)
        assert again is not None
        assert again.revoked
        with pytest.raises(LinkRefused, match="was revoked"):
            await sea.hub.contacts.callee(pair.pseudonym)
        (listed,) = await sea.hub.revocations.all()
        assert listed.revocation.reason is RevocationReason.STOLEN
        assert await sea.heal(site)
