"""Whole sessions over UDP sockets: many callers on one socket, strangers, floods, moves and ends."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import cast

import pytest

from protocol.channel import DialerPreamble
from protocol.datagram_parts import Closing, Control, encode_parts
from protocol.datagrams import SALT_BYTES, DialerSeal, ListenerSeal, gone_datagram, introduction_of
from protocol.frames import Whole
from protocol.framing import encode_frame
from protocol.header import Priority
from protocol.hello import Manner
from protocol.ids import BundleId, Incarnation, Pseudonym
from protocol.ranges import RangeSet
from protocol.short_hello import USUAL_CREDIT_BYTES, Hail
from protocol.stamps import Certainty
from sync.core import Ending, SessionTerms
from sync.driver import SessionReport, Setting, dial_session
from sync.links.callee import Callee
from sync.links.udp import UdpDialer
from sync.links.udp_connection import STRANGERS_MAX, UdpConnection
from sync.links.udp_listener import CALLS_WAITING_MAX, UdpListener
from sync.ports import LinkError, LinkRefused, Rank
from sync.registry import SessionRegistry
from sync.signal import Signal
from sync.stores import MemoryStore

PATIENCE_S = 20.0
PAIRS = [Pseudonym(b"shp%d" % number) for number in range(8)]
STRANGER = Pseudonym(b"who?")
REVOKED = Pseudonym(b"gone")


class LoopClock:
    def monotonic_s(self) -> float:
        return asyncio.get_running_loop().time()

    def wall_s(self) -> float:
        return 1_800_000_000.0


def secret_of(pair: Pseudonym) -> bytes:
    return pair * 8


def new_store(seed: int) -> MemoryStore:
    lives = iter(range(seed * 1000, seed * 1000 + 1000))
    return MemoryStore(lambda: Incarnation(next(lives).to_bytes(4, "big")), received_bytes_max=1 << 30)


async def add(store: MemoryStore, label: str, size_bytes: int) -> BundleId:
    bundle_id = BundleId(label.encode().ljust(12, b"."))
    await store.add(
        bundle_id=bundle_id,
        priority=Priority.ROUTINE,
        rank=Rank.TEXT,
        recipient_key=b"k1",
        dwell_code=20,
        sealed=label.encode() * (size_bytes // len(label) + 1),
    )
    return bundle_id


@dataclass
class Hub:
    listener: UdpListener
    address: tuple[str, int]
    stores: dict[Pseudonym, MemoryStore]
    parting: Signal
    reports: list[SessionReport] = field(default_factory=list)


@asynccontextmanager
async def running_hub(
    *, port: int = 0, sessions_max: int = 16, stores: dict[Pseudonym, MemoryStore] | None = None
) -> AsyncIterator[Hub]:
    stores = stores or {pair: new_store(100 + number) for number, pair in enumerate(PAIRS)}
    parting = Signal()

    async def lookup(pseudonym: Pseudonym) -> Callee | None:
        if pseudonym == REVOKED:
            raise LinkRefused("This device was revoked.")
        if pseudonym not in stores:
            return None
        setting = Setting(
            store=stores[pseudonym],
            clock=LoopClock(),
            parting=parting,
            terms=SessionTerms(stays_open=True),
        )
        return Callee(link_secret=secret_of(pseudonym), setting=setting)

    listener = UdpListener(
        lookup,
        SessionRegistry(),
        sessions_max=sessions_max,
        reported=lambda _, report: hub.reports.append(report),
    )
    address = await listener.bind("127.0.0.1", port)
    hub = Hub(listener, address, stores, parting)
    async with listener.answering():
        try:
            yield hub
        finally:
            parting.set()


def dialer(hub: Hub, pair: Pseudonym = PAIRS[0], secret: bytes | None = None) -> UdpDialer:
    return UdpDialer(
        *hub.address,
        pseudonym=pair,
        link_secret=secret or secret_of(pair),
        rate_bit_s=1_000_000,
        rtt_s=0.05,
    )


async def talk(
    connection: UdpConnection,
    store: MemoryStore,
    pair: Pseudonym = PAIRS[0],
    *,
    stays_open: bool = False,
    parting: Signal | None = None,
) -> SessionReport:
    return await dial_session(
        connection,
        link_secret=secret_of(pair),
        pseudonym=pair,
        setting=Setting(
            store=store,
            clock=LoopClock(),
            terms=SessionTerms(stays_open=stays_open),
            parting=parting,
        ),
    )


async def test_what_follows_an_introduction_at_once_waits_with_it_for_the_look_up() -> None:
    """No datagram behind it says who sends it; each must find the call that its address began."""
    async with asyncio.timeout(PATIENCE_S), running_hub() as hub:
        store = new_store(1)
        for number in range(3):
            await add(store, f"text {number}", 1200)
        report = await talk(await dialer(hub).dial(), store)
        assert report.ending is Ending.DONE, report.reason
        assert hub.listener.dropped == 0
        assert len(await hub.stores[PAIRS[0]].received_after(0, 10)) == 3


async def test_what_overtakes_its_introduction_is_not_lost() -> None:
    async with asyncio.timeout(PATIENCE_S), running_hub() as hub:
        store = hub.stores[PAIRS[0]]
        seal = DialerSeal(secret_of(PAIRS[0]), PAIRS[0], b"one salt")
        first = encode_parts([Control(0, encode_frame(first_hail()))])
        rest = encode_parts([Control(len(encode_frame(first_hail())), encode_frame(first_whole()))])
        datagrams = [seal.seal(0, -1, first, asks=False), seal.seal(1, -1, rest, asks=True)]
        assert introduction_of(datagrams[1]) is None
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
            caller.connect(hub.address)
            for datagram in reversed(datagrams):
                caller.send(datagram)
            await until(lambda: store.holds(first_whole().bundle_id))
        assert hub.listener.dropped == 0


async def test_a_second_call_from_one_address_takes_nothing_for_the_first_that_is_over() -> None:
    """Behind a router that shares one port, a session that has just ended is no reason to lose the next."""
    async with asyncio.timeout(PATIENCE_S), running_hub() as hub:
        hail, whole = encode_frame(first_hail()), encode_frame(first_whole())
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
            caller.connect(hub.address)
            first = DialerSeal(secret_of(PAIRS[0]), PAIRS[0], b"salt one")
            caller.send(first.seal(0, -1, encode_parts([Control(0, hail)]), asks=True))
            await until(lambda: hub.listener.live == 1)
            caller.send(first.seal(1, -1, encode_parts([Closing()]), asks=False))
            await until(lambda: hub.listener.live == 0)
            second = DialerSeal(secret_of(PAIRS[0]), PAIRS[0], b"salt two")
            again = encode_frame(replace(first_hail(), generation=2))
            caller.send(second.seal(0, -1, encode_parts([Control(0, again)]), asks=False))
            caller.send(second.seal(1, -1, encode_parts([Control(len(again), whole)]), asks=True))
            await until(lambda: hub.stores[PAIRS[0]].holds(first_whole().bundle_id))
        assert hub.listener.dropped == 0


def first_hail() -> Hail:
    return Hail(
        generation=1,
        incarnation=Incarnation(b"life"),
        stored=RangeSet(),
        sequence_max=1,
        held=RangeSet(),
        total=0,
        partials=(),
        credit_bytes=USUAL_CREDIT_BYTES,
        minutes=0,
        manner=Manner(Certainty.UNSET, stays_open=False),
    )


def first_whole() -> Whole:
    return Whole(
        incarnation=None,
        sequence=1,
        bundle_id=BundleId(b"bundle no. 1"),
        priority=Priority.ROUTINE,
        dwell_code=0,
        recipient_key=b"k1",
        data=b"sealed",
    )


async def test_a_session_moves_what_there_is_and_ends_well_at_both_ends() -> None:
    async with asyncio.timeout(PATIENCE_S), running_hub() as hub:
        node = new_store(1)
        up = await add(node, "up", 200_000)
        down = await add(hub.stores[PAIRS[0]], "down", 30_000)
        report = await talk(await dialer(hub).dial(), node)
        assert report.ending is Ending.DONE, report.reason
        assert hub.stores[PAIRS[0]].holds(up)
        assert node.holds(down)
        await settled(hub, 1)
        assert hub.reports[0].ending is Ending.DONE
        assert report.counters.duplicate_bytes_received == 0


async def settled(hub: Hub, sessions: int) -> None:
    await until(lambda: len(hub.reports) >= sessions)


async def until(holds: Callable[[], bool]) -> None:
    """Let the loop turn until something has come about that has no event of its own."""
    while not holds():  # noqa: ASYNC110 - the stores under test tell nobody.
        await asyncio.sleep(0)


async def test_many_callers_share_one_socket_and_none_hears_another() -> None:
    async with asyncio.timeout(PATIENCE_S), running_hub() as hub:
        nodes = {pair: new_store(number) for number, pair in enumerate(PAIRS)}
        wanted = {
            pair: (await add(nodes[pair], f"up{pair.hex()}", 9_000), await add(hub.stores[pair], "down", 500))
            for pair in PAIRS
        }
        async with asyncio.TaskGroup() as group:
            talks = [
                group.create_task(talk(await dialer(hub, pair).dial(), nodes[pair], pair)) for pair in PAIRS
            ]
        assert all(each.result().ending is Ending.DONE for each in talks)
        for pair, (up, down) in wanted.items():
            assert hub.stores[pair].holds(up)
            assert nodes[pair].holds(down)


async def test_a_session_held_open_pushes_both_ways_at_once() -> None:
    async with asyncio.timeout(PATIENCE_S), running_hub() as hub:
        node, parting = new_store(1), Signal()
        async with asyncio.TaskGroup() as group:
            held = group.create_task(talk(await dialer(hub).dial(), node, stays_open=True, parting=parting))
            up = await add(node, "up", 100)
            await until(lambda: hub.stores[PAIRS[0]].holds(up))
            down = await add(hub.stores[PAIRS[0]], "down", 100)
            await until(lambda: node.holds(down))
            parting.set()
        assert held.result().ending is Ending.PARTED


async def test_the_hubs_end_is_told_to_a_caller() -> None:
    node = new_store(1)
    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
        async with running_hub() as hub:
            held = group.create_task(talk(await dialer(hub).dial(), node, stays_open=True))
            up = await add(node, "up", 100)
            await until(lambda: hub.stores[PAIRS[0]].holds(up))
    assert held.result().ending in (Ending.DONE, Ending.PARTED)


# Strangers and floods.


@pytest.mark.parametrize("pair", [STRANGER, REVOKED])
async def test_whom_the_hub_does_not_know_gets_no_answer(pair: Pseudonym) -> None:
    async with asyncio.timeout(PATIENCE_S), running_hub() as hub:
        assert await answers(hub, first_flight(pair)) == []
        assert hub.listener.live == 0
        assert hub.listener.described()[1] == "datagrams dropped: 1 from callers that nobody knows"


async def test_a_caller_with_the_wrong_secret_gets_no_answer_and_no_memory() -> None:
    async with asyncio.timeout(PATIENCE_S), running_hub() as hub:
        assert await answers(hub, first_flight(PAIRS[0], secret=bytes(32))) == []
        assert hub.listener.live == 0
        assert hub.listener.described()[1] == "datagrams dropped: 1 that did not prove to be the caller's"


async def test_noise_is_dropped_and_counted() -> None:
    async with asyncio.timeout(PATIENCE_S), running_hub() as hub:
        assert await answers(hub, b"", b"\xff" * 40, b"\x40", b"\x60" + bytes(9)) == []
        assert hub.listener.dropped == 4
        drops = hub.listener.described()[1]
        assert drops == "datagrams dropped: 3 not of this protocol, 1 of no session here"


async def test_more_callers_than_there_is_room_for_are_not_kept() -> None:
    async with asyncio.timeout(PATIENCE_S), running_hub() as hub:
        calls = [first_flight(STRANGER, salt=number.to_bytes(SALT_BYTES, "big")) for number in range(500)]
        for call in calls:
            hub.listener.datagram_received(call, ("127.0.0.1", 9))
        assert hub.listener.dropped == 500 - CALLS_WAITING_MAX
        assert "64 waiting" in hub.listener.described()[0]
        assert "436 from callers for whom there was no room" in hub.listener.described()[1]
        report = await talk(await dialer(hub).dial(), new_store(1))
        assert report.ending is Ending.DONE, "the flood over, callers are heard again"


async def test_a_hub_that_is_full_takes_no_more() -> None:
    async with asyncio.timeout(PATIENCE_S), running_hub(sessions_max=0) as hub:
        assert await answers(hub, first_flight(PAIRS[0])) == []


async def test_a_flood_of_forgeries_ends_a_session_and_nothing_else() -> None:
    async with asyncio.timeout(PATIENCE_S), running_hub() as hub:
        connection = await dialer(hub).dial()
        for _ in range(STRANGERS_MAX + 1):
            connection.arrived(b"\x40" + bytes(20))
        with pytest.raises(LinkError, match="floods"):
            await connection.receive()
        await connection.close()


def first_flight(pair: Pseudonym, *, secret: bytes | None = None, salt: bytes = bytes(SALT_BYTES)) -> bytes:
    """An introducing datagram that asks for an answer."""
    return DialerSeal(secret or secret_of(pair), pair, salt).seal(0, -1, b"\x15", asks=True)


async def answers(hub: Hub, *datagrams: bytes) -> list[bytes]:
    """What a bare socket gets back before an honest session with the hub is over."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bare:
        bare.setblocking(False)
        for datagram in datagrams:
            bare.sendto(datagram, hub.address)
        if hub.listener.live == 0 and hub.listener._sessions_max > 0:
            # Who has something to receipt says goodbye, so that the hub's end of it is over soon.
            await add(hub.stores[PAIRS[1]], "down", 100)
            await talk(await dialer(hub, PAIRS[1]).dial(), new_store(9), PAIRS[1])
            await settled(hub, 1)
        else:
            for _ in range(200):
                await asyncio.sleep(0)
        heard: list[bytes] = []
        while True:
            try:
                heard.append(bare.recv(2000))
            except BlockingIOError:
                return heard


