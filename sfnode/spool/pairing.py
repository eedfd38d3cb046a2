"""Rows that say which hub this site talks to, and of an enrolment under way."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.ids import Mailbox, Pseudonym, mailbox_of
from sync.stores.connection import Connection
from sync.stores.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """All that a session with the hub needs; none of it opens a bundle."""

    pseudonym: Pseudonym
    organisation: str
    hub_name: str
    site_name: str
    link_secret: bytes
    enrolled_s: int

    @property
    def site(self) -> Mailbox:
        return mailbox_of(self.organisation, self.site_name)

    @property
    def hub(self) -> Mailbox:
        return mailbox_of(self.organisation, self.hub_name)


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingEnrolment:
    """A request that was made and not answered yet."""

    request: bytes
    code_key: bytes
    transport_key: bytes
    made_s: int


class Pairings:
    """The hub of this site, and the way to it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._current: Pairing | None = None
        """As it was read last: every contact and every bundle asks for it, and only `settle` changes it."""
        self._settled = 0

    async def current(self) -> Pairing | None:
        """None before enrolment."""
        if self._current is not None:
            return self._current
        settled = self._settled
        found = await self._database.read(_pairing)
        if settled == self._settled:
            self._current = found
        return found

    async def settle(self, pairing: Pairing) -> None:
        """Enrolled: the pairing replaces an earlier one, and the request has served. What was on its way
        under an earlier one goes again under other names."""

        def write(connection: Connection) -> None:
            before = _pairing(connection)
            if before is not None and before.pseudonym != pairing.pseudonym:
                connection.execute("DELETE FROM transfer")
            connection.execute(
                "INSERT OR REPLACE INTO pairing"
                " (pairing, pseudonym, organisation, hub_name, site_name, link_secret, enrolled_s)"
                " VALUES (1, ?, ?, ?, ?, ?, ?)",
                (
                    pairing.pseudonym,
                    pairing.organisation,
                    pairing.hub_name,
                    pairing.site_name,
                    pairing.link_secret,
                    pairing.enrolled_s,
                ),
            )
            connection.execute("DELETE FROM enrolment_request")

        def forget() -> None:
            # Also if our caller was cancelled meanwhile; what is being read now may be the one before.
            self._settled += 1
            self._current = None

        await self._database.write(write, then=forget)

    async def pending(self) -> PendingEnrolment | None:
        """The enrolment under way, if one is."""
        return await self._database.read(_pending)

    async def keep_pending(self, pending: PendingEnrolment) -> None:
        """One at a time: an earlier one is forgotten."""
        await self._database.write(
            lambda connection: connection.execute(
                "INSERT OR REPLACE INTO enrolment_request"
                " (enrolment_request, request, code_key, transport_key, made_s) VALUES (1, ?, ?, ?, ?)",
                (pending.request, pending.code_key, pending.transport_key, pending.made_s),
            )
        )

    async def drop_pending(self) -> None:
        """The request was refused for good."""
        await self._database.write(lambda connection: connection.execute("DELETE FROM enrolment_request"))


def _pairing(connection: Connection) -> Pairing | None:
    row = connection.execute(
        "SELECT pseudonym, organisation, hub_name, site_name, link_secret, enrolled_s FROM pairing"
    ).fetchone()
    if row is None:
        return None
    pseudonym, organisation, hub_name, site_name, link_secret, enrolled_s = row
    return Pairing(
        pseudonym=Pseudonym(pseudonym),
        organisation=organisation,
        hub_name=hub_name,
        site_name=site_name,
        link_secret=link_secret,
        enrolled_s=enrolled_s,
    )


def _pending(connection: Connection) -> PendingEnrolment | None:
    row = connection.execute(
        "SELECT request, code_key, transport_key, made_s FROM enrolment_request"
    ).fetchone()
    if row is None:
        return None
    request, code_key, transport_key, made_s = row
    return PendingEnrolment(request=request, code_key=code_key, transport_key=transport_key, made_s=made_s)
