"""Keys of cases in a real database: drawn once, undone with their transaction, and gone when destroyed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from protocol.case_keys import MasterKey, Slot
from protocol.entry import SignedEntry
from protocol.ids import CaseId
from sync.stores.case_keys import (
    CASE_KEYS_SCHEMA,
    KEYS_CACHED_MAX,
    CaseKeyRing,
    key_for,
    key_of,
    open_row,
    ring_of,
    seal_row,
)
from sync.stores.connection import Connection, connect
from sync.stores.database import Database
from sync.stores.erasure_journal import ErasureJournal
from sync.stores.erasures import (
    Erasure,
    all_erasures,
    count_late,
    erasure_of,
    mark_finished,
    record_erasure,
    tombstone_with,
)
from sync.stores.errors import CaseErased, StoreDamaged

CASE, OTHER = CaseId(b"case 10 by"), CaseId(b"another 10")
CANARY = b"CANARY-7f3a" * 30
ERASURE = Erasure(
    case_id=CASE,
    erased_s=1_763_845_200,
    erased_by="Medic on duty",
    reason="opened by mistake",
    tombstone=SignedEntry(b"payload", b"signature"),
)

_TEXT = "CREATE TABLE IF NOT EXISTS text (case_id BLOB, sealed BLOB) STRICT"


class Random:
    """Bytes that are never the same twice, and known to the test."""

    def __init__(self) -> None:
        self.drawn: list[bytes] = []

    def __call__(self, size: int) -> bytes:
        self.drawn.append((0xA5C3_0000 + len(self.drawn)).to_bytes(4, "big") * (size // 4))
        return self.drawn[-1]


@pytest.fixture
def random_bytes() -> Random:
    return Random()


@pytest.fixture
async def database(tmp_path: Path, random_bytes: Random) -> AsyncIterator[Database]:
    opened = await open_store(tmp_path, random_bytes)
    yield opened
    await opened.close()


async def open_store(folder: Path, random_bytes: Random) -> Database:
    ring = CaseKeyRing(MasterKey(b"m" * 32), random_bytes)
    store = await Database.open(folder / "store.db", [CASE_KEYS_SCHEMA], connect=ring.connect)
    await store.write(
        lambda c: c.execute("CREATE TABLE IF NOT EXISTS text (case_id BLOB, sealed BLOB) STRICT")
    )
    return store


def write_text(connection: Connection, case_id: CaseId, plain: bytes = CANARY) -> None:
    sealed = seal_row(connection, case_id, Slot.ENTRY, b"row", plain)
    connection.execute("INSERT INTO text (case_id, sealed) VALUES (?, ?)", (case_id, sealed))


def read_text(connection: Connection, case_id: CaseId) -> bytes:
    (sealed,) = connection.execute("SELECT sealed FROM text WHERE case_id = ?", (case_id,)).fetchone()
    return open_row(connection, case_id, Slot.ENTRY, b"row", sealed)


def bytes_on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))


async def test_text_lies_sealed_and_opens_after_a_restart(
    database: Database, tmp_path: Path, random_bytes: Random
) -> None:
    await database.write(lambda c: write_text(c, CASE))
    assert CANARY not in bytes_on_disk(tmp_path)
    await database.close()
    assert CANARY not in bytes_on_disk(tmp_path)
    again = await open_store(tmp_path, random_bytes)
    try:
        assert await again.read(lambda c: read_text(c, CASE)) == CANARY
    finally:
        await again.close()


async def test_a_key_whose_transaction_was_undone_is_never_used_again(database: Database) -> None:
    class Undo(Exception):
        pass

    def undone(connection: Connection) -> None:
        write_text(connection, CASE)
        raise Undo

    with pytest.raises(Undo):
        await database.write(undone)
    await database.write(lambda c: write_text(c, CASE))
    # A key that only memory knew would read this now, and nobody after a restart.
    stored = await database.read(lambda c: c.execute("SELECT wrapped FROM case_key").fetchall())
    assert len(stored) == 1
    fresh = CaseKeyRing(MasterKey(b"m" * 32)).unwrap(CASE, stored[0][0])
    (sealed,) = await database.read(lambda c: c.execute("SELECT sealed FROM text").fetchone())
    assert fresh.open(sealed, slot=Slot.ENTRY, row=b"row") == CANARY


async def test_an_erased_case_leaves_neither_key_nor_way_back(
    database: Database, tmp_path: Path, random_bytes: Random
) -> None:
    await database.write(lambda c: write_text(c, CASE))
    await database.write(lambda c: write_text(c, OTHER))
    (wrapped,) = await database.read(
        lambda c: c.execute("SELECT wrapped FROM case_key WHERE case_id = ?", (CASE,)).fetchone()
    )
    assert wrapped in bytes_on_disk(tmp_path)
    await database.write(lambda c: record_erasure(c, ERASURE))
    assert wrapped in bytes_on_disk(tmp_path), (
        "the log still has it: without truncating, this test proves nothing"
    )
    assert await database.truncate_log()
    assert wrapped not in bytes_on_disk(tmp_path)
    assert random_bytes.drawn[0] not in bytes_on_disk(tmp_path)
    for work in (key_of, key_for, read_text):
        with pytest.raises(CaseErased, match="Nothing of it can be read"):
            await database.write(lambda c, work=work: work(c, CASE))  # type: ignore[misc]  # a default binds the loop variable
    assert await database.read(lambda c: read_text(c, OTHER)) == CANARY


async def test_the_log_is_cut_while_others_write(database: Database, tmp_path: Path) -> None:
    await database.write(lambda c: write_text(c, CASE))
    assert (tmp_path / "store.db-wal").stat().st_size > 0
    assert await database.truncate_log()
    assert (tmp_path / "store.db-wal").stat().st_size == 0
    await database.write(lambda c: write_text(c, OTHER))
    assert await database.read(lambda c: read_text(c, OTHER)) == CANARY


async def test_damage_stays_in_its_case(database: Database) -> None:
    for case_id in (CASE, OTHER):
        await database.write(lambda c, case_id=case_id: write_text(c, case_id))  # type: ignore[misc]  # a default binds the loop variable
    damages = (
        "UPDATE text SET sealed = CAST(substr(sealed, 1, 40) || x'00' AS BLOB) WHERE case_id = ?",
        "UPDATE case_key SET wrapped = zeroblob(60) WHERE case_id = ?",
        "DELETE FROM case_key WHERE case_id = ?",
    )
    for damage in damages:
        await database.write(lambda c, damage=damage: c.execute(damage, (CASE,)))  # type: ignore[misc]  # a default binds the loop variable
        with pytest.raises(StoreDamaged, match="All other cases are untouched"):
            await database.read(lambda c: read_text(c, CASE))
        assert await database.read(lambda c: read_text(c, OTHER)) == CANARY


async def test_a_row_moved_to_another_case_is_damage(database: Database) -> None:
    for case_id in (CASE, OTHER):
        await database.write(lambda c, case_id=case_id: write_text(c, case_id))  # type: ignore[misc]  # a default binds the loop variable
    await database.write(
        lambda c: c.execute(
            "UPDATE text SET sealed = (SELECT sealed FROM text WHERE case_id = ?) WHERE case_id = ?",
            (OTHER, CASE),
        )
    )
    with pytest.raises(StoreDamaged):
        await database.read(lambda c: read_text(c, CASE))


def test_keys_in_memory_are_bounded() -> None:
    ring = CaseKeyRing(MasterKey(b"m" * 32))
    for number in range(KEYS_CACHED_MAX + 10):
        case_id = CaseId(number.to_bytes(10, "big"))
        ring.unwrap(case_id, ring.draw(case_id))
    assert len(ring._unwrapped) == KEYS_CACHED_MAX


def test_a_connection_without_a_ring_is_our_own_fault(tmp_path: Path) -> None:
    plain = connect(tmp_path / "plain.db", None)
    try:
        with pytest.raises(TypeError, match="CaseKeyRing"):
            ring_of(plain)
    finally:
        plain.close()


# What stays known of an erased case.


async def test_the_first_word_of_an_erasure_stays(database: Database) -> None:
    await database.write(lambda c: record_erasure(c, ERASURE))
    later = Erasure(
        case_id=CASE,
        erased_s=ERASURE.erased_s + 60,
        erased_by="Nurse",
        reason="again",
        tombstone=SignedEntry(b"other", b"signature"),
    )
    await database.write(lambda c: record_erasure(c, later))
    await database.write(lambda c: count_late(c, CASE))
    await database.write(lambda c: mark_finished(c, CASE))
    (known,) = await database.read(all_erasures)
    assert (known.erased_by, known.reason, known.late, known.finished) == (
        "Medic on duty",
        "opened by mistake",
        1,
        True,
    )
    assert await database.read(lambda c: erasure_of(c, OTHER)) is None
    tombstone = ERASURE.tombstone
    assert await database.read(lambda c: tombstone_with(c, tombstone.entry_id)) == tombstone


# The journal.


def journal(folder: Path, master: bytes = b"m" * 32) -> ErasureJournal:
    return ErasureJournal(folder / "erasures", MasterKey(master))


def test_the_journal_gives_back_what_was_appended_once(tmp_path: Path) -> None:
    assert journal(tmp_path).read() == ()
    for _ in range(3):
        journal(tmp_path).append(ERASURE)
    assert journal(tmp_path).read() == (ERASURE,)
    text = (tmp_path / "erasures").read_bytes()
    assert b"mistake" not in text
    assert (tmp_path / "erasures").stat().st_mode & 0o077 == 0


def test_a_line_cut_off_by_a_crash_spoils_no_other(tmp_path: Path) -> None:
    journal(tmp_path).append(ERASURE)
    with (tmp_path / "erasures").open("ab") as file:
        file.write(b"00ff")
    other = Erasure(case_id=OTHER, erased_s=1, erased_by="x", reason="y", tombstone=SignedEntry(b"a", b"b"))
    assert journal(tmp_path).read() == (ERASURE,)
    journal(tmp_path).append(other)
    assert journal(tmp_path).read() == (ERASURE, other)


@pytest.mark.parametrize("line", [b"00ff\n", b"not hexadecimal\n", b"\xff\n"])
def test_a_damaged_journal_is_told_and_not_passed_over(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "erasures").write_bytes(line)
    with pytest.raises(StoreDamaged, match="erased cases could come back"):
        journal(tmp_path).read()


def test_the_journal_of_another_store_is_refused(tmp_path: Path) -> None:
    journal(tmp_path).append(ERASURE)
    with pytest.raises(StoreDamaged):
        journal(tmp_path, b"x" * 32).read()
