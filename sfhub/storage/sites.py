"""Rows of sites and of the pairs that we form with their devices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from protocol.actors import Party
from protocol.authority import Signer
from protocol.enrolment import FORMER_KEYS_MAX, SiteKeys
from protocol.ids import CaseId, KeyId, Mailbox, Pseudonym, key_id_of
from sync.stores.connection import Connection

UNKNOWN_GENERATION: Final = (1 << 63) - 1
"""No number on the wire is higher: which session was the newest is not known, so none is newer."""


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
    heard_generation: int = 0

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
    """The new pair's number; the newest one of a site is written to. A device of a known site that has no
    pair with us any more has lost its cases, or may have lost what it held, and is to be refilled."""
    ((number,),) = connection.execute(
        "INSERT INTO pairs (pseudonym, site, signing_key, opening_key, transport_key, enrolled_s, "
        "last_heard_s, to_refill)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, EXISTS (SELECT 1 FROM pairs WHERE site = ?2))"
        " RETURNING number",
        (pseudonym, site, keys.signing, keys.opening, keys.transport, now_s),
    ).fetchall()
    return int(number)


def pairs_to_refill(connection: Connection) -> tuple[int, ...]:
    """Devices that wait for their site's open cases."""
    return tuple(
        int(number)
        for (number,) in connection.execute("SELECT number FROM pairs WHERE to_refill = 1 AND revoked_s = 0")
    )


def mark_refilled(connection: Connection, pair: int) -> None:
    connection.execute("UPDATE pairs SET to_refill = 0 WHERE number = ?", (pair,))


def is_known_device(connection: Connection, site: Mailbox, signing: bytes) -> bool:
    """Whether this device of the site enrolled here before."""
    found = connection.execute(
        "SELECT 1 FROM pairs WHERE site = ? AND signing_key = ?", (site, signing)
    ).fetchone()
    return found is not None


def former_keys(connection: Connection, site: Mailbox, *, present: bytes) -> tuple[bytes, ...]:
    """Signing keys of the site's earlier devices, the latest first, at most `FORMER_KEYS_MAX`."""
    rows = connection.execute(
        "SELECT signing_key FROM pairs WHERE site = ? AND signing_key <> ?"
        " GROUP BY signing_key ORDER BY max(number) DESC LIMIT ?",
        (site, present, FORMER_KEYS_MAX),
    ).fetchall()
    return tuple(signing for (signing,) in rows)


def cases_of_site(connection: Connection, site: Mailbox) -> tuple[CaseId, ...]:
    """Those that the site has signed and nobody has erased, the latest changed first."""
    rows = connection.execute(
        "SELECT case_id FROM cases WHERE site = ? AND signed"
        " AND case_id NOT IN (SELECT case_id FROM erased_case) ORDER BY changed_s DESC",
        (site,),
    ).fetchall()
    return tuple(CaseId(case_id) for (case_id,) in rows)


def all_pairs(connection: Connection) -> tuple[Pair, ...]:
    """Oldest first."""
    rows = connection.execute(
        "SELECT p.number, p.pseudonym, p.site, s.name, p.signing_key, p.opening_key, p.transport_key,"
        " p.enrolled_s, p.last_heard_s, p.revoked_s, p.told_epoch, p.heard_generation"
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
            heard_generation=heard_generation,
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
            heard_generation,
        ) in rows
    )


def newest_pair(connection: Connection, site: Mailbox) -> Pair | None:
    """The one that is written to; None when the site has no device, or its every one was revoked."""
    pairs = [pair for pair in all_pairs(connection) if pair.site == site and not pair.revoked]
    return pairs[-1] if pairs else None


def had_device_before(connection: Connection, pair: int) -> bool:
    """Whether the device of this pair has made an earlier one with us."""
    found = connection.execute(
        "SELECT 1 FROM pairs JOIN pairs AS earlier USING (site, signing_key)"
        " WHERE pairs.number = ? AND earlier.number < pairs.number",
        (pair,),
    ).fetchone()
    return found is not None


def note_heard(connection: Connection, pair: int, now_s: float, *, generation: int) -> None:
    """The site spoke to us; `generation` is of the newest session that it has opened."""
    connection.execute(
        "UPDATE pairs SET last_heard_s = max(last_heard_s, ?), heard_generation = ? WHERE number = ?",
        (now_s, generation, pair),
    )


def doubt_generations(connection: Connection) -> None:
    """The store is older than what it has heard since: whoever says that a session is new has to prove it."""
    connection.execute("UPDATE pairs SET heard_generation = ?", (UNKNOWN_GENERATION,))


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
