"""Received entries: verified, checked for authority, and applied or kept aside; the inside of one
transaction.

Law: nothing acts on an entry that may not stand, and the order of arrival changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from protocol.actors import Party
from protocol.authority import Signer, care_team, check_authority
from protocol.case_keys import NO_CASE
from protocol.clinical import CaseOpened
from protocol.entry import Entry, SignedEntry, read_entry, verify_entry
from protocol.errors import AuthorityRefused, ProtocolError
from protocol.ids import CaseId, EntryId, Mailbox, key_id_of
from protocol.prekeys import EpochKey, Revocation
from protocol.records import Kind
from protocol.stamps import check_leap
from sfnode.domain.contingency import arrival_alarms, crossing_alarms
from sfnode.domain.moments import Moment
from sfnode.vault.alarms import raise_alarms
from sfnode.vault.asides import put_aside, take_back, waiting
from sfnode.vault.directory import is_judged, keep_actor, place_of, read_actors, read_signer
from sfnode.vault.entries import (
    cases_of_ours,
    highest_counter,
    hub_address,
    insert_case,
    insert_entry,
    is_known,
    patient_of,
    read_case,
)
from sfnode.vault.erasing import drop_late_entry, readable
from sfnode.vault.hubs import Hub, read_hubs
from sfnode.views import AlarmView
from sync.stores.connection import Connection
from sync.stores.peer_keys import keep_prekey, keep_revocation, revocation_of

from .happenings import NOT_ITS_CASE, Ingested, Quarantined


class _MayNotStand(Exception):
    """Why an entry is kept aside; with `retry`, other entries may change that."""

    def __init__(self, reason: str, *, retry: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry = retry


@dataclass(frozen=True, slots=True)
class _Arrival:
    hub: Hub
    """Which hub it came from: whose case it may be, and whose keys and people count."""
    signed: SignedEntry
    first_seen: Moment


def ingest_entries(
    connection: Connection, entries: Sequence[SignedEntry], *, hub: Hub, first_seen: Moment, now_s: int
) -> Ingested:
    """Of what that hub has sent, apply what may stand; keep aside what may not; then try again what waits,
    until nothing more can stand."""
    known = tuple(dict.fromkeys(entry.entry_id for entry in entries if is_known(connection, entry.entry_id)))
    arrivals = [_Arrival(hub, signed, first_seen) for signed in entries if signed.entry_id not in known]
    applied: list[Entry] = []
    aside: dict[EntryId, str] = {}
    for arrival in arrivals:
        _try(connection, arrival, applied, aside)
    while applied and (more := _try_waiting(connection, aside)):
        applied += more
    quarantined = tuple(
        Quarantined(
            name=signed.entry_id.hex(),
            reason=aside[signed.entry_id],
            is_foreign=aside[signed.entry_id] == NOT_ITS_CASE,
        )
        for signed in {arrival.signed: None for arrival in arrivals}
        if signed.entry_id in aside
    )
    given_back = cases_of_ours(connection, hub.hub, [*(entry.entry_id for entry in applied), *known])
    outcome = _outcome(connection, applied, now_s=now_s)
    return replace(outcome, known=known, quarantined=quarantined, given_back=given_back)


def ingest_waiting(connection: Connection, *, now_s: int) -> Ingested:
    """Try again what waits, for a key has become known."""
    applied: list[Entry] = []
    while more := _try_waiting(connection, {}):
        applied += more
    return _outcome(connection, applied, now_s=now_s)


def _outcome(connection: Connection, applied: Sequence[Entry], *, now_s: int) -> Ingested:
    cases = frozenset(entry.case_id for entry in applied)
    return Ingested(
        applied=tuple(entry.entry_id for entry in applied),
        known=(),
        quarantined=(),
        cases=cases,
        keys_stated=any(isinstance(record.body, EpochKey) for entry in applied for record in entry.records),
        alarms=tuple(alarm for case_id in sorted(cases) for alarm in _alarms(connection, case_id, now_s)),
    )


def _try_waiting(connection: Connection, aside: dict[EntryId, str]) -> list[Entry]:
    """What stood aside and stands now. Each round that returns something leaves fewer waiting."""
    applied: list[Entry] = []
    hubs = {hub.hub: hub for hub in read_hubs(connection)}
    for each in waiting(connection):
        if (hub := hubs.get(each.hub)) is not None:
            _try(connection, _Arrival(hub, each.signed, each.first_seen), applied, aside)
    return applied


def _try(
    connection: Connection,
    arrival: _Arrival,
    applied: list[Entry],
    aside: dict[EntryId, str],
) -> None:
    entry_id = arrival.signed.entry_id
    if is_known(connection, entry_id):
        return  # Twice in one bundle.
    named = readable(arrival.signed)
    foreign = named is not None and _is_foreign(connection, arrival.hub, named.case_id)
    if (
        named is not None
        and not foreign
        and drop_late_entry(connection, named, first_seen=arrival.first_seen)
    ):
        return
    try:
        if foreign:
            raise _MayNotStand(NOT_ITS_CASE)
        entry, signer = _admit(connection, arrival.hub, arrival.signed)
    except _MayNotStand as refusal:
        put_aside(
            connection,
            arrival.signed,
            refusal.reason,
            hub=arrival.hub.hub,
            case_id=NO_CASE if named is None else named.case_id,
            retry=refusal.retry,
            first_seen=arrival.first_seen,
        )
        aside[entry_id] = refusal.reason
        return
    _apply(connection, arrival, entry, signer)
    take_back(connection, entry_id)
    aside.pop(entry_id, None)
    applied.append(entry)


def _is_foreign(connection: Connection, hub: Hub, case_id: CaseId) -> bool:
    """Whether the case is known here and is not with that hub."""
    if case_id == hub.site_case:
        return False
    return hub_address(connection, case_id) not in (None, hub.hub)


def _admit(connection: Connection, hub: Hub, signed: SignedEntry) -> tuple[Entry, Signer]:
    """The entry and who signed it, if it may stand now; `_MayNotStand` says why not."""
    try:
        entry = read_entry(signed)
        signer = read_signer(connection, hub.hub, entry.signer)
        if signer is None:
            # A later enrolment may bring it.
            raise _MayNotStand("it is signed with a key that this site does not know", retry=True)
        verify_entry(signed, signer.public_key)
    except ProtocolError as error:
        raise _MayNotStand(str(error)) from error
    _check_bounds(connection, hub, entry, signer)
    _check_keys(connection, hub, entry, signer)
    _check_case(connection, hub, entry, signer)
    try:
        actors = read_actors(connection, hub.hub, signer.mailbox)
        members = _members(connection, hub, entry, signer)
        check_authority(entry, signer=signer, actors=actors, members=members)
    except ProtocolError as error:
        # An author may still be introduced; what a role or place may not write, it will never be.
        unknown = entry.author not in actors and not _introduces(entry)
        unknown = unknown or signer.mailbox not in members  # A referral may still add it.
        raise _MayNotStand(str(error), retry=unknown) from error
    return entry, signer


def _members(connection: Connection, hub: Hub, entry: Entry, signer: Signer) -> frozenset[Mailbox]:
    """The care team of the entry's case; the case is read only for a place that is not always in it."""
    case = None if signer.mailbox in hub.members else read_case(connection, entry.case_id)
    if case is None:
        return hub.members
    return hub.members | care_team(
        (record, author.mailbox)
        for each in case.entries
        if (author := read_signer(connection, hub.hub, each.entry.signer)) is not None
        for record in each.entry.records
    )


