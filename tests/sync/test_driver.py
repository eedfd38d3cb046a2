"""The driver runs sessions over real connections and stores: in virtual time, with cuts and failures."""

from __future__ import annotations

import asyncio
import gc
import random
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from protocol.channel import DialerPreamble
from protocol.header import Priority
from protocol.ids import Incarnation
from protocol.ranges import RangeSet
from sync.core import (
    BundleReceived,
    BundleSent,
    Ending,
    Event,
    LinkMemory,
    ReceiptsMoved,
    SessionEnded,
    SessionTerms,
)
from sync.driver import PREAMBLE_S, SessionReport, Setting, answer_session, dial_session, read_call
from sync.links import MemoryLinkConditions, memory_link
from sync.ports import ChunkOutcome, Connection, IncomingChunk, LinkError, LinkRefused, Rank
from sync.registry import SessionRegistry
from sync.signal import Signal
from sync.stores import MemoryStore

from .core.simulated_contact import PAIR, SECRET, new_store, run_now
from .stores.contract import add, bundle_id_of
from .virtual_time import VirtualClock, run_virtual, virtual_time_s

CERTUS_UP = MemoryLinkConditions(rate_bit_s=22_000, delay_s=0.45)
CERTUS_DOWN = MemoryLinkConditions(rate_bit_s=88_000, delay_s=0.45)
NOTHING = RangeSet()


@dataclass(slots=True, kw_only=True)
class Meeting:
    """Two sides that meet over memory links, as often as a test likes."""

    node: MemoryStore = field(default_factory=lambda: new_store(1))
    hub: MemoryStore = field(default_factory=lambda: new_store(2))
    stays_open: bool = False
    registry: SessionRegistry = field(default_factory=SessionRegistry)
    events: list[Event] = field(default_factory=list)
    random: random.Random = field(default_factory=lambda: random.Random(7))
    memory: LinkMemory = field(default_factory=LinkMemory)
    parting: Signal | None = None
    heard: Callable[[Event], None] | None = None
    """Told of the node's events instead of `events`."""

    def setting(self, store: MemoryStore) -> Setting:
        return Setting(
            store=store,
            clock=VirtualClock(),
            terms=SessionTerms(stays_open=self.stays_open),
            memory=self.memory,
            observer=self.heard if self.heard and store is self.node else self.events.append,
            entropy=self.random.randbytes,
            parting=self.parting,
        )

    async def dial(self, connection: Connection) -> SessionReport:
        return await dial_session(
            connection, link_secret=SECRET, pseudonym=PAIR, setting=self.setting(self.node)
        )

    async def answer(self, connection: Connection) -> SessionReport:
        call = await read_call(connection)
        assert call.preamble.pseudonym == PAIR
        return await answer_session(
            connection, call, link_secret=SECRET, registry=self.registry, setting=self.setting(self.hub)
        )

    async def meet(
        self, up: MemoryLinkConditions = CERTUS_UP, down: MemoryLinkConditions = CERTUS_DOWN
    ) -> tuple[SessionReport, SessionReport]:
        at_node, at_hub = memory_link(up, down)
        async with asyncio.TaskGroup() as group:
            dialing = group.create_task(self.dial(at_node))
            answering = group.create_task(self.answer(at_hub))
        return dialing.result(), answering.result()


async def held(store: MemoryStore) -> set[bytes]:
    return {bundle.offer.bundle_id for bundle in await store.received_after(0, 1000)}


