"""Rows of sites and of the pairs that we form with their devices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from protocol.actors import Party
from protocol.authority import Signer
from protocol.enrolment import SiteKeys
from protocol.ids import KeyId, Mailbox, Pseudonym, key_id_of
from sync.stores.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One enrolment of one site: its public keys and the name by which the two of us go on the wire."""

    number: int
    pseudonym: Pseudonym
    site: Mailbox
    site_name: str
    signing_key: bytes
    opening_key: bytes
    transport_key: bytes
    enrolled_s: float
    last_heard_s: float
    revoked_s: float = 0.0
    told_epoch: int = 0

    @property
    def revoked(self) -> bool:
        """Nothing more is sent to it, and nothing new that it signed is believed."""
        return self.revoked_s > 0

    @property
    def signer(self) -> Signer:
        """How this site's device is looked up when it has signed something."""
        return Signer(key_id_of(self.signing_key), self.signing_key, self.site, Party.SITE)


def add_site(connection: Connection, mailbox: Mailbox, organisation: str, name: str, now_s: float) -> None:
    """Idempotent."""
    connection.execute(
        "INSERT INTO sites (mailbox, organisation, name, added_s) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (mailbox, organisation, name, now_s),
    )


def add_pair(
    connection: Connection, *, pseudonym: Pseudonym, site: Mailbox, keys: SiteKeys, now_s: float
) -> int:
    """The new pair's number. A site that enrols again gets another pair; the newest one is written to."""
    ((number,),) = connection.execute(
        "INSERT INTO pairs (pseudonym, site, signing_key, opening_key, transport_key, enrolled_s, "
        "last_heard_s)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING number",
        (pseudonym, site, keys.signing, keys.opening, keys.transport, now_s, now_s),
    ).fetchall()
    return int(number)


def all_pairs(connection: Connection) -> tuple[Pair, ...]:
    """Oldest first."""
    rows = connection.execute(
        "SELECT p.number, p.pseudonym, p.site, s.name, p.signing_key, p.opening_key, p.transport_key,"
        " p.enrolled_s, p.last_heard_s, p.revoked_s, p.told_epoch"
        " FROM pairs p JOIN sites s ON s.mailbox = p.site ORDER BY p.number"
    ).fetchall()
    return tuple(
        Pair(
            number=number,
            pseudonym=Pseudonym(pseudonym),
            site=Mailbox(site),
            site_name=name,
            signing_key=signing,
            opening_key=opening,
            transport_key=transport,
            enrolled_s=enrolled_s,
            last_heard_s=last_heard_s,
            revoked_s=revoked_s,
            told_epoch=told_epoch,
        )
        for (
            number,
            pseudonym,
            site,
            name,
            signing,
            opening,
            transport,
            enrolled_s,
            last_heard_s,
            revoked_s,
            told_epoch,
        ) in rows
    )


def note_heard(connection: Connection, pair: int, now_s: float) -> None:
    """The site spoke to us."""
    connection.execute("UPDATE pairs SET last_heard_s = max(last_heard_s, ?) WHERE number = ?", (now_s, pair))


class Directory:
    """Who is known. Never changes; it is made anew when a site enrols."""

    def __init__(self, pairs: Sequence[Pair], ours: Signer) -> None:
        self.pairs = tuple(pairs)
        self.ours = ours
        self._by_pseudonym = {pair.pseudonym: pair for pair in pairs}
        self._by_number = {pair.number: pair for pair in pairs}
        self._newest = {pair.site: pair for pair in pairs if not pair.revoked}
        self._names = {pair.site: pair.site_name for pair in pairs}
        self._signers = {pair.signer.key_id: pair.signer for pair in pairs} | {ours.key_id: ours}

    def pair_of(self, pseudonym: Pseudonym) -> Pair | None:
        return self._by_pseudonym.get(pseudonym)

    def pair_numbered(self, number: int) -> Pair | None:
        return self._by_number.get(number)

    def newest_pair(self, site: Mailbox) -> Pair | None:
        """Where to send what is for `site`; None when its every device was revoked."""
        return self._newest.get(site)

    def site_name(self, site: Mailbox) -> str | None:
        """What the site is called, whatever became of its devices."""
        return self._names.get(site)

    def signer(self, key_id: KeyId) -> Signer | None:
        """The device behind a key, ours included."""
        return self._signers.get(key_id)
