"""Two real sessions joined by a simulated link: rate, delay, a cut at any byte, a death at any moment.

No event loop and no waiting: a heap of moments, so that thousands of contacts run in a second and each runs
the same way every time.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from functools import partial
from heapq import heappop, heappush
from itertools import count
from typing import TypeVar

from protocol.channel import DIALER_PREAMBLE_BYTES, DialerChannel, DialerPreamble, ListenerChannel
from protocol.header import Priority
from protocol.ids import Incarnation, Pseudonym
from protocol.stamps import Certainty
from sync.core import (
    Effect,
    EffectResult,
    Ending,
    Event,
    LinkMemory,
    MarkStored,
    Role,
    Session,
    SessionEnded,
    SessionTerms,
)
from sync.performance import perform
from sync.stores import MemoryStore

T = TypeVar("T")

SECRET = bytes(range(32))
PAIR = Pseudonym(b"pair")
WALL_S = 1_800_000_000
PIECE_BYTES = 256
EVENTS_MAX = 200_000
"""A contact that needs more does not end."""


def run_now(coroutine: Coroutine[object, None, T]) -> T:
    """The result of a coroutine that never waits, as those of the memory store."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    raise AssertionError("the memory store waited for something")


def new_store(seed: int, received_bytes_max: int = 1 << 30) -> MemoryStore:
    """A store whose incarnations are drawn from a seed of its own: no two stores share one by chance."""
    lives = random.Random(seed)
    return MemoryStore(lambda: Incarnation(lives.randbytes(4)), received_bytes_max=received_bytes_max)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """One direction of a link."""

    rate_bit_s: float = 22_000
    delay_s: float = 0.45
    cut_after_bytes: int | None = None


@dataclass(slots=True, eq=False)
class End:
    """One side of a contact."""

    session: Session
    store: MemoryStore
    conditions: Conditions
    peer: End | None = None
    free_at: float = 0.0
    sent_bytes: int = 0
    observed: list[tuple[float, Event]] = field(default_factory=list)
    sent_records: list[bytes] = field(default_factory=list)
    performed: list[Effect] = field(default_factory=list)

    @property
    def ended(self) -> SessionEnded | None:
        """The last event, once it came."""
        last = self.observed[-1][1] if self.observed else None
        return last if isinstance(last, SessionEnded) else None

    def times_of(self, kind: type[Event]) -> list[float]:
        """When events of a kind happened."""
        return [at for at, event in self.observed if isinstance(event, kind)]

    def events_of(self, kind: type[T]) -> list[T]:
        """Events of a kind."""
        return [event for _, event in self.observed if isinstance(event, kind)]


