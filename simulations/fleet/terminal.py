"""One side of a contact: a session, its custody, and the product's datagram transport on one way of a link.

What driver and UDP link do over sockets happens here by moments; nothing waits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from heapq import heappop, heappush
from itertools import count
from typing import Final, Protocol

from protocol.errors import ProtocolError
from simulations.hosts.disk import done
from simulations.links import Fate, LinkModel
from sync.core import BundleReceived, BundleSent, Ending, Event, Persist, Session, SessionEnded
from sync.core.effects import Read
from sync.links.datagram_sizes import HEADERS_BYTES
from sync.links.datagram_transport import DatagramTransport
from sync.performance import perform
from sync.ports import Offer, PairStore

STORE_S: Final = 0.01
"""To make something durable: a commit on a small disk."""
MOMENTS_MAX: Final = 1_000_000
"""Of one contact; one that needs more does not end."""


class Listener(Protocol):
    """Told what a contact does, in order."""

    def reading(self, *, from_site: bool, sequence: int, is_answered: bool, at_s: float) -> None:
        """A piece of this bundle goes to the link; whether the other side was heard in this contact."""

    def received(self, offer: Offer, *, at_hub: bool, at_s: float) -> None:
        """A bundle is whole and durable."""

    def released(self, offer: Offer, *, from_site: bool, at_s: float) -> None:
        """Custody has passed to the other side."""


class Moments:
    """The time of one contact."""

    def __init__(self, now_s: float) -> None:
        self.now_s = now_s
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()

    def at(self, moment_s: float, action: Callable[[], None]) -> None:
        """Something happens then; at the same moment, in the order of the calls."""
        heappush(self._heap, (max(moment_s, self.now_s), next(self._order), action))

    @property
    def next_s(self) -> float:
        """Infinity if nothing will happen any more."""
        return self._heap[0][0] if self._heap else math.inf

    def clear(self) -> None:
        """Nothing more happens."""
        self._heap.clear()

    def step(self) -> None:
        """Let the next thing happen."""
        self.now_s, _, action = heappop(self._heap)
        action()


class Terminal:
    """One side."""

    def __init__(
        self,
        moments: Moments,
        session: Session,
        transport: DatagramTransport,
        store: PairStore,
        model: LinkModel,
        listener: Listener,
        *,
        is_site: bool,
    ) -> None:
        self.session = session
        self.transport = transport
        self.ip_bytes = 0
        """What it put on the line, lost datagrams too."""
        self.ending: Ending | None = None
        self.ended_s: float | None = None
        """When it had nothing more to do."""
        self.has_heard = False
        self.peer: Terminal | None = None
        self.gone_s = math.inf
        """From this moment on the machine is off, or cannot be reached."""
        self._moments = moments
        self._store = store
        self._model = model
        self._listener = listener
        self._is_site = is_site
        self._busy_until_s = -math.inf
        self._wakes_s: float | None = None
        self._heard_end = False
        self._is_stirred = True
        """Something has happened to the session since it had nothing to say and nothing to ask."""

    @property
    def _is_gone(self) -> bool:
        return self._moments.now_s >= self.gone_s or (self._is_site and self.ended_s is not None)

    def custody_grew(self) -> None:
        """Something new waits."""
        self.session.outgoing_changed(self._moments.now_s)
        self._is_stirred = True
        self.settle()

    def part(self, reason: str) -> None:
        """Say goodbye early."""
        self.session.part(reason, self._moments.now_s)
        self._is_stirred = True
        self.settle()

    def hang_up(self) -> None:
        """Go at once, as a connection does that is closed in the middle."""
        if self.transport.has_spoken:
            self._put(self.transport.closing_datagram(), self._moments.now_s)
        self.ending, self.ended_s = Ending.PARTED, self._moments.now_s

    def settle(self) -> None:
        """What driver and link do whenever something happened."""
        if self._is_gone:
            return
        now_s = self._moments.now_s
        self._hear(now_s)
        while self._step(now_s):
            pass
        self._tell(now_s)
        self._transmit(now_s)
        if self.session.finished and self.ended_s is None:
            self._say_bye(now_s)
        had_ended = self._heard_end
        self._hear(now_s)
        if self._heard_end and not had_ended:
            self.settle()
        self._arm()

    def arrive(self, datagram: bytes) -> None:
        """The link has carried this here."""
        if self._is_gone:
            return
        try:
            self.has_heard |= self.transport.receive(datagram, self._moments.now_s)
        except ProtocolError:
            return  # Of an earlier contact, as a socket would meet it.
        self.settle()

    def _hear(self, now_s: float) -> None:
        while message := self.transport.take():
            self.session.receive(message, now_s)
            self._is_stirred = True
        if self.transport.has_ended and not self._heard_end:
            self._heard_end = True
            self.session.receive(b"", now_s)
            self._is_stirred = True

    def _step(self, now_s: float) -> bool:
        """One turn of the driver's loop; whether there may be another at once."""
        session = self.session
        if now_s < self._busy_until_s or session.finished or not self._is_stirred:
            return False
        may_write = (self.transport.has_room or session.overtakes) and session.may_speak
        if may_write and (frames := session.outgoing(now_s)):
            self.transport.write(frames, now_s)
            return True
        effects = session.effects()
        for effect in effects:
            if isinstance(effect, Read):
                self._listener.reading(
                    from_site=self._is_site,
                    sequence=effect.sequence,
                    is_answered=self.has_heard,
                    at_s=now_s,
                )
            session.completed(effect, done(perform(self._store, effect)), now_s)
        if any(isinstance(effect, Persist) for effect in effects):
            self._busy_until_s = now_s + STORE_S
            self._moments.at(self._busy_until_s, self.settle)
        self._is_stirred = bool(effects) or not may_write
        return bool(effects)

    def _tell(self, now_s: float) -> None:
        while events := self.session.events():
            for event in events:
                self._happened(event, now_s)
            while self._step(now_s):
                pass

    def _happened(self, event: Event, now_s: float) -> None:
        match event:
            case BundleReceived(offer):
                self._listener.received(offer, at_hub=not self._is_site, at_s=now_s)
            case BundleSent(offer):
                self._listener.released(offer, from_site=self._is_site, at_s=now_s)
            case SessionEnded(ending=ending):
                self.ending = ending

    def _transmit(self, now_s: float) -> None:
        for datagram in self.transport.datagrams(now_s):
            self._put(datagram, now_s)

    def _put(self, datagram: bytes, now_s: float) -> None:
        length_bytes = len(datagram) + HEADERS_BYTES
        self.ip_bytes += length_bytes
        passage = self._model.offer(now_s, length_bytes)
        if passage.fate is Fate.ARRIVES and (peer := self.peer) is not None:
            self._moments.at(passage.arrives_s, partial(peer.arrive, datagram))

    def _say_bye(self, now_s: float) -> None:
        if self.ending in (Ending.DONE, Ending.PARTED):
            self.transport.finish(now_s)
        self._transmit(now_s)
        self.ended_s = now_s

    def _arm(self) -> None:
        """The listener's transport goes on answering for a while after its session."""
        moments = [
            moment for moment in (self.transport.deadline(), self.session.deadline()) if moment is not None
        ]
        if self.ended_s is not None or not moments:
            return
        if (moment_s := min(moments)) != self._wakes_s:
            self._wakes_s = max(moment_s, self._moments.now_s)
            self._moments.at(moment_s, partial(self._wake, self._wakes_s))

    def _wake(self, moment_s: float) -> None:
        if self._wakes_s == moment_s and not self._is_gone:
            self._wakes_s = None
            deadline_s = self.session.deadline()
            if deadline_s is not None and deadline_s <= moment_s:
                self.session.wake(moment_s)
                self._is_stirred = True
            self.settle()
