"""A received provisional record: judged and kept, inside one transaction.

Law: it joins a case that is known here and is about the same patient, is never folded in, and changes nothing
once the signed entry that it announces is here.
"""

from __future__ import annotations

from typing import Final

from protocol.actors import Party
from protocol.errors import BundleRefused
from protocol.ids import CaseId
from protocol.micro import MicroBundle, check_sender, read_micro
from protocol.stamps import check_leap
from sfnode.domain.moments import Moment
from sfnode.vault.entries import highest_counter, hub_address, patient_of
from sfnode.vault.hubs import Hub
from sfnode.vault.provisional import keep_micro, micro_count
from sync.stores.connection import Connection
from sync.stores.erasures import count_late, is_erased

from .happenings import NOT_ITS_CASE, CaseNotHere, ForeignCase, Ingested

MICROS_PER_CASE_MAX: Final = 64
"""Of the hub's: more than one for each reply that a case will ever have."""


def ingest_micro(connection: Connection, micro: MicroBundle, *, hub: Hub, first_seen: Moment) -> Ingested:
    """Keep what that hub has sent, unless it is known; `ProtocolError` says why it may not stand, and leaves
    everything as it was."""
    provisional = read_micro(micro)
    check_sender(provisional, Party.HUB)
    case_id = provisional.record.case_id
    if hub_address(connection, case_id) not in (None, hub.hub):
        raise ForeignCase(NOT_ITS_CASE)
    if is_erased(connection, case_id):
        count_late(connection, case_id)
        return _outcome(frozenset())
    patient_id = patient_of(connection, case_id)
    if patient_id is None:
        raise CaseNotHere("its case is not known here")
    if patient_id != provisional.record.patient_id:
        raise BundleRefused("it names another patient than the case it wants to join")
    check_leap(provisional.record.stamp.counter, known=highest_counter(connection), party=Party.HUB)
    if micro_count(connection, case_id, Party.HUB) >= MICROS_PER_CASE_MAX:
        raise BundleRefused(f"its case has {MICROS_PER_CASE_MAX} provisional records already")
    if not keep_micro(connection, micro, case_id=case_id, party=Party.HUB, first_seen=first_seen):
        return _outcome(frozenset())
    return _outcome(frozenset({case_id}))


def _outcome(cases: frozenset[CaseId]) -> Ingested:
    return Ingested(applied=(), known=(), quarantined=(), cases=cases, alarms=())