# Ends and moves.


async def test_who_goes_on_with_a_session_that_the_hub_does_not_know_is_told_so() -> None:
    preamble = DialerPreamble(PAIRS[0], bytes(SALT_BYTES))
    caller = DialerSeal(secret_of(PAIRS[0]), PAIRS[0], bytes(SALT_BYTES))
    former_hub = ListenerSeal(secret_of(PAIRS[0]), preamble, b"\1" * SALT_BYTES)
    former_hub.open(caller.seal(0, -1, b"\x15", asks=True))
    caller.open(former_hub.seal(0, -1, b"\x15", asks=True))
    caller.introduce()
    async with asyncio.timeout(PATIENCE_S), running_hub() as hub:
        told = await answers(hub, caller.seal(1, 0, b"\x15", asks=True))
        assert told == [gone_datagram(secret_of(PAIRS[0]), preamble)]
        assert caller.open(told[0]) is None
        assert caller.is_rejected


async def test_a_caller_that_is_told_so_stops() -> None:
    async with asyncio.timeout(PATIENCE_S), running_hub() as hub:
        fixed = UdpDialer(*hub.address, pseudonym=PAIRS[0], link_secret=secret_of(PAIRS[0]), entropy=bytes)
        connection = await fixed.dial()
        connection.arrived(gone_datagram(secret_of(PAIRS[0]), DialerPreamble(PAIRS[0], bytes(SALT_BYTES))))
        report = await talk(connection, new_store(1))
        assert report.ending is Ending.LINK_LOST
        assert "let go" in report.reason


