"""Custody of sealed bundles in a database: any number of pairs, each a `PairStore` and a `Custody`."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Final, TypeVar

from protocol.header import Priority
from protocol.ids import INCARNATION_BYTES, BundleId, Incarnation, Pseudonym
from protocol.ranges import RangeSet

from ..ports import (
    AskedRekey,
    ChunkOutcome,
    IncomingChunk,
    Offer,
    OutgoingBundle,
    Rank,
    ReceivedBundle,
    SessionView,
    UnopenedBundle,
)
from . import incidents
from .connection import Connection
from .content import ContentDamaged
from .database import Database
from .errors import StoreFull
from .incidents import Incident
from .incoming import Incoming, ReceivedDamaged
from .migrations import Schema
from .outgoing import NewBundle, Outgoing, SentState
from .room import Room

Result = TypeVar("Result")

CUSTODY_SCHEMA: Final = Schema.of_folder("custody", files("sync.stores") / "schema")
"""Tables to open the database with; others may live beside them."""


def draw_incarnation() -> Incarnation:
    """A name for a new life of a store that no other life has."""
    return Incarnation(secrets.token_bytes(INCARNATION_BYTES))


class SqliteStore:
    """The custody tables of one open database."""

    def __init__(
        self,
        database: Database,
        *,
        room: Room | None = None,
        new_incarnation: Callable[[], Incarnation] = draw_incarnation,
    ) -> None:
        """`database` must have been opened with `CUSTODY_SCHEMA`; it stays its opener's to close."""
        self._database = database
        self._room = room or Room()
        self._new_incarnation = new_incarnation
        self._pairs: dict[Pseudonym, SqlitePairStore] = {}

    async def pair(self, pseudonym: Pseudonym) -> SqlitePairStore:
        """The store of one pair, begun if it is new; the same object for every caller."""
        if pseudonym not in self._pairs:
            row = await self._database.write(lambda connection: self._pair_row(connection, pseudonym))
            store = SqlitePairStore(self._database, row, self._room, self._new_incarnation)
            self._pairs.setdefault(pseudonym, store)
        return self._pairs[pseudonym]

    async def pseudonyms(self) -> tuple[Pseudonym, ...]:
        """All pairs, oldest first."""
        rows = await self._database.read(
            lambda connection: connection.execute("SELECT pseudonym FROM pair ORDER BY pair").fetchall()
        )
        return tuple(Pseudonym(pseudonym) for (pseudonym,) in rows)

    def _pair_row(self, connection: Connection, pseudonym: Pseudonym) -> int:
        known = connection.execute("SELECT pair FROM pair WHERE pseudonym = ?", (pseudonym,)).fetchone()
        if known is not None:
            return int(known[0])
        ((pair,),) = connection.execute(
            "INSERT INTO pair (pseudonym) VALUES (?) RETURNING pair", (pseudonym,)
        ).fetchall()
        connection.execute(
            "INSERT INTO life (pair, incarnation) VALUES (?, ?)", (pair, self._new_incarnation())
        )
        return int(pair)


