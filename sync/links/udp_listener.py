"""Answers sessions that are dialled over UDP: one socket for all callers.

Law: nothing is kept for a caller that has not proven to hold a pair's secret, beyond a bounded queue; and
until it has answered to our salt, it is sent no more than three times what came from it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from secrets import token_bytes
from typing import Final, cast

from protocol.channel import DialerPreamble
from protocol.datagrams import SALT_BYTES, ListenerSeal, gone_datagram, introduction_of
from protocol.errors import MalformedInput
from protocol.ids import Pseudonym

from ..driver import Call, answer_session
from ..ports import LinkRefused
from ..registry import SessionRegistry
from .callee import Callee, Lookup, Reported, unreported
from .datagram_transport import DatagramTransport
from .rate_memory import RateMemory
from .udp import enlarge_buffers
from .udp_connection import UdpConnection, udp_properties
from .udp_drops import Drop, Drops
from .udp_strays import Strays

SESSIONS_MAX: Final = 512
"""Conversations at once. More sites than that wait their turn: each one costs memory."""
CALLS_WAITING_MAX: Final = 64
"""Callers whose name is being looked up; who finds no place calls again."""
FLIGHT_DATAGRAMS_MAX: Final = 8
"""Of one caller, kept while its name is looked up."""
MEMORIES_MAX: Final = 2048
"""Pairs whose rate is remembered."""
PARTING_S: Final = 2.0
"""For sessions to say goodbye when the hub ends; without it they resume all the same."""
LINGER_S: Final = 30.0
"""How long a session that is over still answers a caller who did not hear so."""
LINGERING_MAX: Final = 512
PROPERTIES: Final = udp_properties(rate_bit_s=22_000, rtt_s=0.9)
"""A caller's link is not known; what the session measures replaces this."""

_log = logging.getLogger(__name__)

Address = tuple[str, int] | tuple[str, int, int, int]


@dataclass(slots=True, eq=False)
class _Waiting:
    """A caller whose name is being looked up."""

    preamble: DialerPreamble
    is_fresh: bool
    address: Address
    datagrams: list[bytes] = field(default_factory=list)

    def keep(self, datagram: bytes) -> None:
        """Until it can be opened, if that many are to be kept."""
        if len(self.datagrams) < FLIGHT_DATAGRAMS_MAX:
            self.datagrams.append(datagram)


@dataclass(slots=True, eq=False)
class _Peer:
    """A caller in conversation, or just after."""

    preamble: DialerPreamble
    address: Address
    connection: UdpConnection
    gone: Callable[[], bytes]
    """What to answer who goes on with it after its end; few do."""
    is_over: bool = False


