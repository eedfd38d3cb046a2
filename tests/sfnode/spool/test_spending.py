"""What a link has cost today, as rows: it outlives restarts, and a day ends although the clock was wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfnode.config import LinkSettings
from sfnode.services.clock import SetClock, tick_of
from sfnode.services.link_ledger import LinkLedger
from sfnode.spool.spending import Spending
from sfnode.spool.spool import NODE_SCHEMA, Spool
from sync.stores.connection import Connection
from sync.stores.database import Database, Execution

NOW_S = 1_800_000_000.0
DAY_S = 86_400.0
YEARS_S = 5 * 365 * DAY_S
CAPPED = LinkSettings(hub_url="http://hub.example", name="lband", usd_per_megabyte=8.0, cap_usd_per_day=2.0)


async def spent_after(
    folder: Path, *, hours: int, each_night: bool, set_back: bool, link: LinkSettings = CAPPED
) -> float:
    """What still counts when the machine has run so many hours since a contact, with a clock years ahead."""
    clock = SetClock(wall_s=NOW_S + YEARS_S)
    spool = await Spool.open(folder / "spool.db", execution=Execution.INLINE)
    await spool.spending.add(link.name, tick_of(clock), usd=1.5, size_bytes=1_000)
    if set_back:
        clock = SetClock(wall_s=NOW_S)
    for hour in range(1, hours + 1):
        await LinkLedger(spool, clock=clock).links_now([link])
        clock.pass_time(3_600.0)
        if each_night and hour % 8 == 0:
            await LinkLedger(spool, clock=clock).links_now([link])
            await spool.close()
            spool = await Spool.open(folder / "spool.db", execution=Execution.INLINE)
            clock.start_again(off_s=16 * 3_600.0, up_s=1.0)
    (now,) = await LinkLedger(spool, clock=clock).links_now([link])
    await spool.close()
    return now.spent.usd


@pytest.mark.parametrize("each_night", [False, True])
async def test_a_clock_that_was_years_ahead_holds_a_cap_for_a_day_of_running(
    tmp_path: Path, each_night: bool
) -> None:
    assert await spent_after(tmp_path, hours=23, each_night=each_night, set_back=True) == 1.5
    (tmp_path / "spool.db").unlink()
    assert await spent_after(tmp_path, hours=25, each_night=each_night, set_back=True) == 0.0


async def test_a_machine_that_is_off_at_night_begins_each_day_by_its_clock(tmp_path: Path) -> None:
    assert await spent_after(tmp_path, hours=7, each_night=True, set_back=False) == 1.5
    (tmp_path / "spool.db").unlink()
    assert await spent_after(tmp_path, hours=9, each_night=True, set_back=False) == 0.0


async def test_what_is_remembered_of_a_day_is_what_its_rows_say(tmp_path: Path) -> None:
    clock = SetClock(wall_s=NOW_S)
    database = await Database.open(tmp_path / "spool.db", [NODE_SCHEMA], execution=Execution.INLINE)
    spending = Spending(database)

    async def is_told_alike() -> bool:
        # Another one over the same rows remembers nothing.
        anew = Spending(database)
        now = tick_of(clock)
        return all([await spending.today(link, now) == await anew.today(link, now) for link in ("a", "b")])

    assert await is_told_alike()
    await spending.add("a", tick_of(clock), usd=0.25, size_bytes=70)
    assert await is_told_alike()
    clock.pass_time(600.0)
    both = [spending.adding(link, tick_of(clock), usd=0.5, size_bytes=1) for link in ("a", "b")]
    await spending.note([*both, spending.closing("b", tick_of(clock))])
    assert (await spending.today("b", tick_of(clock))).is_closed
    assert await is_told_alike()
    await spending.reopen("b")
    assert not (await spending.today("b", tick_of(clock))).is_closed
    await spending.rename("a", "b")
    assert await is_told_alike()
    clock.pass_time(DAY_S)
    await spending.note_running("b", tick_of(clock))
    assert await is_told_alike()
    await database.close()


async def test_what_was_undone_is_not_remembered(tmp_path: Path) -> None:
    clock = SetClock(wall_s=NOW_S)
    database = await Database.open(tmp_path / "spool.db", [NODE_SCHEMA], execution=Execution.INLINE)
    spending = Spending(database)
    await spending.add("a", tick_of(clock), usd=0.25, size_bytes=70)

    def fails(connection: Connection) -> None:
        raise ValueError("not that")

    with pytest.raises(ValueError, match="not that"):
        await spending.note([spending.adding("a", tick_of(clock), usd=9.0, size_bytes=1), fails])
    assert (await spending.today("a", tick_of(clock))).usd == 0.25
    # Twice in one transaction: the second builds upon the first.
    half = [spending.adding("a", tick_of(clock), usd=0.5, size_bytes=1) for _ in range(2)]
    await spending.note(half)
    await spending.add("a", tick_of(clock), usd=1.0, size_bytes=1)
    assert (await spending.today("a", tick_of(clock))).usd == 2.25
    assert (await Spending(database).today("a", tick_of(clock))).usd == 2.25
    await database.close()