async def test_a_gone_datagram_of_somebody_else_ends_nothing() -> None:
    async with asyncio.timeout(PATIENCE_S), running_hub() as hub:
        connection = await dialer(hub).dial()
        connection.arrived(gone_datagram(bytes(32), DialerPreamble(PAIRS[0], bytes(SALT_BYTES))))
        report = await talk(connection, new_store(1))
        assert report.ending is Ending.DONE


async def test_a_caller_whose_address_changes_is_recognised_when_it_says_who_it_is() -> None:
    async with asyncio.timeout(PATIENCE_S), running_hub() as hub, translated(hub) as middle:
        node = new_store(1)
        async with asyncio.TaskGroup() as group:
            parting = Signal()
            to_middle = UdpDialer(
                *middle.address,
                pseudonym=PAIRS[0],
                link_secret=secret_of(PAIRS[0]),
                rate_bit_s=1_000_000,
                rtt_s=0.05,
            )
            held = group.create_task(talk(await to_middle.dial(), node, stays_open=True, parting=parting))
            first = await add(node, "first", 100)
            await until(lambda: hub.stores[PAIRS[0]].holds(first))
            await middle.forget()
            second = await add(node, "second", 100)
            await until(lambda: hub.stores[PAIRS[0]].holds(second))
            parting.set()
        assert held.result().ending is Ending.PARTED


