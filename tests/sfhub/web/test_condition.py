"""The console tells whoever opens it how the hub itself is: backups, silent sites, what happened."""

from __future__ import annotations

from pathlib import Path

import aiohttp
from markupsafe import escape

from sfhub.app import Hub
from sfhub.domain.notice_words import HUB_MOVED
from sfhub.storage.people import Clinician
from sfhub.web.condition import BACKUP_OLD_S, SILENT_S
from tests.sfhub.site import Site, TestClock


async def page(browser: aiohttp.ClientSession, hub: Hub, doctor: Clinician) -> str:
    """Signed in anew each time: the days that pass here end every sign-in."""
    token = await hub.people.one_time_token(doctor)
    async with browser.get("/login", params={"token": token}) as response:
        assert response.status == 200
    async with browser.get("/") as response:
        assert response.status == 200
        return await response.text()


async def test_a_backup_is_called_verified_once_it_was_and_wanting_again_after_two_days(
    stranger: aiohttp.ClientSession, served: Hub, doctor: Clinician, clock: TestClock, tmp_path: Path
) -> None:
    assert '<p class="wanting"><b>! </b>No verified backup yet' in await page(stranger, served, doctor)
    await served.backups.create(tmp_path / "backups")
    assert "<p>Last verified backup: &lt;1 min ago" in await page(stranger, served, doctor)
    clock.now_s += BACKUP_OLD_S + 3600
    assert '<p class="wanting"><b>! </b>Last verified backup: 2 d 1 h ago' in await page(
        stranger, served, doctor
    )


async def test_a_site_that_says_nothing_for_a_day_is_named(
    stranger: aiohttp.ClientSession, served: Hub, doctor: Clinician, site: Site, clock: TestClock
) -> None:
    pair = served.sites.directory.pairs[0]
    await served.sites.heard(pair)
    assert "<p>Every site was heard within a day.</p>" in await page(stranger, served, doctor)
    clock.now_s += SILENT_S + 7200
    told = await page(stranger, served, doctor)
    assert f"Silent: {pair.site_name} for 1 d 2 h." in told
    assert "Every site was heard" not in told


async def test_nothing_is_said_of_sites_where_there_are_none(
    stranger: aiohttp.ClientSession, served: Hub, doctor: Clinician
) -> None:
    told = await page(stranger, served, doctor)
    assert "Every site" not in told
    assert "Silent:" not in told


async def test_a_notice_stands_there_until_somebody_has_marked_it(
    stranger: aiohttp.ClientSession, served: Hub, doctor: Clinician, clock: TestClock
) -> None:
    await served.notices.add(HUB_MOVED, now_s=clock.wall_s())
    words = str(escape(HUB_MOVED.sentence))
    assert f'<p class="notice"><b>! </b>{words}</p>' in await page(stranger, served, doctor)
    await served.notices.mark_seen(now_s=clock.wall_s())
    assert 'class="notice"' not in await page(stranger, served, doctor)
