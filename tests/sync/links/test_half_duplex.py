"""A medium that turns round needs nothing of the core: a session runs on it, and what is urgent overtakes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from protocol.header import Priority
from protocol.ids import Pseudonym
from sync.core import BundleReceived, Ending, Event, LinkMemory
from sync.driver import SessionReport, Setting, answer_session, dial_session, read_call
from sync.ports import Connection, Rank
from sync.registry import SessionRegistry
from sync.stores import MemoryStore

from ..core.simulated_contact import new_store
from ..stores.contract import add, bundle_id_of
from ..virtual_time import VirtualClock, run_virtual, virtual_time_s
from .contract import ConnectionContract, Joined
from .half_duplex_link import Medium, Turns

SECRET = bytes(range(32))
PAIR = Pseudonym(b"pair")
RADIO = Turns(rate_bit_s=2400, delay_s=0.05, turnover_s=0.8, hold_s=10.0)
OVERTAKING_S = 10.0 + 0.8 + 0.05 + 5.0
"""The longest turn, turning round, the way, and what was handed to the medium before: five seconds of it."""


@asynccontextmanager
async def joined() -> AsyncIterator[tuple[Connection, Connection]]:
    dialer, listener = Medium(Turns()).ends()
    try:
        yield dialer, listener
    finally:
        await dialer.close()
        await listener.close()


class TestHalfDuplexLink(ConnectionContract):
    def joined(self) -> Joined:
        return joined()


@dataclass(slots=True)
class Site:
    """One side's store, and when whole bundles came to it."""

    store: MemoryStore
    came_at: dict[bytes, float] = field(default_factory=dict)

    def observe(self, event: Event) -> None:
        if isinstance(event, BundleReceived):
            self.came_at[event.offer.bundle_id] = virtual_time_s()

    @property
    def setting(self) -> Setting:
        memory = LinkMemory(RADIO.rate_bit_s / 8, 1.7)
        return Setting(store=self.store, clock=VirtualClock(), observer=self.observe, memory=memory)


async def converse(medium: Medium, node: Site, hub: Site) -> tuple[SessionReport, SessionReport]:
    near, far = medium.ends()

    async def answer() -> SessionReport:
        call = await read_call(far)
        return await answer_session(
            far, call, link_secret=SECRET, registry=SessionRegistry(), setting=hub.setting
        )

    async with asyncio.TaskGroup() as group:
        dialed = group.create_task(
            dial_session(near, link_secret=SECRET, pseudonym=PAIR, setting=node.setting)
        )
        answered = group.create_task(answer())
    return dialed.result(), answered.result()


def never_at_once(medium: Medium) -> bool:
    return all(
        later.began_at >= earlier.ended_at + (RADIO.turnover_s if later.who != earlier.who else 0.0) - 1e-6
        for earlier, later in pairwise(medium.talks)
    )


def test_a_session_moves_bundles_both_ways_and_both_sides_never_talk_at_once() -> None:
    async def scenario() -> None:
        node, hub, medium = Site(new_store(1)), Site(new_store(2)), Medium(RADIO)
        await add(node.store, "case", 6000)
        await add(hub.store, "reply", 900)
        reports = await converse(medium, node, hub)
        assert [report.ending for report in reports] == [Ending.DONE, Ending.DONE]
        assert hub.store.holds(bundle_id_of("case"))
        assert node.store.holds(bundle_id_of("reply"))
        assert never_at_once(medium)
        assert {talk.who for talk in medium.talks} == {0, 1}

    run_virtual(scenario())


def test_a_small_consult_needs_few_turns() -> None:
    async def scenario() -> None:
        node, hub, medium = Site(new_store(1)), Site(new_store(2)), Medium(RADIO)
        await add(node.store, "consult", 2000)
        await add(hub.store, "reply", 200)
        began_at = virtual_time_s()
        await converse(medium, node, hub)
        assert medium.turnovers <= 6
        assert max(node.came_at.values()) - began_at < 2500 * 8 / 2400 + 4 * 0.9

    run_virtual(scenario())


@pytest.mark.parametrize("from_hub", [True, False])
@pytest.mark.parametrize("moment_s", [7.0, 31.0, 63.3])
def test_an_emergency_overtakes_a_photograph_at_the_turnover(from_hub: bool, moment_s: float) -> None:
    async def scenario() -> None:
        node, hub, medium = Site(new_store(1)), Site(new_store(2)), Medium(RADIO)
        await add(node.store, "photo", 60_000, priority=Priority.BULK, rank=Rank.FULL)
        sender, receiver = (hub, node) if from_hub else (node, hub)

        async def add_later() -> float:
            due = asyncio.Event()
            asyncio.get_running_loop().call_later(moment_s, due.set)
            await due.wait()
            await add(sender.store, "alarm", 300, priority=Priority.EMERGENCY, rank=Rank.HEADLINE)
            return virtual_time_s()

        async with asyncio.TaskGroup() as group:
            adding = group.create_task(add_later())
            group.create_task(converse(medium, node, hub))
        arrived_at = receiver.came_at[bundle_id_of("alarm")]
        assert arrived_at - adding.result() < OVERTAKING_S
        assert hub.came_at[bundle_id_of("photo")] > arrived_at + 60
        assert never_at_once(medium)

    run_virtual(scenario())
