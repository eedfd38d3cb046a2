"""A site restored from an older backup, copied, or lost: it gets back what it had, once, and says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from protocol.ids import CaseId
from protocol.prekeys import RevocationReason
from sfhub.domain.notice_words import not_returned, site_replaced, site_restored
from sfnode.domain.notice_words import SITE_RESTORED
from sfnode.errors import NotFound
from sync.links.memory import MemoryLinkConditions
from tests.integration.recovery import Sea, Site, at_sea

RECEIPTS_BYTES = 20
"""Less than the hub's first word: it breaks off before any receipt is through."""


async def whole(sea: Sea, site: Site, *, lost: frozenset[bytes]) -> None:
    """Nothing that was acknowledged is missing anywhere, nothing was put aside, both sides hold the same."""
    assert lost <= await site.entries()
    assert lost <= await sea.hub_entries()
    assert await site.entries() == await sea.hub_entries()
    assert await sea.put_aside() == []
    assert await site.book.quarantined() == ()


async def test_a_restored_site_gets_back_what_it_had_sent_and_what_it_had_received(tmp_path: Path) -> None:
    async with at_sea(tmp_path) as sea:
        site = sea.sites["site"]
        first = await site.write("Before the backup?", photo=True)
        await sea.heal()
        await sea.end_site("site")
        sea.copy("site", "backup")
        site = await sea.begin_site("site")

        later = await site.write("After the backup?", photo=True)
        await site.note(first, "Pain is worse.")
        await sea.heal()
        await sea.answer(later, "Give oxygen.")
        await sea.answer(first, "Give aspirin.")
        await sea.heal()
        had = await site.entries()
        assert had == await sea.hub_entries()

        await sea.end_site("site")
        sea.copy("backup", "site")
        site = await sea.begin_site("site")
        assert await site.entries() < had
        new = await site.write("Written before anybody noticed?")
        await sea.heal()

        await whole(sea, site, lost=had)
        assert (await site.book.case_view(later)).row.case == later.hex()
        assert len((await site.book.case_view(later)).photos) == 1
        assert new.hex() in {row.case for row in await site.book.case_rows()}
        assert [each for each in await site.notices() if each == SITE_RESTORED.sentence]
        assert len(await site.notices()) == 1
        pair = await sea.pair_of(site)
        assert await sea.hub_notices() == (site_restored(pair.site, pair.site_name).sentence,)


async def test_a_case_that_the_backup_knows_as_a_draft_is_a_sent_case_again(tmp_path: Path) -> None:
    async with at_sea(tmp_path) as sea:
        site = sea.sites["site"]
        case_id = await site.draft("Sent after the backup?", photo=True)
        await sea.end_site("site")
        sea.copy("site", "backup")
        site = await sea.begin_site("site")
        await site.book.send_case(case_id, accept_missing=True)
        await site.note(case_id, "Written later.")
        await sea.heal()
        had = await site.entries()

        await sea.end_site("site")
        sea.copy("backup", "site")
        site = await sea.begin_site("site")
        await sea.heal()

        await whole(sea, site, lost=had)
        # Nothing is left to be sent by hand, and what is written now goes by itself.
        assert await site.book.send_case(case_id, accept_missing=True) == ()
        await site.note(case_id, "Written after the restoring.")
        await sea.heal()
        await whole(sea, site, lost=had)


async def test_two_copies_of_a_site_both_get_every_answer(tmp_path: Path) -> None:
    async with at_sea(tmp_path) as sea:
        site = sea.sites["site"]
        case_id = await site.write("Whose card is this?")
        await sea.heal()
        await sea.end_site("site")
        sea.copy("site", "twin")
        site, twin = await sea.begin_site("site"), await sea.begin_site("twin")

        await site.note(case_id, "Written on one copy.")
        await twin.note(case_id, "Written on the other.")
        await sea.heal()
        await sea.answer(case_id, "Give oxygen.")
        await sea.heal()

        assert await site.entries() == await twin.entries() == await sea.hub_entries()
        assert await sea.put_aside() == []
        for copy in (site, twin):
            assert [row.case for row in await copy.book.case_rows()] == [case_id.hex()]
            assert await copy.book.unread_replies() == 1
        told = {sentence for copy in (site, twin) for sentence in await copy.notices()}
        assert told == {SITE_RESTORED.sentence}
        rung = [alarm.text for copy in (site, twin) for alarm in await copy.alarms.views()]
        assert any("copied or restored" in text for text in rung)
        pair = await sea.pair_of(site)
        assert await sea.hub_notices() == (site_restored(pair.site, pair.site_name).sentence,)


