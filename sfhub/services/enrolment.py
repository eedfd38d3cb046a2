"""Enrolment: one-time codes, and the answer to a site that proves to have one.

Law: judging a request, counting a wrong try and making the pair are one transaction, so that no crash and no
second request can use a code twice.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from protocol.enrolment import (
    CODE_BYTES,
    CODE_LIFETIME_S,
    NONCE_BYTES,
    TRIES_MAX,
    HubKeys,
    SiteKeys,
    code_key,
    format_code,
    pair_claim,
    pair_secrets,
    read_request,
    request_hint,
    site_hint,
    write_response,
)
from protocol.errors import EnrolmentRefused
from protocol.ids import PSEUDONYM_BYTES, Mailbox, Pseudonym, key_id_of
from sync.ports import Clock
from sync.stores.connection import Connection
from sync.stores.database import Database
from sync.stores.notices import add_notice
from sync.stores.peer_keys import revocation_of

from ..config import HubIdentity, check_name
from ..domain.notice_words import HUB_REBUILT, HUB_RESTORED
from ..errors import BadRequest
from ..keystore import KeyStore
from ..storage.codes import (
    CodeState,
    StoredCode,
    add_code,
    all_codes,
    count_wrong_try,
    forget_codes,
    mark_used,
)
from ..storage.outbox import readdress
from ..storage.sites import add_pair, add_site, former_keys, is_known_device, newest_pair
from .outbox import Outbox
from .sites import Sites

CODES_OPEN_MAX: Final = 200
"""Codes handed out and not used yet; each wrong try is compared with all of them."""
CODES_KEPT_S: Final = 30 * 24 * 3600
"""How long an ended code can still say why it is refused."""
LIFETIME_MAX_S: Final = 30 * 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedCode:
    """What the operator passes on, by voice or on paper; it is nowhere else."""

    code: str
    site_name: str
    expires_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draw:
    """Randomness for one answer, drawn before the transaction because that may be run twice."""

    pseudonym: Pseudonym
    nonce: bytes
    now_s: float


class Enrolment:
    """Makes codes and answers requests."""

    def __init__(
        self,
        database: Database,
        identity: HubIdentity,
        keys: KeyStore,
        sites: Sites,
        outbox: Outbox,
        clock: Clock,
        enrolled: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._identity = identity
        self._keys = keys
        self._sites = sites
        self._outbox = outbox
        self._clock = clock
        self._enrolled = enrolled

    async def new_code(self, site_name: str, lifetime_s: float = CODE_LIFETIME_S) -> PrintedCode:
        """A code for one site, good once, for `lifetime_s`."""
        check_name("site's name", site_name)
        if not 0 < lifetime_s <= LIFETIME_MAX_S:
            raise BadRequest(f"A code is valid for up to {LIFETIME_MAX_S // 3600} h.")
        secret = secrets.token_bytes(CODE_BYTES)
        stretched = await asyncio.to_thread(code_key, secret)
        now_s = self._clock.wall_s()

        def add(connection: Connection) -> None:
            forget_codes(connection, now_s - CODES_KEPT_S)
            if sum(code.is_open(now_s) for code in all_codes(connection)) >= CODES_OPEN_MAX:
                raise BadRequest(
                    f"{CODES_OPEN_MAX} codes are open already. Wait until some are used or expire."
                )
            add_code(
                connection,
                site_name=site_name,
                hint=site_hint(site_name),
                stretched_key=stretched,
                made_s=now_s,
                expires_s=now_s + lifetime_s,
            )

        await self._database.write(add)
        return PrintedCode(code=format_code(secret), site_name=site_name, expires_s=now_s + lifetime_s)

    async def codes(self) -> tuple[StoredCode, ...]:
        """Every code that is remembered, oldest first."""
        return await self._database.read(all_codes)

    async def answer(self, request: bytes) -> bytes:
        """Our keys for the site that made `request`; `EnrolmentRefused` says why not, once that is durable.

        The same request again, after its answer was lost on the way, gets the same answer.
        """
        hint = request_hint(request)
        draw = _Draw(
            pseudonym=Pseudonym(secrets.token_bytes(PSEUDONYM_BYTES)),
            nonce=secrets.token_bytes(NONCE_BYTES),
            now_s=self._clock.wall_s(),
        )
        # A refusal is returned, not raised: raising would undo the count of the wrong try.
        outcome = await self._database.write(lambda connection: self._judge(connection, request, hint, draw))
        if isinstance(outcome, EnrolmentRefused):
            raise outcome
        await self._sites.reload()
        self._outbox.wake()
        self._enrolled()
        return outcome

    def _judge(
        self, connection: Connection, request: bytes, hint: bytes, draw: _Draw
    ) -> bytes | EnrolmentRefused:
        digest = blake2b(request, digest_size=32).digest()
        codes = all_codes(connection)
        for code in codes:
            if code.state is CodeState.USED and code.request_digest == digest and draw.now_s < code.expires_s:
                return code.answer
        still_open = [code for code in codes if code.is_open(draw.now_s)]
        # A name typed otherwise than the hub has it hits no hint; the right code must work all the same.
        aimed_at = [code for code in still_open if code.hint == hint] or still_open
        for code in aimed_at:
            if (keys := _proven(request, code)) is not None:
                if revocation_of(connection, key_id_of(keys.signing)) is not None:
                    return EnrolmentRefused(
                        "The key of this device was revoked at the hub. Nothing was changed and the code is "
                        "still good. Make a new vault in another folder and enrol that."
                    )
                return self._admit(connection, code, keys, request, digest, draw)
        for code in aimed_at:
            count_wrong_try(connection, code.number, TRIES_MAX)
        return _refusal(request, [code for code in codes if not code.is_open(draw.now_s)])

    def _admit(
        self,
        connection: Connection,
        code: StoredCode,
        keys: SiteKeys,
        request: bytes,
        digest: bytes,
        draw: _Draw,
    ) -> bytes:
        site = self._identity.site_mailbox(code.site_name)
        known = is_known_device(connection, site, keys.signing)
        former = former_keys(connection, site, present=keys.signing)
        pseudonym = self._kept_pair(connection, site, keys)
        if pseudonym is None:
            pseudonym = draw.pseudonym
            add_site(connection, site, self._identity.organisation, code.site_name, draw.now_s)
            pair = add_pair(connection, pseudonym=pseudonym, site=site, keys=keys, now_s=draw.now_s)
            readdress(connection, site, pair)
        if keys.known_hub and not known:
            has_its_keys = keys.known_hub == self._keys.signing_public
            add_notice(connection, HUB_RESTORED if has_its_keys else HUB_REBUILT, now_s=draw.now_s)
        ours = HubKeys(
            organisation=self._identity.organisation,
            hub_name=self._identity.name,
            site_name=code.site_name,
            pseudonym=pseudonym,
            signing=self._keys.signing_public,
            opening=self._keys.enrolment_public,
            transport=self._keys.transport_public,
            former=former,
        )
        answer = write_response(ours, request, key=code.stretched_key, nonce=draw.nonce)
        mark_used(connection, code.number, request_digest=digest, answer=answer)
        return answer

    def _kept_pair(self, connection: Connection, site: Mailbox, keys: SiteKeys) -> Pseudonym | None:
        """The pair that both ends still have: custody goes on where it was, whatever either has lost, and no
        byte is paid for twice. None when there is no such pair, or another device has taken its place."""
        pair = newest_pair(connection, site)
        if pair is None or pair.signing_key != keys.signing or not keys.pair:
            return None
        link_secret = pair_secrets(self._keys.transport, pair.transport_key, pair.pseudonym).link
        return pair.pseudonym if keys.pair == pair_claim(pair.pseudonym, link_secret) else None


def _proven(request: bytes, code: StoredCode) -> SiteKeys | None:
    """The site's keys if the request was made with this code."""
    try:
        return read_request(request, key=code.stretched_key)
    except EnrolmentRefused:
        return None


def _refusal(request: bytes, ended: Sequence[StoredCode]) -> EnrolmentRefused:
    """Whoever holds an ended code learns how it ended; nobody else learns anything."""
    for code in ended:
        if _proven(request, code) is not None:
            how = {CodeState.USED: "was used already", CodeState.BURNT: "was burnt after 3 wrong tries"}
            return EnrolmentRefused(
                f"This enrolment code {how.get(code.state, 'has expired')}. Nothing was changed. "
                "Ask the hub for a new one."
            )
    return EnrolmentRefused(
        "The enrolment code does not match. Check it and the site's name, then try again: "
        "after 3 wrong tries a code is burnt and the hub must make a new one."
    )
