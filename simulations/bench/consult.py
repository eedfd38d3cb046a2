"""What whole sessions take over an emulated line: round trips, framing, and bytes paid twice after a cut."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from typing import Final

from protocol.header import Priority
from protocol.ids import BundleId, Incarnation, Pseudonym
from sfhub.clock import SystemClock
from sync.driver import SessionReport, Setting, answer_session, dial_session, read_call
from sync.links.memory import MemoryLinkConditions, memory_link
from sync.ports import Rank
from sync.registry import SessionRegistry
from sync.stores.memory import MemoryStore

from .rows import Row

_SECRET: Final = bytes(32)
_PAIR: Final = Pseudonym(b"pair")


@dataclass(frozen=True, slots=True)
class Line:
    """One emulated line."""

    up_bit_s: float
    down_bit_s: float
    rtt_s: float

    def conditions(
        self, cut_after_bytes: int | None = None
    ) -> tuple[MemoryLinkConditions, MemoryLinkConditions]:
        delay_s = self.rtt_s / 2
        up = MemoryLinkConditions(rate_bit_s=self.up_bit_s, delay_s=delay_s, cut_after_bytes=cut_after_bytes)
        return up, MemoryLinkConditions(rate_bit_s=self.down_bit_s, delay_s=delay_s)


DIAL_UP: Final = Line(2_400, 2_400, 1.5)
CERTUS: Final = Line(22_000, 88_000, 0.9)


async def consult_rows() -> list[Row]:
    """Three situations, one after another, in real time."""
    return [*await _nothing_new(), *await _small_exchange(), *await _cut_in_a_photograph()]


async def _nothing_new() -> list[Row]:
    site, hub = _store(), _store()
    dialed, answered = await _session(site, hub, CERTUS)
    return [
        Row(name="nothing new: bytes up", value=dialed.counters.link_bytes_sent, unit="B"),
        Row(name="nothing new: bytes down", value=answered.counters.link_bytes_sent, unit="B"),
    ]


async def _small_exchange() -> list[Row]:
    site, hub = _store(), _store()
    await _add(site, 2_000)
    await _add(hub, 200)
    dialed, _ = await _session(site, hub, DIAL_UP)
    least_s = 2_200 * 8 / DIAL_UP.up_bit_s + DIAL_UP.rtt_s
    sent = dialed.counters.link_bytes_sent + dialed.counters.link_bytes_received
    return [
        Row(name="2,000 B up, 200 B down, 2.4 kbit/s", value=dialed.duration_s, unit="s", bound=least_s),
        Row(name="the same: bytes beyond the payload", value=sent - 2_200, unit="B"),
    ]


async def _cut_in_a_photograph() -> list[Row]:
    site, hub = _store(), _store()
    await _add(site, 20_000)
    await _session(site, hub, CERTUS, cut_after_bytes=12_000)
    _, answered = await _session(site, hub, CERTUS)
    twice = answered.counters.duplicate_bytes_received
    return [Row(name="received twice after a cut in a photograph", value=twice, unit="B", bound=4_096)]


def _store() -> MemoryStore:
    return MemoryStore(lambda: Incarnation(os.urandom(4)))


async def _add(store: MemoryStore, size_bytes: int) -> None:
    await store.add(
        bundle_id=BundleId(os.urandom(12)),
        priority=Priority.URGENT,
        rank=Rank.TEXT,
        recipient_key=b"kk",
        dwell_code=21,
        sealed=os.urandom(size_bytes),
    )


async def _session(
    site: MemoryStore, hub: MemoryStore, line: Line, cut_after_bytes: int | None = None
) -> tuple[SessionReport, SessionReport]:
    dialer, listener = memory_link(*line.conditions(cut_after_bytes))
    clock = SystemClock()

    async def answer() -> SessionReport:
        call = await read_call(listener)
        setting = Setting(store=hub, clock=clock)
        return await answer_session(
            listener, call, link_secret=_SECRET, registry=SessionRegistry(), setting=setting
        )

    async with asyncio.TaskGroup() as group:
        answering = group.create_task(answer())
        setting = Setting(store=site, clock=clock)
        dialed = await dial_session(dialer, link_secret=_SECRET, pseudonym=_PAIR, setting=setting)
    return dialed, answering.result()
