"""A person of this site erases a case, inside one transaction.

Law: nothing else erases. A tombstone of the other side is read like any other record.
"""

from __future__ import annotations

from protocol.erasure import Tombstone
from protocol.ids import CaseId
from protocol.records import NewRecord
from sfnode.errors import NotFound, Refused
from sfnode.vault.entries import patient_of
from sfnode.vault.erasing import erase_rows
from sfnode.vault.hubs import read_hubs
from sync.stores.erasures import Erasure, erasure_of

from .case_errors import case_erased
from .writing import Pen


def erase_case(pen: Pen, case_id: CaseId, *, reason: str) -> Erasure:
    """Sign the tombstone and destroy the key: afterwards nobody can read the case here."""
    if (former := erasure_of(pen.connection, case_id)) is not None:
        raise case_erased(former)
    patient_id = patient_of(pen.connection, case_id)
    if patient_id is None:
        raise NotFound(f"There is no case {case_id.hex()} here. `sfnode case list` shows those there are.")
    if case_id in {hub.site_case for hub in read_hubs(pen.connection)}:
        raise Refused("This is the site's own file, not a patient's case. Nothing was erased.")
    # Read on its own, for everything else that said who writes is gone here.
    said = [NewRecord(pen.identity.person), NewRecord(Tombstone(reason=reason))]
    erasure = Erasure(
        case_id=case_id,
        erased_s=pen.now_s,
        erased_by=pen.identity.person.name,
        reason=reason,
        tombstone=pen.sign(case_id, patient_id, said),
    )
    erase_rows(pen.connection, erasure, now=pen.occasion.now)
    return erasure