async def test_receipts_that_were_lost_cost_nothing(tmp_path: Path) -> None:
    async with at_sea(tmp_path) as sea:
        site = sea.sites["site"]
        await site.write("Did it arrive?")
        report = await sea.meet(site, down=MemoryLinkConditions(cut_after_bytes=RECEIPTS_BYTES))
        assert report.counters.bundles_sent == 0
        at_hub = await sea.hub_entries()
        assert at_hub == await site.entries() > await site.acknowledged()

        # The node dies before it hears that all of it is there.
        await sea.end_site("site")
        site = await sea.begin_site("site")
        report = await sea.meet(site)
        await sea.heal()

        assert report.counters.payload_bytes_sent == 0
        assert await sea.hub_entries() == at_hub
        await whole(sea, site, lost=at_hub)
        assert await site.notices() == await sea.hub_notices() == ()


async def test_a_new_device_of_a_lost_site_gets_its_open_cases_and_their_answers(tmp_path: Path) -> None:
    async with at_sea(tmp_path) as sea:
        lost = sea.sites["site"]
        open_case = await lost.write("Still open?", photo=True)
        closed_case = await lost.write("Over?")
        erased_case = await lost.write("Never asked?")
        await sea.heal()
        await sea.answer(open_case, "Give oxygen.")
        await sea.heal()
        await lost.book.close_case(closed_case, outcome="Recovered.")
        await lost.outbox.seal_waiting()
        await sea.heal()
        await sea.hub.erasing.erase(erased_case, await sea.doctor(), reason="Asked for by the patient.")
        pair = await sea.pair_of(lost)
        of_the_case = await entries_of(sea, open_case)
        await sea.end_site("site")
        await sea.hub.revocations.revoke("MV ARGO", reason=RevocationReason.STOLEN)

        found = await sea.begin_site("new")
        await found.enrol(sea.hub)
        await found.settle()
        await sea.heal()

        assert [row.case for row in await found.book.case_rows()] == [open_case.hex()]
        assert of_the_case <= await found.entries()
        assert await found.book.unread_replies() == 1
        shown = await found.book.case_view(open_case)
        preview, standard = shown.photos[0].layers
        assert len(await found.book.read_blob(open_case, bytes.fromhex(preview.blob))) == 2_000
        with pytest.raises(NotFound):
            await found.book.read_blob(open_case, bytes.fromhex(standard.blob))
        assert await found.book.quarantined() == ()
        assert await sea.put_aside() == []
        assert site_replaced(pair.site, pair.site_name).sentence in await sea.hub_notices()

        # It goes on with the case as if it had written it itself.
        await found.note(open_case, "Better now.")
        await sea.heal()
        assert await sea.put_aside() == []
        assert await entries_of(sea, open_case) > of_the_case


async def test_what_was_erased_at_the_hub_is_not_given_back(tmp_path: Path) -> None:
    async with at_sea(tmp_path) as sea:
        site = sea.sites["site"]
        await sea.end_site("site")
        sea.copy("site", "backup")
        site = await sea.begin_site("site")
        kept, erased = await site.write("Kept?"), await site.write("Erased?")
        await sea.heal()
        await sea.hub.erasing.erase(erased, await sea.doctor(), reason="Asked for by the patient.")
        await sea.end_site("site")
        sea.copy("backup", "site")
        site = await sea.begin_site("site")
        await sea.heal()

        assert [row.case for row in await site.book.case_rows()] == [kept.hex()]
        pair = await sea.pair_of(site)
        assert set(await sea.hub_notices()) == {
            site_restored(pair.site, pair.site_name).sentence,
            not_returned(pair.site, pair.site_name).sentence,
        }


async def entries_of(sea: Sea, case_id: CaseId) -> frozenset[bytes]:
    rows = await sea.hub.database.read(
        lambda connection: connection.execute(
            "SELECT entry_id FROM entries WHERE case_id = ?", (case_id,)
        ).fetchall()
    )
    return frozenset(entry_id for (entry_id,) in rows)
