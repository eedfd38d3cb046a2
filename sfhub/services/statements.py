"""What the hub's own machine writes: entries of a site's pseudo-case that state keys.

Law: a statement and its outbox row are one transaction, as with all that clinicians write.
"""

from __future__ import annotations

from typing import Any, Final

from protocol.actors import Actor, Role
from protocol.entry import read_entry, write_entry
from protocol.header import Priority
from protocol.ids import PATIENT_ID_BYTES, PatientId
from protocol.prekeys import machine_of
from protocol.records import NewRecord
from protocol.stamps import Stamp
from sync.stores.connection import Connection

from ..config import HubIdentity
from ..domain.case_file import site_case_id
from ..keystore import KeyStore
from ..storage.cases import add_actor, touch_case
from ..storage.entries import add_entry, entries_of_case
from ..storage.outbox import add_to_outbox
from ..storage.sites import Pair

SITE_PATIENT: Final = PatientId(bytes(PATIENT_ID_BYTES))
"""The pseudo-patient of a site's own case: nobody."""


def state(
    connection: Connection,
    body: Any,
    *,
    pair: Pair,
    what: str,
    keys: KeyStore,
    identity: HubIdentity,
    now_s: float,
) -> None:
    """Sign and queue one statement for one device. Urgent, for until it is there bundles may not open."""
    case_id = site_case_id(pair.site)
    author = machine_of(keys.signing_id)
    machine = Actor(name=identity.name, role=Role.DESK)
    signed = write_entry(
        [NewRecord(machine), NewRecord(body)],
        case_id=case_id,
        patient_id=SITE_PATIENT,
        author=author,
        stamp=Stamp(_counter_next(connection, pair), max(0, int(now_s))),
        key=keys.signing,
    )
    entry = read_entry(signed)
    touch_case(
        connection,
        case_id=case_id,
        patient_id=SITE_PATIENT,
        site=pair.site,
        priority=Priority.URGENT,
        now_s=now_s,
        counter=entry.counter_last,
        signed=False,
    )
    add_entry(connection, signed, case_id=case_id, signer=keys.signing_id, author=author, now_s=now_s)
    add_actor(connection, keys.signing_id, entry.records[0])
    add_to_outbox(
        connection,
        pair=pair.number,
        case_id=case_id,
        entry_id=signed.entry_id,
        what=what,
        priority=Priority.URGENT,
        now_s=now_s,
    )


def _counter_next(connection: Connection, pair: Pair) -> int:
    """Above all that the pseudo-case holds."""
    entries = (read_entry(stored.signed) for stored in entries_of_case(connection, site_case_id(pair.site)))
    return max((record.stamp.counter for entry in entries for record in entry.records), default=0) + 1