def _check_bounds(connection: Connection, hub: Hub, entry: Entry, signer: Signer) -> None:
    try:
        check_leap(entry.counter_last, known=highest_counter(connection), party=signer.party)
    except AuthorityRefused as error:
        # What leads up to it may have been held up on its way.
        raise _MayNotStand(str(error), retry=True) from error
    place = place_of(connection, hub.hub, entry.author)
    if place is not None and place != signer.mailbox:
        raise _MayNotStand("its author belongs to another place than the key that signed it", retry=True)


def _check_keys(connection: Connection, hub: Hub, entry: Entry, signer: Signer) -> None:
    """A revoked key says nothing new; keys are stated in the site's own case, and of others' keys only the
    hub's present one speaks."""
    revocation = revocation_of(connection, signer.key_id, by=hub.hub)
    covered = revocation is not None and revocation.covers(entry.stamp.counter)
    if revocation is not None and covered and not is_judged(connection, hub.hub, signer.key_id):
        reason = revocation.reason.name.lower()
        raise _MayNotStand(f"it is signed with a key that the hub revoked as {reason}")
    for record in entry.records:
        if isinstance(record.body, EpochKey | Revocation) and entry.case_id != hub.site_case:
            raise _MayNotStand("keys are stated in the site's own case and nowhere else")
        if isinstance(record.body, Revocation) and signer.key_id not in (
            key_id_of(hub.signing),
            record.body.key_id,
        ):
            raise _MayNotStand("only the hub's present key revokes another")


def _check_case(connection: Connection, hub: Hub, entry: Entry, signer: Signer) -> None:
    """An entry joins a case that is known here and is about the same patient; only our own opening makes
    one."""
    patient_id = patient_of(connection, entry.case_id)
    if patient_id is not None and patient_id != entry.patient_id:
        raise _MayNotStand("it names another patient than the case it wants to join")
    opening = _opening(entry)
    if patient_id is None and not (signer.party is Party.SITE and opening):
        raise _MayNotStand("its case is not known here", retry=True)
    if patient_id is None and opening is not None and opening.hub != hub.hub:
        raise _MayNotStand(NOT_ITS_CASE)


def _opening(entry: Entry) -> CaseOpened | None:
    return next((record.body for record in entry.records if isinstance(record.body, CaseOpened)), None)


def _introduces(entry: Entry) -> bool:
    return any(record.kind == Kind.ACTOR for record in entry.records)


def _apply(connection: Connection, arrival: _Arrival, entry: Entry, signer: Signer) -> None:
    if opening := _opening(entry):
        # Our own case comes back to a vault that lost it: it was sent, or nobody else could have it.
        insert_case(
            connection,
            entry.case_id,
            entry.patient_id,
            hub=arrival.hub.hub,
            priority=opening.urgency,
            sent_s=entry.stamp.wall_s,
        )
    insert_entry(connection, arrival.signed, entry, party=signer.party, first_seen=arrival.first_seen)
    for record in entry.records:
        if record.kind == Kind.ACTOR:
            keep_actor(connection, arrival.hub.hub, signer.mailbox, record)
        elif isinstance(record.body, EpochKey):
            keep_prekey(connection, signer.key_id, record)
        elif isinstance(record.body, Revocation):
            keep_revocation(connection, record.body, arrival.first_seen.wall_s, by=arrival.hub.hub)


def _alarms(connection: Connection, case_id: CaseId, now_s: int) -> tuple[AlarmView, ...]:
    case = read_case(connection, case_id)
    if case is None or not case.is_consult:
        return ()
    return raise_alarms(connection, case_id, (*arrival_alarms(case), *crossing_alarms(case)), since_s=now_s)
