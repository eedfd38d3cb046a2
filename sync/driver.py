"""The one async loop: runs a session over a connection and its pair's custody until it is finished.

The core decides, the store keeps, the link carries; nothing here knows what a frame is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from secrets import token_bytes
from typing import Final

from protocol.bare_channel import BareChannel
from protocol.channel import (
    DIALER_PREAMBLE_BYTES,
    SALT_BYTES,
    DialerChannel,
    DialerPreamble,
    ListenerChannel,
)
from protocol.errors import MalformedInput
from protocol.ids import Pseudonym

from .core import (
    BundleReceived,
    Counters,
    Effect,
    EffectResult,
    Ending,
    Event,
    Fenced,
    LinkMemory,
    Open,
    Role,
    Session,
    SessionChannel,
    SessionEnded,
    SessionTerms,
)
from .performance import perform
from .ports import (
    Clock,
    Connection,
    LinkError,
    LinkRefused,
    PairStore,
    is_gathering,
    is_overtaking,
    is_reviving,
)
from .registry import Seat, SessionRegistry
from .signal import Signal

PREAMBLE_S: Final = 15.0
"""For the first bytes of a caller; a connection that says nothing costs us a socket."""
LINGER_S: Final = 10.0
"""For our last bytes to leave and the other side to hang up; nothing depends on it."""

Observer = Callable[[Event], None]
Entropy = Callable[[int], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionReport:
    """How a session went."""

    ending: Ending
    reason: str
    counters: Counters
    memory: LinkMemory
    """For the next session over this link."""
    duration_s: float

    def followed_by(self, later: SessionReport) -> SessionReport:
        """Both as one: the link was away between them."""
        return replace(
            later, counters=self.counters + later.counters, duration_s=self.duration_s + later.duration_s
        )


@dataclass(frozen=True, slots=True)
class Call:
    """A caller's preamble, and what came right behind it."""

    preamble: DialerPreamble
    rest: bytes


def _unobserved(_: Event) -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What one side of a session runs in."""

    store: PairStore
    clock: Clock
    terms: SessionTerms = field(default_factory=SessionTerms)
    memory: LinkMemory = field(default_factory=LinkMemory)
    observer: Observer = _unobserved
    entropy: Entropy = token_bytes
    """Fresh random bytes; a salt must never be used twice with one secret."""
    parting: Signal | None = None
    """Set it to make the session say goodbye early."""


async def dial_session(
    connection: Connection, *, link_secret: bytes, pseudonym: Pseudonym, setting: Setting
) -> SessionReport:
    """Talk to the peer that `connection` reaches until nothing is left, the link breaks or nobody answers.

    Where the connection went dark and finds out that the link is back, another session goes on, and both are
    told as one.

    Whatever link and peer do ends in a report; only failures of our own store are raised, in an
    `ExceptionGroup`. Closes the connection. Cancelling abandons the session, which is always safe.
    """
    channel: SessionChannel = BareChannel()
    if not connection.properties.carries_frames:
        channel = DialerChannel(link_secret, pseudonym, setting.entropy(SALT_BYTES))
    # Who dials has chosen the link, and knows its kind before anything is measured; who is called does not.
    memory = setting.memory.or_guess(connection.properties)
    session = _new_session(Role.DIALER, channel, setting, memory)
    report = await _Conversation(session, connection, setting).run()
    if not (is_reviving(connection) and connection.is_back):
        return report
    try:
        revived = await connection.revived()
    except LinkError:
        return report
    if report.ending is not Ending.LINK_LOST:
        await revived.close()
        return report
    again = replace(setting, memory=report.memory)
    later = await dial_session(revived, link_secret=link_secret, pseudonym=pseudonym, setting=again)
    return report.followed_by(later)


async def read_call(connection: Connection) -> Call:
    """The preamble of a caller; `LinkRefused` if none comes in time or it is not of this protocol."""
    data = b""
    try:
        async with asyncio.timeout(PREAMBLE_S):
            while len(data) < DIALER_PREAMBLE_BYTES:
                if not (piece := await connection.receive()):
                    raise LinkRefused("The caller hung up before it said who it is.")
                data += piece
    except TimeoutError:
        raise LinkRefused("The caller did not say in time who it is.") from None
    try:
        preamble = DialerPreamble.decode(data[:DIALER_PREAMBLE_BYTES])
    except MalformedInput as error:
        raise LinkRefused(str(error)) from error
    return Call(preamble, data[DIALER_PREAMBLE_BYTES:])


async def answer_session(
    connection: Connection, call: Call, *, link_secret: bytes, registry: SessionRegistry, setting: Setting
) -> SessionReport:
    """The other end of `dial_session`, once the call's pseudonym has told whose secret and custody to use."""
    channel: SessionChannel = BareChannel()
    if not connection.properties.carries_frames:
        channel = ListenerChannel(link_secret, call.preamble, setting.entropy(SALT_BYTES))
    session = _new_session(Role.LISTENER, channel, setting, setting.memory.over(connection.properties))
    if call.rest:
        session.receive(call.rest, setting.clock.monotonic_s())
    door = _Door(registry, call.preamble.pseudonym)
    return await _Conversation(session, connection, setting, door).run()


