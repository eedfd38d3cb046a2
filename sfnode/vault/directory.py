"""Who this site is, who works here, and whose signatures it believes: rows of the vault."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol.actors import Actor, Party, Role
from protocol.authority import Signer
from protocol.enrolment import HubKeys, PairSecrets
from protocol.ids import (
    ACTOR_ID_BYTES,
    CASE_ID_BYTES,
    PATIENT_ID_BYTES,
    ActorId,
    CaseId,
    KeyId,
    Mailbox,
    PatientId,
    Pseudonym,
    key_id_of,
    mailbox_of,
)
from protocol.keyring import LAST_RESORT, KeyRing, OpeningKey
from protocol.prekeys import KnownKey
from protocol.records import Record
from protocol.schema import encode_fields
from sfnode.errors import Refused
from sync.stores.connection import Connection
from sync.stores.database import Database

from .keys import hub_keys, keep_opening_key, note_gone, read_ring

SITE_PATIENT = PatientId(bytes(PATIENT_ID_BYTES))
"""The pseudo-patient of a site's own case: nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """The hub this site is enrolled with, and the pair they make."""

    organisation: str
    hub_name: str
    site_name: str
    """As the hub has it: the site's address is made of it."""
    pseudonym: Pseudonym
    signing: bytes
    opening: bytes
    """The hub's opening key of epoch 0; `sfnode.vault.keys.recipient` knows the one to seal for."""
    bundle_secret: bytes
    """For `bundle_id_of(content, hub.bundle_secret)`."""
    small_secret: bytes
    """For micro-bundles, in either direction."""

    @property
    def site(self) -> Mailbox:
        return mailbox_of(self.organisation, self.site_name)

    @property
    def hub(self) -> Mailbox:
        return mailbox_of(self.organisation, self.hub_name)

    @property
    def site_case(self) -> CaseId:
        """The pseudo-case of the site's people and of what is aboard."""
        return CaseId(blake2b(self.site, digest_size=CASE_ID_BYTES, person=b"sf-site-case").digest())

    @property
    def members(self) -> frozenset[Mailbox]:
        """The care team of every case of this site."""
        return frozenset({self.site, self.hub})


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The site's own keys and the person who writes."""

    site_name: str
    language: str
    signing: Ed25519PrivateKey
    ring: KeyRing
    """Opening keys by epoch."""
    author: ActorId
    person: Actor

    @classmethod
    def fresh(cls, *, site_name: str, language: str, person: Actor) -> Identity:
        """New keys. `InvalidRecord` when the person's name cannot be kept."""
        encode_fields(person)
        return cls(
            site_name=site_name,
            language=language,
            signing=Ed25519PrivateKey.generate(),
            ring=KeyRing.of(OpeningKey(epoch=LAST_RESORT, private=X25519PrivateKey.generate(), made_s=0)),
            author=ActorId(os.urandom(ACTOR_ID_BYTES)),
            person=person,
        )

    @property
    def signing_public(self) -> bytes:
        return self.signing.public_key().public_bytes_raw()

    @property
    def opening_public(self) -> bytes:
        """What enrolment gives the hub."""
        return self.ring.enrolment.public

    @property
    def opening_keys(self) -> Mapping[bytes, X25519PrivateKey]:
        """By the two-byte name in a bundle's header, as `Sealer.open` wants them."""
        return self.ring.private_keys


class Directory:
    """Reads of the directory for those who seal, open and enrol."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def identity(self) -> Identity:
        """Who we are. `Refused` when the vault's making was cut short."""
        return await self._database.read(read_identity)

    async def hub(self) -> Hub | None:
        """None before enrolment."""
        return await self._database.read(read_hub)

    async def hub_keys(self) -> tuple[KnownKey, ...]:
        """What may be sealed for; none before enrolment."""
        return await self._database.read(hub_keys)

    async def note_gone(self, *, gone_key: bytes, asked: KnownKey) -> None:
        """The hub has said that it opens nothing for `gone_key`, and asks for `asked`."""
        await self._database.write(lambda connection: note_gone(connection, gone_key=gone_key, asked=asked))


def found_site(connection: Connection, identity: Identity) -> bool:
    """Keep `identity` as ours; False, and nothing changed, when the vault has one already."""
    added = connection.execute(
        "INSERT INTO identity (id, site_name, language, signing_key, author, person_name, person_role)"
        " VALUES (1, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
        (
            identity.site_name,
            identity.language,
            identity.signing.private_bytes_raw(),
            identity.author,
            identity.person.name,
            int(identity.person.role),
        ),
    )
    if added.rowcount != 1:
        return False
    for key in identity.ring.keys:
        keep_opening_key(connection, key.epoch, key.private, None)
    return True