class Translator(asyncio.DatagramProtocol):
    """A router that gives a caller another port now and then."""

    def __init__(self, hub: tuple[str, int]) -> None:
        self._hub = hub
        self._caller = ("", 0)
        self._inside: asyncio.DatagramTransport | None = None
        self._outside: asyncio.DatagramTransport | None = None
        self.address = ("", 0)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._inside = cast(asyncio.DatagramTransport, transport)
        self.address = transport.get_extra_info("sockname")

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._caller = addr
        if self._outside is not None:
            self._outside.sendto(data)

    def answer(self, data: bytes) -> None:
        """The hub's datagrams go back to the caller."""
        if self._inside is not None:
            self._inside.sendto(data, self._caller)

    async def forget(self) -> None:
        """The next datagrams come from another port."""
        former = self._outside
        self._outside, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: Outside(self), remote_addr=self._hub
        )
        if former is not None:
            former.close()

    def close(self) -> None:
        for transport in (self._inside, self._outside):
            if transport is not None:
                transport.close()


class Outside(asyncio.DatagramProtocol):
    """The side of a translator that the hub sees."""

    def __init__(self, translator: Translator) -> None:
        self._translator = translator

    def datagram_received(self, data: bytes, addr: object) -> None:
        self._translator.answer(data)


@asynccontextmanager
async def translated(hub: Hub) -> AsyncIterator[Translator]:
    _, middle = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: Translator(hub.address), local_addr=("127.0.0.1", 0)
    )
    await middle.forget()
    try:
        yield middle
    finally:
        middle.close()
