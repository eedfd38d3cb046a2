"""A store that was restored, moved or copied finds out before it gives out anything, and says so."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.ids import Incarnation, Pseudonym
from sync.stores.database import Database, Execution
from sync.stores.identity import NOTED_EVERY, Finding, IdentityNote, Sidecar, sidecar_of
from sync.stores.incidents import IncidentKind
from sync.stores.machine import Mark
from sync.stores.sqlite import CUSTODY_SCHEMA, SqlitePairStore, SqliteStore

from .contract import NOTHING, add, bundle_id_of, numbers

PAIR, OTHER_PAIR = Pseudonym(b"pair"), Pseudonym(b"next")


@dataclass
class Place:
    """One store's files, and the machine they lie on."""

    root: Path
    marks: dict[Mark, str] = field(default_factory=lambda: {Mark.MACHINE: "m1", Mark.DISK: "d1"})

    @property
    def store(self) -> Path:
        return self.root / "spool.db"

    @property
    def sidecar(self) -> Sidecar:
        return Sidecar(self.root / "state" / "note", lambda path: dict(self.marks))

    @asynccontextmanager
    async def opened(self, *, orderly: bool = True) -> AsyncIterator[tuple[Finding, SqliteStore]]:
        database = await Database.open(self.store, [CUSTODY_SCHEMA], execution=Execution.INLINE)
        store = SqliteStore(database)
        try:
            yield await store.identify(self.sidecar), store
            if orderly:
                await store.settle()
        finally:
            await database.close()

    async def give_out(self, *labels: str, orderly: bool = True) -> Incarnation:
        """A life of the store in which it takes these bundles into custody."""
        async with self.opened(orderly=orderly) as (_, store):
            offers = [await add(await store.pair(PAIR), label) for label in labels]
            return offers[-1].incarnation

    async def found(self) -> tuple[Finding, Incarnation, list[tuple[IncidentKind, str]]]:
        """What the next opening finds, and what it tells."""
        async with self.opened() as (finding, store):
            pair = await store.pair(PAIR)
            told = [(each.kind, each.reason) for each in await pair.incidents_after(0, 9)]
            return finding, (await pair.open_session()).incarnation, told

    def back_up(self) -> Path:
        return Path(shutil.copy(self.store, self.root / "backup.db"))

    def restore(self, backup: Path) -> None:
        shutil.copy(backup, self.store)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


async def test_a_store_that_stays_where_it_is_keeps_its_incarnation(place: Place) -> None:
    async with place.opened() as (finding, _):
        assert finding is Finding.NEW
    life = await place.give_out("a", "b")
    assert await place.found() == (Finding.KEPT, life, [])
    assert await place.found() == (Finding.KEPT, life, [])


async def test_one_number_more_than_the_backup_had_is_noticed(place: Place) -> None:
    before = await place.give_out("a", "b")
    backup = place.back_up()
    await place.give_out("c")
    place.restore(backup)
    finding, life, told = await place.found()
    assert finding is Finding.RESTORED
    assert life != before
    assert told == [(IncidentKind.RESTORED, "it was restored from an older backup")]
    assert (await place.found())[:2] == (Finding.KEPT, life)


async def test_every_pair_begins_anew_with_what_the_peer_may_lack(place: Place) -> None:
    async with place.opened() as (_, store):
        for pair in (await store.pair(PAIR), await store.pair(OTHER_PAIR)):
            await add(pair, "stored")
            await add(pair, "pending")
            await pair.mark_stored(numbers(1))
    backup = place.back_up()
    await place.give_out("lost")
    place.restore(backup)
    async with place.opened() as (_, store):
        lives = []
        for pair in (await store.pair(PAIR), await store.pair(OTHER_PAIR)):
            view = await pair.open_session()
            lives += [view.incarnation, *(former.incarnation for former in view.former)]
            assert [bundle.offer.bundle_id for bundle in view.pending] == [bundle_id_of("pending")]
            assert [bundle.offer.sequence for bundle in await pair.outgoing(NOTHING)] == [1]
        assert len(set(lives)) == 4


async def test_a_session_of_which_the_backup_knows_nothing_is_noticed(place: Place) -> None:
    await place.give_out("a")
    backup = place.back_up()
    async with place.opened() as (_, store):
        await (await store.pair(PAIR)).open_session()
    place.restore(backup)
    assert (await place.found())[0] is Finding.RESTORED


@pytest.mark.parametrize(
    ("given_out", "finding"), [(NOTED_EVERY - 1, Finding.KEPT), (NOTED_EVERY, Finding.RESTORED)]
)
async def test_after_a_crash_what_the_note_proves_is_noticed(
    place: Place, given_out: int, finding: Finding
) -> None:
    await place.give_out("a")
    backup = place.back_up()
    await place.give_out(*(f"b{number}" for number in range(given_out)), orderly=False)
    place.restore(backup)
    assert (await place.found())[0] is finding


