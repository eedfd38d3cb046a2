"""Authority: which role may write which kind of record, and who may speak in a case at all.

The table is the whole rule. A record that breaks it is kept aside with its reason, never applied.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from .actors import Actor, Party, Role, party_of
from .entry import Entry
from .errors import AuthorityRefused
from .ids import ActorId, KeyId, Mailbox
from .records import Kind

_SITE: Final = frozenset({Role.MEDIC, Role.NURSE, Role.MASTER})
_PRESCRIBERS: Final = frozenset({Role.SPECIALIST})
_HUB: Final = frozenset({Role.SPECIALIST, Role.COORDINATOR})

MAY_WRITE: Final[Mapping[Kind, frozenset[Role]]] = MappingProxyType(
    {
        Kind.ACTOR: _SITE | _HUB,
        Kind.PATIENT: _SITE,
        Kind.CASE_OPENED: _SITE,
        Kind.HEADLINE: _SITE,
        Kind.NOTE: _SITE | _HUB,
        Kind.VITALS: _SITE,
        Kind.TREATMENT: _SITE,
        Kind.MEDIA: _SITE,
        Kind.CAPABILITY: _SITE,
        Kind.CASE_SEEN: _HUB,
        Kind.REPLY_SEEN: _SITE,
        Kind.ORDER_CONFIRMED: _SITE,
        Kind.ORDER_GIVEN: _SITE,
        Kind.ORDER_REFUSED: _SITE,
        Kind.PLAN_ACCEPTED: _SITE,
        Kind.CLOSED: _SITE | _HUB,
        Kind.REPLY: _PRESCRIBERS,
        Kind.ADVICE: _PRESCRIBERS,
        Kind.ORDER_STOPPED: _PRESCRIBERS,
        Kind.VOIDED: _SITE | _HUB,
    }
)


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
    are the mailboxes of the care team; empty for a case that is not open yet, which only a site may open.
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
        if kind is Kind.CASE_OPENED and record.body.site != signer.mailbox:
            raise AuthorityRefused("only the site that owns a case may open it")


def _introduced(entry: Entry) -> Actor | None:
    return next((record.body for record in entry.records if isinstance(record.body, Actor)), None)