def test_a_consult_and_its_reply() -> None:
    async def scenario() -> None:
        meeting = Meeting()
        await add(meeting.node, "headline", 300, priority=Priority.EMERGENCY, rank=Rank.HEADLINE)
        await add(meeting.node, "photo", 20_000)
        await add(meeting.hub, "reply", 250)
        began_at = virtual_time_s()
        dialed, answered = await meeting.meet()
        assert (dialed.ending, answered.ending) == (Ending.DONE, Ending.DONE)
        assert await held(meeting.hub) == {bundle_id_of("headline"), bundle_id_of("photo")}
        assert await held(meeting.node) == {bundle_id_of("reply")}
        assert dialed.counters.bundles_sent == answered.counters.bundles_received == 2
        assert dialed.counters.link_bytes_sent == answered.counters.link_bytes_received + 17
        bound_s = 20_300 * 8 / 22_000 + 0.9
        assert virtual_time_s() - began_at < bound_s + 0.9 + 0.5
        assert dialed.duration_s < bound_s + 0.9 + 0.5
        assert meeting.registry.live_pairs == frozenset()
        assert sum(isinstance(event, SessionEnded) for event in meeting.events) == 2

    run_virtual(scenario())


def test_a_session_that_is_over_is_let_go_of_at_once() -> None:
    class Ear:
        def hear(self, event: Event) -> None: ...

    async def scenario() -> None:
        ear = Ear()
        gone = weakref.ref(ear)
        meeting = Meeting(heard=ear.hear)
        await meeting.meet()
        del ear, meeting
        assert gone() is None

    gc.disable()
    try:
        run_virtual(scenario())
    finally:
        gc.enable()


@pytest.mark.parametrize("seed", range(20))
def test_cuts_at_random_bytes_in_both_directions_lose_and_repeat_nothing(seed: int) -> None:
    async def scenario() -> None:
        chance = random.Random(seed)
        meeting = Meeting()
        labels = [f"bundle {number}" for number in range(8)]
        for number, label in enumerate(labels):
            await add(
                meeting.node if number % 2 else meeting.hub,
                label,
                chance.choice([1, 300, 5000, 20_000]),
                priority=chance.choice(list(Priority)),
            )
        for _ in range(6):
            dialed, answered = await meeting.meet(
                MemoryLinkConditions(
                    rate_bit_s=22_000, delay_s=0.45, cut_after_bytes=chance.randrange(20_000)
                ),
                MemoryLinkConditions(
                    rate_bit_s=88_000, delay_s=0.45, cut_after_bytes=chance.randrange(20_000)
                ),
            )
            meeting.memory = dialed.memory
            assert {dialed.ending, answered.ending} <= {Ending.LINK_LOST, Ending.DONE}
            assert dialed.counters.duplicate_bytes_received == answered.counters.duplicate_bytes_received == 0
        dialed, answered = await meeting.meet()
        assert (dialed.ending, answered.ending) == (Ending.DONE, Ending.DONE)
        assert await held(meeting.hub) | await held(meeting.node) == {bundle_id_of(label) for label in labels}
        assert await meeting.node.outgoing(NOTHING) == await meeting.hub.outgoing(NOTHING) == ()

    run_virtual(scenario())


@pytest.mark.parametrize("cut_at", range(400, 1_200, 50))
def test_who_hears_that_custody_passed_finds_that_it_has(cut_at: int) -> None:
    async def scenario() -> None:
        meeting = Meeting()
        for name in ("allergy", "vitals", "note"):
            await add(meeting.node, name, 200)
        too_early: list[int] = []

        def hear(event: Event) -> None:
            if isinstance(event, ReceiptsMoved):
                too_early.extend(n for n in event.sequences if run_now(meeting.node.read(n, 0, 1)))

        meeting.heard = hear
        await meeting.meet(MemoryLinkConditions(rate_bit_s=22_000, delay_s=0.45, cut_after_bytes=cut_at))
        await meeting.meet()
        assert len(await held(meeting.hub)) == 3
        assert not too_early

    run_virtual(scenario())


def test_the_same_seed_plays_the_same_session() -> None:
    async def scenario() -> list[Event]:
        meeting = Meeting()
        await add(meeting.node, "photo", 9000)
        await meeting.meet()
        return meeting.events

    assert run_virtual(scenario()) == run_virtual(scenario())


