"""Who this site is, who works here, and whose signatures it believes: rows of the vault."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol.actors import Actor, Party, Role
from protocol.authority import Signer
from protocol.ids import (
    ACTOR_ID_BYTES,
    PATIENT_ID_BYTES,
    ActorId,
    KeyId,
    Mailbox,
    PatientId,
    Pseudonym,
)
from protocol.keyring import LAST_RESORT, KeyRing, OpeningKey
from protocol.prekeys import KnownKey
from protocol.records import Record
from protocol.schema import encode_fields
from sfnode.errors import Refused
from sync.stores.connection import Connection
from sync.stores.database import Database

from .hubs import Hub, hub_of_pair, present_hubs, read_hub, read_hubs
from .keys import hub_keys, keep_opening_key, note_gone, read_ring

SITE_PATIENT = PatientId(bytes(PATIENT_ID_BYTES))
"""The pseudo-patient of a site's own case: nobody."""


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

    async def hubs(self) -> tuple[Hub, ...]:
        """Those that this site is with, the first first."""
        return await self._database.read(present_hubs)

    async def all_hubs(self) -> tuple[Hub, ...]:
        """Also those that it has left."""
        return await self._database.read(read_hubs)

    async def hub(self, hub: Mailbox) -> Hub | None:
        """None of one that was never joined, or was left."""
        found = await self.known_hub(hub)
        return None if found is None or found.left_s is not None else found

    async def known_hub(self, hub: Mailbox) -> Hub | None:
        """Also one that was left."""
        return await self._database.read(lambda connection: read_hub(connection, hub))

    async def hub_of_pair(self, pair: Pseudonym) -> Hub | None:
        """As `hub_of_pair`."""
        return await self._database.read(lambda connection: hub_of_pair(connection, pair))

    async def hub_keys(self, hub: Hub) -> tuple[KnownKey, ...]:
        """What may be sealed for it."""
        return await self._database.read(lambda connection: hub_keys(connection, hub))

    async def note_gone(self, hub: Hub, *, gone_key: bytes, asked: KnownKey) -> None:
        """The hub has said that it opens nothing for `gone_key`, and asks for `asked`."""
        await self._database.write(
            lambda connection: note_gone(connection, hub, gone_key=gone_key, asked=asked)
        )


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


def is_judged(connection: Connection, hub: Mailbox, key_id: KeyId) -> bool:
    """Whether it is the key of an earlier device of this site, whose entries that hub has judged."""
    row = connection.execute(
        "SELECT judged FROM signer WHERE hub = ? AND key_id = ?", (hub, key_id)
    ).fetchone()
    return row is not None and bool(row[0])


def read_signer(connection: Connection, hub: Mailbox, key_id: KeyId) -> Signer | None:
    """The key of that name, if this site believes it in cases with that hub."""
    row = connection.execute(
        "SELECT public_key, mailbox, party FROM signer WHERE hub = ? AND key_id = ?", (hub, key_id)
    ).fetchone()
    if row is None:
        return None
    return Signer(key_id=key_id, public_key=row[0], mailbox=Mailbox(row[1]), party=Party(row[2]))


def read_places(connection: Connection, hub: Mailbox) -> dict[KeyId, Mailbox]:
    """Where each key stands that this site believes, or has ever believed, in cases with that hub."""
    rows = connection.execute("SELECT key_id, mailbox FROM signer WHERE hub = ?", (hub,)).fetchall()
    return {KeyId(key_id): Mailbox(mailbox) for key_id, mailbox in rows}


def read_actors(connection: Connection, hub: Mailbox, mailbox: Mailbox) -> dict[ActorId, Actor]:
    """The people that a place has introduced in cases with that hub."""
    rows = connection.execute(
        "SELECT actor_id, name, role FROM actor WHERE hub = ? AND mailbox = ?", (hub, mailbox)
    ).fetchall()
    return {ActorId(actor_id): Actor(name=name, role=Role(role)) for actor_id, name, role in rows}


def place_of(connection: Connection, hub: Mailbox, actor: ActorId) -> Mailbox | None:
    """The place that introduced this actor in cases with that hub; there it belongs to one for ever."""
    row = connection.execute(
        "SELECT mailbox FROM actor WHERE hub = ? AND actor_id = ?", (hub, actor)
    ).fetchone()
    return None if row is None else Mailbox(row[0])


def keep_actor(connection: Connection, hub: Mailbox, mailbox: Mailbox, record: Record) -> None:
    """Remember an introduction, unless one later in the total order is known."""
    connection.execute(
        "INSERT INTO actor (hub, mailbox, actor_id, name, role, counter, record_id)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (hub, mailbox, actor_id) DO UPDATE SET name = excluded.name, role = excluded.role,"
        " counter = excluded.counter, record_id = excluded.record_id"
        " WHERE (excluded.counter, excluded.record_id) > (actor.counter, actor.record_id)",
        (
            hub,
            mailbox,
            record.author,
            record.body.name,
            int(record.body.role),
            record.stamp.counter,
            record.record_id,
        ),
    )
