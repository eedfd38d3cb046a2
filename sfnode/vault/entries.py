"""Entries and cases as rows: bytes are kept as they came and checked against their id whenever they are
read."""

from __future__ import annotations

from collections.abc import Iterable

from protocol.actors import Party
from protocol.entry import Entry, SignedEntry, read_entry
from protocol.header import Priority
from protocol.ids import CaseId, EntryId, PatientId
from protocol.stamps import Certainty
from sfnode.domain.case_file import CaseFile, KeptEntry
from sfnode.domain.moments import Moment
from sync.stores.connection import Connection
from sync.stores.errors import StoreDamaged

CASES_CACHED_MAX = 512
"""Cases kept decoded between reads: more than a site has open at once."""


def highest_counter(connection: Connection) -> int:
    """The highest Lamport counter written or seen here."""
    counter: int = connection.execute("SELECT counter FROM identity").fetchone()[0]
    return counter


def note_counter(connection: Connection, counter: int) -> None:
    """Never goes back."""
    connection.execute("UPDATE identity SET counter = max(counter, ?)", (counter,))


def insert_case(
    connection: Connection,
    case_id: CaseId,
    patient_id: PatientId,
    *,
    priority: Priority,
    sent_s: int | None,
) -> None:
    """Idempotent: a case that is known stays as it is."""
    connection.execute(
        "INSERT INTO case_file (case_id, patient_id, priority, sent_s) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (case_id, patient_id, int(priority), sent_s),
    )


def mark_sent(connection: Connection, case_id: CaseId, sent_s: int) -> None:
    """The draft is over; the first time stays."""
    connection.execute(
        "UPDATE case_file SET sent_s = ? WHERE case_id = ? AND sent_s IS NULL", (sent_s, case_id)
    )


def patient_of(connection: Connection, case_id: CaseId) -> PatientId | None:
    """Whose case it is; None when the case is not known."""
    row = connection.execute("SELECT patient_id FROM case_file WHERE case_id = ?", (case_id,)).fetchone()
    return None if row is None else PatientId(row[0])


def case_ids(connection: Connection) -> tuple[CaseId, ...]:
    """Every case, in the order in which they became known."""
    return tuple(
        CaseId(row[0]) for row in connection.execute("SELECT case_id FROM case_file ORDER BY row").fetchall()
    )


def is_known(connection: Connection, entry_id: EntryId) -> bool:
    return connection.execute("SELECT 1 FROM entry WHERE entry_id = ?", (entry_id,)).fetchone() is not None


def insert_entry(
    connection: Connection, signed: SignedEntry, entry: Entry, *, party: Party, first_seen: Moment
) -> None:
    """Keep an entry that may stand and raise the counter; its case must be known, the entry must not."""
    connection.execute(
        "INSERT INTO entry"
        " (entry_id, case_id, party, payload, signature, boot, monotonic_s, wall_s, certainty)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            entry.entry_id,
            entry.case_id,
            int(party),
            signed.payload,
            signed.signature,
            *moment_row(first_seen),
        ),
    )
    note_counter(connection, entry.stamp.counter + len(entry.records) - 1)


def read_signed(connection: Connection, entry_ids: Iterable[EntryId]) -> tuple[SignedEntry, ...]:
    """These entries' bytes, in the order asked for."""
    return tuple(
        SignedEntry(
            *connection.execute(
                "SELECT payload, signature FROM entry WHERE entry_id = ?", (entry_id,)
            ).fetchone()
        )
        for entry_id in entry_ids
    )


def read_case(connection: Connection, case_id: CaseId) -> CaseFile | None:
    """The whole case, None when it is not known. `StoreDamaged` when a row is not what was written."""
    row = connection.execute(
        "SELECT patient_id, priority, sent_s FROM case_file WHERE case_id = ?", (case_id,)
    ).fetchone()
    if row is None:
        return None
    entries = connection.execute(
        "SELECT entry_id, party, payload, signature, boot, monotonic_s, wall_s, certainty"
        " FROM entry WHERE case_id = ? ORDER BY row",
        (case_id,),
    ).fetchall()
    return CaseFile.of(
        (
            KeptEntry(
                entry=_checked(EntryId(entry_id), SignedEntry(payload, signature)),
                party=Party(party),
                first_seen=moment_of_row(*moment),
            )
            for entry_id, party, payload, signature, *moment in entries
        ),
        case_id=case_id,
        patient_id=PatientId(row[0]),
        priority=Priority(row[1]),
        sent_s=row[2],
    )


class CaseCache:
    """Cases that were read, as long as nothing was added to them. For committed reads only: an undone
    transaction may give its row numbers to other entries."""

    def __init__(self) -> None:
        self._files: dict[CaseId, tuple[tuple[object, ...], CaseFile]] = {}

    def read(self, connection: Connection, case_id: CaseId) -> CaseFile | None:
        """Like `read_case`."""
        version = connection.execute(
            "SELECT sent_s, (SELECT max(row) FROM entry WHERE case_id = case_file.case_id)"
            " FROM case_file WHERE case_id = ?",
            (case_id,),
        ).fetchone()
        held = self._files.get(case_id)
        if held is not None and held[0] == version:
            return held[1]
        case = read_case(connection, case_id)
        if case is not None:
            if len(self._files) >= CASES_CACHED_MAX:
                del self._files[next(iter(self._files))]
            self._files[case_id] = (version, case)
        return case


def moment_row(moment: Moment) -> tuple[str, float, int, int]:
    return (moment.boot, moment.monotonic_s, moment.wall_s, int(moment.certainty))


def moment_of_row(boot: str, monotonic_s: float, wall_s: int, certainty: int) -> Moment:
    return Moment(boot=boot, monotonic_s=monotonic_s, wall_s=wall_s, certainty=Certainty(certainty))


def _checked(entry_id: EntryId, signed: SignedEntry) -> Entry:
    if signed.entry_id != entry_id:
        raise StoreDamaged(
            "An entry in the vault is not what was written; its case is not shown: nobody must act on it. "
            "Restore the vault from a backup, or ask the hub for this case."
        )
    return read_entry(signed)
