"""The console tells whoever opens it how the hub itself is: backups, silent sites, what happened to a site."""

from __future__ import annotations

from pathlib import Path

import aiohttp

from sfhub.app import Hub
from sfhub.domain.notice_words import HUB_MOVED
from sfhub.web.condition import BACKUP_OLD_S, SILENT_S
from tests.sfhub.site import Site, TestClock


async def page(browser: aiohttp.ClientSession) -> str:
    async with browser.get("/") as response:
        assert response.status == 200
        return await response.text()


async def test_a_backup_is_called_verified_once_it_was_and_wanting_again_after_two_days(
    browser: aiohttp.ClientSession, served: Hub, clock: TestClock, tmp_path: Path
) -> None:
    assert '<p class="wanting"><b>! </b>No verified backup yet' in await page(browser)
    await served.backups.create(tmp_path / "backups")
    assert "<p>Last verified backup: &lt;1 min ago" in await page(browser)
    clock.now_s += BACKUP_OLD_S + 3600
    assert '<p class="wanting"><b>! </b>Last verified backup: 2 d 1 h ago' in await page(browser)


async def test_a_site_that_says_nothing_for_a_day_is_named(
    browser: aiohttp.ClientSession, served: Hub, site: Site, clock: TestClock
) -> None:
    pair = served.sites.directory.pairs[0]
    await served.sites.heard(pair)
    assert "<p>Every site was heard within a day.</p>" in await page(browser)
    clock.now_s += SILENT_S + 7200
    told = await page(browser)
    assert f"Silent: {pair.site_name} for 1 d 2 h." in told
    assert "Every site was heard" not in told


async def test_nothing_is_said_of_sites_where_there_are_none(browser: aiohttp.ClientSession) -> None:
    told = await page(browser)
    assert "Every site" not in told
    assert "Silent:" not in told


async def test_a_notice_stands_there_until_somebody_has_marked_it(
    browser: aiohttp.ClientSession, served: Hub, clock: TestClock
) -> None:
    await served.notices.add(HUB_MOVED, now_s=clock.wall_s())
    assert f'<p class="notice"><b>! </b>{HUB_MOVED.sentence[:40].replace(chr(39), "&#39;")}' in await page(
        browser
    )
    await served.notices.mark_seen(now_s=clock.wall_s())
    assert 'class="notice"' not in await page(browser)
