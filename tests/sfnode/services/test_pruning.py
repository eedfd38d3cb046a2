"""Sealed copies go once a day, when they are safe, old and not among the newest; on a clock that jumps."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from protocol.header import Priority
from protocol.ids import BUNDLE_ID_BYTES, BundleId, Pseudonym
from protocol.ranges import RangeSet
from protocol.stamps import Certainty
from sfnode.services.clock import SetClock
from sfnode.services.pruning import EVERY_S, KEPT_DAYS, Pruning
from sfnode.spool.pairing import Pairing
from sfnode.spool.spool import Spool
from simulations.virtual.loop import run_virtual as run_months
from sync.ports import Rank
from sync.stores.database import Execution
from sync.stores.sqlite import SqlitePairStore
from tests.sfnode.services.station import NOW_S
from tests.sync.virtual_time import run_virtual, virtual_time_s

DAY_S = 24 * 3600
BUNDLES = 6
KEPT = 2


class RunningClock(SetClock):
    """Its wall goes with the loop's clock, from a given day on."""

    def __init__(self, *, day: int) -> None:
        super().__init__(wall_s=NOW_S)
        self._began_s = NOW_S + day * DAY_S - virtual_time_s()

    def wall_s(self) -> float:
        return self._began_s + virtual_time_s()


PAIRING = Pairing(
    pseudonym=Pseudonym(b"pair"),
    organisation="Example Health",
    hub_name="Main desk",
    site_name="MV ARGO",
    link_secret=bytes(32),
    enrolled_s=int(NOW_S),
)


async def filled(folder: Path, *, stored_s: float = NOW_S) -> Spool:
    """Six bundles that the hub holds since the first day, the last of them not in its backup."""
    spool = await Spool.open(folder / "spool.db", execution=Execution.INLINE, wall_s=lambda: stored_s)
    await spool.pairings.settle(PAIRING)
    custody = await spool.custody(PAIRING)
    for number in range(1, BUNDLES + 1):
        await custody.add(
            bundle_id=bundle(number),
            priority=Priority.ROUTINE,
            rank=Rank.TEXT,
            recipient_key=b"ky",
            dwell_code=20,
            sealed=bytes(100),
        )
    view = await custody.open_session()
    await custody.mark_stored(RangeSet.of([(1, BUNDLES + 1)]))
    await custody.mark_safe(view.incarnation, RangeSet.of([(1, BUNDLES)]))
    return spool


def bundle(number: int) -> BundleId:
    return BundleId(number.to_bytes(BUNDLE_ID_BYTES, "big"))


async def pruned(custody: SqlitePairStore) -> list[int]:
    """Numbers whose bytes are gone, found by losing them at the hub."""
    view = await custody.open_session()
    await custody.mark_lost(view.incarnation, RangeSet.of([(1, BUNDLES + 1)]))
    gone = set(await custody.without_bytes(BUNDLES))
    return [number for number in range(1, BUNDLES + 1) if bundle(number) in gone]


async def served(spool: Spool, *, day: int, for_s: float, grade: Certainty = Certainty.SYNCED) -> list[int]:
    """What is pruned by a daemon that begins on that day and ends after so long."""
    clock = RunningClock(day=day)
    clock.grade = grade
    with suppress(TimeoutError):
        async with asyncio.timeout(for_s):
            await Pruning(spool, clock=clock, keep_newest=KEPT).run()
    gone = await pruned(await spool.custody(PAIRING))
    await spool.close()
    return gone


def test_what_is_safe_and_old_goes_at_the_start_but_the_newest_stay(tmp_path: Path) -> None:
    async def scenario() -> list[int]:
        return await served(await filled(tmp_path), day=KEPT_DAYS + 1, for_s=1)

    assert run_virtual(scenario()) == [1, 2, 3, 4]


@pytest.mark.parametrize(("looks", "gone"), [(1, []), (2, []), (3, [1, 2, 3, 4])])
def test_a_daemon_that_runs_on_looks_once_a_day(tmp_path: Path, looks: int, gone: list[int]) -> None:
    """A day too early at its start; exactly old enough is not old."""

    async def scenario() -> list[int]:
        spool = await filled(tmp_path)
        return await served(spool, day=KEPT_DAYS - 1, for_s=(looks - 1) * EVERY_S + 1)

    assert run_virtual(scenario()) == gone


def test_what_a_hub_holds_that_was_left_grows_old_too(tmp_path: Path) -> None:
    async def scenario() -> list[int]:
        spool = await filled(tmp_path)
        await spool.pairings.leave(PAIRING)
        return await served(spool, day=KEPT_DAYS + 1, for_s=1)

    assert run_virtual(scenario()) == [1, 2, 3, 4]


def test_a_clock_that_nobody_has_set_prunes_nothing(tmp_path: Path) -> None:
    async def scenario() -> list[int]:
        spool = await filled(tmp_path)
        return await served(spool, day=KEPT_DAYS + 1, for_s=3 * EVERY_S, grade=Certainty.UNSET)

    assert run_virtual(scenario()) == []


@pytest.mark.parametrize("stored_s", [600.0, NOW_S + 3_000 * DAY_S])
@pytest.mark.parametrize(("looks", "gone"), [(2, []), (KEPT_DAYS + 2, [1, 2, 3, 4])])
def test_what_was_heard_of_without_a_clock_is_as_old_as_the_clock(
    tmp_path: Path, stored_s: float, looks: int, gone: list[int]
) -> None:
    """At 1970, or years ahead: from the day on which the clock is right it has to grow old."""

    async def scenario() -> list[int]:
        spool = await filled(tmp_path, stored_s=stored_s)
        return await served(spool, day=0, for_s=(looks - 1) * EVERY_S + 1)

    assert run_months(scenario()) == gone


def test_a_site_that_never_enrolled_has_nothing_to_prune(tmp_path: Path) -> None:
    async def scenario() -> int:
        spool = await Spool.open(tmp_path / "spool.db", execution=Execution.INLINE)
        count = await Pruning(spool, clock=RunningClock(day=0)).prune()
        await spool.close()
        return count

    assert run_virtual(scenario()) == 0
