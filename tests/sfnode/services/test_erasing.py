"""Erasing at the site: the key goes at once, the rest follows also after a kill, and nothing comes back."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from protocol.bundle import EntryBundle, LayerBundle
from protocol.clinical import Layer, Note
from protocol.erasure import Tombstone
from protocol.ids import CaseId, EntryId, PatientId
from protocol.records import NewRecord
from sfnode.domain.intake import PatientChange
from sfnode.errors import CaseErased, NotFound, Refused
from sfnode.services.clock import moment_of
from sfnode.services.erasing import Erasing
from sfnode.spool.foretold import Foretold
from sfnode.vault.entries import read_signed
from sfnode.views import CaseRow
from sync.scheduler.arrival import Interval
from sync.stores.connection import Connection
from sync.stores.database import Database
from sync.stores.erasures import Erasure, all_erasures
from sync.stores.errors import StoreDamaged
from tests.sfnode.services.post import Post, Sent, open_post, sent_case
from tests.sfnode.services.station import PASSPHRASE, new_case, photo_layers

REASON = "opened by mistake"
CANARY = "CANARY-7f3a"


@pytest.fixture
async def post(tmp_path: Path) -> AsyncIterator[Post]:
    async with open_post(tmp_path) as opened:
        yield opened


def erasing(post: Post) -> Erasing:
    return Erasing(post.vault, post.spool, clock=post.clock, trouble=post.troubles.append)


async def erase(post: Post, case_id: CaseId) -> Erasure:
    erasure = await post.book.erase_case(case_id, reason=REASON)
    await erasing(post).carry_through()
    return erasure


async def draft(post: Post) -> CaseId:
    """A draft in which every text and picture is a canary."""
    case_id = (await post.book.open_case(new_case(complaint=CANARY, note=CANARY))).case_id
    await post.book.update_patient(case_id, PatientChange(add_allergies=(CANARY,)).applied_to)
    picture = photo_layers(preview=CANARY.encode() * 200, standard=CANARY.encode() * 2_000)
    await post.book.add_photo(case_id, picture, caption=CANARY)
    return case_id


async def columns(database: Database) -> bytes:
    """Every value of every table, as the database itself gives it."""

    def read(connection: Connection) -> bytes:
        rows = []
        tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        for (table,) in tables.fetchall():
            rows += connection.execute(f"SELECT * FROM {table}").fetchall()
        values = [value for row in rows for value in row]
        return b"\n".join(value if isinstance(value, bytes) else str(value).encode() for value in values)

    return await database.read(read)


async def known_rows(post: Post) -> dict[str, CaseRow]:
    return {row.case: row for row in await post.book.case_rows()}


async def the_erasure(post: Post) -> Erasure:
    (erasure,) = await post.vault.vault.database.read(all_erasures)
    return erasure


async def test_inside_the_vault_texts_and_pictures_lie_sealed(post: Post) -> None:
    await draft(post)
    vault = post.vault.vault
    entries = await vault.database.read(lambda c: c.execute("SELECT payload FROM entry").fetchall())
    assert entries
    assert CANARY.encode() not in b"".join(payload for (payload,) in entries)
    assert CANARY.encode() not in await columns(vault.blobs._database)


async def test_nothing_of_an_erased_case_is_left_in_any_table(post: Post) -> None:
    case_id = await draft(post)
    other = (await post.book.open_case(new_case(complaint="burn"))).case_id
    await post.book.send_case(case_id)
    vault = post.vault.vault
    (wrapped,) = await vault.database.read(
        lambda c: c.execute("SELECT wrapped FROM case_key WHERE case_id = ?", (case_id,)).fetchone()
    )
    assert CANARY.encode() in await columns(vault.database), "the captions of what is queued"
    await erase(post, case_id)
    for database in (vault.database, vault.blobs._database):
        assert CANARY.encode() not in await columns(database)
        assert wrapped not in await columns(database)
    assert await vault.blobs.held(case_id) == frozenset()
    assert (await post.book.case_view(other)).row.complaint == "burn"


async def test_the_list_says_who_erased_it_when_and_why(post: Post) -> None:
    case_id = await draft(post)
    await erase(post, case_id)
    row = (await known_rows(post))[case_id.hex()]
    assert (row.state, row.needs_you) == ("erased", None)
    assert row.complaint == "erased 22 Nov 2025 21:00Z by Medic on duty: opened by mistake"
    assert await post.book.find_case(row.short) == case_id
    with pytest.raises(CaseErased, match="Nothing of it can be read here any more"):
        await post.book.case_view(case_id)
    with pytest.raises(CaseErased):
        await post.book.add_note(case_id, language="en", text="more")
    with pytest.raises(CaseErased):
        await post.book.erase_case(case_id, reason="again")
    with pytest.raises(CaseErased):
        await post.book.add_photo(case_id, photo_layers(), caption="more")


async def test_a_draft_is_erased_without_a_word_to_anybody(post: Post) -> None:
    case_id = await draft(post)
    await post.outbox.seal_waiting()
    await erase(post, case_id)
    assert [row for row in await post.book.outbox() if row.case_id == case_id] == []


async def test_the_hub_is_told_by_a_signed_record(post: Post) -> None:
    sent = await sent_case(post)
    erasure = await erase(post, sent.case_id)
    (told,) = [row for row in await post.book.outbox() if row.case_id == sent.case_id]
    assert isinstance(told.content, EntryBundle)
    assert told.content.entries == (erasure.tombstone,)
    assert await post.outbox.seal_waiting() == 1


async def test_what_the_hub_lacks_is_not_taken_back_unasked(post: Post) -> None:
    sent = await sent_case(post)
    with pytest.raises(Refused, match="2 messages of this case are not at the hub yet"):
        await erasing(post).check_delivered(sent.case_id)
    custody = await post.custody()
    waiting = {offer.offer.bundle_id for offer in (await custody.open_session()).pending}
    of_case = {row.bundle_id for row in await post.book.dispatches(sent.case_id)}
    assert of_case <= waiting
    for bundle_id in filter(None, of_case):
        await post.spool.foretold.add(
            Foretold(
                bundle_id=bundle_id,
                link="vsat",
                was_down=False,
                soonest_s=1.0,
                interval=Interval(1.0, 2.0, 8),
                at=moment_of(post.clock),
            )
        )
    await erase(post, sent.case_id)
    # What will never arrive is not called late for ever.
    assert await post.spool.foretold.open() == ()
    left = {offer.offer.bundle_id for offer in (await custody.open_session()).pending}
    assert left == waiting - of_case
    assert not of_case & {transfer.bundle_id for transfer in await post.spool.transfers.unstored()}


async def late(post: Post, sent: Sent, text: str, sequence: int) -> EntryId:
    signed = sent.advice(post, text)
    await post.arrive(post.hub.seal(EntryBundle((signed,))), sequence)
    await post.inbox.open_waiting()
    return signed.entry_id


async def test_what_comes_later_is_counted_and_not_kept(post: Post) -> None:
    sent = await sent_case(post)
    await erase(post, sent.case_id)
    entry_id = await late(post, sent, CANARY, 1)
    layer = LayerBundle(sent.case_id, Layer.FULL, CANARY.encode() * 99)
    await post.book.ingest(layer, post.hub.address)
    vault = post.vault.vault
    assert CANARY.encode() not in await columns(vault.database)
    assert await vault.blobs.held(sent.case_id) == frozenset()
    assert (await the_erasure(post)).late == 2
    row = (await known_rows(post))[sent.case_id.hex()]
    assert row.complaint.endswith("(of 2 later messages only the ids were kept)")
    ingested = await post.book.ingest(EntryBundle((sent.advice(post, CANARY),)), post.hub.address)
    assert not ingested.applied
    assert bytes(entry_id) in await columns(vault.database)
    assert await post.book.quarantined() == ()


async def test_an_entry_kept_aside_goes_with_the_case_it_names(post: Post) -> None:
    sent = await sent_case(post)
    stranger = post.hub.sign(
        [NewRecord(Note(language="en", text=CANARY))],
        case_id=sent.case_id,
        patient_id=PatientId(b"other pat!"),
    )
    await post.book.ingest(EntryBundle((stranger,)), post.hub.address)
    assert len(await post.book.quarantined()) == 1
    assert CANARY.encode() not in await columns(post.vault.vault.database)
    await erase(post, sent.case_id)
    assert await post.book.quarantined() == ()


async def test_a_tombstone_of_the_hub_erases_nothing_here(post: Post) -> None:
    sent = await sent_case(post)
    told = post.hub.sign(
        [NewRecord(Tombstone(reason="erased at the hub"))],
        case_id=sent.case_id,
        patient_id=sent.patient_id,
    )
    ingested = await post.book.ingest(EntryBundle((told,)), post.hub.address)
    assert ingested.applied == (told.entry_id,)
    assert (await post.book.case_view(sent.case_id)).row.complaint == "chest pain"


async def test_killed_after_the_key_the_next_start_finishes(post: Post) -> None:
    case_id = await draft(post)
    await post.book.erase_case(case_id, reason=REASON)
    assert not (await the_erasure(post)).finished
    assert await post.vault.vault.blobs.held(case_id)
    await post.vault.lock()
    await post.vault.unlock(PASSPHRASE)
    with pytest.raises(CaseErased):
        await post.book.case_view(case_id)
    await erasing(post).carry_through()
    assert (await the_erasure(post)).finished
    assert await post.vault.vault.blobs.held(case_id) == frozenset()


async def test_a_restored_backup_does_not_bring_an_erased_case_back(post: Post, tmp_path: Path) -> None:
    case_id = await draft(post)
    await post.vault.lock()
    backup = tmp_path / "backup"
    backup.mkdir()
    for name in ("vault.db", "vault_blobs.db"):
        shutil.copy(post.folder / name, backup / name)
    await post.vault.unlock(PASSPHRASE)
    await erase(post, case_id)
    await post.vault.lock()
    for name in ("vault.db", "vault_blobs.db"):
        shutil.copy(backup / name, post.folder / name)
    await post.vault.unlock(PASSPHRASE)
    assert (await post.book.case_view(case_id)).row.complaint == CANARY
    await erasing(post).carry_through()
    with pytest.raises(CaseErased, match=REASON):
        await post.book.case_view(case_id)
    assert await post.vault.vault.blobs.held(case_id) == frozenset()


async def test_the_sites_own_file_and_unknown_cases_are_not_erased(post: Post) -> None:
    hub = await post.vault.hub(post.hub.address)
    with pytest.raises(Refused, match="the site's own file"):
        await post.book.erase_case(hub.site_case, reason=REASON)
    with pytest.raises(NotFound):
        await post.book.erase_case(CaseId(bytes(10)), reason=REASON)
    with pytest.raises(Refused, match="control character"):
        await post.book.erase_case(await draft(post), reason="two\x1blines")


async def test_a_damaged_case_can_be_erased_and_stops_no_other(post: Post) -> None:
    case_id, other = await draft(post), (await post.book.open_case(new_case(complaint="burn"))).case_id
    await post.vault.vault.database.write(
        lambda c: c.execute("UPDATE entry SET payload = zeroblob(60) WHERE case_id = ?", (case_id,))
    )
    # What was read before the disk erred is still in memory.
    await post.vault.lock()
    await post.vault.unlock(PASSPHRASE)
    rows = await known_rows(post)
    assert (rows[case_id.hex()].state, rows[other.hex()].complaint) == ("DAMAGED", "burn")
    assert await post.book.find_case(case_id.hex()) == case_id
    await erase(post, case_id)
    assert (await known_rows(post))[case_id.hex()].state == "erased"


async def test_each_case_has_a_key_of_its_own(post: Post) -> None:
    first, second = await draft(post), await draft(post)
    vault = post.vault.vault
    ids = await vault.database.read(
        lambda c: c.execute("SELECT entry_id FROM entry WHERE case_id = ?", (first,)).fetchall()
    )
    await vault.database.write(
        lambda c: c.execute(
            "UPDATE case_key SET wrapped = (SELECT wrapped FROM case_key WHERE case_id = ?)"
            " WHERE case_id = ?",
            (second, first),
        )
    )
    with pytest.raises(StoreDamaged, match="not what was written"):
        await vault.database.read(lambda c: read_signed(c, [EntryId(each) for (each,) in ids]))


async def test_a_damaged_journal_is_told_and_stops_no_care(post: Post) -> None:
    case_id = await draft(post)
    (post.folder / "erasures").write_bytes(b"not a journal\n")
    await erase(post, case_id)
    (trouble,) = post.troubles
    assert "erased cases could come back" in trouble
    assert await post.vault.vault.blobs.held(case_id) == frozenset()
    with pytest.raises(CaseErased):
        await post.book.case_view(case_id)
    assert (await post.book.open_case(new_case())).case_id
