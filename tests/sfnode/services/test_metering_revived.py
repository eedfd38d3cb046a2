"""What stands in place of a connection that went dark goes on the same bill."""

from __future__ import annotations

from dataclasses import dataclass

from sfnode.services.metering import Metered
from sync.links import memory_link
from sync.links.memory import MemoryConnection
from sync.ports import Connection


@dataclass(eq=False)
class Dark:
    """It is back as soon as it was closed."""

    first: MemoryConnection
    later: MemoryConnection
    is_back: bool = True

    def __post_init__(self) -> None:
        self.properties = self.first.properties

    async def send(self, data: bytes) -> None:
        await self.first.send(data)

    async def receive(self) -> bytes:
        return await self.first.receive()

    async def finish(self) -> None:
        await self.first.finish()

    async def close(self) -> None:
        await self.first.close()

    async def revived(self) -> MemoryConnection:
        return self.later


async def test_the_bill_goes_on() -> None:
    moved: list[int] = []
    (first, _), (later, far_end) = memory_link(), memory_link()
    metered = Metered(Dark(first, later), lambda: moved.append(1))
    await metered.send(b"12345")
    await metered.close()
    assert metered.is_back
    again: Connection = await metered.revived()
    assert again is metered
    await again.send(b"678")
    assert await far_end.receive() == b"678"
    assert (metered.bytes_up, len(moved)) == (8, 2)
    assert not metered.is_back
    await metered.close()
    await far_end.close()


async def test_a_connection_that_cannot_come_back_never_does() -> None:
    first, far_end = memory_link()
    metered = Metered(first)
    assert not metered.is_back
    assert await metered.revived() is metered
    await metered.close()
    await far_end.close()
