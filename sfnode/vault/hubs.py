"""The hubs that this site has joined: rows of the vault, each with the pair that it and the site make.

Law: keys, people and cases of one hub count in its own cases alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Final

from protocol.actors import Party
from protocol.enrolment import HubKeys, PairSecrets
from protocol.ids import CASE_ID_BYTES, CaseId, Mailbox, Pseudonym, key_id_of, mailbox_of
from sfnode.domain.plain_names import plain_name, same_name
from sfnode.errors import EnrolmentRefused, NotEnrolled, NotFound, Refused
from sync.stores.connection import Connection

HUBS_MAX: Final = 8
"""More than any site asks; each costs a pair of keys, a link, and looks for its replies."""

_NAMELESS: Final = "Hub"
"""One of which nobody could see the name."""
NUMBER_TAKEN: Final = (
    "The hub has chosen a number for this site that another hub uses already. Nothing was changed. "
    "Ask it for another code and repeat this."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """One hub, and the pair that it makes with this site."""

    name: str
    """What people here call it."""
    organisation: str
    hub_name: str
    site_name: str
    """As the hub has it: the site's address is made of it."""
    pseudonym: Pseudonym
    signing: bytes
    opening: bytes
    """The hub's opening key of epoch 0; `sfnode.vault.keys.hub_keys` knows those to seal for."""
    bundle_secret: bytes
    """For `bundle_id_of(content, hub.bundle_secret)`."""
    small_secret: bytes
    """For micro-bundles, in either direction."""
    left_s: int | None = None
    """When the site left it; None while it is one of ours."""

    @property
    def site(self) -> Mailbox:
        return mailbox_of(self.organisation, self.site_name)

    @property
    def hub(self) -> Mailbox:
        return mailbox_of(self.organisation, self.hub_name)

    @property
    def site_case(self) -> CaseId:
        """The pseudo-case of the site's people and of what is aboard; hubs of one organisation share it."""
        return CaseId(blake2b(self.site, digest_size=CASE_ID_BYTES, person=b"sf-site-case").digest())

    @property
    def members(self) -> frozenset[Mailbox]:
        """The care team of every case that this site has with it."""
        return frozenset({self.site, self.hub})


_COLUMNS: Final = (
    "name, organisation, hub_name, site_name, pseudonym, signing, opening, bundle_secret, small_secret,"
    " left_s"
)


def read_hubs(connection: Connection) -> tuple[Hub, ...]:
    """Every hub ever joined, the first first."""
    return tuple(
        _hub(*row) for row in connection.execute(f"SELECT {_COLUMNS} FROM hub ORDER BY row").fetchall()
    )


def read_hub(connection: Connection, hub: Mailbox) -> Hub | None:
    """The one at that address, also when it was left."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM hub WHERE hub = ?", (hub,)).fetchone()
    return None if row is None else _hub(*row)


def hub_of_pair(connection: Connection, pair: Pseudonym) -> Hub | None:
    """The hub as it was under that pair, the present one or one before; also when it was left. None of a pair
    that is unknown here."""
    if (present := next((hub for hub in read_hubs(connection) if hub.pseudonym == pair), None)) is not None:
        return present
    row = connection.execute(
        "SELECT hub, bundle_secret, small_secret FROM former_pair WHERE pseudonym = ?", (pair,)
    ).fetchone()
    hub = None if row is None else read_hub(connection, Mailbox(row[0]))
    return None if hub is None else replace(hub, pseudonym=pair, bundle_secret=row[1], small_secret=row[2])


def present_hubs(connection: Connection) -> tuple[Hub, ...]:
    """Those that were not left, the first first."""
    return tuple(hub for hub in read_hubs(connection) if hub.left_s is None)


def hub_of_case(connection: Connection, case_id: CaseId) -> Hub | None:
    """The hub that a case is with; of the site's own file, the one it was begun for. None of an unknown
    case."""
    row = connection.execute("SELECT hub FROM case_file WHERE case_id = ?", (case_id,)).fetchone()
    return None if row is None else read_hub(connection, Mailbox(row[0]))


def hub_asked(connection: Connection, hub: Mailbox | None) -> Hub:
    """Whom a new case asks: the one named, else the one joined first. `NotEnrolled`, `NotFound`."""
    present = present_hubs(connection)
    if not present:
        raise NotEnrolled(
            "This site is not enrolled with a hub, so nobody could answer. Nothing was saved. "
            "Run `sfnode enrol` with the code the hub gave you."
        )
    named = [each for each in present if hub in (None, each.hub)]
    if not named:
        raise NotFound("This site is not enrolled with that hub. Nothing was saved. See `sfnode site hubs`.")
    return named[0]


def keep_hub(connection: Connection, keys: HubKeys, secrets: PairSecrets, *, own_key: bytes) -> Hub:
    """Keep a hub and both places' keys: one more, or a known one that comes with new keys. `own_key` is the
    site's public signing key."""
    mailbox = mailbox_of(keys.organisation, keys.hub_name)
    known = read_hubs(connection)
    before = next((hub for hub in known if hub.hub == mailbox), None)
    _check(keys, before, known)
    _keep_former(connection, keys.pseudonym, before)
    connection.execute(
        "INSERT INTO hub (hub, name, organisation, hub_name, site_name, pseudonym, signing, opening,"
        " bundle_secret, small_secret)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (hub) DO UPDATE SET"
        " pseudonym = excluded.pseudonym, signing = excluded.signing, opening = excluded.opening,"
        " bundle_secret = excluded.bundle_secret, small_secret = excluded.small_secret, left_s = NULL,"
        " told_epoch = CASE pseudonym WHEN excluded.pseudonym THEN told_epoch ELSE 0 END",
        (
            mailbox,
            _free_name(keys, known) if before is None else before.name,
            keys.organisation,
            keys.hub_name,
            keys.site_name,
            keys.pseudonym,
            keys.signing,
            keys.opening,
            secrets.bundle_ids,
            secrets.small,
        ),
    )
    hub = read_hub(connection, mailbox)
    assert hub is not None
    for public_key, place, party, judged in (
        (own_key, hub.site, Party.SITE, False),
        (keys.signing, hub.hub, Party.HUB, False),
        *((former, hub.site, Party.SITE, True) for former in keys.former),
    ):
        connection.execute(
            "INSERT INTO signer (hub, key_id, public_key, mailbox, party, judged) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            (mailbox, key_id_of(public_key), public_key, place, int(party), judged),
        )
    return hub