def test_a_session_kept_open_pushes_what_custody_gets() -> None:
    async def scenario() -> None:
        meeting = Meeting(stays_open=True, parting=Signal())
        at_node, at_hub = memory_link(CERTUS_UP, CERTUS_DOWN)
        async with asyncio.TaskGroup() as group:
            dialing = group.create_task(meeting.dial(at_node))
            group.create_task(meeting.answer(at_hub))
            for label, store, other in (
                ("question", meeting.node, meeting.hub),
                ("answer", meeting.hub, meeting.node),
            ):
                await asyncio.sleep(600)
                await add(store, label, 200)
                await asyncio.sleep(0.8)
                assert bundle_id_of(label) in await held(other)
            assert not dialing.done()
            assert meeting.registry.live_pairs == {PAIR}
            assert meeting.parting is not None
            meeting.parting.set()
        assert dialing.result().ending is Ending.PARTED
        assert dialing.result().reason == "this side was asked to end the session"

    run_virtual(scenario())


def test_a_new_session_of_a_node_ends_the_one_that_hangs() -> None:
    """The node's link died without a sign; it dials again while the hub still waits on the old connection."""

    async def scenario() -> None:
        meeting = Meeting(stays_open=True)
        await add(meeting.node, "photo", 90_000)
        hung_node, hung_hub = memory_link(CERTUS_UP, CERTUS_DOWN)
        async with asyncio.TaskGroup() as group:
            dialing = group.create_task(meeting.dial(hung_node))
            hanging = group.create_task(meeting.answer(hung_hub))
            await asyncio.sleep(5)
            hung_node.close = hung_node.finish  # type: ignore[method-assign] # The hub hears nothing of the end.
            hung_node._sending._conditions = MemoryLinkConditions(delay_s=10**6)
            dialing.cancel()
            await asyncio.sleep(1)
            assert not hanging.done()
            meeting.stays_open = False
            dialed, answered = await meeting.meet()
        assert hanging.result().ending is Ending.FENCED
        assert (dialed.ending, answered.ending) == (Ending.DONE, Ending.DONE)
        assert await held(meeting.hub) == {bundle_id_of("photo")}

    run_virtual(scenario())


def test_an_older_generation_finds_the_seat_taken() -> None:
    async def scenario() -> None:
        meeting = Meeting()
        seat = await meeting.registry.take(PAIR, 100)
        dialed, answered = await meeting.meet()
        assert answered.ending is Ending.FENCED
        assert dialed.ending is Ending.LINK_LOST
        assert seat is not None
        assert not seat.fenced.is_set()

    run_virtual(scenario())


def test_cancelling_abandons_the_session_and_leaves_nothing_running() -> None:
    async def scenario() -> None:
        meeting = Meeting()
        await add(meeting.node, "photo", 30_000)
        at_node, at_hub = memory_link(CERTUS_UP, CERTUS_DOWN)
        before = asyncio.all_tasks()
        async with asyncio.TaskGroup() as group:
            dialing = group.create_task(meeting.dial(at_node))
            answering = group.create_task(meeting.answer(at_hub))
            await asyncio.sleep(4)
            dialing.cancel()
            await asyncio.wait({dialing})
            assert dialing.cancelled()
        assert answering.result().ending is Ending.LINK_LOST
        assert asyncio.all_tasks() == before
        assert meeting.registry.live_pairs == frozenset()
        dialed, _ = await meeting.meet()
        assert dialed.ending is Ending.DONE
        assert await held(meeting.hub) == {bundle_id_of("photo")}

    run_virtual(scenario())


class FailingStore(MemoryStore):
    """Its disk breaks at the second batch."""

    batches = 0

    async def persist(self, chunks: Sequence[IncomingChunk]) -> tuple[ChunkOutcome, ...]:
        self.batches += 1
        if self.batches == 2:
            raise OSError("the disk is gone")
        return await super().persist(chunks)


