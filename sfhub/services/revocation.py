"""Revoking a device key: at once here, and told to whomever it concerns.

Law: the list only grows and its version only rises; nothing that was held before is taken away.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Final

from protocol.ids import KEY_ID_BYTES, KeyId
from protocol.prekeys import Revocation, RevocationReason
from sync.ports import Clock
from sync.stores.connection import Connection
from sync.stores.database import Database
from sync.stores.errors import StoreError
from sync.stores.peer_keys import RevokedKey, keep_revocation, revocations

from ..config import HubIdentity
from ..errors import Ambiguous, BadRequest, NotAllowed, NotFound
from ..keystore import KeyStore
from ..storage.keys import mark_pair_revoked, revoke_again
from ..storage.outbox import readdress
from ..storage.revocation_journal import RevocationJournal
from ..storage.sites import Pair
from .contacts import Contacts
from .outbox import Outbox
from .sites import Sites
from .statements import state

REMARK_BYTES_MAX: Final = 200

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked:
    """What became of one request."""

    revocation: Revocation
    pair: Pair | None
    """The device it was, if it enrolled here."""
    told: int
    """Devices that are told of it."""


class Revocations:
    def __init__(
        self,
        database: Database,
        identity: HubIdentity,
        keys: KeyStore,
        sites: Sites,
        outbox: Outbox,
        contacts: Contacts,
        journal: RevocationJournal,
        clock: Clock,
    ) -> None:
        self._database = database
        self._identity = identity
        self._keys = keys
        self._sites = sites
        self._outbox = outbox
        self._contacts = contacts
        self._journal = journal
        self._clock = clock
        self.trouble = ""
        """Why the journal cannot be relied on; empty while it can."""

    async def all(self) -> tuple[RevokedKey, ...]:
        """The list, oldest item first."""
        return tuple((await self._database.read(revocations)).values())

    async def revoke(
        self, name: str, *, reason: RevocationReason, since: int = 0, remark: str | None = None
    ) -> Revoked:
        """Revoke the newest device of the site called `name`, or the key with that id in hex.

        Its sessions end and are refused, what it signed and is not held here yet is put aside when it comes,
        and nothing more is sealed for it. `NotFound`, `Ambiguous`, `NotAllowed` or `BadRequest` changes
        nothing.
        """
        if remark is not None and len(remark.encode()) > REMARK_BYTES_MAX:
            raise BadRequest(f"A remark has at most {REMARK_BYTES_MAX} bytes. Nothing was changed.")
        key_id, pair = self._named(name)
        now_s = self._clock.wall_s()

        def work(connection: Connection) -> Revoked:
            listed = revocations(connection)
            version = max((item.revocation.version for item in listed.values()), default=0) + 1
            revocation = Revocation(version=version, key_id=key_id, reason=reason, since=since, remark=remark)
            keep_revocation(connection, revocation, now_s)
            told = self._concerned(pair)
            if pair is not None:
                mark_pair_revoked(connection, pair.number, now_s)
                if told:
                    readdress(connection, pair.site, told[-1].number)
            for each in told:
                state(
                    connection,
                    revocation,
                    pair=each,
                    what="a key that counts no longer",
                    keys=self._keys,
                    identity=self._identity,
                    now_s=now_s,
                )
            return Revoked(revocation=revocation, pair=pair, told=len(told))

        revoked = await self._database.write(work)
        await self.catch_up()
        if pair is not None:
            self._contacts.end_sessions(pair)
        self._outbox.wake()
        return revoked

    async def catch_up(self) -> None:
        """Revoke again what the journal names and a restored database does not know, and write down in it
        what it lacks. Safe to repeat. A disk that refuses is told in `trouble`: care goes on."""
        now_s = self._clock.wall_s()
        try:
            written = await asyncio.to_thread(self._journal.read)

            def work(connection: Connection) -> None:
                for revocation in written:
                    revoke_again(connection, revocation, now_s)

            if written:
                await self._database.write(work)
            for listed in (await self._database.read(revocations)).values():
                await asyncio.to_thread(self._journal.append, listed.revocation)
            self.trouble = ""
        except (StoreError, OSError) as error:
            self.trouble = f"After a restore, a revoked device may be let in again: {error}"
            _log.error("the journal of revocations cannot be used: %s", error)
        await self._sites.reload()

    def _named(self, name: str) -> tuple[KeyId, Pair | None]:
        directory = self._sites.directory
        sites = {
            pair.site: pair
            for pair in directory.pairs
            if pair.site_name.casefold() == name.strip().casefold() and not pair.revoked
        }
        if len(sites) > 1:
            raise Ambiguous(f"{name} is more than one site. Nothing was changed. Name the key's id.")
        if sites:
            (pair,) = sites.values()
            return pair.signer.key_id, pair
        key_id = _key_id(name)
        if key_id is None:
            raise NotFound(
                f"No site called {name} has a key that counts, and it is no key id of {2 * KEY_ID_BYTES} hex "
                "digits. Nothing was changed. See: sfhub sites"
            )
        if key_id == self._keys.signing_id:
            raise NotAllowed(
                "This is the key with which this hub signs. Nothing was changed. If it was stolen, make a "
                "new hub, enrol the sites with it, and revoke this key there."
            )
        return key_id, next((each for each in directory.pairs if each.signer.key_id == key_id), None)

    def _concerned(self, pair: Pair | None) -> tuple[Pair, ...]:
        """Other devices of the same site; everybody, for a key that is not a site's here: it may be a former
        hub's."""
        return tuple(
            each
            for each in self._sites.directory.pairs
            if not each.revoked and (pair is None or (each.site == pair.site and each.number != pair.number))
        )


def _key_id(text: str) -> KeyId | None:
    try:
        key_id = bytes.fromhex(text.strip())
    except ValueError:
        return None
    return KeyId(key_id) if len(key_id) == KEY_ID_BYTES else None
