"""Joining a hub: the site's request under a one-time code, and what the hub's answer gives.

Law: the request is kept before it leaves, and the answer is in the vault before the spool believes it; so an
answer lost on the way, or a crash at any point, is mended by enrolling again with the same code.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol import enrolment as messages
from protocol import errors
from protocol.enrolment import MESSAGE_BYTES_MAX, NONCE_BYTES, HubKeys, PairSecrets, SiteKeys
from protocol.ids import Mailbox, mailbox_of
from sfnode.domain.notice_words import HUB_REBUILT, HUB_REPLACED
from sfnode.domain.plain_names import plain_name, same_name
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
        stretched: Callable[[bytes], bytes] = messages.code_key,
    ) -> None:
        """`stretched` makes the key of a code: slow in earnest, so that guessing codes is."""
        self._vault = vault
        self._spool = spool
        self._clock = clock
        self._courier = courier
        self._stretched = stretched
        self._turn = asyncio.Lock()

    async def known(self, name: str) -> Mailbox:
        """The hub that people here call so, also one that was left. `NotFound`."""
        for hub in await self._vault.directory.all_hubs():
            if same_name(hub.name, name):
                return hub.hub
        return (await self._spool.pairings.named(name)).hub

    async def enrol(self, hub_url: str, code: str, *, again: Mailbox | None = None) -> Enrolled:
        """Over the link. Repeating it with the same code is safe. `again`: the hub that it is, if this site
        is or was enrolled with it: only that one is shown what the two have."""
        async with self._turn:
            pending = await self._request(code, again)
            answer = await self._courier.carry(hub_url, pending.request)
            return await self._accept(pending, answer, again)

    async def make_request(self, code: str, *, again: Mailbox | None = None) -> bytes:
        """The request as a file, for a site without a link; `again` as in `enrol`."""
        async with self._turn:
            return (await self._request(code, again)).request

    async def accept_response(self, response: bytes, *, again: Mailbox | None = None) -> Enrolled:
        """The hub's answer to the request that was made last; `again` as in `enrol`."""
        async with self._turn:
            pending = await self._spool.pairings.pending()
            if pending is None:
                raise NotFound(
                    "No enrolment request was made here, so there is nothing this can answer. "
                    "Make one with `sfnode enrol --code CODE --request-out FILE`."
                )
            return await self._accept(pending, response, again)

    async def _request(self, code: str, again: Mailbox | None) -> PendingEnrolment:
        """The request under way for this code, or a new one, kept before anybody sees it."""
        identity = await self._vault.identity()
        secret = _parsed(code)
        key = await asyncio.to_thread(self._stretched, secret)
        pending = await self._spool.pairings.pending()
        if pending is not None and pending.code_key == key:
            return pending
        await self._check_room(again)
        before = None if again is None else await self._vault.directory.known_hub(again)
        pairing = None if again is None else await self._spool.pairings.at(again)
        transport = X25519PrivateKey.generate()
        keys = SiteKeys(
            site_name=identity.site_name,
            signing=identity.signing_public,
            opening=identity.opening_public,
            transport=transport.public_key().public_bytes_raw(),
            known_hub=b"" if before is None else before.signing,
            pair=_claim(before, pairing),
        )
        pending = PendingEnrolment(
            request=messages.write_request(keys, key=key, nonce=os.urandom(NONCE_BYTES)),
            code_key=key,
            transport_key=transport.private_bytes_raw(),
            made_s=int(self._clock.wall_s()),
        )
        await self._spool.pairings.keep_pending(pending)
        return pending

    async def _accept(self, pending: PendingEnrolment, answer: bytes, again: Mailbox | None) -> Enrolled:
        keys = _read(answer, pending)
        address = mailbox_of(keys.organisation, keys.hub_name)
        before = await self._vault.directory.known_hub(address)
        pairing = await self._spool.pairings.at(address)
        await self._check_free(keys, before, pairing)
        transport = X25519PrivateKey.from_private_bytes(pending.transport_key)
        drawn = messages.pair_secrets(transport, keys.transport, keys.pseudonym)
        if before is not None and not _is_asked_for(before, pending, again, drawn):
            raise EnrolmentRefused(_takes_a_name(before))
        secrets = _kept_secrets(keys, before, pairing) or drawn
        joined = await self._vault.casebook.join_hub(keys, secrets)
        await self._settle(keys, secrets, joined.name, pairing)
        if before is not None and before.pseudonym != keys.pseudonym:
            notice = HUB_REBUILT if before.signing == keys.signing else HUB_REPLACED
            told = told_of(notice, keys.pseudonym, await self._spool.pairings.all())
            await self._spool.notices.add(told, now_s=self._clock.wall_s())
        return Enrolled(
            site=keys.site_name,
            organisation=plain_name(keys.organisation),
            hub=plain_name(keys.hub_name),
            name=joined.name,
            is_new=before is None or before.left_s is not None,
        )

    async def _settle(self, keys: HubKeys, secrets: PairSecrets, name: str, before: Pairing | None) -> None:
        """From now on sessions with the hub are under this pair; what waited under another one goes again."""
        replaced = before is not None and before.pseudonym != keys.pseudonym
        queued = await self._spool.transfers.unstored(before.pseudonym) if before and replaced else ()
        await self._spool.pairings.settle(
            Pairing(
                pseudonym=keys.pseudonym,
                organisation=keys.organisation,
                hub_name=keys.hub_name,
                site_name=keys.site_name,
                link_secret=secrets.link,
                enrolled_s=int(self._clock.wall_s()),
                called="" if name == keys.hub_name else name,
            )
        )
        await self._spool.withdraw(queued)

    async def _check_room(self, again: Mailbox | None) -> None:
        """`Refused` where one hub more would be too many, before its code is used up."""
        present = {each.hub for each in await self._vault.directory.hubs()}
        present |= {each.hub for each in await self._spool.pairings.all()}
        if again not in present and len(present) >= HUBS_MAX:
            raise Refused(too_many())

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


def _is_asked_for(before: Hub, pending: PendingEnrolment, again: Mailbox | None, drawn: PairSecrets) -> bool:
    """Whether a person has named this hub, now or when the request was made. What an answer says of itself
    proves nothing: whoever gave out the code could take the name of another hub, and be sent its cases."""
    if again == before.hub or drawn.bundle_ids == before.bundle_secret:
        return True  # The latter is the answer that the vault has taken already, once more.
    return messages.read_request(pending.request, key=pending.code_key).known_hub == before.signing


def _takes_a_name(before: Hub) -> str:
    known = "with which this site is enrolled" if before.left_s is None else "which this site has left"
    return (
        f"Whoever gave out this code answers as {plain_name(before.hub_name)} of "
        f"{plain_name(before.organisation)}, {known}. "
        "Nothing was changed. If it is that hub, repeat this with the same code, or the same answer, and "
        f'--again "{before.name}"; if not, call it by telephone: another one uses its name.'
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
