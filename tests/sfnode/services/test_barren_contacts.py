"""A hub that greets, and then nothing moves: each such contact costs the same, so they come more seldom."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from protocol.header import Priority
from protocol.ids import BundleId, Incarnation, Pseudonym, SealTag
from sfnode.config import LinkSettings
from sfnode.services.clock import SetClock
from sfnode.services.contact import ContactOutcome, Pair
from sfnode.services.contact_account import Account
from sfnode.services.link_ledger import LinkLedger
from sfnode.spool.spool import Spool
from sfnode.views import SyncReport
from sync.core import BundleProgress, BundleReceived, BundleSent, Direction, Ending, Event, LinkMemory
from sync.ports import Offer
from sync.scheduler import Allowance
from sync.stores.memory import MemoryStore
from tests.sfnode.services.station import NOW_S

LINK = "vsat"
OFFER = Offer(
    incarnation=Incarnation(b"life"),
    sequence=1,
    bundle_id=BundleId(b"b" * 12),
    seal_tag=SealTag(b"tag4"),
    priority=Priority.ROUTINE,
    dwell_code=20,
    recipient_key=b"kk",
    size_bytes=9_000,
)
REPORT = SyncReport(
    link=LINK,
    ended="the link broke",
    complete=False,
    seconds=3.0,
    bundles_sent=0,
    bundles_received=0,
    bytes_up=2_000,
    bytes_down=300,
    payload_up=1_500,
    payload_down=0,
    bytes_received_twice=0,
    usd=0.0,
)
LOST = ContactOutcome(report=REPORT, ending=Ending.LINK_LOST, memory=LinkMemory())


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Spool]:
    spool = await Spool.open(folder / "spool.db")
    try:
        yield spool
    finally:
        await spool.close()


async def test_pauses_grow_although_the_hub_greets_each_time_until_something_moves(tmp_path: Path) -> None:
    pair = Pair(
        pseudonym=Pseudonym(b"hub1"), link_secret=b"", store=MemoryStore(lambda: Incarnation(b"life"))
    )
    async with opened(tmp_path) as spool:
        ledger = LinkLedger(spool, clock=SetClock(wall_s=NOW_S), chance=lambda: 0.5)

        async def lost(*, was_barren: bool) -> float:
            ledger.greeted(pair.pseudonym, LINK)
            await ledger.failed(pair, LINK, LOST, was_barren=was_barren)
            return ledger.attempts(pair.pseudonym)[LINK].pause_s

        assert [await lost(was_barren=True) for _ in range(8)] == [2, 4, 8, 16, 32, 64, 120, 120]
        ledger.moved(pair.pseudonym, LINK)
        assert [await lost(was_barren=True) for _ in range(2)] == [2, 4]
        ledger.moved(pair.pseudonym, LINK)
        assert [await lost(was_barren=False) for _ in range(3)] == [2, 2, 2]
        assert await lost(was_barren=True) == 2


@pytest.mark.parametrize(
    ("events", "has_moved"),
    [
        ([], False),
        # What an earlier contact brought is told again.
        ([BundleProgress(Direction.SENDING, OFFER, 1_024)], False),
        ([BundleProgress(Direction.SENDING, OFFER, 1_024)] * 2, False),
        ([BundleProgress(Direction.SENDING, OFFER, each) for each in (0, 1_024)], True),
        ([BundleProgress(Direction.RECEIVING, OFFER, each) for each in (1_024, 2_048)], True),
        ([BundleProgress(each, OFFER, 9) for each in Direction], False),
        ([BundleSent(OFFER)], True),
        ([BundleReceived(OFFER)], True),
    ],
)
async def test_a_contact_has_moved_something_once_it_is_where_it_was_not(
    tmp_path: Path, events: list[Event], has_moved: bool
) -> None:
    async with opened(tmp_path) as spool:
        account = Account(LinkSettings(name=LINK), Allowance(), spool=spool, clock=SetClock(wall_s=NOW_S))
        for event in events:
            account.note(event)
        assert account.has_moved is has_moved
