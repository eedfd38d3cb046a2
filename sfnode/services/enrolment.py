"""Joining a hub: the site's request under a one-time code, and what the hub's answer gives.

Law: the request is kept before it leaves, and the answer is in the vault before the spool believes it; so an
answer lost on the way, or a crash at any point, is mended by enrolling again with the same code.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol import enrolment as messages
from protocol import errors
from protocol.enrolment import MESSAGE_BYTES_MAX, NONCE_BYTES, HubKeys, PairSecrets, SiteKeys
from protocol.ids import mailbox_of
from sfnode.domain.notice_words import HUB_REBUILT, HUB_REPLACED
from sfnode.errors import EnrolmentRefused, LinkDown, NotFound, Refused
from sfnode.spool.pairing import Pairing, PendingEnrolment
from sfnode.spool.spool import Spool
from sfnode.vault.hubs import HUBS_MAX, NUMBER_TAKEN, Hub, too_many
from sync.pins import parse_pin
from sync.ports import Clock

from .hub_names import told_of
from .vault_access import VaultAccess

TIMEOUT_S: Final = 120.0
"""Two messages of a few hundred bytes, and a satellite modem that has to dial first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """Whom the site has joined."""

    site: str
    organisation: str
    hub: str
    name: str
    """What people here call it from now on."""
    is_new: bool
    """Whether it is one more hub, and not a known one that has come with new keys."""


class Courier(Protocol):
    """Carries one request to the hub and its answer back."""

    async def carry(self, hub_url: str, request: bytes) -> bytes:
        """Raises `LinkDown` when nobody answered, `EnrolmentRefused` in the hub's words when it said no."""


class Enrolment:
    """Needs the vault to be open: it holds the keys that are exchanged."""

    def __init__(
        self,
        vault: VaultAccess,
        spool: Spool,
        *,
        clock: Clock,
        courier: Courier,
        read_first: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        """`read_first` opens what a hub sent under the pair that it and the site have now."""
        self._vault = vault
        self._spool = spool
        self._clock = clock
        self._courier = courier
        self._read_first = read_first
        self._turn = asyncio.Lock()

    async def enrol(self, hub_url: str, code: str, *, again: Pairing | None = None) -> Enrolled:
        """Over the link. Repeating it with the same code is safe. `again`: the hub that it is, if this site
        is enrolled with it: only that one is shown what the two have."""
        async with self._turn:
            pending = await self._request(code, again)
            answer = await self._courier.carry(hub_url, pending.request)
            return await self._accept(pending, answer, again)

    async def make_request(self, code: str, *, again: Pairing | None = None) -> bytes:
        """The request as a file, for a site without a link; `again` as in `enrol`."""
        async with self._turn:
            return (await self._request(code, again)).request

    async def accept_response(self, response: bytes) -> Enrolled:
        """The hub's answer to the request that was made last."""
        async with self._turn:
            pending = await self._spool.pairings.pending()
            if pending is None:
                raise NotFound(
                    "No enrolment request was made here, so there is nothing this can answer. "
                    "Make one with `sfnode enrol --code CODE --request-out FILE`."
                )
            return await self._accept(pending, response, None)

    async def _request(self, code: str, again: Pairing | None) -> PendingEnrolment:
        """The request under way for this code, or a new one, kept before anybody sees it."""
        identity = await self._vault.identity()
        before = None if again is None else await self._vault.directory.hub(again.hub)
        if before is None and len(await self._spool.pairings.all()) >= HUBS_MAX:
            raise Refused(too_many())
        secret = _parsed(code)
        key = await asyncio.to_thread(messages.code_key, secret)
        pending = await self._spool.pairings.pending()
        if pending is not None and pending.code_key == key:
            return pending
        transport = X25519PrivateKey.generate()
        keys = SiteKeys(
            site_name=identity.site_name,
            signing=identity.signing_public,
            opening=identity.opening_public,
            transport=transport.public_key().public_bytes_raw(),
            known_hub=b"" if before is None else before.signing,
            pair=_claim(before, again),
        )
        pending = PendingEnrolment(
            request=messages.write_request(keys, key=key, nonce=os.urandom(NONCE_BYTES)),
            code_key=key,
            transport_key=transport.private_bytes_raw(),
            made_s=int(self._clock.wall_s()),
        )
        await self._spool.pairings.keep_pending(pending)
        return pending

    async def _accept(self, pending: PendingEnrolment, answer: bytes, again: Pairing | None) -> Enrolled:
        keys = _read(answer, pending)
        address = mailbox_of(keys.organisation, keys.hub_name)
        before = await self._vault.directory.hub(address)
        pairing = await self._spool.pairings.at(address)
        await self._check_free(keys, before, pairing)
        if before is not None and pairing is not None and not _is_asked_for(before, pending, again):
            raise EnrolmentRefused(_takes_a_name(pairing))
        if self._read_first is not None and before is not None and before.pseudonym != keys.pseudonym:
            await self._read_first()  # Under the pair to come it could not be opened any more.
        secrets = _kept_secrets(keys, before, pairing)
        if secrets is None:
            transport = X25519PrivateKey.from_private_bytes(pending.transport_key)
            secrets = messages.pair_secrets(transport, keys.transport, keys.pseudonym)
        joined = await self._vault.casebook.join_hub(keys, secrets)
        await self._spool.pairings.settle(
            Pairing(
                pseudonym=keys.pseudonym,
                organisation=keys.organisation,
                hub_name=keys.hub_name,
                site_name=keys.site_name,
                link_secret=secrets.link,
                enrolled_s=int(self._clock.wall_s()),
                called="" if joined.name == keys.hub_name else joined.name,
            )
        )
        if before is not None and before.pseudonym != keys.pseudonym:
            notice = HUB_REBUILT if before.signing == keys.signing else HUB_REPLACED
            told = told_of(notice, keys.pseudonym, await self._spool.pairings.all())
            await self._spool.notices.add(told, now_s=self._clock.wall_s())
        return Enrolled(
            site=keys.site_name,
            organisation=keys.organisation,
            hub=keys.hub_name,
            name=joined.name,
            is_new=before is None,
        )

    async def _check_free(self, keys: HubKeys, before: Hub | None, pairing: Pairing | None) -> None:
        """`EnrolmentRefused` where custody would mix what is another pair's, one of long ago included."""
        own = {each.pseudonym for each in (before, pairing) if each is not None}
        if keys.pseudonym not in own and await self._spool.is_used(keys.pseudonym):
            raise EnrolmentRefused(NUMBER_TAKEN)


class HttpCourier:
    """POST /enrol at the hub."""

    def __init__(self, pin: Callable[[str], str | None] = lambda hub_url: None) -> None:
        """`pin` tells the key of the hub at an address, where one is named."""
        self._pin = pin

    async def carry(self, hub_url: str, request: bytes) -> bytes:
        # Imported when it is used: a node that is enrolled never pays for it here.
        import aiohttp

        from sync.links.tls import PinnedKey, trouble_of

        pin = self._pin(hub_url)
        trust = PinnedKey(parse_pin(pin)) if pin and hub_url.startswith("https:") else True
        url = hub_url.rstrip("/") + "/enrol"
        headers = {"Content-Type": "application/octet-stream"}
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as session,
                session.post(
                    url, data=request, headers=headers, allow_redirects=False, ssl=trust
                ) as response,
            ):
                body = await response.content.read(MESSAGE_BYTES_MAX + 1)
                status = response.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if trouble := trouble_of(error):
                raise LinkDown(f"{trouble} Nothing was changed and the code is still good.") from error
            raise LinkDown(
                f"The hub at {hub_url} did not answer ({_cause(error)}). Nothing was changed and the code "
                "is still good. Check the address and the link, then repeat this."
            ) from error
        if status != 200:
            raise EnrolmentRefused(_hub_sentence(status, body))
        return body