class SqlitePairStore:
    """`PairStore` and `Custody` of one pair. Safe to use from several sessions and services at once."""

    def __init__(
        self, database: Database, pair: int, room: Room, new_incarnation: Callable[[], Incarnation]
    ) -> None:
        self._database = database
        self._pair = pair
        self._room = room
        self._new_incarnation = new_incarnation
        self._added = asyncio.Event()

    # Custody: the application's side.

    async def add(
        self,
        *,
        bundle_id: BundleId,
        priority: Priority,
        rank: Rank,
        recipient_key: bytes,
        dwell_code: int,
        sealed: bytes,
    ) -> Offer:
        """As the port says; a bundle whose bytes were damaged here takes the new seal, same number."""
        new = NewBundle(
            bundle_id=bundle_id,
            priority=priority,
            rank=rank,
            recipient_key=recipient_key,
            dwell_code=dwell_code,
            sealed=sealed,
        )
        return await self._write_and_wake(lambda connection: self._outgoing(connection).add(new))

    async def received_after(self, row: int, limit: int) -> tuple[ReceivedBundle, ...]:
        """As the port says; a bundle that was damaged here is left out, and fetched again from the peer."""
        while True:
            try:
                return await self._database.read(
                    lambda connection: self._incoming(connection).received_after(row, limit)
                )
            except ReceivedDamaged as damaged:
                await self._forget(damaged)

    async def take(self, row: int) -> None:
        await self._database.write(lambda connection: self._incoming(connection).take(row))

    async def quarantine(self, row: int, reason: str) -> None:
        await self._database.write(lambda connection: self._incoming(connection).quarantine(row, reason))

    async def ask_rekey(self, row: int, recipient_key: bytes, reason: str) -> None:
        await self._write_and_wake(
            lambda connection: self._incoming(connection).ask_rekey(row, recipient_key, reason)
        )

    async def rekeys(self) -> tuple[AskedRekey, ...]:
        return await self._database.read(lambda connection: self._outgoing(connection).rekeys())

    async def reseal(self, *, bundle_id: BundleId, recipient_key: bytes, sealed: bytes) -> Offer | None:
        return await self._write_and_wake(
            lambda connection: self._outgoing(connection).reseal(bundle_id, recipient_key, sealed)
        )

    async def sent_state(self, bundle_id: BundleId) -> SentState | None:
        """How far one of our bundles has come; None if it never was in custody."""
        return await self._database.read(lambda connection: self._outgoing(connection).state(bundle_id))

    async def withdraw(self, bundle_id: BundleId) -> bool:
        """Take one of our bundles back for good; False while its sending has begun, or when it is unknown."""
        return await self._database.write(lambda connection: self._outgoing(connection).withdraw(bundle_id))

    async def discard(self, bundle_id: BundleId) -> None:
        """Drop the sealed bytes of a received bundle that was kept aside; it stays held."""
        await self._database.write(lambda connection: self._incoming(connection).discard(bundle_id))

    async def incidents_after(self, row: int, limit: int) -> tuple[Incident, ...]:
        """What the operator has to be told of, oldest first."""
        return await self._database.read(
            lambda connection: incidents.after(connection, self._pair, row, limit)
        )

    # PairStore, sending.

    async def open_session(self) -> SessionView:
        await self._database.write(
            lambda connection: connection.execute(
                "UPDATE pair SET generation = generation + 1 WHERE pair = ?", (self._pair,)
            )
        )
        return await self._database.read(self._view)

    async def outgoing(self, beside: RangeSet) -> tuple[OutgoingBundle, ...]:
        return await self._database.read(lambda connection: self._outgoing(connection).pending(beside))

    async def read(self, sequence: int, offset: int, size_bytes: int) -> bytes:
        """As the port says; bytes that were damaged here are gone, and the operator hears of it."""
        try:
            return await self._database.read(
                lambda connection: self._outgoing(connection).read(sequence, offset, size_bytes)
            )
        except ContentDamaged as damage:
            reason = str(damage)
        await self._database.write(
            lambda connection: self._outgoing(connection).note_damage(sequence, reason)
        )
        return b""

    async def mark_receipted(self, sequence: int, held: RangeSet) -> None:
        await self._database.note(
            lambda connection: self._outgoing(connection).mark_receipted(sequence, held)
        )

    async def mark_stored(self, sequences: RangeSet) -> None:
        await self._database.write(lambda connection: self._outgoing(connection).mark_stored(sequences))

    async def mark_lost(self, incarnation: Incarnation, sequences: RangeSet) -> None:
        await self._database.write(
            lambda connection: self._outgoing(connection).mark_lost(incarnation, sequences)
        )

    async def digest(self, incarnation: Incarnation, sequences: RangeSet) -> int:
        return await self._database.read(
            lambda connection: self._outgoing(connection).digest(incarnation, sequences)
        )

    async def renew_incarnation(self, reason: str) -> SessionView:
        incarnation = self._new_incarnation()
        await self._database.write(lambda connection: self._outgoing(connection).renew(incarnation, reason))
        return await self._database.read(self._view)

    async def note_refusal(self, sequence: int, reason: str) -> None:
        await self._database.write(
            lambda connection: self._outgoing(connection).note_refusal(sequence, reason)
        )

    async def note_rekey(self, incarnation: Incarnation, sequence: int, recipient_key: bytes) -> None:
        await self._database.write(
            lambda connection: self._outgoing(connection).note_rekey(incarnation, sequence, recipient_key)
        )

    async def unopened(self) -> tuple[UnopenedBundle, ...]:
        return await self._database.read(lambda connection: self._incoming(connection).unopened())

    async def wait_outgoing(self) -> None:
        await self._added.wait()
        self._added.clear()

    # PairStore, receiving.

    async def persist(self, chunks: Sequence[IncomingChunk]) -> tuple[ChunkOutcome, ...]:
        def keep(connection: Connection) -> tuple[ChunkOutcome, ...]:
            incoming = self._incoming(connection)
            return tuple([incoming.persist(chunk, self._admits) for chunk in chunks])

        try:
            return await self._database.write(keep)
        except StoreFull:
            return (ChunkOutcome.NO_ROOM,) * len(chunks)

    async def received_digest(self, incarnation: Incarnation, sequences: RangeSet) -> int:
        return await self._database.read(
            lambda connection: self._incoming(connection).digest(incarnation, sequences)
        )

    async def _write_and_wake(self, work: Callable[[Connection], Result]) -> Result:
        loop = asyncio.get_running_loop()
        # Even when our caller is cancelled in the meantime, the session has to hear of it.
        return await self._database.write(work, then=lambda: loop.call_soon_threadsafe(self._added.set))

    # One transaction's view of the tables.

    def _outgoing(self, connection: Connection) -> Outgoing:
        return Outgoing(connection, self._pair)

    def _incoming(self, connection: Connection) -> Incoming:
        return Incoming(connection, self._pair)

    def _admits(self, priority: Priority, size_bytes: int, received_bytes: int) -> bool:
        return self._room.admits(self._database.path, priority, size_bytes, received_bytes)

    def _view(self, connection: Connection) -> SessionView:
        outgoing, incoming = self._outgoing(connection), self._incoming(connection)
        life = outgoing.life()
        (generation,) = connection.execute(
            "SELECT generation FROM pair WHERE pair = ?", (self._pair,)
        ).fetchone()
        return SessionView(
            generation=generation,
            incarnation=life.incarnation,
            sequence_max=life.sequence_max,
            stored=outgoing.stored(life.row),
            former=outgoing.former(),
            pending=outgoing.pending(RangeSet()),
            received=incoming.streams(),
            partials=incoming.partials(),
        )

    async def _forget(self, damaged: ReceivedDamaged) -> None:
        await self._database.write(
            lambda connection: self._incoming(connection).forget(damaged.row, damaged.reason)
        )
