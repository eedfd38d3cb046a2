"""A hub restored from an older backup, or lost and made anew: its sites fill it again, and both say so."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from protocol.actors import Party
from protocol.ids import CaseId
from sfhub.app import init_hub
from sfhub.domain.notice_words import HUB_REBUILT, HUB_RESTORED
from sfhub.services.restore import restore_hub
from sfhub.storage.outbox import outbox_of_case
from sfnode.domain.notice_words import HUB_REBUILT as ENROLLED_ANEW
from sfnode.domain.notice_words import HUB_REPLACED, NOT_RETURNED
from sfnode.domain.notice_words import HUB_RESTORED as HUB_LOST_SOME
from tests.integration.recovery import IDENTITY, Sea, Site, at_sea


async def whole(sea: Sea, site: Site, *, lost: frozenset[bytes]) -> None:
    """Nothing that was acknowledged is missing anywhere, nothing was put aside, both sides hold the same."""
    assert lost <= await site.entries()
    assert lost <= await sea.hub_entries()
    assert await site.entries() == await sea.hub_entries()
    assert await sea.put_aside() == []
    assert await site.book.quarantined() == ()


async def restore(sea: Sea, backups: Path) -> None:
    """The hub's machine is lost but for its keys; the newest backup takes its place."""
    await sea.end_hub()
    for path in (sea.home.database, sea.home.custody, sea.home.settings):
        path.unlink()
    shutil.rmtree(sea.home.objects)
    await restore_hub(
        sea.home, backups, replace=False, clock=sea.clock, progressed=lambda what, done, total: None
    )
    await sea.begin_hub()


@pytest.fixture
def backups(tmp_path: Path) -> Path:
    return tmp_path / "backups"


async def test_a_restored_hub_is_filled_again_with_cases_pictures_and_its_own_answers(
    tmp_path: Path, backups: Path
) -> None:
    async with at_sea(tmp_path) as sea:
        site = sea.sites["site"]
        first = await site.write("Before the backup?", photo=True)
        await sea.heal()
        await sea.hub.backups.create(backups)
        later = await site.write("After the backup?", photo=True)
        await site.note(first, "Pain is worse.")
        await sea.heal()
        await sea.answer(first, "Give aspirin.")
        await sea.answer(later, "Give oxygen.")
        await sea.heal()
        had, pictures = await sea.hub_entries(), await sea.hub_pictures()
        assert had == await site.entries()

        await restore(sea, backups)
        assert await sea.hub_entries() < had
        unseen = await site.write("Written before anybody noticed?")
        await sea.heal()

        await whole(sea, site, lost=had)
        assert await sea.hub_pictures() == pictures
        assert await at_site(sea, later) == {"reply": True}
        assert (await sea.hub.worklist.case(unseen)).row.case == unseen.hex()
        assert await sea.hub_notices() == (HUB_RESTORED.sentence,)
        assert await site.notices() == (HUB_LOST_SOME.sentence,)


async def test_a_locked_site_gives_back_the_answers_when_it_is_opened(tmp_path: Path, backups: Path) -> None:
    async with at_sea(tmp_path) as sea:
        site = sea.sites["site"]
        case_id = await site.write("Answered?")
        await sea.heal()
        await sea.hub.backups.create(backups)
        await sea.answer(case_id, "Give oxygen.")
        await sea.heal()
        had = await sea.hub_entries()
        await restore(sea, backups)

        await site.vault.lock()
        await sea.carry(site)
        await sea.carry(site)
        await sea.end_site("site")
        site = await sea.begin_site("site")
        await site.settle()
        await sea.heal()

        await whole(sea, site, lost=had)


async def test_a_hub_made_anew_with_its_keys_gets_all_that_its_sites_hold(tmp_path: Path) -> None:
    async with at_sea(tmp_path) as sea:
        site = sea.sites["site"]
        case_id = await site.write("Still there?", photo=True)
        await sea.heal()
        await sea.answer(case_id, "Give oxygen.")
        await sea.heal()
        waiting = await site.write("Not sent yet?")
        had, pictures = await sea.hub_entries(), await sea.hub_pictures()

        await sea.end_hub()
        for path in (sea.home.database, sea.home.custody, sea.home.settings):
            path.unlink()
        shutil.rmtree(sea.home.objects)
        init_hub(sea.home, IDENTITY)
        await site.enrol(await sea.begin_hub())
        await site.settle()
        await sea.heal()

        await whole(sea, site, lost=had)
        assert await sea.hub_pictures() == pictures
        assert (await sea.hub.worklist.case(waiting)).row.case == waiting.hex()
        assert await at_site(sea, case_id) == {"reply": True}
        assert await site.notices() == (ENROLLED_ANEW.sentence,)
        assert await sea.hub_notices() == (HUB_RESTORED.sentence,)