def test_a_broken_disk_surfaces_and_nothing_was_acknowledged_too_much() -> None:
    async def scenario() -> None:
        meeting = Meeting()
        meeting.hub = FailingStore(lambda: Incarnation(b"hub!"))
        for number in range(5):
            await add(meeting.node, f"bundle {number}", 900)
        at_node, at_hub = memory_link(CERTUS_UP, CERTUS_DOWN)
        async with asyncio.TaskGroup() as group:
            dialing = group.create_task(meeting.dial(at_node))
            with pytest.raises(ExceptionGroup) as failure:
                await meeting.answer(at_hub)
        assert failure.group_contains(OSError, match="the disk is gone")
        assert dialing.result().ending is Ending.LINK_LOST
        assert meeting.registry.live_pairs == frozenset()
        pending = {bundle.offer.bundle_id for bundle in await meeting.node.outgoing(NOTHING)}
        assert pending | await held(meeting.hub) == {bundle_id_of(f"bundle {number}") for number in range(5)}
        await meeting.meet()
        assert len(await held(meeting.hub)) == 5

    run_virtual(scenario())


def test_a_link_that_breaks_gives_its_reason() -> None:
    async def scenario() -> None:
        meeting = Meeting()
        await add(meeting.node, "photo", 30_000)
        dialed, _ = await meeting.meet(
            MemoryLinkConditions(rate_bit_s=22_000, delay_s=0.45, cut_after_bytes=9000)
        )
        assert dialed.ending is Ending.LINK_LOST
        assert dialed.reason.startswith("the link broke")
        assert dialed.memory.unheard

    run_virtual(scenario())


class TestCalls:
    def test_a_caller_that_says_nothing_is_dropped(self) -> None:
        async def scenario() -> None:
            _silent, at_hub = memory_link()
            began_at = virtual_time_s()
            with pytest.raises(LinkRefused, match="in time"):
                await read_call(at_hub)
            assert virtual_time_s() - began_at == pytest.approx(PREAMBLE_S)

        run_virtual(scenario())

    def test_a_caller_that_hangs_up_is_dropped(self) -> None:
        async def scenario() -> None:
            at_node, at_hub = memory_link()
            await at_node.send(b"\x01pai")
            await at_node.finish()
            with pytest.raises(LinkRefused, match="hung up"):
                await read_call(at_hub)

        run_virtual(scenario())

    def test_a_caller_of_another_protocol_is_told_so(self) -> None:
        async def scenario() -> None:
            at_node, at_hub = memory_link()
            await at_node.send(b"GET / HTTP/1.1\r\n\r\n")
            with pytest.raises(LinkRefused, match="version 71"):
                await read_call(at_hub)

        run_virtual(scenario())

    @pytest.mark.parametrize("piece_bytes", [1, 5, 100])
    def test_a_preamble_in_pieces_and_what_follows_it(self, piece_bytes: int) -> None:
        async def scenario() -> None:
            at_node, at_hub = memory_link()
            preamble = DialerPreamble(PAIR, b"dialer salt.")
            data = preamble.encode() + b"the rest"
            for start in range(0, len(data), piece_bytes):
                await at_node.send(data[start : start + piece_bytes])
            call = await read_call(at_hub)
            assert call.preamble == preamble
            assert b"the rest".startswith(call.rest)

        run_virtual(scenario())


class StuckConnection:
    """A connection whose medium takes nothing any more, and never says so."""

    def __init__(self, connection: Connection) -> None:
        self.properties = connection.properties
        self._connection = connection

    async def send(self, data: bytes) -> None:
        await asyncio.Event().wait()

    async def receive(self) -> bytes:
        return await self._connection.receive()

    async def finish(self) -> None:
        raise LinkError("stuck")

    async def close(self) -> None:
        await self._connection.close()


def test_a_link_that_takes_nothing_ends_in_peer_silent() -> None:
    async def scenario() -> None:
        meeting = Meeting()
        await add(meeting.node, "photo", 3000)
        at_node, _at_hub = memory_link()
        began_at = virtual_time_s()
        report = await meeting.dial(StuckConnection(at_node))
        assert report.ending is Ending.PEER_SILENT
        assert virtual_time_s() - began_at < 60
        assert [event for event in meeting.events if isinstance(event, BundleSent | BundleReceived)] == []

    run_virtual(scenario())
