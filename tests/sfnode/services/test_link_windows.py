"""Windows of each link out of the node's own diary, where failures share rows and links take turns."""

from __future__ import annotations

from pathlib import Path

from sfnode.config import LinkSettings
from sfnode.services.link_windows import link_windows
from sfnode.spool.diary import Diary
from sfnode.spool.spool import Spool
from sync.scheduler.windows import Chance, Windows

LINKS = (LinkSettings(name="vsat", poll_s=900.0), LinkSettings(name="lband", poll_s=900.0))


async def contact(
    diary: Diary, link: str, began_s: int, ended_s: int | None, *, reached: bool = True
) -> None:
    row = await diary.begin(link=link, hub="Duty desk", now_s=began_s)
    up = 500 if reached else 0
    now_s = began_s if ended_s is None else ended_s
    await diary.count(row, bytes_up=up, bytes_down=up, usd=0.0, reached=reached, now_s=now_s)
    if ended_s is not None:
        outcome = "nothing left to do" if reached else "nobody answered"
        await diary.end(row, outcome=outcome, now_s=ended_s, seconds=ended_s - began_s)


async def test_windows_are_read_for_each_link_apart(tmp_path: Path) -> None:
    spool = await Spool.open(tmp_path / "spool.db")
    try:
        for began_s in (0, 900, 1_800):
            await contact(spool.diary, "vsat", began_s, began_s + 30)
            await contact(spool.diary, "lband", began_s + 60, began_s + 70)
        for began_s in (2_700, 2_720, 2_750, 3_000):
            await contact(spool.diary, "vsat", began_s, began_s + 8, reached=False)
        await contact(spool.diary, "vsat", 3_100, None)
        found = await link_windows(spool.diary, LINKS, 3_400.0)
        assert found["vsat"] == Windows((1_830.0,), 3_100.0)
        assert found["lband"] == Windows((), 60.0)
        assert found["vsat"].chance(600.0, 3_400.0) == Chance(1, 1, 1)
        assert found["vsat"].chance(1_600.0, 3_400.0) == Chance(0, 1, 1)
    finally:
        await spool.close()


async def test_what_a_killed_program_left_open_is_no_window(tmp_path: Path) -> None:
    spool = await Spool.open(tmp_path / "spool.db")
    try:
        await contact(spool.diary, "vsat", 0, None)
        await contact(spool.diary, "vsat", 1_500, 1_508, reached=False)
        assert (await link_windows(spool.diary, LINKS, 2_000.0))["vsat"] == Windows()
    finally:
        await spool.close()
