"""Two real sessions over two real datagram transports on a simulated link; no event loop and no waiting."""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import TypeVar

from protocol.bare_channel import BareChannel
from protocol.channel import DialerPreamble
from protocol.datagrams import SALT_BYTES, DialerSeal, ListenerSeal
from protocol.errors import ProtocolError
from protocol.header import Priority
from protocol.ids import BundleId, Incarnation
from protocol.stamps import Certainty
from sync.core import Ending, Event, LinkMemory, Persist, Role, Session, SessionEnded, SessionTerms
from sync.links.datagram_sizes import HEADERS_BYTES
from sync.links.datagram_transport import DatagramTransport
from sync.links.rate_memory import RateMemory
from sync.performance import perform
from sync.ports import Rank
from sync.stores import MemoryStore

from .lossy_link import PAIR, SECRET, Conditions, Line, World

T = TypeVar("T")
WALL_S = 1_800_000_000
STORE_S = 0.01
"""How long it takes to make something durable."""


def run_now(coroutine: Coroutine[object, None, T]) -> T:
    """The result of a coroutine that never waits, as those of the memory store."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    raise AssertionError("the memory store waited for something")


def new_store(seed: int) -> MemoryStore:
    lives = random.Random(seed)
    return MemoryStore(lambda: Incarnation(lives.randbytes(4)), received_bytes_max=1 << 30)


def add(
    store: MemoryStore,
    size_bytes: int,
    *,
    seed: int,
    priority: Priority = Priority.ROUTINE,
    rank: Rank = Rank.TEXT,
) -> BundleId:
    content = random.Random(seed)
    bundle_id = BundleId(content.randbytes(12))
    run_now(
        store.add(
            bundle_id=bundle_id,
            priority=priority,
            rank=rank,
            recipient_key=b"ke",
            dwell_code=3,
            sealed=content.randbytes(size_bytes),
        )
    )
    return bundle_id


@dataclass(slots=True, eq=False)
class End:
    """One side: session, custody, transport and its line."""

    world: World
    session: Session
    store: MemoryStore
    transport: DatagramTransport
    line: Line
    name: str
    peer: End | None = None
    observed: list[tuple[float, Event]] = field(default_factory=list)
    reaction: Callable[[Event], None] = lambda _: None
    """What the application does about what it is told."""
    strangers: int = 0
    is_busy_until: float = 0.0
    woken_at: float | None = None
    is_dead: bool = False
    is_done: bool = False
    heard_end: bool = False

    @property
    def ended(self) -> SessionEnded | None:
        return next((event for _, event in self.observed if isinstance(event, SessionEnded)), None)

    def times_of(self, kind: type[Event]) -> list[float]:
        return [at for at, event in self.observed if isinstance(event, kind)]

    def settle(self) -> None:
        """What driver and adapter do whenever something happened."""
        if self.is_dead:
            return
        now = self.world.now
        self._read(now)
        while self._step(now):
            pass
        self._tell(now)
        self._transmit(now)
        if self.session.finished and not self.is_done:
            self._hang_up(now)
        had_ended = self.heard_end
        self._read(now)
        if self.heard_end and not had_ended:
            self.settle()
        self._arm()

    def _tell(self, now: float) -> None:
        while events := self.session.events():
            for event in events:
                self.observed.append((now, event))
                self.reaction(event)
            while self._step(now):
                pass

    def _step(self, now: float) -> bool:
        """One turn of the driver's loop; whether there may be another at once."""
        if now < self.is_busy_until or self.session.finished:
            return False
        has_room = self.transport.has_room or self.session.overtakes
        if has_room and self.session.may_speak and (frames := self.session.outgoing(now)):
            self.transport.write(frames, now)
            return True
        effects = self.session.effects()
        for effect in effects:
            self.session.completed(effect, run_now(perform(self.store, effect)), now)
        if any(isinstance(effect, Persist) for effect in effects):
            self.is_busy_until = now + STORE_S
            self.world.at(self.is_busy_until, self.settle)
        return bool(effects)

    def _hang_up(self, now: float) -> None:
        self.is_done = True
        if self.ended is not None and self.ended.ending in (Ending.DONE, Ending.PARTED):
            self.transport.finish(now)
        self._transmit(now)
        # The listener's end goes on answering for a while, by no clock of its own.
        self.is_dead = self.name == "node"

    def _transmit(self, now: float) -> None:
        for datagram in self.transport.datagrams(now):
            self._send(datagram)

    def _read(self, now: float) -> None:
        while message := self.transport.take():
            self.session.receive(message, now)
        if self.transport.has_ended and not self.heard_end:
            self.heard_end = True
            self.session.receive(b"", now)

    def _arm(self) -> None:
        if self.is_done:
            return
        moments = (self.transport.deadline(), self.session.deadline())
        due = [moment for moment in moments if moment is not None]
        if due and min(due) != self.woken_at:
            moment = self.woken_at = max(min(due), self.world.now)
            self.world.at(moment, lambda: self._wake(moment))

    def _wake(self, moment: float) -> None:
        if self.woken_at == moment and not self.is_dead:
            self.woken_at = None
            self.session.wake(self.world.now)
            self.settle()

    def _send(self, datagram: bytes) -> None:
        peer = self.peer
        assert peer is not None
        self.line.carry(len(datagram) + HEADERS_BYTES, lambda: peer.arrive(datagram))

    def arrive(self, datagram: bytes) -> None:
        if self.is_dead:
            return
        try:
            self.transport.receive(datagram, self.world.now)
        except ProtocolError:
            self.strangers += 1
        self.settle()


@dataclass(slots=True)
class Contact:
    """One contact of two stores."""

    world: World
    node: End
    hub: End

    def run(self, *, until: float = 4000.0) -> Contact:
        self.world.at(self.world.now, self.node.settle)
        self.world.run(until=until)
        return self

    def die(self) -> None:
        for end in (self.node, self.hub):
            end.is_dead = True


def contact(
    node: MemoryStore,
    hub: MemoryStore,
    up: Conditions,
    down: Conditions | None = None,
    *,
    memory: RateMemory | None = None,
    hub_memory: RateMemory | None = None,
    link_memory: LinkMemory | None = None,
    stays_open: bool = False,
    seed: int = 1,
) -> Contact:
    """Both ends; nothing moves before `run`. Without a memory the dialer has guessed the link right."""
    world, down = World(), down or up
    salts = random.Random(seed)
    preamble = DialerPreamble(PAIR, salts.randbytes(SALT_BYTES))
    rtt_s = up.delay_s + down.delay_s
    terms = SessionTerms(stays_open=stays_open, wall_s=WALL_S, certainty=Certainty.SYNCED)
    ends: list[End] = []
    for role, store, conditions, name in (
        (Role.DIALER, node, up, "node"),
        (Role.LISTENER, hub, down, "hub"),
    ):
        is_dialer = role is Role.DIALER
        seal = (
            DialerSeal(SECRET, PAIR, preamble.salt)
            if is_dialer
            else ListenerSeal(SECRET, preamble, salts.randbytes(SALT_BYTES))
        )
        if is_dialer:
            rate = memory or RateMemory(up.rate_bit_s / 8, rtt_s, is_told=True)
        else:
            rate = hub_memory or RateMemory(2750.0, 0.9)
        session = Session(role=role, channel=BareChannel(), terms=terms, now=0.0, memory=link_memory)
        transport = DatagramTransport(seal, rate, 0.0, is_dialer=is_dialer)
        ends.append(End(world, session, store, transport, Line(world, conditions, seed + len(ends)), name))
    first, second = ends
    first.peer, second.peer = second, first
    return Contact(world, first, second)
