"""What the listener's side of HTTP shares: properties, refusals in words, and answers with few headers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiohttp import hdrs, web
from aiohttp.http import HttpProcessingError

from ..ports import LinkError, LinkProperties, LinkShape

LISTENER_PROPERTIES: Final = LinkProperties(
    name="http",
    shape=LinkShape.STREAM,
    unit_bytes_max=None,
    full_duplex=True,
    ordered=True,
    # A caller's link is not known; what the session measures replaces this.
    rate_bit_s_guess=22_000,
    rtt_s_guess=0.9,
)
FAILURES: Final = (HttpProcessingError, OSError, web.RequestPayloadError)
"""What aiohttp raises when a caller's link fails, or what comes over it is no HTTP."""

_UNREAD_HEADERS: Final = (hdrs.DATE, hdrs.SERVER, hdrs.CONTENT_TYPE)
"""About 120 bytes that no node reads; sessions carry the time themselves, authenticated."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a caller gets no session."""

    status: int
    text: str
    retry_after_s: int | None = None

    def response(self) -> web.Response:
        """As the caller reads it."""
        wait = {} if self.retry_after_s is None else {hdrs.RETRY_AFTER: str(self.retry_after_s)}
        return web.Response(status=self.status, text=self.text, headers=wait)


class SyncResponse(web.StreamResponse):
    """The response of a session, told from a page by its type."""


async def leave_out_unread_headers(_: web.Request, response: web.StreamResponse) -> None:
    """For `on_response_prepare` of an application."""
    if isinstance(response, SyncResponse):
        for name in _UNREAD_HEADERS:
            response.headers.popall(name, None)


def caller_broke(error: Exception) -> LinkError:
    """A caller's link failed."""
    return LinkError(f"The caller's link broke ({str(error) or type(error).__name__}).")