async def test_a_crash_alone_is_no_restore(place: Place) -> None:
    for given_out in (1, NOTED_EVERY - 1, NOTED_EVERY, NOTED_EVERY + 1, 3 * NOTED_EVERY):
        labels = [f"{given_out}-{number}" for number in range(given_out)]
        life = await place.give_out(*labels, orderly=False)
        assert (await place.found())[:2] == (Finding.KEPT, life)


@pytest.mark.parametrize("mark", [Mark.MACHINE, Mark.DISK])
async def test_another_machine_or_disk_is_noticed_once(place: Place, mark: Mark) -> None:
    before = await place.give_out("a")
    place.marks[mark] = "another"
    finding, life, told = await place.found()
    assert (finding, life != before) == (Finding.MOVED, True)
    assert told == [(IncidentKind.MOVED, "it was moved to another device or disk, or copied")]
    assert (await place.found())[:2] == (Finding.KEPT, life)


async def test_a_mark_that_appears_or_cannot_be_read_is_no_move(place: Place) -> None:
    life = await place.give_out("a")
    del place.marks[Mark.DISK]
    place.marks[Mark.BOARD] = "b1"
    assert (await place.found())[:2] == (Finding.KEPT, life)


async def test_a_store_without_its_note_may_be_a_copy(place: Place) -> None:
    before = await place.give_out("a")
    place.sidecar.path.unlink()
    finding, life, told = await place.found()
    assert (finding, life != before) == (Finding.MISSING, True)
    assert [kind for kind, _ in told] == [IncidentKind.MOVED]
    assert (await place.found())[:2] == (Finding.KEPT, life)


async def test_a_folder_copied_to_another_path_has_no_note(tmp_path: Path) -> None:
    one, other = tmp_path / "one" / "spool.db", tmp_path / "other" / "spool.db"
    notes = [sidecar_of(store, tmp_path / "state") for store in (one, other)]
    assert notes[0] is not None
    assert notes[1] is not None
    assert notes[0].path != notes[1].path
    assert sidecar_of(one, None) is None
    (tmp_path / "link").symlink_to(tmp_path / "one")
    by_link = sidecar_of(tmp_path / "link" / "spool.db", tmp_path / "state")
    assert by_link is not None
    assert by_link.path == notes[0].path


async def test_where_no_note_can_be_kept_the_store_opens_and_says_so_without_beginning_anew(
    place: Place,
) -> None:
    (place.root / "state").write_text("a file where the folder would be")
    life = await place.give_out("a")
    for _ in range(2):
        finding, now, told = await place.found()
        assert (finding, now) == (Finding.UNGUARDED, life)
        assert told == [(IncidentKind.UNGUARDED, f"{place.sidecar.path} cannot be written (Not a directory)")]
    (place.root / "state").unlink()
    assert (await place.found())[0] is Finding.MISSING, "it may have been copied in the meantime"
    assert (await place.found())[0] is Finding.KEPT


async def test_a_folder_of_notes_that_is_lost_for_good_costs_one_new_incarnation(place: Place) -> None:
    await place.give_out("a")
    shutil.rmtree(place.root / "state")
    (place.root / "state").write_text("a file where the folder would be")
    assert (await place.found())[0] is Finding.MISSING
    assert (await place.found())[0] is Finding.UNGUARDED


async def test_the_note_is_never_ahead_of_the_database(place: Place) -> None:
    async with place.opened(orderly=False) as (_, store):
        pair: SqlitePairStore = await store.pair(PAIR)
        for given_out in range(1, 2 * NOTED_EVERY + 3):
            await add(pair, f"b{given_out}", 3)
            note = place.sidecar.read()
            assert note is not None
            assert given_out - NOTED_EVERY < note.given_out <= given_out


NOTE = IdentityNote(given_out=70, marks={Mark.MACHINE: "m1"})


def test_a_note_reads_back_as_it_was_written() -> None:
    assert IdentityNote.decoded(NOTE.encoded()) == NOTE
    assert IdentityNote.decoded(b"") is None


@given(at=st.integers(0, len(NOTE.encoded()) - 2), bit=st.integers(0, 7))
def test_a_damaged_note_is_as_good_as_none(at: int, bit: int) -> None:
    damaged = bytearray(NOTE.encoded())
    damaged[at] ^= 1 << bit
    assert IdentityNote.decoded(bytes(damaged)) is None
    assert IdentityNote.decoded(bytes(damaged[:at])) is None


async def test_a_note_cut_off_by_a_crash_leaves_the_old_one(place: Place) -> None:
    life = await place.give_out("a")
    draft = place.sidecar.path.with_name(place.sidecar.path.name + ".new")
    draft.write_bytes(NOTE.encoded()[:10])
    assert (await place.found())[:2] == (Finding.KEPT, life)
