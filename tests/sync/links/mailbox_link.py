"""A medium of single short messages: no order, no connection, some lost, some delivered up to seven times.

As satellite short-burst data behaves: a gateway takes a message, and says nothing of what became of it.
Everything that happens to a message is drawn from a seed.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from dataclasses import dataclass
from typing import Final

from sync.ports import LinkError, LinkProperties, LinkShape

UNIT_BYTES_MAX: Final = 340
COPIES_MAX: Final = 7
UNREAD_MAX: Final = 256
"""Messages that a mailbox keeps; what comes beyond is lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What becomes of messages."""

    lost_share: float = 0.0
    copied_share: float = 0.0
    displaced_by_max: int = 0
    """How many later messages may come before one."""
    seed: int = 0


def mailbox_link(post: Post | None = None) -> tuple[MailboxConnection, MailboxConnection]:
    """Both ends."""
    post = post or Post()
    properties = LinkProperties(
        name="mailbox",
        shape=LinkShape.MAILBOX,
        unit_bytes_max=UNIT_BYTES_MAX,
        full_duplex=True,
        ordered=False,
        rate_bit_s_guess=300,
        rtt_s_guess=20.0,
        usd_per_message=0.15,
    )
    first, second = _Mailbox(post, post.seed), _Mailbox(post, post.seed + 1)
    return MailboxConnection(properties, first, second), MailboxConnection(properties, second, first)


class MailboxConnection:
    """One end; a `sync.ports.Connection` that gives whole messages."""

    def __init__(self, properties: LinkProperties, own: _Mailbox, other: _Mailbox) -> None:
        self.properties = properties
        self._own = own
        self._other = other
        self._is_closed = False
        self.fails = False
        """The medium takes nothing."""

    async def send(self, data: bytes) -> None:
        if self.fails:
            raise LinkError("no coverage")
        if self._is_closed:
            raise LinkError("this end of the link was closed")
        if len(data) > UNIT_BYTES_MAX:
            raise LinkError(f"{len(data)} bytes, where a message has {UNIT_BYTES_MAX}; nothing was sent")
        self._other.deliver(data)

    async def receive(self) -> bytes:
        return await self._own.take()

    async def finish(self) -> None:
        self._other.end()

    async def close(self) -> None:
        self._is_closed = True
        self._own.end()


class _Mailbox:
    """What lies at one end."""

    def __init__(self, post: Post, seed: int) -> None:
        self._post = post
        self._chance = random.Random(seed)
        self._messages: deque[bytes] = deque(maxlen=UNREAD_MAX)
        self._has_ended = False
        self._stirred = asyncio.Event()

    def deliver(self, message: bytes) -> None:
        if self._chance.random() < self._post.lost_share:
            return
        is_copied = self._chance.random() < self._post.copied_share
        for _ in range(self._chance.randint(2, COPIES_MAX) if is_copied else 1):
            place = len(self._messages) - self._chance.randint(0, self._post.displaced_by_max)
            if len(self._messages) < UNREAD_MAX:
                self._messages.insert(max(0, place), message)
        self._stirred.set()

    def end(self) -> None:
        self._has_ended = True
        self._stirred.set()

    async def take(self) -> bytes:
        while not self._messages and not self._has_ended:
            self._stirred.clear()
            await self._stirred.wait()
        return self._messages.popleft() if self._messages else b""
