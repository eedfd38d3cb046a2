"""Clinicians, and how one of them comes to a signed-in browser.

A one-time address signs in once within minutes; what the browser keeps then is a random session name. Of both
the hub keeps only hashes.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from hashlib import blake2b
from hmac import compare_digest
from typing import Final

from protocol.actors import Party, Role, party_of
from protocol.ids import ACTOR_ID_BYTES, ActorId
from sync.ports import Clock
from sync.stores.database import Database

from ..config import check_name
from ..errors import BadRequest, NotFound, NotSignedIn
from ..storage.people import (
    Clinician,
    add_clinician,
    add_session,
    add_token,
    all_clinicians,
    burn_token,
    end_session,
    session_owner,
)

TOKEN_LIFETIME_S: Final = 10 * 60
SESSION_LIFETIME_S: Final = 12 * 3600
"""A shift."""
_SECRET_BYTES: Final = 32
SECRET_LETTERS_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class SignedIn:
    """One browser of one clinician."""

    clinician: Clinician
    form_token: str
    """Goes with every form, so that no other site's page can send one."""


class People:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def add(self, name: str, role: Role) -> Clinician:
        """A clinician of this hub; names are unique."""
        check_name("clinician's name", name)
        if party_of(role) is not Party.HUB or role is Role.DESK:
            raise BadRequest("A clinician is a specialist or a coordinator.")
        clinician = Clinician(ActorId(secrets.token_bytes(ACTOR_ID_BYTES)), name, role)
        now_s = self._clock.wall_s()
        if not await self._database.write(lambda c: add_clinician(c, clinician, now_s)):
            raise BadRequest(f"There is a clinician called {name} already. Nothing was changed.")
        return clinician

    async def all(self) -> tuple[Clinician, ...]:
        return await self._database.read(all_clinicians)

    async def named(self, name: str) -> Clinician:
        known = await self.all()
        for clinician in known:
            if clinician.name.casefold() == name.strip().casefold():
                return clinician
        listed = ", ".join(clinician.name for clinician in known) or "nobody yet: sfhub clinician add"
        raise NotFound(f"No clinician is called {name}. Known here: {listed}")

    async def one_time_token(self, clinician: Clinician) -> str:
        """Good for one sign-in within `TOKEN_LIFETIME_S`."""
        token = secrets.token_urlsafe(_SECRET_BYTES)
        expires_s = self._clock.wall_s() + TOKEN_LIFETIME_S
        await self._database.write(lambda c: add_token(c, _digest(token), clinician.actor, expires_s))
        return token

    async def sign_in(self, token: str) -> str:
        """Burn a one-time token for a session secret; `NotSignedIn` if it was used or is too old."""
        now_s = self._clock.wall_s()
        digest = _digest(token)
        owner = await self._database.write(lambda c: burn_token(c, digest, now_s))
        if owner is None:
            raise NotSignedIn(
                "This sign-in address was used already or is older than 10 minutes. Nothing was changed. "
                "Make a new one with: sfhub console-url --clinician NAME"
            )
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        expires_s = now_s + SESSION_LIFETIME_S
        await self._database.write(lambda c: add_session(c, _digest(secret), owner, expires_s))
        return secret

    async def signed_in(self, secret: str) -> SignedIn:
        """Whose browser sends `secret`; `NotSignedIn` when nobody's."""
        now_s = self._clock.wall_s()
        clinician = await self._database.read(lambda c: session_owner(c, _digest(secret), now_s))
        if clinician is None:
            raise NotSignedIn("You are not signed in, or your shift of 12 hours has ended.")
        return SignedIn(clinician, _form_token(secret))

    async def sign_out(self, secret: str) -> None:
        now_s = self._clock.wall_s()
        await self._database.write(lambda c: end_session(c, _digest(secret), now_s))


def is_form_token(signed_in: SignedIn, token: str) -> bool:
    return compare_digest(signed_in.form_token.encode(), token.encode(errors="surrogatepass"))


def _digest(secret: str) -> bytes:
    return blake2b(
        secret[:SECRET_LETTERS_MAX].encode(errors="surrogatepass"), digest_size=32, person=b"sf-secret"
    ).digest()


def _form_token(secret: str) -> str:
    return blake2b(secret.encode(), digest_size=24, person=b"sf-form").hexdigest()
