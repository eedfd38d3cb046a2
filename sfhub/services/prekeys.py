"""The hub's opening keys through the years: drawn monthly, stated to every site, destroyed after their grace.

Law: a key is a durable file before anybody is told of it, and no key is destroyed by a wrong clock alone.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Final

from protocol.keyring import LAST_RESORT, KeyRing, OpeningKey
from protocol.prekeys import EPOCH_MAX, EpochKey
from protocol.stamps import WALL_S_MAX
from sync.ports import Clock
from sync.stores.connection import Connection
from sync.stores.database import Database
from sync.stores.errors import StoreError

from ..config import HubIdentity
from ..errors import BadRequest, KeyNeeded, NotFound
from ..keystore import KeyStore
from ..storage.keys import EpochRow, all_epochs, note_destroyed, note_epoch, note_told
from .outbox import Outbox
from .sites import Sites
from .statements import state

LOOK_EVERY_S: Final = 6 * 3600.0
"""A key lives a month; a look costs one read."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochStanding:
    """One opening key, for people."""

    row: EpochRow
    held: bool
    """The private key is here."""
    newest: bool


class Prekeys:
    """One task; the command line calls the same methods."""

    def __init__(
        self,
        database: Database,
        identity: HubIdentity,
        keys: KeyStore,
        sites: Sites,
        outbox: Outbox,
        clock: Clock,
    ) -> None:
        self._database = database
        self._identity = identity
        self._keys = keys
        self._sites = sites
        self._outbox = outbox
        self._clock = clock
        self._turn = asyncio.Lock()
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """A site has enrolled."""
        self._woken.set()

    async def run(self) -> None:
        """Keep keys current until cancelled."""
        while True:
            self._woken.clear()
            try:
                await self.keep_current()
            except (StoreError, OSError) as error:
                _log.error("keys were not looked after: %s", error)
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def keep_current(self) -> None:
        """Draw a key if one is due, tell whoever was not told, destroy what has had its grace."""
        async with self._turn:
            ring = await self._ring()
            if ring.is_due(self._clock.wall_s()):
                ring = await self._rotate()
            await self._tell(ring)
            for epoch in ring.expired(self._clock.wall_s()):
                await self._destroy(epoch)

    async def epochs(self) -> tuple[EpochStanding, ...]:
        """Oldest first, those that were destroyed too."""
        ring = await self._ring()
        held = {key.epoch for key in ring.keys}
        rows = await self._database.read(all_epochs)
        return tuple(
            EpochStanding(row=row, held=row.epoch in held, newest=row.epoch == ring.newest.epoch)
            for row in rows
        )

    async def rotate(self) -> int:
        """Draw the next key now and tell every site; its epoch."""
        async with self._turn:
            ring = await self._rotate()
            await self._tell(ring)
            return ring.newest.epoch

    async def destroy_older(self, age_s: float) -> tuple[int, ...]:
        """Destroy what the automatic rule would if the grace were `age_s`; the epochs."""
        async with self._turn:
            ring = await self._ring()
            expired = ring.expired(self._clock.wall_s(), grace_s=age_s)
            for epoch in expired:
                await self._destroy(epoch)
            return expired

    async def destroy_epoch(self, epoch: int) -> None:
        """By name, whatever its age. `KeyNeeded` for the newest: sites are sealing for it at this moment."""
        async with self._turn:
            ring = await self._ring()
            if epoch not in {key.epoch for key in ring.keys}:
                raise NotFound(f"No key of epoch {epoch} is here. Nothing was changed. See: sfhub keys list")
            if epoch == ring.newest.epoch:
                raise KeyNeeded(
                    f"Epoch {epoch} is the newest: sites seal for it now. Nothing was changed. "
                    "Make another one first: sfhub keys rotate"
                )
            await self._destroy(epoch)

    # Inside.

    async def _ring(self) -> KeyRing:
        """The keys that are files, dated by the database; one that it does not know was drawn just now."""
        now_s = self._clock.wall_s()
        epochs = self._keys.epochs

        def work(connection: Connection) -> dict[int, float]:
            for epoch, private in epochs.items():
                note_epoch(connection, epoch, private.public_key().public_bytes_raw(), now_s)
            return {row.epoch: row.made_s for row in all_epochs(connection)}

        made_s = await self._database.write(work)
        return KeyRing.of(
            *(
                OpeningKey(epoch=epoch, private=private, made_s=made_s[epoch])
                for epoch, private in epochs.items()
            )
        )

    async def _rotate(self) -> KeyRing:
        """The next epoch is above all that ever were, so that a restored folder takes no number twice."""
        ring = await self._ring()
        rows = await self._database.read(all_epochs)
        epoch = max(row.epoch for row in rows) + 1
        if epoch > EPOCH_MAX:
            raise BadRequest(f"Epochs end at {EPOCH_MAX}. Nothing was changed. Make a new hub.")
        key = ring.drawn(epoch=epoch, now_s=self._clock.wall_s())
        await asyncio.to_thread(self._keys.keep, key.epoch, key.private)
        return await self._ring()

    async def _tell(self, ring: KeyRing) -> None:
        newest, now_s = ring.newest, self._clock.wall_s()
        if newest.epoch == LAST_RESORT:
            return  # Enrolment gave it.
        stated = EpochKey(
            epoch=newest.epoch,
            public_key=newest.public,
            made_s=min(max(0, int(newest.made_s)), WALL_S_MAX),
        )
        untold = [
            pair
            for pair in self._sites.directory.pairs
            if not pair.revoked and pair.told_epoch < newest.epoch
        ]
        for pair in untold:

            def work(connection: Connection, number: int = pair.number) -> None:
                told = self._sites.directory.pair_numbered(number)
                if told is not None:
                    state(
                        connection,
                        stated,
                        pair=told,
                        what=f"key of epoch {newest.epoch}",
                        keys=self._keys,
                        identity=self._identity,
                        now_s=now_s,
                    )
                    note_told(connection, number, newest.epoch)

            await self._database.write(work)
        if untold:
            await self._sites.reload()
            self._outbox.wake()

    async def _destroy(self, epoch: int) -> None:
        """The file first: a row that says "destroyed" of a key that is there would be a lie."""
        await asyncio.to_thread(self._keys.destroy, epoch)
        now_s = self._clock.wall_s()
        await self._database.write(lambda connection: note_destroyed(connection, epoch, now_s))
