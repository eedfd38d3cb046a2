"""Counts what one contact hands to the medium, and what that costs by the link's tariff."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from sync.ports import (
    Connection,
    LinkProperties,
    LinkShape,
    is_counting,
    is_described,
    is_overtaking,
    is_reviving,
)
from sync.scheduler import Allowance, Tariff

PARTING_BYTES: Final = 400
"""Both goodbyes, and the headers they travel in."""
PARTING_S: Final = 0.8
"""What has left our hands, beyond a round trip and both goodbyes, before they can follow: two chunks."""
HANGING_UP_BYTES: Final = 200
"""The last word of a contact that waits for no answer, and what a link in the dark says in a second."""
HANGING_UP_S: Final = 0.1
"""Until the medium is free."""
JUST_AFTER_S: Final = 0.001
"""So that whoever comes back at a limit is past it, and not on it."""


def _nothing_moves() -> None:
    """Nobody counts any more: who did holds the connection, and would be held by it."""


class Metered:
    """A connection that counts every byte handed to the medium or taken from it."""

    def __init__(self, connection: Connection, moved: Callable[[], None] = lambda: None) -> None:
        """`moved` is called for every message handed over or taken."""
        self._connection = connection
        self._moved = moved
        self._counting = connection if is_counting(connection) else None
        self._overtaking = connection if is_overtaking(connection) else None
        self.properties: LinkProperties = connection.properties
        self.messages = 0
        """Handed over or taken, where the medium carries single messages."""
        self._bytes_up = 0
        self._bytes_down = 0

    @property
    def bytes_up(self) -> int:
        """As the medium counts them, where it can."""
        return self._bytes_up if self._counting is None else self._counting.medium_bytes_up

    @property
    def bytes_down(self) -> int:
        return self._bytes_down if self._counting is None else self._counting.medium_bytes_down

    async def send(self, data: bytes) -> None:
        # Counted first: what a broken link swallowed may still be on the bill.
        self._bytes_up += len(data)
        self._count_message(data)
        await self._connection.send(data)

    def overtake(self, data: bytes) -> None:
        """Asked for only where the link sends what is urgent first by itself."""
        self._bytes_up += len(data)
        self._count_message(data)
        if self._overtaking is not None:
            self._overtaking.overtake(data)

    async def receive(self) -> bytes:
        data = await self._connection.receive()
        self._bytes_down += len(data)
        self._count_message(data)
        return data

    def _count_message(self, data: bytes) -> None:
        self.messages += bool(data) and self.properties.shape is LinkShape.MAILBOX
        self._moved()

    def described(self) -> tuple[str, ...]:
        return self._connection.described() if is_described(self._connection) else ()

    async def finish(self) -> None:
        await self._connection.finish()

    @property
    def is_back(self) -> bool:
        return is_reviving(self._connection) and self._connection.is_back

    async def revived(self) -> Metered:
        """This one, with what stands in place of the connection that broke: the bill goes on."""
        if is_reviving(self._connection):
            self._connection = await self._connection.revived()
            self.properties = self._connection.properties
        return self

    async def close(self) -> None:
        if not self.is_back:
            self._moved = _nothing_moves
        await self._connection.close()


class Carried(Protocol):
    """What one contact has carried so far."""

    @property
    def bytes_up(self) -> int: ...

    @property
    def bytes_down(self) -> int: ...

    @property
    def messages(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Pace:
    """Of a link, as far as it is known."""

    rtt_s: float
    rate_bytes_s: float

    @property
    def parting_s(self) -> float:
        """Until the answer to a goodbye is here, in the light."""
        return self.rtt_s + PARTING_S + PARTING_BYTES / self.rate_bytes_s


class Bill:
    """The price of one contact, so far and if it were ended now."""

    def __init__(self, tariff: Tariff, allowance: Allowance) -> None:
        self._tariff = tariff
        self._allowance = allowance

    def usd(self, carried: Carried | None, connected_s: float) -> float:
        """So far."""
        if carried is None:
            return 0.0
        size_bytes = carried.bytes_up + carried.bytes_down
        return self._tariff.cost_usd(
            size_bytes=size_bytes, connected_s=connected_s, messages=carried.messages
        )

    @property
    def is_limited(self) -> bool:
        return self._allowance.is_limited

    def must_end(self, carried: Carried, connected_s: float, pace: Pace) -> bool:
        """Whether the contact has to end now, for its last words still cost something."""
        if not self._allowance.is_limited:
            return False
        so_far_bytes = carried.bytes_up + carried.bytes_down
        so_far_bytes_s = so_far_bytes / max(connected_s, pace.rtt_s, 1.0)
        size_bytes = so_far_bytes + PARTING_BYTES + int(so_far_bytes_s * (pace.rtt_s + PARTING_S))
        usd = self._tariff.cost_usd(
            size_bytes=size_bytes,
            connected_s=connected_s + pace.parting_s,
            messages=carried.messages + bool(carried.messages),
        )
        return not self._allowance.pays(usd=usd, size_bytes=size_bytes)

    def must_hang_up(self, carried: Carried, connected_s: float) -> bool:
        """Whether the contact may not even wait for the answer to its goodbye any longer."""
        size_bytes = carried.bytes_up + carried.bytes_down + HANGING_UP_BYTES
        usd = self._tariff.cost_usd(
            size_bytes=size_bytes, connected_s=connected_s + HANGING_UP_S, messages=carried.messages
        )
        return not self._allowance.pays(usd=usd, size_bytes=size_bytes)

    def ends_at_s(self, carried: Carried, pace: Pace) -> float:
        """After so many seconds it has to end although nothing more is carried; never where time is free."""
        paid_s = self._paid_s(carried, PARTING_BYTES, bool(carried.messages))
        return paid_s - pace.parting_s + JUST_AFTER_S

    def hangs_up_at_s(self, carried: Carried) -> float:
        """After so many it has to hang up."""
        return self._paid_s(carried, HANGING_UP_BYTES) - HANGING_UP_S + JUST_AFTER_S

    def _paid_s(self, carried: Carried, more_bytes: int, more_messages: int = 0) -> float:
        return self._tariff.paid_s(
            self._allowance.usd,
            size_bytes=carried.bytes_up + carried.bytes_down + more_bytes,
            messages=carried.messages + more_messages,
        )
