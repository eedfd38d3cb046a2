"""What stands before every page: deadlines, limits per address, and headers that keep a browser strict."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from sync.ports import Clock

HEADERS_S: Final = 15.0
"""For the headers of a connection's first request; later ones fall under aiohttp's own keep-alive time."""
BODY_S: Final = 120.0
"""For the body of an enrolment or a form: a kilobyte takes 14 s at 75 B/s."""
CONNECTIONS_PER_ADDRESS_MAX: Final = 128
CONNECTIONS_MAX: Final = 4096
ADDRESSES_REMEMBERED_MAX: Final = 4096

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """For everything a browser may look at; the thin link pays for none of it."""
    if request.path == "/enrol" or request.path.startswith("/sync"):
        return
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_s: float


class RateLimit:
    """So many requests at once from one address, and so many a minute after that."""

    def __init__(self, clock: Clock, *, burst: int, per_minute: float) -> None:
        self._clock = clock
        self._burst = float(burst)
        self._per_s = per_minute / 60
        self._buckets: dict[str, _Bucket] = {}

    def admits(self, address: str) -> bool:
        """Whether one more request of `address` is let through now."""
        now_s = self._clock.monotonic_s()
        bucket = self._buckets.pop(address, None) or _Bucket(self._burst, now_s)
        bucket.tokens = min(self._burst, bucket.tokens + (now_s - bucket.filled_s) * self._per_s)
        bucket.filled_s = now_s
        self._buckets[address] = bucket  # At the end: the address unheard for longest is forgotten first.
        if len(self._buckets) > ADDRESSES_REMEMBERED_MAX:
            del self._buckets[next(iter(self._buckets))]
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True


class Doorkeeper:
    """Makes the protocol of each new connection, and ends those that say nothing.

    aiohttp has no deadline of its own for the headers of a first request.
    """

    def __init__(self, make: Callable[[], asyncio.Protocol], *, headers_s: float = HEADERS_S) -> None:
        self._make = make
        self._headers_s = headers_s
        self._open: Counter[str] = Counter()

    def __call__(self) -> asyncio.Protocol:
        return _Guarded(self._make(), self)

    @property
    def headers_s(self) -> float:
        return self._headers_s

    def enter(self, address: str) -> bool:
        """False when this address, or everybody together, has too many connections open."""
        self._open[address] += 1
        of_one = 0 if _is_this_machine(address) else self._open[address]
        return of_one <= CONNECTIONS_PER_ADDRESS_MAX and self._open.total() <= CONNECTIONS_MAX

    def leave(self, address: str) -> None:
        self._open[address] -= 1
        if not self._open[address]:
            del self._open[address]


def _is_this_machine(address: str) -> bool:
    """A proxy beside the hub speaks for everybody."""
    return address.startswith("127.") or address == "::1"


class _Guarded(asyncio.Protocol):
    """Passes everything on to aiohttp's protocol, with a deadline until its first headers are whole."""

    def __init__(self, inner: asyncio.Protocol, door: Doorkeeper) -> None:
        self._inner = inner
        self._door = door
        self._address = ""
        self._deadline: asyncio.TimerHandle | None = None
        self._tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        peer = transport.get_extra_info("peername")
        self._address = str(peer[0]) if isinstance(peer, tuple) else ""
        admitted = self._door.enter(self._address)
        self._inner.connection_made(transport)
        if not admitted and isinstance(transport, asyncio.Transport):
            transport.abort()
        elif isinstance(transport, asyncio.Transport):
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(self._door.headers_s, transport.abort)

    def data_received(self, data: bytes) -> None:
        if self._deadline is not None:
            seen = self._tail + data
            if b"\r\n\r\n" in seen:
                self._deadline.cancel()
                self._deadline = None
            self._tail = seen[-3:]
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._door.leave(self._address)
        self._inner.connection_lost(error)
