"""What one contact has carried and cost, in the diary and in the day's spending; when it has to end for that.

Law: at its cap a contact ends unless it brings an emergency here; one of our own goes on at once in a contact
that carries nothing else and that no cap ends. Nobody's silence makes it dearer: a goodbye that is not
answered in time is not waited for. What was handed to the medium is counted once, later where the disk has no
room.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from protocol.frames import RefusalReason
from protocol.header import Priority
from protocol.ids import BundleId
from sfnode.config import LinkSettings
from sfnode.spool.diary import Note
from sfnode.spool.spool import Spool
from sync.core import LinkMemory
from sync.core.events import (
    BundleProgress,
    BundleReceived,
    BundleSent,
    BundleTurnedAway,
    Direction,
    Event,
    PeerRefused,
)
from sync.core.greeting import EMERGENCY_BYTES_BORNE_MAX
from sync.ports import Connection
from sync.scheduler import Allowance
from sync.signal import Signal
from sync.stores.errors import StoreError, StoreFull

from .clock import SiteClock, tick_of
from .metering import Bill, Metered, Pace

COUNT_EVERY_S: Final = 1.0
"""How often a contact under way is counted in the diary: so much a killed process forgets of its bill."""
ROOM_AGAIN_S: Final = 300.0
"""So long a session stays open in which something found no room, here or there: a new one costs 300 bytes."""


@dataclass(frozen=True, slots=True)
class _End:
    """How and when it ended, by all clocks."""

    outcome: str
    wall_s: int
    monotonic_s: float


class Account:
    """Of one contact."""

    def __init__(self, link: LinkSettings, allowance: Allowance, *, spool: Spool, clock: SiteClock) -> None:
        self.reached = False
        """Whether the hub has greeted."""
        self.spent_out = False
        """The contact was ended because it had cost what it might."""
        self.ends_for_room = False
        """It was ended because a session does not offer twice what a full disk has turned away."""
        self._no_room_s = math.inf
        """When that happened first."""
        self.bundles_sent = self.bundles_received = 0
        self.has_moved = False
        """Something is at the other end, or here, that was not before."""
        self._told_bytes: dict[tuple[Direction, BundleId], int] = {}
        """What was there of a bundle when this contact was first told of it."""
        self.began_s = self._connected_at_s = self._heard_s = clock.monotonic_s()
        self.metered: Metered | None = None
        """None before anybody has answered the dial."""
        self.link = link.name
        self._link = link
        self._bill = Bill(link.tariff, allowance)
        self._spool = spool
        self._clock = clock
        self._hub_name = ""
        self._began_wall_s = 0
        self._row: int | None = None
        """In the diary; None while there was no room for it."""
        self._end: _End | None = None
        self.is_settled = False
        """Its end is written down, and all that it has cost."""
        self._pace = Pace(link.rtt_s, link.rate_bit_s / 8)
        self._heard_bytes = 0
        self._counted_usd = 0.0
        self._counted_bytes = 0
        self._arriving: set[BundleId] = set()
        """Emergencies of the hub's that are partly here."""
        self._beyond_from_bytes: int | None = None
        """What had come when the contact had cost what it might, and an emergency of the hub's kept it."""
        self._refused: set[BundleId] = set()
        self._moved = asyncio.Event()
        """Whether the contact has to end is to be asked at once."""
        self._is_used_up = False
        self._waits_at_most = False
        """It parted inside what it may cost, and nobody's silence is to change that."""

    # What happens.

    async def begin(self, hub_name: str) -> None:
        """The dial begins."""
        self.began_s = self._heard_s = self._clock.monotonic_s()
        self._hub_name, self._began_wall_s = hub_name, self._now_s()
        with suppress(StoreFull):  # An emergency is dialled for all the same.
            await self._entered()

    def connected(self, connection: Connection, memory: LinkMemory) -> Metered:
        """The medium bills from now on; what the session uses instead of its connection."""
        self._connected_at_s = self._clock.monotonic_s()
        guess = connection.properties
        self._pace = Pace(
            memory.rtt_s or guess.rtt_s_guess, memory.rate_bytes_s or guess.rate_bit_s_guess / 8
        )
        self.metered = Metered(connection, self._note_moved)
        return self.metered

    def note(self, event: Event) -> None:
        """Something happened in the session."""
        self._note_progress(event)
        match event:
            case BundleProgress(Direction.RECEIVING, offer, _) if offer.priority is Priority.EMERGENCY:
                self._arriving.add(offer.bundle_id)
            case BundleSent(offer):
                self.bundles_sent += 1
            case BundleReceived(offer):
                self.bundles_received += 1
                self._arriving.discard(offer.bundle_id)
            case BundleTurnedAway(offer, reason):
                self._arriving.discard(offer.bundle_id)
                self._note_room(reason)
            case PeerRefused(offer, reason):
                self._refused.add(offer.bundle_id)
                self._note_room(reason)
            case _:
                return
        if self._is_used_up and offer.priority is Priority.EMERGENCY:
            self._moved.set()

    def _note_progress(self, event: Event) -> None:
        match event:
            case BundleProgress(direction, offer, durable_bytes):
                told_bytes = self._told_bytes.setdefault((direction, offer.bundle_id), durable_bytes)
                self.has_moved = self.has_moved or durable_bytes > told_bytes
            case BundleSent() | BundleReceived():
                self.has_moved = True

    async def end(self, outcome: str) -> None:
        """The contact is over."""
        self._end = _End(outcome, self._now_s(), self._clock.monotonic_s())
        await self.settle()

    async def settle(self) -> None:
        """Write down how it ended, if that is not written; without room it may be asked again."""
        if self._end is None or self.is_settled:
            return
        diary, spending, end = self._spool.diary, self._spool.spending, self._end
        closing = [spending.closing(self._link.name, tick_of(self._clock))] if self.spent_out else []
        with suppress(StoreFull):
            row = await self._entered()
            ending = diary.ending(row, outcome=end.outcome, now_s=end.wall_s, seconds=self.lasted_s)
            await self._count(*closing, ending)
            self.is_settled = True

    # What there is to know.

    @property
    def refused(self) -> frozenset[BundleId]:
        """What the hub will not take: it stays in custody, and is not under way."""
        return frozenset(self._refused)

    @property
    def heard_s(self) -> float:
        """When anything of the hub's came in last, by the monotonic clock; the dial, before that."""
        self._note_heard()
        return self._heard_s

    @property
    def usd(self) -> float:
        return self._bill.usd(self.metered, self._connected_s)

    @property
    def uncounted(self) -> tuple[float, int]:
        """Money and bytes that the day's spending does not hold yet."""
        return self.usd - self._counted_usd, self._bytes - self._counted_bytes

    @property
    def lasted_s(self) -> float:
        """Since the dial."""
        return self._until_s - self.began_s

    # Counting, and the end of what may be spent.

    async def keep(
        self, connection: Metered, parting: Signal, hang_up: Callable[[], None], *, stays_open: bool
    ) -> None:
        """Count now and then, until cancelled; the session is to part when all that may be spent is spent,
        and one that stays open also when what found no room is to be tried again. It hangs up where the
        answer to its goodbye would cost more than may be spent."""
        counted = -1
        while True:
            await self._wait_moved(connection)
            self._note_heard()
            if not self.spent_out and self._must_end(connection) and not self._is_kept(connection):
                self.spent_out = True
                self._waits_at_most = not self._bill.must_hang_up(connection, self._connected_s)
                parting.set()
            elif self._waits_at_most and self._bill.must_hang_up(connection, self._connected_s):
                hang_up()
            if stays_open and self._clock.monotonic_s() >= self._no_room_s + ROOM_AGAIN_S:
                self.ends_for_room = True
                parting.set()
            if counted != (carried := self._bytes):
                with suppress(StoreFull):  # The next one counts it too.
                    await self._count()
                    counted = carried

    def _is_kept(self, connection: Metered) -> bool:
        """An emergency of the hub's goes on past the cap; what merely has its label does so for a bounded
        number of bytes, and the next contact goes on with it."""
        if not self._arriving:
            return False
        if self._beyond_from_bytes is None:
            self._beyond_from_bytes = connection.bytes_down
        return connection.bytes_down - self._beyond_from_bytes <= EMERGENCY_BYTES_BORNE_MAX

    async def _wait_moved(self, connection: Metered) -> None:
        """Until it is time to count, the allowance is used up, or an emergency is over."""
        due = asyncio.get_running_loop().call_later(self._due_in_s(connection), self._moved.set)
        try:
            await self._moved.wait()
        finally:
            due.cancel()
        self._moved.clear()

    def _due_in_s(self, connection: Metered) -> float:
        """A step of a tariff by minutes begins between two counts, and without a byte."""
        if self.spent_out:
            limit_s = self._bill.hangs_up_at_s(connection)
        else:
            limit_s = self._bill.ends_at_s(connection, self._pace)
        due_s = limit_s - self._connected_s
        return min(COUNT_EVERY_S, due_s) if due_s > 0 else COUNT_EVERY_S

    def _note_moved(self) -> None:
        self._note_heard()
        # Once: from then on only an emergency of the hub's keeps the contact, and its end is heard.
        if not self._is_used_up and self.metered is not None and self._must_end(self.metered):
            self._is_used_up = True
            self._moved.set()

    def _note_room(self, reason: RefusalReason) -> None:
        if reason is RefusalReason.NO_ROOM:
            self._no_room_s = min(self._no_room_s, self._clock.monotonic_s())

    def _note_heard(self) -> None:
        # What the medium itself hears, an acknowledgement or an answer to a knock, is a sign of life too.
        if self.metered is not None and self.metered.bytes_down != self._heard_bytes:
            self._heard_bytes = self.metered.bytes_down
            self._heard_s = self._clock.monotonic_s()

    def _must_end(self, connection: Metered) -> bool:
        return self._bill.must_end(connection, self._connected_s, self._pace)

    async def _count(self, *beside: Note) -> None:
        """What it has carried and cost so far, and `beside`, in one transaction."""
        if self.metered is None:
            await self._spool.note(*beside)
            return
        usd, size_bytes = self.usd, self._bytes
        counting = self._spool.diary.counting(
            await self._entered(),
            bytes_up=self.metered.bytes_up,
            bytes_down=self.metered.bytes_down,
            usd=usd,
            reached=self.reached,
            now_s=max(0, int(self._clock.wall_s() - (self._clock.monotonic_s() - self.heard_s))),
        )
        adding = self._spool.spending.adding(
            self._link.name,
            tick_of(self._clock),
            usd=usd - self._counted_usd,
            size_bytes=size_bytes - self._counted_bytes,
        )
        before = self._counted_usd, self._counted_bytes
        # Before it waits: whoever is cancelled meanwhile has handed it over all the same.
        self._counted_usd, self._counted_bytes = usd, size_bytes
        try:
            await self._spool.note(counting, adding, *beside)
        except StoreError:
            self._counted_usd, self._counted_bytes = before
            raise

    async def _entered(self) -> int:
        """Its row in the diary. Raises `StoreFull` where there is no room for one."""
        if self._row is None:
            self._row = await self._spool.diary.begin(
                link=self._link.name, hub=self._hub_name, now_s=self._began_wall_s
            )
        return self._row

    @property
    def _bytes(self) -> int:
        return 0 if self.metered is None else self.metered.bytes_up + self.metered.bytes_down

    @property
    def _connected_s(self) -> float:
        """What a carrier bills: dialling is free."""
        return self._until_s - self._connected_at_s

    @property
    def _until_s(self) -> float:
        return self._clock.monotonic_s() if self._end is None else self._end.monotonic_s

    def _now_s(self) -> int:
        return max(0, int(self._clock.wall_s()))
