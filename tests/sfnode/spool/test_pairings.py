"""Several hubs in the spool: one is added and never put in another's place, and each has rows of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from protocol.header import Priority
from protocol.ids import BundleId, Pseudonym
from protocol.stamps import Certainty
from sfnode.domain.moments import Moment
from sfnode.errors import NotFound
from sfnode.spool.pairing import Pairing
from sfnode.spool.spool import Spool
from sync.ports import Rank
from sync.stores.database import Execution

NOON = Moment(boot="boot 1", monotonic_s=500.0, wall_s=1_760_000_000, certainty=Certainty.SYNCED)
ID = BundleId(b"one and same")


def pairing(name: str, pseudonym: bytes, organisation: str = "Example Health") -> Pairing:
    return Pairing(
        pseudonym=Pseudonym(pseudonym),
        organisation=organisation,
        hub_name=name,
        site_name="MV EXAMPLE",
        link_secret=pseudonym * 8,
        enrolled_s=1_000,
    )


DESK, BURNS = pairing("Duty desk", b"desk"), pairing("Burns centre", b"burn", "Other Health")


@pytest.fixture
async def spool(tmp_path: Path) -> AsyncIterator[Spool]:
    spool = await Spool.open(tmp_path / "spool.db", execution=Execution.INLINE)
    yield spool
    await spool.close()


async def queue(spool: Spool, pair: Pairing, bundle_id: BundleId = ID) -> None:
    await spool.transfers.note_queued(
        pair.pseudonym, bundle_id, priority=Priority.URGENT, rank=Rank.TEXT, size_bytes=10, now_s=1
    )


async def names(spool: Spool) -> list[tuple[str, bool]]:
    return [(each.name, each.is_home) for each in await spool.pairings.all()]


async def test_another_hub_is_added_and_the_first_stays_home(spool: Spool) -> None:
    await spool.pairings.settle(DESK)
    await spool.pairings.settle(BURNS)
    assert await names(spool) == [("Duty desk", True), ("Burns centre", False)]
    found = await spool.pairings.of(BURNS.pseudonym)
    assert found == BURNS == await spool.pairings.at(BURNS.hub) == await spool.pairings.named("BURNS centre ")
    assert await spool.custody(DESK) is not await spool.custody(BURNS)


async def test_the_same_hub_again_takes_its_own_place_alone(spool: Spool) -> None:
    for each in (DESK, BURNS):
        await spool.pairings.settle(each)
        await queue(spool, each)
    await spool.pairings.make_home(BURNS)
    await spool.pairings.settle(dataclasses.replace(DESK, pseudonym=Pseudonym(b"anew")))
    assert await names(spool) == [("Duty desk", False), ("Burns centre", True)]
    assert await spool.pairings.of(DESK.pseudonym) is None
    assert [each.pair for each in await spool.transfers.unstored()] == [BURNS.pseudonym]


async def test_one_id_at_two_hubs_is_two_bundles(spool: Spool) -> None:
    for each in (DESK, BURNS):
        await queue(spool, each)
    await spool.transfers.note_stored(BURNS.pseudonym, [ID], now_s=9)
    assert [each.pair for each in await spool.transfers.unstored()] == [DESK.pseudonym]
    assert await spool.transfers.unstored(BURNS.pseudonym) == ()
    assert await spool.transfers.stored(DESK.pseudonym) == ()
    await spool.transfers.note_lost(DESK.pseudonym, [ID])
    assert await spool.transfers.stored(BURNS.pseudonym) == (ID,)
    await spool.transfers.forget(DESK.pseudonym, [ID])
    assert await spool.transfers.unstored() == ()
    assert await spool.transfers.stored(BURNS.pseudonym) == (ID,)


async def test_what_one_hub_sends_does_not_date_what_another_sends(spool: Spool) -> None:
    await spool.transfers.note_arrived(BURNS.pseudonym, ID, NOON)
    assert await spool.transfers.arrived(DESK.pseudonym, ID) is None
    later = NOON.earlier_by(-60)
    await spool.transfers.note_arrived(DESK.pseudonym, ID, later)
    await spool.transfers.forget_arrival(BURNS.pseudonym, ID)
    assert await spool.transfers.arrived(DESK.pseudonym, ID) == later


async def test_a_hub_that_is_left_gives_its_place_as_home_to_the_next(spool: Spool) -> None:
    for each in (DESK, BURNS):
        await spool.pairings.settle(each)
        await queue(spool, each)
    await queue(spool, DESK, BundleId(b"it holds one"))
    await spool.transfers.note_stored(DESK.pseudonym, [BundleId(b"it holds one")], now_s=2)
    for _ in range(2):
        await spool.pairings.leave(DESK)
    assert await names(spool) == [("Burns centre", True)]
    assert [each.pair for each in await spool.transfers.unstored()] == [BURNS.pseudonym]
    assert await spool.transfers.stored(DESK.pseudonym) == (b"it holds one",)
    with pytest.raises(NotFound, match="Its hubs: Burns centre"):
        await spool.pairings.named("Duty desk")


async def test_hubs_outlive_the_process(tmp_path: Path) -> None:
    spool = await Spool.open(tmp_path / "spool.db", execution=Execution.INLINE)
    for each in (DESK, BURNS):
        await spool.pairings.settle(each)
    await spool.pairings.make_home(BURNS)
    await spool.close()
    spool = await Spool.open(tmp_path / "spool.db", execution=Execution.INLINE)
    assert await names(spool) == [("Duty desk", False), ("Burns centre", True)]
    assert (await spool.pairings.home()) == dataclasses.replace(BURNS, is_home=True)
    await spool.close()