def leave_hub(connection: Connection, hub: Mailbox, now_s: int) -> None:
    """From now on nothing is sealed for it, and its cases are only read; idempotent."""
    connection.execute("UPDATE hub SET left_s = ? WHERE hub = ? AND left_s IS NULL", (now_s, hub))


def _check(keys: HubKeys, before: Hub | None, known: Sequence[Hub]) -> None:
    if before is not None and before.site_name != keys.site_name:
        raise Refused(
            f"This site is enrolled with {before.hub_name} of {before.organisation} as {before.site_name} "
            "already. Nothing was changed. Use a new data folder for another name."
        )
    others = [hub for hub in known if hub.left_s is None and hub is not before]
    if len(others) >= HUBS_MAX:
        raise Refused(too_many())
    if any(hub.pseudonym == keys.pseudonym and hub is not before for hub in known):
        # Custody goes by it: two hubs of one pseudonym would be given each other's bundles.
        raise EnrolmentRefused(NUMBER_TAKEN)


def _keep_former(connection: Connection, pseudonym: Pseudonym, before: Hub | None) -> None:
    """A bundle that came under the pair before may still lie in custody, and nobody sends it again.
    `EnrolmentRefused` for the number of a pair of long ago."""
    former = connection.execute("SELECT 1 FROM former_pair WHERE pseudonym = ?", (pseudonym,)).fetchone()
    if former is not None:
        raise EnrolmentRefused(NUMBER_TAKEN)
    if before is not None and before.pseudonym != pseudonym:
        connection.execute(
            "INSERT INTO former_pair (pseudonym, hub, bundle_secret, small_secret) VALUES (?, ?, ?, ?)",
            (before.pseudonym, before.hub, before.bundle_secret, before.small_secret),
        )


def too_many() -> str:
    """Why no other hub can be joined."""
    return (
        f"This site is enrolled with {HUBS_MAX} hubs, and more are not possible. Nothing was changed. Leave "
        "one with `sfnode site leave HUB`; to enrol again with one of them, name it: --again HUB."
    )


def _free_name(keys: HubKeys, known: Sequence[Hub]) -> str:
    """Its own as people read it, with what tells it from another that reads the same."""
    own = plain_name(keys.hub_name) or _NAMELESS
    numbered = (f"{own} {number}" for number in range(2, len(known) + 3))
    names = (own, f"{own}, {plain_name(keys.organisation)}", *numbered)
    return next(name for name in names if not any(same_name(name, hub.name) for hub in known))


def _hub(
    name: str,
    organisation: str,
    hub_name: str,
    site_name: str,
    pseudonym: bytes,
    signing: bytes,
    opening: bytes,
    bundle_secret: bytes,
    small_secret: bytes,
    left_s: int | None,
) -> Hub:
    return Hub(
        name=name,
        organisation=organisation,
        hub_name=hub_name,
        site_name=site_name,
        pseudonym=Pseudonym(pseudonym),
        signing=signing,
        opening=opening,
        bundle_secret=bundle_secret,
        small_secret=small_secret,
        left_s=left_s,
    )