def _new_session(role: Role, channel: SessionChannel, setting: Setting, memory: LinkMemory) -> Session:
    now = setting.clock.monotonic_s()
    return Session(role=role, channel=channel, terms=setting.terms, now=now, memory=memory)


@dataclass(slots=True)
class _Door:
    """Where a listener's session takes its seat."""

    registry: SessionRegistry
    pair: Pseudonym
    seat: Seat | None = None

    async def enter(self, generation: int) -> bool:
        self.seat = await self.registry.take(self.pair, generation)
        return self.seat is not None

    def leave(self) -> None:
        if self.seat is not None:
            self.registry.leave(self.seat)


class _Conversation:
    """One session being run: a reader, a writer, and the loop between them that feeds custody and core."""

    def __init__(
        self, session: Session, connection: Connection, setting: Setting, door: _Door | None = None
    ) -> None:
        self._session = session
        self._connection = connection
        self._overtaking = connection if is_overtaking(connection) else None
        self._gathering = connection if is_gathering(connection) else None
        self._setting = setting
        self._door = door
        self._began_at = self._now()
        self._helpers: list[asyncio.Task[None]] = []
        self._stirred = asyncio.Event()
        self._to_write: asyncio.Queue[bytes] = asyncio.Queue()
        self._is_writing = False
        self._heard_all = asyncio.Event()
        self._ended: SessionEnded | None = None
        self._staying: asyncio.Timeout | None = None
        """Runs out when a newer session of the pair waits for this one to go."""

    async def run(self) -> SessionReport:
        """The whole session; on return nothing of it is left running."""
        parting = self._setting.parting
        try:
            async with asyncio.timeout(None) as self._staying, asyncio.TaskGroup() as group:
                helpers = (self._read(), self._write(), self._watch_custody())
                self._helpers += [group.create_task(helper) for helper in helpers]
                if parting is not None:
                    parting.listen(self._part)
                await self._converse()
                await self._hang_up()
                for helper in self._helpers:
                    helper.cancel()
        except TimeoutError:
            pass  # Fenced off.
        finally:
            if parting is not None:
                parting.unlisten(self._part)
            if self._door is not None:
                self._door.leave()
                self._door = None  # The seat listens for us: the two would hold each other.
            await self._connection.close()
            # A cancelled helper's traceback holds all of the session: it must not lie about until a search
            # for rings, at a hub with thousands.
            self._helpers.clear()
        return self._report()

    def _now(self) -> float:
        return self._setting.clock.monotonic_s()

    # The loop.

    async def _converse(self) -> None:
        while not self._session.finished:
            self._stirred.clear()  # Before the work, so that bytes arriving during it wake us again.
            # Taken before the effects, told after them: who hears that custody passed finds that it has.
            events = self._session.events()
            has_room = not self._is_writing or (self._overtaking and self._session.overtakes)
            may_write = has_room and self._session.may_speak
            if may_write and (gather_s := self._gather_s(events)):
                self._tell(events)  # None of them has to wait for custody.
                await self._wait_at_most(gather_s)
                continue
            if may_write and (data := self._outgoing()):
                self._write_soon(data)
            elif effects := self._session.effects():
                for effect in effects:
                    self._session.completed(effect, await self._perform(effect), self._now())
            elif not events:
                if self._gathering is not None and not self._is_writing:
                    self._gathering.push()
                await self._wait_stirred()
            self._tell(events)
        self._tell(self._session.events())

    def _outgoing(self) -> bytes:
        # A link that carries frames sends what is more urgent first by itself.
        tells = not self._connection.properties.carries_frames
        return self._session.outgoing(self._now(), tells_when_taken=tells)

    def _gather_s(self, events: Sequence[Event]) -> float:
        """How long the receipt of a bundle waits for what whoever hears of it says to it: so short that a
        packet saved is worth more."""
        if self._gathering is None or not any(isinstance(event, BundleReceived) for event in events):
            return 0.0
        return self._gathering.gather_s

    @property
    def _goes_on(self) -> bool:
        """The end of this conversation is not that of the contact."""
        connection = self._connection
        is_lost = self._ended is not None and self._ended.ending is Ending.LINK_LOST
        return is_lost and is_reviving(connection) and connection.is_back

    def _write_soon(self, data: bytes) -> None:
        """In its turn; where the link has no room for what came before, ahead of that."""
        if self._is_writing and self._overtaking is not None:
            self._overtaking.overtake(data)
            return
        self._is_writing = True
        self._to_write.put_nowait(data)

    def _tell(self, events: Sequence[Event]) -> None:
        for event in events:
            self._ended = event if isinstance(event, SessionEnded) else self._ended
            if event is not self._ended or not self._goes_on:
                self._setting.observer(event)

    async def _perform(self, effect: Effect) -> EffectResult:
        door = self._door
        if isinstance(effect, Open) and effect.peer_generation is not None and door is not None:
            if not await door.enter(effect.peer_generation) or door.seat is None:
                return Fenced()
            door.seat.fenced.listen(self._fence_off)
        return await perform(self._setting.store, effect)

    async def _wait_stirred(self) -> None:
        deadline = self._session.deadline()
        if deadline is None:
            await self._stirred.wait()
            return
        # A timer of our own, since `asyncio.timeout` costs three times as much, and each session waits often.
        due = asyncio.get_running_loop().call_later(max(0.0, deadline - self._now()), self._fall_due)
        try:
            await self._stirred.wait()
        finally:
            due.cancel()

    async def _wait_at_most(self, wait_s: float) -> None:
        due = asyncio.get_running_loop().call_later(wait_s, self._stirred.set)
        try:
            await self._stirred.wait()
        finally:
            due.cancel()

    def _fall_due(self) -> None:
        self._session.wake(self._now())
        self._stirred.set()

    async def _hang_up(self) -> None:
        """Let the last bytes leave; the listener also waits until the dialer has read them and hung up."""
        if self._ended is None or self._ended.ending not in (Ending.DONE, Ending.PARTED):
            return
        try:
            async with asyncio.timeout(LINGER_S):
                while self._is_writing:
                    self._stirred.clear()
                    await self._stirred.wait()
                await self._connection.finish()
                if self._door is not None:
                    await self._heard_all.wait()
        except (TimeoutError, LinkError):
            return

    # Helpers: each waits for one thing and tells the core.

    async def _read(self) -> None:
        try:
            while data := await self._connection.receive():
                self._session.receive(data, self._now())
                self._stirred.set()
            self._session.receive(b"", self._now())
        except LinkError as error:
            self._session.lost(str(error), self._now())
        self._heard_all.set()
        self._stirred.set()

    async def _write(self) -> None:
        while True:
            data = await self._to_write.get()
            try:
                await self._connection.send(data)
            except LinkError as error:
                self._session.lost(str(error), self._now())
            self._is_writing = False
            self._session.taken(self._now())
            self._stirred.set()

    async def _watch_custody(self) -> None:
        while True:
            await self._setting.store.wait_outgoing()
            self._session.outgoing_changed(self._now())
            self._stirred.set()

    def _part(self) -> None:
        self._session.part("this side was asked to end the session", self._now())
        self._stirred.set()

    def _fence_off(self) -> None:
        """A newer session of the pair waits for this one to go, which may be blocked anywhere."""
        if self._staying is not None:
            self._staying.reschedule(asyncio.get_running_loop().time())

    def _report(self) -> SessionReport:
        ended = self._ended or SessionEnded(
            Ending.FENCED, "a newer session of the same pair took over", self._session.counters
        )
        return SessionReport(
            ending=ended.ending,
            reason=ended.reason,
            counters=ended.counters,
            memory=self._session.memory,
            duration_s=self._now() - self._began_at,
        )
