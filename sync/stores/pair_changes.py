"""Changes of one pair's custody, and whoever has to hear of them, also when the caller has gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from .connection import Connection
from .database import Database
from .numbering import given_out
from .recollection import Recollection
from .watermark import Watermark

Result = TypeVar("Result")


def _nothing_more() -> None:
    """Nobody else has to hear of a change."""


class PairChanges:
    """Each is one transaction, durable when it returns."""

    def __init__(self, database: Database, watermark: Watermark) -> None:
        self.recollection = Recollection(database)
        self._database = database
        self._watermark = watermark
        self._stirred = asyncio.Event()

    async def wait_stirred(self) -> None:
        """Returns when something was changed for which a session may wait."""
        await self._stirred.wait()
        self._stirred.clear()

    async def write_and_stir(self, work: Callable[[Connection], Result]) -> Result:
        """A change for which a session may wait."""
        return await self.recollection.write(work, then=self._stir())

    async def renumber(self, work: Callable[[Connection], Result], *, stir: bool = False) -> Result:
        """A change that may give out numbers to bundles."""
        stirred = self._stir()

        def tell() -> None:
            self.recollection.changed()
            if stir:
                stirred()

        return await self.number(self.recollection.changing(work), then=tell)

    async def number(
        self, work: Callable[[Connection], Result], *, then: Callable[[], object] = _nothing_more
    ) -> Result:
        """Work that gives out numbers and changes no answer; the note of the store's identity follows once
        they are durable."""
        counted: list[int] = []

        def work_and_count(connection: Connection) -> Result:
            result = work(connection)
            counted[:] = [given_out(connection)]
            return result

        def tell() -> None:
            self._watermark.committed(counted[0])
            then()

        return await self._database.write(work_and_count, then=tell)

    def _stir(self) -> Callable[[], object]:
        """To be called on the writer's thread."""
        loop = asyncio.get_running_loop()
        return lambda: loop.call_soon_threadsafe(self._stirred.set)