class Contact:
    """One contact of two stores; `run` it whole, or until the moment a process dies."""

    def __init__(
        self,
        node: MemoryStore,
        hub: MemoryStore,
        *,
        up: Conditions | None = None,
        down: Conditions | None = None,
        node_memory: LinkMemory | None = None,
        hub_memory: LinkMemory | None = None,
        stays_open: bool = False,
        node_floor: Priority = Priority.BULK,
        hub_floor: Priority = Priority.BULK,
        seed: int = 0,
    ) -> None:
        salts = random.Random(seed)
        terms = SessionTerms(stays_open=stays_open, wall_s=WALL_S, certainty=Certainty.SYNCED)
        preamble = DialerPreamble(PAIR, salts.randbytes(12))
        self.now = 0.0
        self._order = count()
        self._moments: list[tuple[float, int, Callable[[], None]]] = []
        self._is_cut = False
        self.node = End(
            Session(
                role=Role.DIALER,
                channel=DialerChannel(SECRET, PAIR, preamble.salt),
                terms=replace(terms, floor=node_floor),
                now=0.0,
                memory=node_memory,
            ),
            node,
            up or Conditions(),
        )
        self.hub = End(
            Session(
                role=Role.LISTENER,
                channel=ListenerChannel(SECRET, preamble, salts.randbytes(12)),
                terms=replace(terms, floor=hub_floor),
                now=0.0,
                memory=hub_memory,
            ),
            hub,
            down or Conditions(rate_bit_s=88_000),
        )
        self.node.peer, self.hub.peer = self.hub, self.node
        self._preamble_left = DIALER_PREAMBLE_BYTES
        self.before_effect: Callable[[End, Effect], EffectResult | None] = lambda end, effect: None
        self.at(0.0, lambda: self._settle(self.node))
        self.at(0.0, lambda: self._settle(self.hub))

    def at(self, moment: float, action: Callable[[], None]) -> None:
        """Do something at a moment of the contact."""
        heappush(self._moments, (moment, next(self._order), action))

    def run(self, *, until: float = float("inf")) -> Contact:
        """Play the contact; stopping early is the death of both processes at that moment."""
        for _ in range(EVENTS_MAX):
            if not self._moments or self._moments[0][0] > until:
                return self
            self.now, _, action = heappop(self._moments)
            action()
        raise AssertionError("the contact does not end")

    def add_at(self, moment: float, end: End, add: Coroutine[object, None, object]) -> None:
        """The application adds a bundle while the contact lasts."""

        def action() -> None:
            run_now(add)
            end.session.outgoing_changed(self.now)
            self._settle(end)

        self.at(moment, action)

    # One end.

    def _settle(self, end: End) -> None:
        """What the driver does until it must wait."""
        while effects := end.session.effects():
            for effect in effects:
                result = self.before_effect(end, effect)
                if result is None:
                    result = run_now(perform(end.store, effect))
                end.performed.append(effect)
                if isinstance(effect, MarkStored):
                    self._check_custody(end, effect)
                end.session.completed(effect, result, self.now)
        if end.free_at <= self.now and (data := end.session.outgoing(self.now)):
            self._transmit(end, data)
            self.at(end.free_at, lambda: self._settle(end))
        end.observed += [(self.now, event) for event in end.session.events()]
        deadline = end.session.deadline()
        if deadline is not None:
            self.at(max(deadline, self.now), lambda: self._wake(end, deadline))

    def _wake(self, end: End, deadline: float) -> None:
        if end.session.deadline() == deadline:
            end.session.wake(self.now)
            self._settle(end)

    @staticmethod
    def _check_custody(end: End, mark: MarkStored) -> None:
        """Whoever gives up custody: the other side has the bundle, durably, at this very moment."""
        assert end.peer is not None
        for offer in end.store.own_offers(mark.sequences):
            assert end.peer.store.holds(offer.bundle_id), f"custody of {offer} passed to nobody"

    # The link.

    def _transmit(self, end: End, data: bytes) -> None:
        end.sent_records.append(data)
        for start in range(0, len(data), PIECE_BYTES):
            piece = data[start : start + PIECE_BYTES]
            end.free_at = max(end.free_at, self.now) + len(piece) * 8 / end.conditions.rate_bit_s
            cut = end.conditions.cut_after_bytes
            arriving = piece if cut is None else piece[: max(0, cut - end.sent_bytes)]
            end.sent_bytes += len(arriving)
            self.at(end.free_at + end.conditions.delay_s, partial(self._arrive, end, arriving))
            if len(arriving) < len(piece):
                self.at(end.free_at + end.conditions.delay_s, self._cut)
                return

    def _arrive(self, sender: End, data: bytes) -> None:
        receiver = sender.peer
        assert receiver is not None
        if self._is_cut or not data:
            return
        if sender is self.node and self._preamble_left:
            # The driver reads the preamble to find the pair; the session gets what follows.
            skipped = min(self._preamble_left, len(data))
            self._preamble_left -= skipped
            data = data[skipped:]
        if data:
            receiver.session.receive(data, self.now)
            self._settle(receiver)

    def _cut(self) -> None:
        if not self._is_cut:
            self._is_cut = True
            for end in (self.node, self.hub):
                end.session.receive(b"", self.now)
                self._settle(end)


def meet(
    node: MemoryStore,
    hub: MemoryStore,
    *,
    up: Conditions | None = None,
    down: Conditions | None = None,
    node_memory: LinkMemory | None = None,
) -> Contact:
    """One whole contact; both sides must have nothing left."""
    contact = Contact(node, hub, up=up, down=down, node_memory=node_memory).run()
    for end in (contact.node, contact.hub):
        assert end.ended is not None
        assert end.ended.ending is Ending.DONE, end.ended
        assert end.session.finished
    return contact