class UdpListener(asyncio.DatagramProtocol):
    """Turns calls into sessions, one per pair, so many at once."""

    def __init__(
        self,
        lookup: Lookup,
        registry: SessionRegistry,
        *,
        sessions_max: int = SESSIONS_MAX,
        reported: Reported = unreported,
        entropy: Callable[[int], bytes] = token_bytes,
    ) -> None:
        self._lookup = lookup
        self._registry = registry
        self._sessions_max = sessions_max
        self._reported = reported
        self._entropy = entropy
        self._socket: asyncio.DatagramTransport | None = None
        self._calls: asyncio.Queue[_Waiting] = asyncio.Queue(CALLS_WAITING_MAX)
        self._waiting: dict[DialerPreamble, _Waiting] = {}
        self._waiting_at: dict[Address, _Waiting] = {}
        self._peers: dict[DialerPreamble, _Peer] = {}
        self._by_address: dict[Address, _Peer] = {}
        self._lingering: OrderedDict[DialerPreamble, asyncio.TimerHandle] = OrderedDict()
        self._memories: OrderedDict[Pseudonym, RateMemory] = OrderedDict()
        self._conversations: set[asyncio.Task[None]] = set()
        self._strays: Strays[Address] = Strays()
        self._drops = Drops()

    @property
    def live(self) -> int:
        """Conversations right now."""
        return len(self._peers) - len(self._lingering)

    @property
    def dropped(self) -> int:
        """Datagrams that led to nothing."""
        return self._drops.total

    def described(self) -> tuple[str, ...]:
        """How it goes, in short lines."""
        sessions = f"sessions in datagrams: {self.live} of at most {self._sessions_max}"
        waiting = f", {len(self._waiting)} waiting" if self._waiting else ""
        drops = self._drops.described()
        return (sessions + waiting, *((drops,) if drops else ()))

    async def bind(self, host: str, port: int) -> tuple[str, int]:
        """Take the address; gives it. `OSError` if it is not to be had."""
        loop = asyncio.get_running_loop()
        bound, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, port))
        name = bound.get_extra_info("sockname")
        return name[0], name[1]

    @asynccontextmanager
    async def answering(self) -> AsyncIterator[None]:
        """Take calls for as long as the context lasts. Whoever leaves it has asked the sessions to part: they
        have `PARTING_S` for it."""
        try:
            async with asyncio.TaskGroup() as group:
                taking = group.create_task(self._take_calls(group))
                try:
                    yield
                finally:
                    taking.cancel()
                    if self._conversations:
                        await asyncio.wait(self._conversations, timeout=PARTING_S)
                    for peer in self._peers.values():
                        peer.connection.fail("The hub is ending.")
        finally:
            for timer in self._lingering.values():
                timer.cancel()
            if self._socket is not None:
                self._socket.close()

    # The socket.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # The loop's own class does not derive from the one it documents.
        self._socket = cast(asyncio.DatagramTransport, transport)
        enlarge_buffers(self._socket)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        try:
            introduction = introduction_of(data)
        except MalformedInput:
            self._drops.note(Drop.FOREIGN)
            return
        if introduction is None:
            self._arrived_unintroduced(data, addr)
            return
        peer = self._peers.get(introduction.preamble)
        if peer is None:
            self._wait(introduction.preamble, introduction.is_fresh, data, addr)
        elif peer.is_over and introduction.is_fresh:
            self._send(peer.gone(), addr)
        elif self._arrived(peer, data, addr):
            self._settle_at(peer, addr)

    def error_received(self, exc: Exception) -> None:
        """Of no caller in particular: who is gone falls silent, and its session ends by that."""

    # Callers.

    def _arrived(self, peer: _Peer, datagram: bytes, addr: Address) -> bool:
        """Whether it was the caller's and new. What it sets off goes to where it came from."""
        before, peer.address = peer.address, addr
        strangers = peer.connection.strangers
        is_new = peer.connection.arrived(datagram)
        if not is_new:
            peer.address = before
        self._drops.note(Drop.UNPROVEN, peer.connection.strangers - strangers)
        return is_new

    def _arrived_unintroduced(self, datagram: bytes, addr: Address) -> None:
        """Of whom it is, its address tells: of a session, of a caller that has just come, or that will."""
        known, waiting = self._by_address.get(addr), self._waiting_at.get(addr)
        # A live session's are not taken from it: whoever forges its address can call from there.
        if waiting is not None and (known is None or known.is_over):
            waiting.keep(datagram)
        elif known is not None:
            self._arrived(known, datagram, addr)
        else:
            self._strays.keep(addr, datagram, asyncio.get_running_loop().time())
            self._drops.note(Drop.HOMELESS)

    def _settle_at(self, peer: _Peer, addr: Address) -> None:
        """A caller's address changes when a router between forgets it."""
        if self._by_address.get(addr) is not peer:
            for old in [old for old, other in self._by_address.items() if other is peer]:
                del self._by_address[old]
            self._by_address[addr] = peer

    def _wait(self, preamble: DialerPreamble, is_fresh: bool, datagram: bytes, addr: Address) -> None:
        waiting = self._waiting.get(preamble)
        if waiting is None:
            waiting = _Waiting(preamble, is_fresh, addr)
            if self._calls.full() or self.live >= self._sessions_max:
                self._drops.note(Drop.CROWDED)
                return
            self._waiting[preamble] = waiting
            self._calls.put_nowait(waiting)
            self._waiting_at[addr] = waiting
        waiting.keep(datagram)
        strays = self._strays.take(addr, asyncio.get_running_loop().time())
        self._drops.withdraw(Drop.HOMELESS, len(strays))
        for stray in strays:
            waiting.keep(stray)

    async def _take_calls(self, group: asyncio.TaskGroup) -> None:
        while True:
            waiting = await self._calls.get()
            try:
                callee = await self._lookup(waiting.preamble.pseudonym)
            except LinkRefused:
                callee = None
            del self._waiting[waiting.preamble]
            if self._waiting_at.get(waiting.address) is waiting:
                del self._waiting_at[waiting.address]
            if callee is None:
                self._drops.note(Drop.UNKNOWN, len(waiting.datagrams))
            elif waiting.is_fresh:
                # It goes on with a session of ours that is over, or of a hub that was here before.
                self._send(gone_datagram(callee.link_secret, waiting.preamble), waiting.address)
            else:
                self._begin(group, waiting, callee)

    def _begin(self, group: asyncio.TaskGroup, waiting: _Waiting, callee: Callee) -> None:
        preamble = waiting.preamble
        seal = ListenerSeal(callee.link_secret, preamble, self._entropy(SALT_BYTES))
        guess = RateMemory(PROPERTIES.rate_bit_s_guess / 8, PROPERTIES.rtt_s_guess)
        memory = self._memories.get(preamble.pseudonym, guess)
        now = asyncio.get_running_loop().time()
        transport = DatagramTransport(seal, memory, now, is_dialer=False)
        peer: _Peer

        def transmit(datagram: bytes) -> None:
            self._send(datagram, peer.address)

        connection = UdpConnection(
            transport, PROPERTIES, transmit=transmit, closed=partial(self._remember, preamble.pseudonym)
        )
        gone = partial(gone_datagram, callee.link_secret, preamble)
        peer = _Peer(preamble, waiting.address, connection, gone)
        for datagram in waiting.datagrams:
            connection.arrived(datagram)
        if not connection.has_heard:
            self._drops.note(Drop.UNPROVEN, len(waiting.datagrams))
            return
        self._peers[preamble] = peer
        self._settle_at(peer, waiting.address)
        conversation = group.create_task(self._converse(peer, callee))
        self._conversations.add(conversation)
        conversation.add_done_callback(self._conversations.discard)

    async def _converse(self, peer: _Peer, callee: Callee) -> None:
        """What goes wrong on the link, or in the store for this pair, ends this one and no other."""
        pseudonym = peer.preamble.pseudonym
        try:
            report = await answer_session(
                peer.connection,
                Call(peer.preamble, b""),
                link_secret=callee.link_secret,
                registry=self._registry,
                setting=callee.setting,
            )
            self._reported(pseudonym, report)
        except ExceptionGroup as failures:
            _log.error("a session with %s failed", pseudonym.hex(), exc_info=failures)
        finally:
            self._linger(peer)

    # Afterwards.

    def _remember(self, pseudonym: Pseudonym, memory: RateMemory) -> None:
        self._memories[pseudonym] = memory
        self._memories.move_to_end(pseudonym)
        if len(self._memories) > MEMORIES_MAX:
            self._memories.popitem(last=False)

    def _linger(self, peer: _Peer) -> None:
        """Answer for a while to a caller that has not heard our last words."""
        peer.is_over = True
        loop = asyncio.get_running_loop()
        self._lingering[peer.preamble] = loop.call_later(LINGER_S, self._forget, peer.preamble)
        if len(self._lingering) > LINGERING_MAX:
            self._forget(next(iter(self._lingering)))

    def _forget(self, preamble: DialerPreamble) -> None:
        self._lingering.pop(preamble).cancel()
        peer = self._peers.pop(preamble)
        peer.connection.forget()
        if self._by_address.get(peer.address) is peer:
            del self._by_address[peer.address]

    def _send(self, datagram: bytes, address: Address) -> None:
        if self._socket is not None and not self._socket.is_closing():
            self._socket.sendto(datagram, address)
