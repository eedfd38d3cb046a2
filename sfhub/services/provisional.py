"""Decides, inside one transaction, whether a provisional record may open or join a case.

Law: a provisional record claims a case only until a site has signed an entry of it. Then the signed word
holds, and what contradicts it is put aside with its reason, in whatever order the two came.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from protocol.actors import Party
from protocol.errors import AuthorityRefused
from protocol.header import Priority
from protocol.ids import BundleId, CaseId
from protocol.micro import MicroBundle, check_sender, read_micro
from protocol.stamps import check_leap
from sync.stores.connection import Connection

from ..domain.case_file import site_case_id
from ..storage.cases import CaseHead, case_head, highest_counter, touch_case
from ..storage.entries import refuse_entries
from ..storage.erasing import drop_late
from ..storage.provisional import add_micro, micros_of_case, refuse_micro
from ..storage.quarantine import put_aside
from ..storage.sites import Directory, Pair

MICROS_PER_CASE_MAX: Final = 64
_NOT_ITS_SITE: Final = "its sender is not the site of this case"
_NOT_ITS_PATIENT: Final = "it names another patient than its case does"
_ON_A_FALSE_CLAIM: Final = "it was written here on an unsigned message that the signed case contradicts"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionalAdmission:
    """One micro-bundle being judged: from whom it came, at what priority, when."""

    connection: Connection
    directory: Directory
    pair: Pair
    bundle_id: BundleId
    priority: Priority
    now_s: float

    def micro(self, micro: MicroBundle) -> frozenset[CaseId]:
        """Keep it; the cases that changed. `MalformedInput` or `AuthorityRefused` leaves everything as it
        was."""
        provisional = read_micro(micro)
        check_sender(provisional, Party.SITE)
        record = provisional.record
        if any(site_case_id(pair.site) == record.case_id for pair in self.directory.pairs):
            raise AuthorityRefused("its case is where a site keeps its own people and drugs")
        if drop_late(self.connection, record.case_id):
            return frozenset({record.case_id})
        check_leap(record.stamp.counter, known=highest_counter(self.connection), party=Party.SITE)
        head = case_head(self.connection, record.case_id)
        if head is not None:
            self._check(head, record.patient_id)
        added = add_micro(
            self.connection,
            micro,
            case_id=record.case_id,
            pair=self.pair.number,
            bundle_id=self.bundle_id,
            now_s=self.now_s,
        )
        if not added:
            return frozenset()
        touch_case(
            self.connection,
            case_id=record.case_id,
            patient_id=record.patient_id,
            site=self.pair.site,
            priority=self.priority,
            now_s=self.now_s,
            counter=record.stamp.counter,
            signed=False,
        )
        return frozenset({record.case_id})

    def _check(self, head: CaseHead, patient_id: bytes) -> None:
        if head.site != self.pair.site:
            raise AuthorityRefused(_NOT_ITS_SITE)
        if head.patient_id != patient_id:
            raise AuthorityRefused(_NOT_ITS_PATIENT)
        if len(micros_of_case(self.connection, head.case_id)) >= MICROS_PER_CASE_MAX:
            raise AuthorityRefused(f"its case has {MICROS_PER_CASE_MAX} provisional records already")


def put_contradicted_aside(
    connection: Connection, *, claim: CaseHead, head: CaseHead, directory: Directory, now_s: float
) -> None:
    """The first entry of a case that a site signed has come: what provisional records said otherwise never
    stood, nor what was written here on their word."""
    if (claim.site, claim.patient_id) != (head.site, head.patient_id):
        _put_ours_aside(connection, claim, directory, now_s=now_s)
    for stored in micros_of_case(connection, head.case_id):
        pair = directory.pair_numbered(stored.pair)
        reason = None
        if pair is None or pair.site != head.site:
            reason = _NOT_ITS_SITE
        elif read_micro(stored.micro).record.patient_id != head.patient_id:
            reason = _NOT_ITS_PATIENT
        if reason is not None:
            put_aside(
                connection,
                pair=stored.pair,
                bundle_id=stored.bundle_id,
                entry_id=b"",
                reason=reason,
                now_s=now_s,
            )
            refuse_micro(connection, stored.micro, reason)


def _put_ours_aside(connection: Connection, claim: CaseHead, directory: Directory, *, now_s: float) -> None:
    """All that is here of the case was written here, to another site or for another patient."""
    pair = directory.newest_pair(claim.site)
    for entry_id in refuse_entries(connection, claim.case_id, _ON_A_FALSE_CLAIM):
        if pair is not None:
            put_aside(
                connection,
                pair=pair.number,
                bundle_id=BundleId(b""),
                entry_id=entry_id,
                reason=_ON_A_FALSE_CLAIM,
                now_s=now_s,
            )
