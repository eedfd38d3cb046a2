"""Entries and cases as rows: bytes are kept as they came, sealed under the key of their case, and checked
against their id whenever they are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from protocol.actors import Party
from protocol.case_keys import CaseKey, Slot
from protocol.entry import Entry, SignedEntry, read_entry
from protocol.header import Priority
from protocol.ids import CaseId, EntryId, KeyId, Mailbox, PatientId
from sfnode.domain.case_file import CaseFile, KeptEntry, KeptProvisional
from sfnode.domain.moments import Moment
from sync.stores.case_keys import key_of, open_row, open_with, seal_row
from sync.stores.connection import Connection
from sync.stores.erasures import is_erased, tombstone_with
from sync.stores.errors import StoreDamaged

from .directory import read_places
from .moments import moment_of_row, moment_row
from .provisional import said_by_hub

Version = tuple[int | None, int | None, int | None]

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
    hub: Mailbox,
    priority: Priority,
    sent_s: int | None,
) -> None:
    """A case with that hub. Idempotent: one that is known stays as it is."""
    connection.execute(
        "INSERT INTO case_file (case_id, patient_id, hub, priority, sent_s) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (case_id, patient_id, hub, int(priority), sent_s),
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


def priority_of(connection: Connection, case_id: CaseId) -> Priority | None:
    """The delivery class of its bundles; None when the case is not known."""
    row = connection.execute("SELECT priority FROM case_file WHERE case_id = ?", (case_id,)).fetchone()
    return None if row is None else Priority(row[0])


def case_ids(connection: Connection) -> tuple[CaseId, ...]:
    """Every case that can be read, in the order in which they became known."""
    rows = connection.execute(
        "SELECT case_id FROM case_file WHERE case_id NOT IN (SELECT case_id FROM erased_case) ORDER BY row"
    ).fetchall()
    return tuple(CaseId(row[0]) for row in rows)


def is_known(connection: Connection, entry_id: EntryId) -> bool:
    return connection.execute("SELECT 1 FROM entry WHERE entry_id = ?", (entry_id,)).fetchone() is not None


def hub_address(connection: Connection, case_id: CaseId) -> Mailbox | None:
    """Of the hub that a case is with; None when the case is not known."""
    row = connection.execute("SELECT hub FROM case_file WHERE case_id = ?", (case_id,)).fetchone()
    return None if row is None else Mailbox(row[0])


def cases_of_ours(connection: Connection, hub: Mailbox, entry_ids: Iterable[EntryId]) -> frozenset[CaseId]:
    """Cases with that hub to which those of these entries belong that this site itself signed."""
    found = (
        connection.execute(
            "SELECT case_id FROM entry JOIN case_file USING (case_id)"
            " WHERE entry_id = ? AND party = ? AND hub = ?",
            (entry_id, int(Party.SITE), hub),
        ).fetchone()
        for entry_id in entry_ids
    )
    return frozenset(CaseId(row[0]) for row in found if row is not None)


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
            seal_row(connection, entry.case_id, Slot.ENTRY, entry.entry_id, signed.payload),
            signed.signature,
            *moment_row(first_seen),
        ),
    )
    note_counter(connection, entry.stamp.counter + len(entry.records) - 1)


def read_signed(connection: Connection, entry_ids: Iterable[EntryId]) -> tuple[SignedEntry, ...]:
    """These entries' bytes, in the order asked for."""
    return tuple(_signed(connection, entry_id) for entry_id in entry_ids)


def read_case(connection: Connection, case_id: CaseId, known: CaseFile | None = None) -> CaseFile | None:
    """The whole case, None when it is not known or was erased. `StoreDamaged` when a row is not what was
    written. Entries that an earlier state of the case, `known`, holds are not opened again."""
    row = connection.execute(
        "SELECT patient_id, priority, sent_s, hub FROM case_file WHERE case_id = ?", (case_id,)
    ).fetchone()
    if row is None or is_erased(connection, case_id):
        return None
    entries = connection.execute(
        "SELECT entry_id, party, payload, signature, boot, monotonic_s, wall_s, certainty"
        " FROM entry WHERE case_id = ? ORDER BY row",
        (case_id,),
    ).fetchall()
    provisional = said_by_hub(connection, case_id)
    kept = {} if known is None else {each.entry.entry_id: each for each in known.entries}
    if any(entry_id not in kept for entry_id, *_ in entries):
        key, places = key_of(connection, case_id), read_places(connection, Mailbox(row[3]))
        for entry_id, party, payload, signature, *moment in entries:
            if entry_id not in kept:
                entry = _checked(key, EntryId(entry_id), payload, signature)
                kept[entry_id] = _kept(entry, places, party=Party(party), first_seen=moment_of_row(*moment))
    return _file(case_id, row, [kept[entry_id] for entry_id, *_ in entries], provisional)


