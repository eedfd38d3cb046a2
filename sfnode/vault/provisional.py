"""Provisional records as rows: what travelled in micro-bundles, ours and the hub's, sealed under the key of
their case."""

from __future__ import annotations

from protocol.actors import Party
from protocol.case_keys import Slot
from protocol.ids import CaseId
from protocol.micro import MicroBundle, read_micro
from sfnode.domain.case_file import KeptProvisional
from sfnode.domain.moments import Moment
from sync.stores.case_keys import open_row, seal_row
from sync.stores.connection import Connection
from sync.stores.errors import StoreDamaged

from .moments import moment_of_row, moment_row


def keep_micro(
    connection: Connection, micro: MicroBundle, *, case_id: CaseId, party: Party, first_seen: Moment
) -> bool:
    """Whether it is new here; a known one keeps its first moment."""
    added = connection.execute(
        "INSERT INTO provisional (micro_id, case_id, party, payload, boot, monotonic_s, wall_s, certainty)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (micro_id) DO NOTHING",
        (
            micro.micro_id,
            case_id,
            int(party),
            seal_row(connection, case_id, Slot.PROVISIONAL, micro.micro_id, micro.payload),
            *moment_row(first_seen),
        ),
    )
    return added.rowcount == 1


def micro_count(connection: Connection, case_id: CaseId, party: Party) -> int:
    """How many of this party's are kept of a case."""
    (count,) = connection.execute(
        "SELECT count(*) FROM provisional WHERE case_id = ? AND party = ?", (case_id, int(party))
    ).fetchone()
    return int(count)


def micro_of(connection: Connection, micro_id: bytes) -> MicroBundle | None:
    """None when it was erased with its case. `StoreDamaged` when it is not what was written."""
    row = connection.execute(
        "SELECT case_id, payload FROM provisional WHERE micro_id = ?", (micro_id,)
    ).fetchone()
    if row is None:
        return None
    case_id, payload = row
    return _opened(connection, CaseId(case_id), micro_id, payload)


def said_by_hub(connection: Connection, case_id: CaseId) -> tuple[KeptProvisional, ...]:
    """What the hub has said of a case without a signature, in order of arrival."""
    rows = connection.execute(
        "SELECT micro_id, payload, boot, monotonic_s, wall_s, certainty FROM provisional"
        " WHERE case_id = ? AND party = ? ORDER BY row",
        (case_id, int(Party.HUB)),
    ).fetchall()
    return tuple(
        KeptProvisional(
            said=read_micro(_opened(connection, case_id, micro_id, payload)),
            first_seen=moment_of_row(*moment),
        )
        for micro_id, payload, *moment in rows
    )


def _opened(connection: Connection, case_id: CaseId, micro_id: bytes, payload: bytes) -> MicroBundle:
    micro = MicroBundle(open_row(connection, case_id, Slot.PROVISIONAL, micro_id, payload))
    if micro.micro_id != micro_id:
        raise StoreDamaged(
            "A provisional record in the vault is not what was written; it is not shown. "
            "The signed reply that it announced comes all the same."
        )
    return micro
