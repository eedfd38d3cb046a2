"""A receipt and what the application answers share a packet, where the link finds that worth a wait."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from sync.core import BundleReceived, BundleSent, Ending, Event, LinkMemory, SessionTerms
from sync.driver import Setting, answer_session, dial_session, read_call
from sync.links import MemoryLinkConditions, memory_link
from sync.links.memory import MemoryConnection
from sync.registry import SessionRegistry
from sync.signal import Signal
from sync.stores import MemoryStore

from .core.simulated_contact import PAIR, SECRET, new_store
from .stores.contract import add, bundle_id_of
from .virtual_time import VirtualClock, run_virtual, virtual_time_s

GATHER_S = 0.02
WAY = MemoryLinkConditions(rate_bit_s=2_400, delay_s=0.5)


@dataclass(eq=False)
class Gathering:
    """One end of a memory link that would rather send less often; notes when it was given something."""

    end: MemoryConnection
    gather_s: float
    sent_at: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.properties = self.end.properties

    async def send(self, data: bytes) -> None:
        self.sent_at.append(virtual_time_s())
        await self.end.send(data)

    def push(self) -> None:
        """Nothing waits here."""

    async def receive(self) -> bytes:
        return await self.end.receive()

    async def finish(self) -> None:
        await self.end.finish()

    async def close(self) -> None:
        await self.end.close()


@dataclass
class Consult:
    """The node asks, and goes once it is answered; the hub's application answers so long after it has it."""

    answers_after_s: float | None
    gather_s: float = GATHER_S
    asked_at: float = 0.0
    known_at: float = 0.0
    at_hub: list[float] = field(default_factory=list)
    """When the hub gave its link something, from the moment on in which it had the question."""
    at_node: list[float] = field(default_factory=list)
    """The same of the node, once it had the answer."""
    _hub: MemoryStore = field(default_factory=lambda: new_store(2))
    _parting: Signal = field(default_factory=Signal)
    _questions: asyncio.Queue[float] = field(default_factory=asyncio.Queue)
    _answered_at: float = 0.0

    async def hold(self) -> None:
        """The whole session."""
        node = new_store(1)
        await add(node, "question", 200)
        node_end, hub_end = (Gathering(end, self.gather_s) for end in memory_link(WAY, WAY))
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            dialing = group.create_task(
                dial_session(
                    node_end,
                    link_secret=SECRET,
                    pseudonym=PAIR,
                    setting=Setting(
                        store=node,
                        clock=VirtualClock(),
                        terms=SessionTerms(stays_open=self.answers_after_s is not None),
                        memory=LinkMemory(300.0, 1.0),
                        observer=self._heard_at_node,
                        parting=self._parting,
                    ),
                )
            )
            answering = group.create_task(self._answer())
            call = await read_call(hub_end)
            setting = Setting(
                store=self._hub,
                clock=VirtualClock(),
                terms=SessionTerms(stays_open=True),
                observer=self._heard_at_hub,
            )
            await answer_session(
                hub_end, call, link_secret=SECRET, registry=SessionRegistry(), setting=setting
            )
            answering.cancel()
        assert dialing.result().ending in (Ending.DONE, Ending.PARTED)
        self.at_hub = [at - self.asked_at for at in hub_end.sent_at if at >= self.asked_at]
        self.at_node = [at for at in node_end.sent_at if at >= self._answered_at]

    def _heard_at_hub(self, event: Event) -> None:
        if isinstance(event, BundleReceived):
            self.asked_at = virtual_time_s()
            if self.answers_after_s is not None:
                self._questions.put_nowait(self.answers_after_s)

    async def _answer(self) -> None:
        await asyncio.sleep(await self._questions.get())
        await add(self._hub, "answer", 100)

    def _heard_at_node(self, event: Event) -> None:
        match event:
            case BundleSent():
                self.known_at = virtual_time_s()
            case BundleReceived(offer):
                assert offer.bundle_id == bundle_id_of("answer")
                self._answered_at = virtual_time_s()
                self._parting.set()
            case _:
                return


def held(consult: Consult) -> Consult:
    run_virtual(consult.hold())
    return consult


def test_an_answer_at_once_leaves_together_with_the_receipt() -> None:
    consult = held(Consult(answers_after_s=GATHER_S / 2))
    assert consult.at_hub[0] == pytest.approx(GATHER_S / 2)
    assert len(consult.at_hub) == 2  # And the goodbye.


def test_a_later_answer_is_not_waited_for() -> None:
    consult = held(Consult(answers_after_s=GATHER_S * 2))
    assert consult.at_hub[0] == pytest.approx(GATHER_S)
    assert len(consult.at_hub) == 3


def test_a_link_that_gathers_nothing_has_the_receipt_in_the_same_moment() -> None:
    consult = held(Consult(answers_after_s=GATHER_S / 2, gather_s=0.0))
    assert consult.at_hub[0] == 0.0
    assert len(consult.at_hub) == 3


def test_without_an_answer_the_receipt_is_late_by_no_more_than_the_link_wants() -> None:
    late, prompt = (held(Consult(answers_after_s=None, gather_s=gather_s)) for gather_s in (GATHER_S, 0.0))
    assert late.known_at - prompt.known_at == pytest.approx(GATHER_S)


def test_who_goes_when_answered_says_so_together_with_the_receipt() -> None:
    assert len(held(Consult(answers_after_s=GATHER_S / 2)).at_node) == 1
    assert len(held(Consult(answers_after_s=GATHER_S / 2, gather_s=0.0)).at_node) == 2