class CaseCache:
    """Cases that were read, as long as nothing was added to them. For committed reads only: an undone
    transaction may give its row numbers to other entries."""

    def __init__(self) -> None:
        self._files: dict[CaseId, tuple[Version, CaseFile]] = {}

    def holds(self, case_id: CaseId) -> bool:
        """Whether some state of it could be read."""
        return case_id in self._files

    def read(self, connection: Connection, case_id: CaseId) -> CaseFile | None:
        """Like `read_case`."""
        version = _version(connection, case_id)
        if version is None:
            self._files.pop(case_id, None)
            return None
        return self.read_at(version, connection, case_id)

    def read_at(self, version: Version, connection: Connection, case_id: CaseId) -> CaseFile | None:
        """The same, for whoever has its version."""
        case = self._at(version, connection, case_id)
        if case is not None:
            if len(self._files) >= CASES_CACHED_MAX:
                del self._files[next(iter(self._files))]
            self._files[case_id] = (version, case)
        return case

    def look(self, connection: Connection, case_id: CaseId) -> CaseFile | None:
        """The same inside a transaction of the writer's, which may yet be undone: nothing is kept of it."""
        version = _version(connection, case_id)
        return None if version is None else self._at(version, connection, case_id)

    def _at(self, version: Version, connection: Connection, case_id: CaseId) -> CaseFile | None:
        held_version, held = self._files.get(case_id, (None, None))
        return held if held_version == version else read_case(connection, case_id, held)


def versions(connection: Connection) -> dict[CaseId, Version]:
    """What changes with every change of a case, of all that can be read, in the order in which they became
    known: one question instead of one for each."""
    rows = connection.execute(
        "SELECT case_id, sent_s, (SELECT max(row) FROM entry WHERE case_id = case_file.case_id),"
        " (SELECT max(row) FROM provisional WHERE case_id = case_file.case_id)"
        " FROM case_file WHERE case_id NOT IN (SELECT case_id FROM erased_case) ORDER BY row"
    ).fetchall()
    return {CaseId(case_id): (sent_s, entry, said) for case_id, sent_s, entry, said in rows}


def _version(connection: Connection, case_id: CaseId) -> Version | None:
    """What changes with every change of a case; None when it is not known, or was erased."""
    version: Version | None = connection.execute(
        "SELECT sent_s, (SELECT max(row) FROM entry WHERE case_id = case_file.case_id),"
        " (SELECT max(row) FROM provisional WHERE case_id = case_file.case_id)"
        " FROM case_file WHERE case_id = ?1"
        " AND NOT EXISTS (SELECT 1 FROM erased_case WHERE case_id = ?1)",
        (case_id,),
    ).fetchone()
    return version


def _file(
    case_id: CaseId,
    row: tuple[bytes, int, int | None, bytes],
    entries: Iterable[KeptEntry],
    provisional: Iterable[KeptProvisional],
) -> CaseFile:
    patient_id, priority, sent_s, hub = row
    return CaseFile.of(
        entries,
        case_id=case_id,
        patient_id=PatientId(patient_id),
        priority=Priority(priority),
        sent_s=sent_s,
        hub=Mailbox(hub),
        provisional=provisional,
    )


def _kept(entry: Entry, places: Mapping[KeyId, Mailbox], *, party: Party, first_seen: Moment) -> KeptEntry:
    place = places.get(entry.signer)
    if place is None:
        raise StoreDamaged(
            "The vault has lost the key that an entry was signed with; its case is not shown: nobody must "
            "act on it. Restore the vault from a backup."
        )
    return KeptEntry(entry=entry, party=party, place=place, first_seen=first_seen)


def _signed(connection: Connection, entry_id: EntryId) -> SignedEntry:
    if (tombstone := tombstone_with(connection, entry_id)) is not None:
        return tombstone
    case_id, payload, signature = connection.execute(
        "SELECT case_id, payload, signature FROM entry WHERE entry_id = ?", (entry_id,)
    ).fetchone()
    return SignedEntry(open_row(connection, CaseId(case_id), Slot.ENTRY, entry_id, payload), signature)


def _checked(key: CaseKey, entry_id: EntryId, payload: bytes, signature: bytes) -> Entry:
    signed = SignedEntry(open_with(key, Slot.ENTRY, entry_id, payload), signature)
    if signed.entry_id != entry_id:
        raise StoreDamaged(
            "An entry in the vault is not what was written; its case is not shown: nobody must act on it. "
            "Restore the vault from a backup, or ask the hub for this case."
        )
    return read_entry(signed)