async def test_a_hub_made_anew_without_its_keys_gets_all_that_its_sites_wrote(tmp_path: Path) -> None:
    async with at_sea(tmp_path) as sea:
        site = sea.sites["site"]
        case_id = await site.write("Still there?", photo=True)
        await sea.heal()
        await sea.answer(case_id, "Give oxygen.")
        await sea.heal()
        pictures = await sea.hub_pictures()
        theirs = await entries_of(site, Party.HUB)
        ours = await entries_of(site, Party.SITE)

        await sea.end_hub()
        shutil.rmtree(sea.home.root)
        init_hub(sea.home, IDENTITY)
        await site.enrol(await sea.begin_hub())
        await site.settle()
        await sea.heal()

        assert ours <= await sea.hub_entries()
        assert await sea.hub_pictures() == pictures
        assert not theirs & await sea.hub_entries()
        assert await sea.put_aside() == []
        # What the lost hub said stays where it was said, and the new one can answer.
        assert theirs <= await site.entries()
        await sea.answer(case_id, "Go on with oxygen.")
        await sea.heal()
        assert await site.book.unread_replies() == 2
        assert await site.notices() == (HUB_REPLACED.sentence,)
        assert await sea.hub_notices() == (HUB_REBUILT.sentence,)


async def test_what_a_site_pruned_and_the_hub_lost_is_sealed_again(tmp_path: Path, backups: Path) -> None:
    async with at_sea(tmp_path) as sea:
        site = sea.sites["site"]
        await sea.hub.backups.create(backups)
        await site.write("Pruned?", photo=True)
        await sea.heal()
        newest = tmp_path / "newest"
        await sea.hub.backups.create(newest)
        await sea.heal()
        had, pictures = await sea.hub_entries(), await sea.hub_pictures()
        sea.pass_days(91)
        custody = await site.custody()
        assert await custody.prune(stored_before_s=site.clock.wall_s() - 90 * 86400, keep_newest=0) > 3

        # The newest backup is lost with the machine; an older one takes its place.
        shutil.rmtree(newest)
        await restore(sea, backups)
        await sea.heal()

        await whole(sea, site, lost=had)
        assert await sea.hub_pictures() == pictures
        assert await site.notices() == (HUB_LOST_SOME.sentence,)
        assert await sea.hub_notices() == (HUB_RESTORED.sentence,)


async def test_what_a_site_erased_is_not_given_back(tmp_path: Path, backups: Path) -> None:
    async with at_sea(tmp_path) as sea:
        site = sea.sites["site"]
        kept, erased = await site.write("Kept?"), await site.write("Erased?")
        await sea.heal()
        await sea.hub.backups.create(backups)
        for case_id in (kept, erased):
            await sea.answer(case_id, "Give oxygen.")
        await sea.heal()
        await site.book.erase_case(erased, reason="Asked for by the patient.")
        await restore(sea, backups)
        await sea.heal()

        assert await at_site(sea, kept) == {"reply": True}
        assert await at_site(sea, erased) == {}
        assert set(await site.notices()) == {HUB_LOST_SOME.sentence, NOT_RETURNED.sentence}


async def test_safe_is_said_of_what_a_verified_backup_holds_and_of_nothing_else(
    tmp_path: Path, backups: Path
) -> None:
    async with at_sea(tmp_path) as sea:
        site = sea.sites["site"]
        await site.write("In the backup?")
        await sea.heal()
        custody = await site.custody()
        everything = (await custody.open_session()).sequence_max
        assert await prunable(site) == 0
        await sea.hub.backups.create(backups)
        await site.write("Not in the backup?")
        await sea.heal()
        assert await prunable(site) == everything


async def prunable(site: Site) -> int:
    """How many sealed copies could go if nothing were young."""
    custody = await site.custody()
    return await custody.prune(stored_before_s=site.clock.wall_s() + 1, keep_newest=0)


async def at_site(sea: Sea, case_id: CaseId) -> dict[str, bool]:
    """What the hub has written in a case, and whether it knows that the site has it."""
    rows = await sea.hub.database.read(lambda connection: outbox_of_case(connection, case_id))
    return {row.what: row.stored_s > 0 for row in rows if row.what != "case seen"}


async def entries_of(site: Site, party: Party) -> frozenset[bytes]:
    rows = await site.vault.vault.database.read(
        lambda connection: connection.execute(
            "SELECT entry_id FROM entry WHERE party = ?", (int(party),)
        ).fetchall()
    )
    return frozenset(entry_id for (entry_id,) in rows)
