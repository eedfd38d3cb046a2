"""POST /enrol: the two small messages of enrolment, over a link that may be very slow."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web

from protocol.enrolment import MESSAGE_BYTES_MAX
from protocol.errors import EnrolmentRefused
from sync.stores.errors import StoreError

from .guard import BODY_S
from .keys import ENROL_LIMIT, HUB

BURST: Final = 6
PER_MINUTE: Final = 6.0
"""Requests of one address: a person who mistypes needs three."""


async def enrol(request: web.Request) -> web.Response:
    """200 with the answer, or a status with one sentence for the person at the site."""
    if not request.app[ENROL_LIMIT].admits(request.remote or ""):
        return _refusal(429, "Too many enrolment requests from this address. Wait a minute and try again.")
    try:
        message = await _body(request)
    except TimeoutError:
        return _refusal(408, "The enrolment request did not arrive in time. Nothing was changed; try again.")
    if len(message) > MESSAGE_BYTES_MAX:
        return _refusal(413, "This is no enrolment request: it is too long. Nothing was changed.")
    try:
        answer = await request.app[HUB].enrolment.answer(message)
    except EnrolmentRefused as error:
        return _refusal(403, str(error))
    except StoreError as error:
        return _refusal(503, str(error))
    return web.Response(body=answer, content_type="application/octet-stream")


async def _body(request: web.Request) -> bytes:
    """At most one byte more than a request may have, so that too long is seen and not stored."""
    data = b""
    async with asyncio.timeout(BODY_S):
        while len(data) <= MESSAGE_BYTES_MAX:
            piece = await request.content.read(MESSAGE_BYTES_MAX + 1 - len(data))
            if not piece:
                break
            data += piece
    return data


def _refusal(status: int, sentence: str) -> web.Response:
    return web.Response(status=status, text=sentence)
