"""Rows of provisional records: what a site said in a micro-bundle, signed by nobody."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.case_keys import Slot
from protocol.ids import BundleId, CaseId
from protocol.micro import MicroBundle
from sync.stores.case_keys import open_row, seal_row
from sync.stores.connection import Connection
from sync.stores.errors import StoreDamaged


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMicro:
    """One as it came, with the moment it became durable here."""

    micro: MicroBundle
    pair: int
    bundle_id: BundleId
    received_s: float


def add_micro(
    connection: Connection,
    micro: MicroBundle,
    *,
    case_id: CaseId,
    pair: int,
    bundle_id: BundleId,
    now_s: float,
) -> bool:
    """Whether it is new here; a known one keeps its first moment."""
    added = connection.execute(
        "INSERT INTO provisional (micro_id, case_id, pair, bundle_id, payload, received_s)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (micro_id) DO NOTHING",
        (
            micro.micro_id,
            case_id,
            pair,
            bundle_id,
            seal_row(connection, case_id, Slot.PROVISIONAL, micro.micro_id, micro.payload),
            now_s,
        ),
    )
    return added.rowcount == 1


def micros_of_case(connection: Connection, case_id: CaseId) -> tuple[StoredMicro, ...]:
    """Those that stand, in order of arrival. `StoreDamaged` when one is not what was stored."""
    rows = connection.execute(
        "SELECT micro_id, payload, pair, bundle_id, received_s FROM provisional"
        " WHERE case_id = ? AND refused = '' ORDER BY number",
        (case_id,),
    ).fetchall()
    return tuple(
        StoredMicro(
            micro=_checked(
                micro_id,
                MicroBundle(open_row(connection, case_id, Slot.PROVISIONAL, micro_id, payload)),
            ),
            pair=pair,
            bundle_id=BundleId(bundle_id),
            received_s=received_s,
        )
        for micro_id, payload, pair, bundle_id, received_s in rows
    )


def refuse_micro(connection: Connection, micro: MicroBundle, reason: str) -> None:
    """It does not stand after all, and stays here with the reason."""
    connection.execute("UPDATE provisional SET refused = ? WHERE micro_id = ?", (reason, micro.micro_id))


def _checked(micro_id: bytes, micro: MicroBundle) -> MicroBundle:
    if micro.micro_id != micro_id:
        raise StoreDamaged(
            "A provisional record in hub.db is damaged. Nothing was changed. Restore hub.db from a backup; "
            "the signed case comes from its site all the same."
        )
    return micro