def _claim(before: Hub | None, pairing: Pairing | None) -> bytes:
    """Of the pair that vault and spool both have; empty when one of them has lost it."""
    if before is None or pairing is None or pairing.pseudonym != before.pseudonym:
        return b""
    return messages.pair_claim(pairing.pseudonym, pairing.link_secret)


def _is_asked_for(before: Hub, pending: PendingEnrolment, again: Pairing | None) -> bool:
    """Whether a person has named this hub, now or when the request was made. What an answer says of itself
    proves nothing: whoever gave out the code could take the name of another hub, and be sent its cases."""
    if again is not None and again.hub == before.hub:
        return True
    return messages.read_request(pending.request, key=pending.code_key).known_hub == before.signing


def _takes_a_name(pairing: Pairing) -> str:
    return (
        f"Whoever gave out this code answers as {pairing.hub_name} of {pairing.organisation}, with which this "
        f"site is enrolled. Nothing was changed. If it is that hub, repeat this with the same code and "
        f'--again "{pairing.name}"; if not, call it by telephone: another one uses its name.'
    )


def _kept_secrets(keys: HubKeys, before: Hub | None, pairing: Pairing | None) -> PairSecrets | None:
    """Those of the pair that the site had, if the hub goes on with it: only a hub that has shown the same
    signing key, and that was told the name, can have answered with it."""
    if before is None or pairing is None or before.signing != keys.signing:
        return None
    if not keys.pseudonym == before.pseudonym == pairing.pseudonym:
        return None
    return PairSecrets(bundle_ids=before.bundle_secret, link=pairing.link_secret, small=before.small_secret)


def _parsed(code: str) -> bytes:
    try:
        return messages.parse_code(code)
    except errors.EnrolmentRefused as error:
        raise EnrolmentRefused(str(error)) from error


def _read(answer: bytes, pending: PendingEnrolment) -> HubKeys:
    try:
        return messages.read_response(answer, pending.request, key=pending.code_key)
    except errors.EnrolmentRefused as error:
        raise EnrolmentRefused(
            f"{error} The answer is not one to the request made here, or was altered. Nothing was changed."
        ) from error


def _cause(error: Exception) -> str:
    return str(error) or type(error).__name__


def _hub_sentence(status: int, body: bytes) -> str:
    """The hub's own words, made harmless; a proxy's page is not worth showing."""
    try:
        text = " ".join(body.decode().split())
    except UnicodeDecodeError:
        text = ""
    if not text or "<" in text or len(text) > 500 or not text.isprintable():
        return f"The hub refused to enrol this site (HTTP {status}). Nothing was changed. Ask its operator."
    return text
