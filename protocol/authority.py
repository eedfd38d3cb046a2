"""Authority: which role may write which kind of record, and who may speak in a case at all.

The table is the whole rule. A record that breaks it is kept aside with its reason, never applied.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from .actors import Actor, Party, Role, party_of
from .clinical import CaseOpened
from .consent import CareTeam
from .entry import Entry
from .errors import AuthorityRefused
from .ids import ActorId, KeyId, Mailbox
from .movement import Referral
from .records import Kind, Record, UnknownBody

_SITE: Final = frozenset({Role.MEDIC, Role.NURSE, Role.MASTER})
PRESCRIBERS: Final = frozenset({Role.SPECIALIST})
"""Who advises on treatment, and strikes what was advised."""
_HUB: Final = frozenset({Role.SPECIALIST, Role.COORDINATOR})
_MACHINES: Final = frozenset({Role.STATION, Role.DESK})
"""Each vouched for by its own place's key: nobody else's machine can speak for it."""

MAY_WRITE: Final[Mapping[Kind, frozenset[Role]]] = MappingProxyType(
    {
        Kind.ACTOR: _SITE | _HUB | _MACHINES,
        Kind.PATIENT: _SITE,
        Kind.IDENTITY: _SITE,
        Kind.CARE_TEAM: _SITE | _HUB,
        Kind.CONSENT: _SITE | _HUB,
        Kind.CASE_OPENED: _SITE,
        Kind.HEADLINE: _SITE,
        Kind.FINDINGS: _SITE,
        Kind.NOTE: _SITE | _HUB,
        Kind.VITALS: _SITE,
        Kind.TREATMENT: _SITE,
        Kind.MEDIA: _SITE,
        Kind.CAPABILITY: _SITE,
        Kind.CAPABILITY_DELTA: _SITE,
        Kind.POSITION: _SITE,
        Kind.CASE_SEEN: _HUB,
        Kind.REPLY_SEEN: _SITE,
        Kind.ORDER_CONFIRMED: _SITE,
        Kind.ORDER_GIVEN: _SITE,
        Kind.ORDER_REFUSED: _SITE,
        Kind.PLAN_ACCEPTED: _SITE,
        Kind.CLOSED: _SITE | _HUB,
        Kind.CONTACT_PLAN: _SITE | _HUB,
        Kind.SITE_POLICY: _HUB,
        Kind.IMAGING_STUDY: _SITE | _HUB,
        Kind.QUESTION: _HUB,
        Kind.ANSWER: _SITE,
        Kind.MEDIA_REQUEST: _HUB,
        Kind.SECOND_OPINION: PRESCRIBERS,
        Kind.REFERRAL: _SITE | _HUB,
        Kind.REFERRAL_ANSWERED: _HUB,
        Kind.RETURNED: _HUB,
        Kind.CARE_PLAN: PRESCRIBERS,
        Kind.RECALL: _SITE | _HUB,
        Kind.SURVEY: _SITE | _HUB,
        Kind.INCIDENT: _SITE | _HUB,
        Kind.OUTCOME: _SITE | _HUB,
        Kind.PERSON_LINK: _SITE | _HUB,
        Kind.MOVE_ACCEPTED: _SITE,
        Kind.PREKEY: _MACHINES,
        Kind.REVOCATION: frozenset({Role.DESK}),
        Kind.REPLY: PRESCRIBERS,
        Kind.ADVICE: PRESCRIBERS,
        Kind.ORDER_STOPPED: PRESCRIBERS,
        Kind.VOIDED: _SITE | _HUB,
        Kind.REPLY_HEADLINE: PRESCRIBERS,
        Kind.VOICE_ADVICE: _SITE | PRESCRIBERS,
        Kind.PRESCRIPTION_CHANGED: PRESCRIBERS,
        Kind.TRANSFER: _SITE | _HUB,
        Kind.REOPENED: _SITE | _HUB,
        Kind.MOVED: _SITE | _HUB,
        Kind.TOMBSTONE: _SITE | _HUB,
    }
)


def only_prescribers_write(kind: int) -> bool:
    """Whether nobody else may write records of this kind; false for one that is not known here."""
    return kind in Kind.__members__.values() and MAY_WRITE[Kind(kind)] <= PRESCRIBERS


def care_team(stated: Iterable[tuple[Record, Mailbox]]) -> frozenset[Mailbox]:
    """Who may write in a case, of its records with the place that signed each; empty until it is opened.

    The site that opened it and the hub it asked, and every place that one of these two has added or referred
    to. A place that was added adds nobody. A team only grows, so that every side arrives at the same one in
    whatever order records come; a place that may no longer speak has its key revoked.
    """
    known = [(record, place) for record, place in stated if not isinstance(record.body, UnknownBody)]
    founders = frozenset(
        Mailbox(member)
        for record, place in known
        if record.kind == Kind.CASE_OPENED and record.body.site == place
        for member in (record.body.site, record.body.hub)
    )
    return founders.union(*(_added_by(record) for record, place in known if place in founders))


def _added_by(record: Record) -> frozenset[Mailbox]:
    match record.body:
        case CareTeam() as team:
            return frozenset(Mailbox(member.mailbox) for member in team.added)
        case Referral() as referral:
            return frozenset({Mailbox(referral.to)})
    return frozenset()


@dataclass(frozen=True, slots=True)
class Signer:
    """A device key that this store trusts, and the place it stands in."""

    key_id: KeyId
    public_key: bytes
    mailbox: Mailbox
    party: Party


def check_authority(
    entry: Entry, *, signer: Signer, actors: Mapping[ActorId, Actor], members: Collection[Mailbox]
) -> None:
    """`AuthorityRefused` unless every record of `entry` may stand in its case.

    `actors` are those bound earlier by the same signer; the entry's own actor record counts too. `members`
    are the mailboxes of the care team (see `care_team`); empty for a case that is not open yet, which only a
    site may open.
    """
    if members and signer.mailbox not in members:
        raise AuthorityRefused("its author's place is not a member of this case's care team")
    actor = _introduced(entry) or actors.get(entry.author)
    if actor is None:
        raise AuthorityRefused("its author is not known here yet")
    if party_of(actor.role) is not signer.party:
        raise AuthorityRefused(
            f"a {signer.party.name.lower()}'s key may not vouch for a {actor.role.name.lower()}"
        )
    for record in entry.records:
        if record.kind not in Kind.__members__.values():
            continue  # Unknown kinds are kept and forwarded; nothing acts on them.
        kind = Kind(record.kind)
        if actor.role not in MAY_WRITE[kind]:
            what = kind.name.lower().replace("_", " ")
            raise AuthorityRefused(f"a {actor.role.name.lower()} may not write a {what} record")
        opening = record.body if isinstance(record.body, CaseOpened) else None
        if opening is not None and opening.site != signer.mailbox:
            raise AuthorityRefused("only the site that owns a case may open it")


def _introduced(entry: Entry) -> Actor | None:
    return next((record.body for record in entry.records if isinstance(record.body, Actor)), None)
