"""Two datagram transports joined by a simulated link: rate, delay, queue, loss, darkness; no clock, no IO.

A heap of moments, so that thousands of seconds pass in no time and always the same way.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count

from protocol.channel import DialerPreamble
from protocol.datagrams import SALT_BYTES, DialerSeal, ListenerSeal
from protocol.errors import ProtocolError
from protocol.ids import Pseudonym
from sync.links.datagram_sizes import HEADERS_BYTES
from sync.links.datagram_transport import DatagramTransport
from sync.links.rate_memory import RateMemory

SECRET = bytes(range(32))
PAIR = Pseudonym(b"pair")
EVENTS_MAX = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """One direction of a link."""

    rate_bit_s: float = 64_000
    delay_s: float = 0.3
    loss: float = 0.0
    repeats: float = 0.0
    jitter_s: float = 0.0
    """Beyond a datagram's own time this reorders."""
    queue_bytes: int = 1_000_000
    dark: tuple[tuple[float, float], ...] = ()
    """Nothing arrives then, nor what was under way when it began."""
    deaf: tuple[tuple[float, float], ...] = ()
    """What leaves then is lost, and nothing else."""


class Line:
    """One direction: serialises, queues, delays, loses. Several flows may share it."""

    def __init__(self, world: World, conditions: Conditions, seed: int) -> None:
        self.conditions = conditions
        self.sent: list[tuple[float, int]] = []
        """When, and how many bytes with headers."""
        self.swallowed: list[tuple[float, int]] = []
        """Of those, what darkness took."""
        self.gone_after: int | None = None
        """Datagrams after which nothing more arrives."""
        self._world = world
        self._random = random.Random(seed)
        self._free_at = 0.0

    @property
    def sent_bytes(self) -> int:
        return sum(size for _, size in self.sent)

    @property
    def queued_bytes(self) -> float:
        return max(0.0, self._free_at - self._world.now) * self.conditions.rate_bit_s / 8

    def is_dark_until(self, arrives_at: float) -> bool:
        """Whether it is dark at any moment from now to then: what is under way is swallowed too."""
        return any(start <= arrives_at and self._world.now < end for start, end in self.conditions.dark)

    def carry(self, size_bytes: int, arrive: Callable[[], None]) -> None:
        """Whether and when it arrives."""
        self.sent.append((self._world.now, size_bytes))
        here = self.conditions
        is_gone = self.gone_after is not None and len(self.sent) > self.gone_after
        is_gone |= any(start <= self._world.now < end for start, end in here.deaf)
        if is_gone or self.queued_bytes + size_bytes > here.queue_bytes:
            return
        if self.is_dark_until(self._world.now):
            self.swallowed.append((self._world.now, size_bytes))
            return
        self._free_at = max(self._free_at, self._world.now) + size_bytes * 8 / here.rate_bit_s
        if self._random.random() < here.loss:
            return
        if self.is_dark_until(self._free_at + here.delay_s):
            self.swallowed.append((self._world.now, size_bytes))
            return
        for _ in range(2 if self._random.random() < here.repeats else 1):
            late_s = self._random.random() * here.jitter_s
            self._world.at(self._free_at + here.delay_s + late_s, arrive)


class World:
    """Time."""

    def __init__(self) -> None:
        self.now = 0.0
        self._order = count()
        self._moments: list[tuple[float, int, Callable[[], None]]] = []

    def at(self, moment: float, action: Callable[[], None]) -> None:
        heappush(self._moments, (max(moment, self.now), next(self._order), action))

    def run(self, *, until: float) -> None:
        """Play what is due before `until`."""
        for _ in range(EVENTS_MAX):
            if not self._moments or self._moments[0][0] > until:
                self.now = until
                return
            self.now, _, action = heappop(self._moments)
            action()
        raise AssertionError("this does not end")


@dataclass(slots=True, eq=False)
class Side:
    """One end: its transport, and what drives it."""

    world: World
    transport: DatagramTransport
    line: Line
    peer: Side | None = None
    received: list[bytes] = field(default_factory=list)
    refill: Callable[[], None] = lambda: None
    """Called whenever there may be room for more."""
    heard: Callable[[bytes], None] = lambda _: None
    strangers: int = 0
    woken_at: float | None = None

    def settle(self) -> None:
        """What an adapter does whenever something happened."""
        now = self.world.now
        while message := self.transport.take():
            self.received.append(message)
            self.heard(message)
        self.refill()
        for datagram in self.transport.datagrams(now):
            self._send(datagram)
            self.refill()
        deadline = self.transport.deadline()
        if deadline is not None and deadline != self.woken_at:
            self.woken_at = deadline
            self.world.at(deadline, lambda: self._wake(deadline))

    def write(self, frames: bytes) -> None:
        self.transport.write(frames, self.world.now)

    def _wake(self, deadline: float) -> None:
        if self.woken_at == deadline:
            self.woken_at = None
            self.settle()

    def _send(self, datagram: bytes) -> None:
        peer = self.peer
        assert peer is not None
        self.line.carry(len(datagram) + HEADERS_BYTES, lambda: peer.arrive(datagram))

    def arrive(self, datagram: bytes) -> None:
        try:
            self.transport.receive(datagram, self.world.now)
        except ProtocolError:
            self.strangers += 1
        self.settle()


def joined(
    up: Conditions,
    down: Conditions | None = None,
    *,
    memory: RateMemory | None = None,
    listener_memory: RateMemory | None = None,
    seed: int = 1,
) -> tuple[World, Side, Side]:
    """Both ends, dialer first; nothing moves before `World.run`."""
    world = World()
    down = down or up
    preamble = DialerPreamble(PAIR, random.Random(seed).randbytes(SALT_BYTES))
    guess = memory or RateMemory(up.rate_bit_s / 8, up.delay_s + down.delay_s, is_proven=True)
    dialer = Side(
        world,
        DatagramTransport(DialerSeal(SECRET, PAIR, preamble.salt), guess, 0.0, is_dialer=True),
        Line(world, up, seed),
    )
    seal = ListenerSeal(SECRET, preamble, random.Random(seed + 1).randbytes(SALT_BYTES))
    back = listener_memory or RateMemory(down.rate_bit_s / 8, up.delay_s + down.delay_s)
    listener = Side(world, DatagramTransport(seal, back, 0.0, is_dialer=False), Line(world, down, seed + 2))
    dialer.peer, listener.peer = listener, dialer
    return world, dialer, listener