def read_identity(connection: Connection) -> Identity:
    row = connection.execute(
        "SELECT site_name, language, signing_key, author, person_name, person_role FROM identity"
    ).fetchone()
    if row is None:
        raise Refused(
            "This vault was never finished. Nothing is lost. "
            "Run `sfnode init` again with the same passphrase."
        )
    site_name, language, signing, author, person_name, person_role = row
    return Identity(
        site_name=site_name,
        language=language,
        signing=Ed25519PrivateKey.from_private_bytes(signing),
        ring=read_ring(connection),
        author=ActorId(author),
        person=Actor(name=person_name, role=Role(person_role)),
    )


def read_hub(connection: Connection) -> Hub | None:
    row = connection.execute(
        "SELECT organisation, hub_name, site_name, pseudonym, signing, opening, bundle_secret, small_secret"
        " FROM hub"
    ).fetchone()
    if row is None:
        return None
    organisation, hub_name, site_name, pseudonym, signing, opening, bundle_secret, small_secret = row
    return Hub(
        organisation=organisation,
        hub_name=hub_name,
        site_name=site_name,
        pseudonym=Pseudonym(pseudonym),
        signing=signing,
        opening=opening,
        bundle_secret=bundle_secret,
        small_secret=small_secret,
    )


def keep_hub(connection: Connection, identity: Identity, keys: HubKeys, secrets: PairSecrets) -> Hub:
    """Keep the hub and both places' keys. The same hub may come with new keys; another one is refused."""
    known = read_hub(connection)
    names = (keys.organisation, keys.hub_name, keys.site_name)
    if known is not None and (known.organisation, known.hub_name, known.site_name) != names:
        raise Refused(
            f"This site is enrolled with {known.hub_name} of {known.organisation} as {known.site_name} "
            "already. Nothing was changed. Use a new data folder for another hub or name."
        )
    connection.execute(
        "INSERT INTO hub (id, organisation, hub_name, site_name, pseudonym, signing, opening, bundle_secret,"
        " small_secret)"
        " VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET pseudonym = excluded.pseudonym,"
        " signing = excluded.signing, opening = excluded.opening, bundle_secret = excluded.bundle_secret,"
        " small_secret = excluded.small_secret,"
        " told_epoch = CASE pseudonym WHEN excluded.pseudonym THEN told_epoch ELSE 0 END",
        (*names, keys.pseudonym, keys.signing, keys.opening, secrets.bundle_ids, secrets.small),
    )
    hub = read_hub(connection)
    assert hub is not None
    for public_key, mailbox, party, judged in (
        (identity.signing_public, hub.site, Party.SITE, False),
        (keys.signing, hub.hub, Party.HUB, False),
        *((former, hub.site, Party.SITE, True) for former in keys.former),
    ):
        connection.execute(
            "INSERT INTO signer (key_id, public_key, mailbox, party, judged) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            (key_id_of(public_key), public_key, mailbox, int(party), judged),
        )
    return hub


def is_judged(connection: Connection, key_id: KeyId) -> bool:
    """Whether it is the key of an earlier device of this site, whose entries the hub has judged."""
    row = connection.execute("SELECT judged FROM signer WHERE key_id = ?", (key_id,)).fetchone()
    return row is not None and bool(row[0])


def read_signer(connection: Connection, key_id: KeyId) -> Signer | None:
    """The key of that name, if this site believes it."""
    row = connection.execute(
        "SELECT public_key, mailbox, party FROM signer WHERE key_id = ?", (key_id,)
    ).fetchone()
    if row is None:
        return None
    return Signer(key_id=key_id, public_key=row[0], mailbox=Mailbox(row[1]), party=Party(row[2]))


def read_places(connection: Connection) -> dict[KeyId, Mailbox]:
    """Where each key stands that this site believes, or has ever believed."""
    rows = connection.execute("SELECT key_id, mailbox FROM signer").fetchall()
    return {KeyId(key_id): Mailbox(mailbox) for key_id, mailbox in rows}


def read_actors(connection: Connection, mailbox: Mailbox) -> dict[ActorId, Actor]:
    """The people that this place has introduced."""
    rows = connection.execute(
        "SELECT actor_id, name, role FROM actor WHERE mailbox = ?", (mailbox,)
    ).fetchall()
    return {ActorId(actor_id): Actor(name=name, role=Role(role)) for actor_id, name, role in rows}


def place_of(connection: Connection, actor: ActorId) -> Mailbox | None:
    """The place that introduced this actor; an actor belongs to one place for ever."""
    row = connection.execute("SELECT mailbox FROM actor WHERE actor_id = ?", (actor,)).fetchone()
    return None if row is None else Mailbox(row[0])


def keep_actor(connection: Connection, mailbox: Mailbox, record: Record) -> None:
    """Remember an introduction, unless one later in the total order is known."""
    connection.execute(
        "INSERT INTO actor (mailbox, actor_id, name, role, counter, record_id) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (mailbox, actor_id) DO UPDATE SET name = excluded.name, role = excluded.role,"
        " counter = excluded.counter, record_id = excluded.record_id"
        " WHERE (excluded.counter, excluded.record_id) > (actor.counter, actor.record_id)",
        (
            mailbox,
            record.author,
            record.body.name,
            int(record.body.role),
            record.stamp.counter,
            record.record_id,
        ),
    )
