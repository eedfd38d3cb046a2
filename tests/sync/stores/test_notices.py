"""Sentences that people read once: the newest few, each cause once, until somebody has seen them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sync.stores.database import Database, Execution
from sync.stores.notices import NOTICES_SCHEMA, SHOWN_DAYS, SHOWN_MAX, Notice, Notices

NOW_S = 1_800_000_000.0
MOVED = Notice("moved", "It lies elsewhere.", covered_by="restored")
RESTORED = Notice("restored", "It was restored, and may lie elsewhere.")


@pytest.fixture
async def notices(tmp_path: Path) -> AsyncIterator[Notices]:
    database = await Database.open(tmp_path / "notices.db", [NOTICES_SCHEMA], execution=Execution.INLINE)
    yield Notices(database)
    await database.close()


async def test_a_cause_is_told_once_until_it_is_seen_and_again_when_it_is_met_again(notices: Notices) -> None:
    for _ in range(2):
        await notices.add(RESTORED, now_s=NOW_S)
    assert await notices.shown(now_s=NOW_S) == (RESTORED.sentence,)
    await notices.mark_seen(now_s=NOW_S)
    assert await notices.shown(now_s=NOW_S) == ()
    await notices.add(RESTORED, now_s=NOW_S)
    assert await notices.shown(now_s=NOW_S) == (RESTORED.sentence,)


async def test_what_nobody_has_read_goes_after_two_weeks(notices: Notices) -> None:
    await notices.add(RESTORED, now_s=NOW_S)
    assert await notices.shown(now_s=NOW_S + SHOWN_DAYS * 86400 - 1) == (RESTORED.sentence,)
    assert await notices.shown(now_s=NOW_S + SHOWN_DAYS * 86400) == ()


async def test_those_that_had_no_place_follow_when_the_others_were_seen(notices: Notices) -> None:
    for number in range(SHOWN_MAX + 1):
        await notices.add(Notice(f"subject {number}", f"Sentence {number}."), now_s=NOW_S + number)
    assert "Sentence 0." not in await notices.shown(now_s=NOW_S)
    await notices.mark_seen(now_s=NOW_S)
    assert await notices.shown(now_s=NOW_S) == ("Sentence 0.",)


@pytest.mark.parametrize("order", [(MOVED, RESTORED), (RESTORED, MOVED)])
async def test_a_sentence_that_another_one_covers_is_not_told_beside_it(
    notices: Notices, order: tuple[Notice, ...]
) -> None:
    for notice in order:
        await notices.add(notice, now_s=NOW_S)
    assert await notices.shown(now_s=NOW_S) == (RESTORED.sentence,)
    await notices.mark_seen(now_s=NOW_S)
    assert await notices.shown(now_s=NOW_S) == ()
    await notices.add(MOVED, now_s=NOW_S)
    assert await notices.shown(now_s=NOW_S) == (MOVED.sentence,)
