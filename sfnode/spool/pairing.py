"""Rows that say which hubs this site talks to, which one is meant where none is named, and of an enrolment
under way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from protocol.ids import Mailbox, Pseudonym, mailbox_of
from sfnode.domain.plain_names import same_name
from sfnode.errors import NotFound
from sync.stores.connection import Connection
from sync.stores.database import Database

from .transfers import Transfers


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """All that a session with one hub needs; none of it opens a bundle."""

    pseudonym: Pseudonym
    organisation: str
    hub_name: str
    site_name: str
    link_secret: bytes
    enrolled_s: int
    called: str = ""
    """By the people here, where the hub's own name tells it from no other one; else empty."""
    is_home: bool = False
    """Whether it is the one that is meant where none is named."""

    @property
    def name(self) -> str:
        """What people here call the hub; no two alike."""
        return self.called or self.hub_name

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
    """The hubs of this site, and the way to each. The first is the home hub until another is made so."""

    def __init__(self, database: Database, transfers: Transfers) -> None:
        """`transfers` of the same database: what a pairing takes with it, they must not remember."""
        self._database = database
        self._transfers = transfers
        self._known: tuple[Pairing, ...] | None = None
        """As they were read last: every contact and bundle asks for them, and only changes here matter."""
        self._changes = 0

    async def all(self) -> tuple[Pairing, ...]:
        """In the order in which they were joined; none before enrolment."""
        if self._known is not None:
            return self._known
        changes = self._changes
        found = await self._database.read(_pairings)
        if changes == self._changes:
            self._known = found
        return found

    async def home(self) -> Pairing | None:
        """The one that is meant where none is named; None before enrolment."""
        return next((each for each in await self.all() if each.is_home), None)

    async def of(self, pair: Pseudonym) -> Pairing | None:
        """The one that sessions of this pair are with."""
        return next((each for each in await self.all() if each.pseudonym == pair), None)

    async def at(self, hub: Mailbox) -> Pairing | None:
        """The one with this address."""
        return next((each for each in await self.all() if each.hub == hub), None)

    async def named(self, name: str) -> Pairing:
        """As people call it, whatever the case of the letters; no two are called alike. `NotFound`."""
        known = await self.all()
        found = [each for each in known if same_name(each.name, name)]
        if not found:
            names = ", ".join(each.name for each in known) or "none yet"
            raise NotFound(
                f"This site is not enrolled with a hub called {name!r}. Nothing was changed. "
                f"Its hubs: {names}."
            )
        return found[0]

    async def settle(self, pairing: Pairing) -> None:
        """Enrolled: one more hub, or a known one under a new pairing, and the request has served. What was on
        its way under the one before goes again under other names. The first hub is the home hub."""

        def write(connection: Connection) -> None:
            before = {each.hub: each for each in _pairings(connection)}
            if (old := before.get(pairing.hub)) is not None and old.pseudonym != pairing.pseudonym:
                connection.execute("DELETE FROM transfer WHERE pseudonym = ?", (old.pseudonym,))
            connection.execute(
                "INSERT INTO pairing (hub, name, pseudonym, organisation, hub_name, site_name, link_secret,"
                " enrolled_s, home) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (hub) DO UPDATE SET"
                " name = excluded.name, pseudonym = excluded.pseudonym, site_name = excluded.site_name,"
                " link_secret = excluded.link_secret, enrolled_s = excluded.enrolled_s",
                (
                    pairing.hub,
                    pairing.name,
                    pairing.pseudonym,
                    pairing.organisation,
                    pairing.hub_name,
                    pairing.site_name,
                    pairing.link_secret,
                    pairing.enrolled_s,
                    not before,
                ),
            )
            connection.execute("DELETE FROM enrolment_request")

        await self._change(write)

    async def make_home(self, pairing: Pairing) -> None:
        """From now on it is meant where none is named; cases and links stay with the hubs that they have."""

        def write(connection: Connection) -> None:
            connection.execute("UPDATE pairing SET home = 0 WHERE hub <> ?", (pairing.hub,))
            connection.execute("UPDATE pairing SET home = 1 WHERE hub = ?", (pairing.hub,))

        await self._change(write)

    async def leave(self, pairing: Pairing) -> None:
        """Nobody talks with it any more. What it is known to hold stays known; if it was the home hub, the
        one joined first is from now on. Idempotent."""

        def write(connection: Connection) -> None:
            connection.execute("DELETE FROM pairing WHERE hub = ?", (pairing.hub,))
            connection.execute(
                "DELETE FROM transfer WHERE pseudonym = ? AND stored_s IS NULL", (pairing.pseudonym,)
            )
            connection.execute("DELETE FROM retry WHERE pseudonym = ?", (pairing.pseudonym,))
            connection.execute(
                "UPDATE pairing SET home = 1 WHERE pairing = (SELECT min(pairing) FROM pairing)"
                " AND NOT EXISTS (SELECT 1 FROM pairing WHERE home = 1)"
            )

        await self._change(write)

    async def pending(self) -> PendingEnrolment | None:
        """The enrolment under way, if one is."""
        return await self._database.read(_pending)

    async def keep_pending(self, pending: PendingEnrolment) -> None:
        """One at a time: an earlier one is forgotten."""

        def write(connection: Connection) -> None:
            connection.execute("DELETE FROM enrolment_request")
            connection.execute(
                "INSERT INTO enrolment_request (request, code_key, transport_key, made_s)"
                " VALUES (?, ?, ?, ?)",
                (pending.request, pending.code_key, pending.transport_key, pending.made_s),
            )

        await self._database.write(write)

    async def drop_pending(self) -> None:
        """The request was refused for good."""
        await self._database.write(lambda connection: connection.execute("DELETE FROM enrolment_request"))

    async def _change(self, write: Callable[[Connection], None]) -> None:
        def forget() -> None:
            # Also if our caller was cancelled meanwhile; what is being read now may be those before.
            self._changes += 1
            self._known = None

        await self._transfers.write_with(write, then=forget)


def _pairings(connection: Connection) -> tuple[Pairing, ...]:
    rows = connection.execute(
        "SELECT pseudonym, organisation, hub_name, site_name, link_secret, enrolled_s, name, home"
        " FROM pairing ORDER BY pairing"
    ).fetchall()
    return tuple(
        Pairing(
            pseudonym=Pseudonym(pseudonym),
            organisation=organisation,
            hub_name=hub_name,
            site_name=site_name,
            link_secret=link_secret,
            enrolled_s=enrolled_s,
            called="" if name == hub_name else name,
            is_home=bool(home),
        )
        for pseudonym, organisation, hub_name, site_name, link_secret, enrolled_s, name, home in rows
    )


def _pending(connection: Connection) -> PendingEnrolment | None:
    row = connection.execute(
        "SELECT request, code_key, transport_key, made_s FROM enrolment_request"
    ).fetchone()
    if row is None:
        return None
    request, code_key, transport_key, made_s = row
    return PendingEnrolment(request=request, code_key=code_key, transport_key=transport_key, made_s=made_s)
