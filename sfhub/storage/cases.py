"""Rows of cases, of the people who write in them, and of the layers that have arrived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from protocol.actors import Actor, Role
from protocol.case_keys import Slot
from protocol.clinical import Layer
from protocol.header import Priority
from protocol.ids import ActorId, CaseId, KeyId, Mailbox, PatientId
from protocol.records import Record
from sync.stores.case_keys import CaseKeyRing, open_with, ring_of, seal_row
from sync.stores.connection import Connection
from sync.stores.errors import StoreDamaged


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseHead:
    """What must be known of a case to admit more of it."""

    case_id: CaseId
    patient_id: PatientId
    site: Mailbox
    """Its owner: the place that sent the first of it."""
    priority: Priority
    """Of the most urgent bundle so far, for a case of which nothing readable has come yet."""
    first_arrived_s: float
    changed_s: float
    signed: bool
    """False until an entry is here that a site signed: patient and site are a claim until then, which that
    entry may contradict and no word of ours makes truer."""


_HEAD = "case_id, patient_id, site, priority, first_arrived_s, changed_s, signed"


def case_head(connection: Connection, case_id: CaseId) -> CaseHead | None:
    row = connection.execute(f"SELECT {_HEAD} FROM cases WHERE case_id = ?", (case_id,)).fetchone()
    return None if row is None else _head(*row)


def signed_case_head(connection: Connection, case_id: CaseId) -> CaseHead | None:
    """The head of a case of which an entry is here that a site signed: only that says whose case it is."""
    head = case_head(connection, case_id)
    return head if head is not None and head.signed else None


def all_case_heads(connection: Connection) -> tuple[CaseHead, ...]:
    return tuple(_head(*row) for row in connection.execute(f"SELECT {_HEAD} FROM cases").fetchall())


def touch_case(
    connection: Connection,
    *,
    case_id: CaseId,
    patient_id: PatientId,
    site: Mailbox,
    priority: Priority,
    now_s: float,
    counter: int,
    signed: bool,
) -> None:
    """The case exists from now on and has changed. `signed` says that a site signed what came: from then on
    whose case it is never changes. `counter` is the highest of what was kept."""
    connection.execute(
        "INSERT INTO cases (case_id, patient_id, site, priority, first_arrived_s, changed_s, signed, counter)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (case_id) DO UPDATE SET priority = min(priority, excluded.priority),"
        " patient_id = iif(signed, patient_id, excluded.patient_id), site = iif(signed, site, excluded.site),"
        " signed = max(signed, excluded.signed), counter = max(counter, excluded.counter),"
        " changed_s = excluded.changed_s, row = NULL",
        (case_id, patient_id, site, priority, now_s, now_s, signed, counter),
    )


def highest_counter(connection: Connection) -> int:
    """The highest Lamport counter of all cases together: sites count through all of theirs."""
    ((counter,),) = connection.execute("SELECT max(counter) FROM cases").fetchall()
    return int(counter or 0)


def forget_row(connection: Connection, case_id: CaseId) -> None:
    """Something the worklist shows of this case has changed."""
    connection.execute("UPDATE cases SET row = NULL WHERE case_id = ?", (case_id,))


def keep_row(connection: Connection, case_id: CaseId, row: str) -> None:
    """Sealed like what it was computed from; kept empty when the case's key is damaged."""
    try:
        sealed = seal_row(connection, case_id, Slot.WORKLIST, b"", row.encode())
    except StoreDamaged:
        sealed = b""
    connection.execute("UPDATE cases SET row = ? WHERE case_id = ?", (sealed, case_id))


def kept_rows(connection: Connection) -> tuple[tuple[CaseId, str | None], ...]:
    """The row of each case that was not erased; None for one that cannot be read."""
    rows = connection.execute(
        "SELECT case_id, row, wrapped FROM cases LEFT JOIN case_key USING (case_id)"
        " WHERE row IS NOT NULL AND case_id NOT IN (SELECT case_id FROM erased_case)"
    ).fetchall()
    ring = ring_of(connection)
    return tuple(
        (CaseId(case_id), _opened(ring, CaseId(case_id), row, wrapped)) for case_id, row, wrapped in rows
    )


