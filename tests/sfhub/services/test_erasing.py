"""Erasing at the hub: afterwards no file of it has the case or its key, and nothing brings it back."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from protocol.actors import Actor, Role
from protocol.bundle import BundleContent, EntryBundle, LayerBundle
from protocol.clinical import Layer, Note
from protocol.entry import SignedEntry, read_entry
from protocol.erasure import Tombstone
from protocol.header import Priority
from protocol.ids import CaseId
from protocol.micro_correction import correction_of
from protocol.records import Reference, Relation
from protocol.sealing import Prekey
from sfhub.app import Hub, open_hub
from sfhub.config import HubFolder
from sfhub.domain.case_file import site_case_id
from sfhub.errors import BadRequest, CaseErased, NotAllowed, NotFound
from sfhub.services.replies import Draft
from sfhub.storage.people import Clinician
from sync.envelope import SealedContent
from sync.stores.erasures import Erasure
from tests.sfhub.site import SEALER, Site, Story, TestClock, drain, read_from_hub, vitals

CANARY = "CANARY-7f3a"
REASON = "opened by mistake"


def bytes_of(folder: HubFolder) -> bytes:
    """Everything of the hub but its keys."""
    files = [path for path in folder.root.rglob("*") if path.is_file() and folder.keys not in path.parents]
    return b"".join(path.read_bytes() for path in sorted(files))


async def delivered(hub: Hub, site: Site, complaint: str = CANARY) -> Story:
    story = site.story(complaint=complaint)
    await site.deliver_story(hub, story)
    await site.deliver(hub, site.entry(Note(language="en", text=CANARY), case_id=story.case_id))
    await hub.worklist.queue()
    return story


async def wrapped_key(hub: Hub, case_id: CaseId) -> bytes:
    row = await hub.database.read(
        lambda c: c.execute("SELECT wrapped FROM case_key WHERE case_id = ?", (case_id,)).fetchone()
    )
    return bytes(row[0])


async def erasure_of(hub: Hub) -> Erasure:
    (erasure,) = await hub.erasing.erasures()
    return erasure


async def test_nothing_of_a_case_is_readable_on_the_disk(hub: Hub, site: Site) -> None:
    story = await delivered(hub, site)
    (row,) = await hub.worklist.queue()
    assert row.complaint == CANARY
    on_disk = bytes_of(hub.folder)
    assert bytes(story.case_id) in on_disk, "the files are those of this hub"
    for text in (CANARY.encode(), b"penicillin", story.standard.data[:64], b"complaint"):
        assert text not in on_disk


async def test_erasing_leaves_neither_key_nor_pictures(hub: Hub, site: Site, doctor: Clinician) -> None:
    story, other = await delivered(hub, site), await delivered(hub, site, "burn")
    wrapped = await wrapped_key(hub, story.case_id)
    assert wrapped in bytes_of(hub.folder)
    erasure = await hub.erasing.erase(story.case_id, doctor, reason=REASON)
    assert wrapped not in bytes_of(hub.folder)
    assert not (hub.folder.objects / story.case_id.hex()).exists()
    assert (erasure.erased_by, erasure.reason) == ("Specialist on duty", REASON)
    assert (await erasure_of(hub)).finished
    assert [row.complaint for row in await hub.worklist.queue()] == ["burn"]
    assert await hub.worklist.read_blob(other.case_id, other.standard.blob) == other.standard.data
    with pytest.raises(CaseErased, match="was erased 22 Nov 2024 12:00Z by Specialist on duty: opened"):
        await hub.worklist.case(story.case_id)
    with pytest.raises(CaseErased):
        await hub.replies.advise(story.case_id, doctor, "Give oxygen.")
    with pytest.raises(CaseErased):
        await hub.erasing.erase(story.case_id, doctor, reason="again")


async def test_the_site_is_told_by_a_signed_record(hub: Hub, site: Site, doctor: Clinician) -> None:
    story = await delivered(hub, site)
    await hub.erasing.erase(story.case_id, doctor, reason=REASON)
    await hub.outbox.flush()
    (entry,) = [each for each in await read_from_hub(hub, site) if each.case_id == story.case_id]
    assert [type(record.body) for record in entry.records] == [Actor, Tombstone]
    assert entry.records[-1].body.reason == REASON


async def test_what_comes_later_is_counted_and_not_kept(hub: Hub, site: Site, doctor: Clinician) -> None:
    story = await delivered(hub, site)
    await hub.erasing.erase(story.case_id, doctor, reason=REASON)
    late = site.entry(Note(language="en", text=CANARY), case_id=story.case_id)
    await site.deliver(hub, late, LayerBundle(story.case_id, Layer.FULL, CANARY.encode() * 99))
    # In a bundle of its own, for custody knows the other one: neither counted nor kept.
    await site.deliver(hub, EntryBundle((story.text, story.headline)))
    assert (await erasure_of(hub)).late == 2
    (kept,) = await hub.database.read(
        lambda c: c.execute(
            "SELECT payload, signature FROM entries WHERE entry_id = ?", (late.entry_id,)
        ).fetchall()
    )
    assert kept == (b"", b"")
    assert not (hub.folder.objects / story.case_id.hex()).exists()
    with pytest.raises(CaseErased, match="of 2 later messages only the ids were kept"):
        await hub.worklist.case(story.case_id)


async def test_a_refused_entry_of_an_erased_case_is_not_kept_sealed_either(
    hub: Hub, site: Site, doctor: Clinician
) -> None:
    story = await delivered(hub, site)
    stranger = Site("MV ARGO")
    stranger.hub = site.hub
    forged = stranger.entry(
        Actor(name="Stranger", role=Role.MEDIC), Note(language="en", text=CANARY), case_id=story.case_id
    )
    await site.deliver(hub, forged)
    assert await sealed_in_custody(hub, site) == 1
    await hub.erasing.erase(story.case_id, doctor, reason=REASON)
    assert await sealed_in_custody(hub, site) == 0
    again = stranger.entry(vitals(), case_id=story.case_id)
    await site.deliver(hub, again)
    assert await sealed_in_custody(hub, site) == 0


async def sealed_in_custody(hub: Hub, site: Site) -> int:
    """Bundles of which custody has the sealed bytes: the hub has the key to those."""
    custody = await hub.custody.pair(site.known_hub.pseudonym)
    ((count,),) = await custody._database.read(
        lambda c: c.execute("SELECT count(*) FROM received WHERE content IS NOT NULL").fetchall()
    )
    return int(count)


async def test_what_the_site_lacks_is_not_taken_back_unasked(hub: Hub, site: Site, doctor: Clinician) -> None:
    story = await delivered(hub, site)
    await hub.replies.advise(story.case_id, doctor, "Stop the drip.")
    await hub.outbox.flush()
    with pytest.raises(NotAllowed, match="1 messages of this case are not at the site yet"):
        await hub.erasing.erase(story.case_id, doctor, reason=REASON)
    assert (await hub.worklist.case(story.case_id)).advice
    await hub.erasing.erase(story.case_id, doctor, reason=REASON, withdraw=True)
    await hub.outbox.flush()
    (entry,) = [each for each in await read_from_hub(hub, site) if each.case_id == story.case_id]
    assert isinstance(entry.records[-1].body, Tombstone)


async def test_a_sites_own_file_and_unknown_cases_are_not_erased(
    hub: Hub, site: Site, doctor: Clinician
) -> None:
    await delivered(hub, site)
    with pytest.raises(BadRequest, match="a site's own file"):
        await hub.erasing.erase(site_case_id(site.mailbox), doctor, reason=REASON)
    with pytest.raises(NotFound):
        await hub.erasing.erase(CaseId(bytes(10)), doctor, reason=REASON)
    assert await hub.erasing.erasures() == ()


async def test_a_damaged_case_can_be_erased(hub: Hub, site: Site, doctor: Clinician) -> None:
    story = await delivered(hub, site)
    await hub.database.write(
        lambda c: c.execute("UPDATE entries SET payload = zeroblob(60) WHERE case_id = ?", (story.case_id,))
    )
    await hub.erasing.erase(story.case_id, doctor, reason=REASON)
    assert await hub.worklist.queue() == ()


async def test_a_tombstone_of_the_site_erases_nothing_here(hub: Hub, site: Site) -> None:
    story = await delivered(hub, site)
    await site.deliver(hub, site.entry(Tombstone(reason="erased at the site"), case_id=story.case_id))
    assert await hub.erasing.erasures() == ()
    assert await hub.worklist.read_blob(story.case_id, story.standard.blob) == story.standard.data


async def test_cut_off_half_way_the_next_start_finishes(folder: HubFolder, clock: TestClock) -> None:
    async with open_hub(folder, clock) as hub:
        site = Site("MV ARGO", seed=1)
        await site.enrol(hub)
        doctor = await hub.people.add("Specialist on duty", Role.SPECIALIST)
        story = await delivered(hub, site)
        # What no file can be removed from, until the next start.
        obstacle = folder.objects / story.case_id.hex() / "obstacle"
        obstacle.mkdir()
        await hub.erasing.erase(story.case_id, doctor, reason=REASON)
        assert hub.erasing.trouble.startswith("Not everything of an erased case is gone yet")
        assert not (await erasure_of(hub)).finished
        with pytest.raises(CaseErased):
            await hub.worklist.case(story.case_id)
    obstacle.rmdir()
    async with open_hub(folder, clock) as hub:
        assert (await erasure_of(hub)).finished
        assert hub.erasing.trouble == ""
        assert not (folder.objects / story.case_id.hex()).exists()


async def test_a_damaged_journal_is_told_and_stops_no_care(folder: HubFolder, clock: TestClock) -> None:
    (folder.keys / "erasures").write_bytes(b"not a journal\n")
    async with open_hub(folder, clock) as hub:
        assert "erased cases could come back" in hub.erasing.trouble
        assert await hub.worklist.queue() == ()


async def test_a_restored_backup_does_not_bring_an_erased_case_back(
    folder: HubFolder, clock: TestClock, tmp_path: Path
) -> None:
    async with open_hub(folder, clock) as hub:
        site = Site("MV ARGO", seed=1)
        await site.enrol(hub)
        doctor = await hub.people.add("Specialist on duty", Role.SPECIALIST)
        story = await delivered(hub, site)
    backup = tmp_path / "backup"
    shutil.copytree(folder.root, backup, ignore=shutil.ignore_patterns("keys", "*.sock"))
    async with open_hub(folder, clock) as hub:
        await hub.erasing.erase(story.case_id, doctor, reason=REASON)
    for name in ("hub.db", "custody.db"):
        shutil.copy(backup / name, folder.root / name)
    shutil.copytree(backup / "objects", folder.objects, dirs_exist_ok=True)
    async with open_hub(folder, clock) as hub:
        assert await hub.worklist.queue() == ()
        with pytest.raises(CaseErased, match=REASON):
            await hub.worklist.case(story.case_id)
        assert not (folder.objects / story.case_id.hex()).exists()


async def test_a_stolen_database_opens_nothing_without_the_keys_folder(hub: Hub, site: Site) -> None:
    story = await delivered(hub, site)
    wrapped = await wrapped_key(hub, story.case_id)
    stored = bytes_of(hub.folder)
    assert (hub.folder.keys / "storage.key").read_bytes() not in stored
    assert wrapped in stored
    assert CANARY.encode() not in stored


async def test_a_case_whose_key_is_damaged_hides_no_other(hub: Hub, site: Site) -> None:
    story, other = await delivered(hub, site), await delivered(hub, site, "burn")
    await hub.database.write(
        lambda c: c.execute("UPDATE case_key SET wrapped = zeroblob(60) WHERE case_id = ?", (story.case_id,))
    )
    for _ in range(2):
        rows = await hub.worklist.queue()
        assert {row.complaint.split()[0] for row in rows} == {"DAMAGED", "burn"}
        await hub.database.write(lambda c: c.execute("UPDATE cases SET row = NULL"))
    assert (await hub.worklist.case(other.case_id)).notes


async def test_an_undelivered_bundle_in_hand_does_not_stop_the_outbox(
    hub: Hub, site: Site, doctor: Clinician
) -> None:
    story = await delivered(hub, site)
    draft = Draft(values={"assessment": "Likely a strain.", "evacuation": "no"})
    await hub.replies.send(story.case_id, doctor, draft)
    await hub.erasing.erase(story.case_id, doctor, reason=REASON, withdraw=True)
    await hub.outbox.flush()
    assert hub.outbox.trouble == ""
    assert await drain(hub, site) == 0


def difference(site: Site, story: Story) -> tuple[SignedEntry, SignedEntry]:
    """A note, and its correction that the canary is in."""
    base = site.entry(Note(language="en", text="base note " * 10), case_id=story.case_id)
    replaced = Reference(Relation.SUPERSEDES, read_entry(base).records[0].record_id)
    # The note alone, so that it may also go ahead unsigned.
    edit = site.entry(
        Note(language="en", text="base note " * 10 + CANARY), case_id=story.case_id, refs=(replaced,)
    )
    return base, edit


def sealed_after(site: Site, content: BundleContent, base: SignedEntry) -> SealedContent:
    return site.envelope.seal(
        content,
        priority=Priority.URGENT,
        recipient=Prekey(site.known_hub.opening),
        sealer=SEALER,
        base=base,
    )


async def test_a_difference_nobody_can_read_yet_keeps_an_erasure_unfinished(
    hub: Hub, site: Site, doctor: Clinician
) -> None:
    story = await delivered(hub, site)
    base, edit = difference(site, story)
    sealed = sealed_after(site, EntryBundle((edit,)), base)
    await site.put(hub, sealed)
    await drain(hub, site)
    await hub.erasing.erase(story.case_id, doctor, reason=REASON)
    assert await sealed_in_custody(hub, site) == 1, "kept until all of it comes"
    assert not (await erasure_of(hub)).finished
    await site.put(hub, site.seal(EntryBundle((edit,))))
    await drain(hub, site)
    await hub.erasing.carry_through()
    erasure = await erasure_of(hub)
    assert (erasure.finished, erasure.late) == (True, 1)
    assert await sealed_in_custody(hub, site) == 0


async def test_a_difference_from_what_was_erased_is_counted_and_not_kept(
    hub: Hub, site: Site, doctor: Clinician
) -> None:
    story = await delivered(hub, site)
    base, edit = difference(site, story)
    await site.deliver(hub, base)
    await hub.erasing.erase(story.case_id, doctor, reason=REASON)
    correction = correction_of(edit, base)
    assert correction is not None
    for content in (EntryBundle((edit,)), correction):
        sealed = sealed_after(site, content, base)
        await site.put(hub, sealed)
        await drain(hub, site)
        assert await sealed_in_custody(hub, site) == 0
    store = await hub.custody.pair(site.known_hub.pseudonym)
    assert await store.unopened() == (), "nothing is asked for"
    erasure = await erasure_of(hub)
    assert (erasure.finished, erasure.late) == (True, 2)


async def test_a_provisional_correction_of_what_is_not_here_leaves_nothing(
    hub: Hub, site: Site, doctor: Clinician
) -> None:
    story = await delivered(hub, site)
    base, edit = difference(site, story)
    correction = correction_of(edit, base)
    assert correction is not None
    sealed = sealed_after(site, correction, base)
    await site.put(hub, sealed)
    await drain(hub, site)
    assert await sealed_in_custody(hub, site) == 0
    await hub.erasing.erase(story.case_id, doctor, reason=REASON)
    assert (await erasure_of(hub)).finished


async def test_a_reason_that_no_record_holds_erases_nothing(hub: Hub, site: Site, doctor: Clinician) -> None:
    story = await delivered(hub, site)
    with pytest.raises(BadRequest, match="Nothing was erased"):
        await hub.erasing.erase(story.case_id, doctor, reason="long " * 5_000)
    assert await hub.erasing.erasures() == ()
