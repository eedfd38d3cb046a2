"""One contact of a site with the hub: two of the product's sessions over their stores, in virtual time.

Nothing here waits or runs in the background: a heap of moments, thousands of contacts a second.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from typing import Any, Final, Protocol, TypeVar

from protocol.bare_channel import BareChannel, encode_message
from protocol.channel import Phase
from protocol.header import Priority
from protocol.stamps import Certainty
from sync.core import (
    BundleReceived,
    BundleSent,
    Ending,
    Event,
    LinkMemory,
    Role,
    Session,
    SessionEnded,
    SessionTerms,
)
from sync.core.effects import Read
from sync.performance import perform
from sync.ports import Offer
from sync.stores import MemoryStore

from .road import Road

MOMENTS_MAX: Final = 200_000
"""Of one contact; one that needs more does not end."""

T = TypeVar("T")


def done(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never waits, as those of a store in memory."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    raise RuntimeError("a store in memory waited for something")


class Listener(Protocol):
    """Told what a contact does, in order."""

    def reading(self, *, from_site: bool, sequence: int, at_s: float) -> None:
        """A piece of this bundle goes to the link."""

    def received(self, offer: Offer, *, at_hub: bool, at_s: float) -> None:
        """A bundle is whole and durable."""

    def released(self, offer: Offer, *, from_site: bool, at_s: float) -> None:
        """Custody has passed to the other side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What one contact may do."""

    floor: Priority
    rtt_s: float
    memory: LinkMemory
    ip_bytes_max: float
    """The site parts when so many were spent."""
    usd_by: Callable[[int, float], float]
    """The price of so many bytes in so many seconds."""
    usd_max: float


@dataclass(slots=True)
class Outcome:
    """How a contact went."""

    ended_s: float
    heard: bool
    ending: Ending | None
    memory: LinkMemory
    ip_bytes_up: int = 0
    ip_bytes_down: int = 0
    usd: float = 0.0

    @property
    def went_well(self) -> bool:
        """Nothing was left, or it was parted on purpose."""
        return self.ending in (Ending.DONE, Ending.PARTED)


@dataclass(slots=True, eq=False)
class _End:
    session: Session
    store: MemoryStore
    road: Road
    is_site: bool
    peer: _End | None = None
    free_s: float = 0.0
    has_heard: bool = False
    wakes_at: float | None = None
    ending: Ending | None = None


class Contact:
    """Runs one contact to its end."""

    def __init__(
        self,
        site: tuple[MemoryStore, Road],
        hub: tuple[MemoryStore, Road],
        terms: Terms,
        listener: Listener,
        *,
        begins_s: float,
    ) -> None:
        self._terms = terms
        self._listener = listener
        self._now_s = self._began_s = begins_s
        self._order = count()
        self._moments: list[tuple[float, int, Callable[[], None]]] = []
        self._ip_bytes = [0, 0]
        self._moving = 0
        """Messages on their way."""
        self._site = self._end(site, Role.DIALER)
        self._hub = self._end(hub, Role.LISTENER)
        self._site.peer, self._hub.peer = self._hub, self._site
        self._has_parted = False

    def at(self, moment_s: float, add: Callable[[], object]) -> None:
        """Something is added to the site's custody while the contact lasts."""

        def action() -> None:
            add()
            self._site.session.outgoing_changed(self._now_s)
            self._settle(self._site)

        self._later(moment_s, action)

    @property
    def now_s(self) -> float:
        return self._now_s

    def run(self, next_add: Callable[[float], None]) -> Outcome:
        """`next_add` is asked, before each moment, to add by `at` what comes before it."""
        self._settle(self._site)
        self._settle(self._hub)
        for _ in range(MOMENTS_MAX):
            if not self._moments or self._is_over:
                break
            next_add(self._moments[0][0])
            self._now_s, _, action = heappop(self._moments)
            action()
        else:
            raise RuntimeError("a simulated contact does not end")
        connected_s = self._now_s - self._began_s
        return Outcome(
            ended_s=self._now_s,
            heard=self._site.has_heard,
            ending=self._site.ending,
            memory=self._site.session.memory,
            ip_bytes_up=self._ip_bytes[0],
            ip_bytes_down=self._ip_bytes[1],
            usd=self._terms.usd_by(sum(self._ip_bytes), connected_s),
        )

    @property
    def _is_over(self) -> bool:
        """The site is through and its last words have arrived; how long the hub listens after that costs
        nobody anything."""
        return self._site.session.finished and not self._moving

    def _end(self, side: tuple[MemoryStore, Road], role: Role) -> _End:
        store, road = side
        is_site = role is Role.DIALER
        terms = SessionTerms(
            wall_s=int(self._began_s),
            certainty=Certainty.SYNCED,
            floor=self._terms.floor if is_site else Priority.BULK,
        )
        memory = self._terms.memory if is_site else LinkMemory()
        session = Session(role=role, channel=BareChannel(), terms=terms, now=self._began_s, memory=memory)
        return _End(session, store, road, is_site, free_s=self._began_s)

    def _later(self, moment_s: float, action: Callable[[], None]) -> None:
        heappush(self._moments, (moment_s, next(self._order), action))

    def _settle(self, end: _End) -> None:
        """What the product's driver does until it must wait."""
        session = end.session
        while effects := session.effects():
            for effect in effects:
                if isinstance(effect, Read):
                    self._listener.reading(from_site=end.is_site, sequence=effect.sequence, at_s=self._now_s)
                session.completed(effect, done(perform(end.store, effect)), self._now_s)
        if end.free_s <= self._now_s and (data := session.outgoing(self._now_s)):
            self._transmit(end, data)
        for event in session.events():
            self._happened(end, event)
        deadline_s = session.deadline()
        if deadline_s is not None and deadline_s != end.wakes_at:
            end.wakes_at = deadline_s
            self._later(max(deadline_s, self._now_s), lambda: self._wake(end, deadline_s))

    def _transmit(self, end: _End, data: bytes) -> None:
        phase = Phase.FRESH if end.has_heard or not end.is_site else Phase.EARLY
        message = encode_message(phase, data)
        passage = end.road.carry(self._now_s, len(message), self._terms.rtt_s)
        way = 0 if end.is_site else 1
        self._ip_bytes[way] += passage.ip_bytes
        self._ip_bytes[1 - way] += passage.returned_ip_bytes
        end.free_s = passage.free_s
        if passage.arrives_s is None:
            end.free_s = math.inf
        else:
            self._moving += 1
            self._later(passage.arrives_s, lambda: self._arrive(end, message))
        self._later(passage.free_s, lambda: self._settle(end))
        self._keep_to_budget()

    def _arrive(self, sender: _End, message: bytes) -> None:
        self._moving -= 1
        receiver = sender.peer
        if receiver is None:
            return
        receiver.has_heard = True
        receiver.session.receive(message, self._now_s)
        self._settle(receiver)

    def _keep_to_budget(self) -> None:
        if self._has_parted or (math.isinf(self._terms.ip_bytes_max) and math.isinf(self._terms.usd_max)):
            return
        spent = sum(self._ip_bytes)
        usd = self._terms.usd_by(spent, self._now_s - self._began_s)
        if spent >= self._terms.ip_bytes_max or usd >= self._terms.usd_max:
            self._has_parted = True
            self._site.session.part("what may be spent is spent", self._now_s)

    def _wake(self, end: _End, deadline_s: float) -> None:
        if end.session.deadline() == deadline_s:
            end.wakes_at = None
            end.session.wake(self._now_s)
            self._settle(end)

    def _happened(self, end: _End, event: Event) -> None:
        match event:
            case BundleReceived(offer):
                self._listener.received(offer, at_hub=not end.is_site, at_s=self._now_s)
            case BundleSent(offer):
                self._listener.released(offer, from_site=end.is_site, at_s=self._now_s)
            case SessionEnded(ending=ending):
                end.ending = ending