def cases_without_row(connection: Connection, limit: int) -> tuple[CaseId, ...]:
    rows = connection.execute(
        "SELECT case_id FROM cases WHERE row IS NULL"
        " AND case_id NOT IN (SELECT case_id FROM erased_case) LIMIT ?",
        (limit,),
    ).fetchall()
    return tuple(CaseId(case_id) for (case_id,) in rows)


def _opened(ring: CaseKeyRing, case_id: CaseId, row: bytes, wrapped: bytes | None) -> str | None:
    if wrapped is None:
        return None
    try:
        return open_with(ring.unwrap(case_id, wrapped), Slot.WORKLIST, b"", row).decode()
    except StoreDamaged:
        return None


def _head(
    case_id: bytes,
    patient_id: bytes,
    site: bytes,
    priority: int,
    first_s: float,
    changed_s: float,
    signed: int,
) -> CaseHead:
    return CaseHead(
        case_id=CaseId(case_id),
        patient_id=PatientId(patient_id),
        site=Mailbox(site),
        priority=Priority(priority),
        first_arrived_s=first_s,
        changed_s=changed_s,
        signed=bool(signed),
    )


def add_actor(connection: Connection, signer: KeyId, record: Record) -> None:
    """A device vouches for a person; the latest word in the total order counts, whichever came last."""
    connection.execute(
        "INSERT INTO actors (signer, actor, name, role, counter, record_id) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (signer, actor) DO UPDATE SET name = excluded.name, role = excluded.role,"
        " counter = excluded.counter, record_id = excluded.record_id"
        " WHERE (excluded.counter, excluded.record_id) > (actors.counter, actors.record_id)",
        (
            signer,
            record.author,
            record.body.name,
            record.body.role,
            record.stamp.counter,
            record.record_id,
        ),
    )


def actors_of(connection: Connection, signer: KeyId) -> Mapping[ActorId, Actor]:
    """The people for whom one device has vouched."""
    rows = connection.execute("SELECT actor, name, role FROM actors WHERE signer = ?", (signer,)).fetchall()
    return {ActorId(actor): Actor(name=name, role=Role(role)) for actor, name, role in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLayer:
    """One media layer whose bytes are durable here."""

    blob: bytes
    layer: Layer
    site: Mailbox
    size_bytes: int
    received_s: float


def add_layer(
    connection: Connection,
    *,
    case_id: CaseId,
    blob: bytes,
    layer: Layer,
    site: Mailbox,
    size_bytes: int,
    now_s: float,
) -> None:
    """Idempotent; the first arrival counts."""
    connection.execute(
        "INSERT INTO layers (case_id, blob, layer, site, size_bytes, received_s) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (case_id, blob, layer, site, size_bytes, now_s),
    )


def layers_of_case(connection: Connection, case_id: CaseId) -> tuple[StoredLayer, ...]:
    rows = connection.execute(
        "SELECT blob, layer, site, size_bytes, received_s FROM layers WHERE case_id = ? ORDER BY received_s",
        (case_id,),
    ).fetchall()
    return tuple(
        StoredLayer(
            blob=blob, layer=Layer(layer), site=Mailbox(site), size_bytes=size_bytes, received_s=received_s
        )
        for blob, layer, site, size_bytes, received_s in rows
    )


def layers_ahead_count(connection: Connection, site: Mailbox) -> int:
    """Layers from `site` of cases that are not known here."""
    ((count,),) = connection.execute(
        "SELECT count(*) FROM layers WHERE site = ?"
        " AND case_id NOT IN (SELECT case_id FROM cases WHERE signed)",
        (site,),
    ).fetchall()
    return int(count)
