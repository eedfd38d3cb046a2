"""A fleet on the whole product: everything that its description names really happens to it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from simulations.fleet.weather import storms_of
from simulations.report import WHOLE_STACK, DeliveryRow
from simulations.whole import Playing, run_whole
from tests.simulations.fleet.small_worlds import calls_in_storms, place, small_world

from .coast import AWAY_S, SEED, coast, played_in_events, played_whole

RUN_OF_ONE_SITE = """
from tests.simulations.fleet.small_worlds import place, small_world
from simulations.whole import run_whole
print(run_whole(small_world(place("geo-lossy"), days=0.3, cases_per_day=6.0), seed=3).trace_hash)
"""


def test_no_law_is_broken_and_every_case_of_the_description_comes_up() -> None:
    results, lines = played_whole()
    assert results.violations == ()
    assert "A site spends no more than its caps allow" in results.checked
    assert len(set(results.checked)) == len(results.checked) == 12
    heard = {line.split()[2] for line in lines}
    assert {"BundleAdded", "CustodyPassed", "ReceiptWritten", "BytesHandedOut", "CaseTaken"} <= heard
    assert {"OrderShown", "OrderEnded", "ContactPaid", "PictureFiled", "RecordFiled", "WorldHealed"} <= heard
    assert results.played == WHOLE_STACK
    wanted = [(case.site, case.opened_s, case.kind) for case in played_in_events().cases]
    assert [(case.site, case.opened_s, case.kind) for case in results.cases] == wanted


def test_people_answer_read_and_follow_up_as_the_worklist_and_the_screens_say() -> None:
    results, lines = played_whole()
    whole = [case for case in results.cases if case.reply_stored_s is not None]
    assert len(whole) >= len(results.cases) - 2
    for case in whole:
        told = (case.opened_s, case.useful_s, case.taken_s, case.answered_s, case.reply_stored_s)
        moments = [each for each in told if each is not None]
        assert len(moments) == len(told)
        assert moments == sorted(moments)
    seen = [case.seen_s for case in whole if case.seen_s is not None]
    assert len(seen) >= len(whole) - 2
    kinds = {row.what for row in results.deliveries}
    assert {"headline", "text", "preview", "photo", "vitals", "case seen", "reply"} <= kinds
    assert {"first orders", "reply seen", "order 1 done", "closed"} <= kinds
    assert any("OrderEnded" in line for line in lines)
    assert sum(row.emergency + row.urgent + row.routine for row in results.queue) > 0


def test_an_alarm_is_the_product_s_own_and_stops_once_it_is_answered() -> None:
    results, lines = played_whole()
    assert {alarm.cause for alarm in results.alarms} == {"a recheck without a reading"}
    assert len(results.alarms) == sum(" alarm cause=" in line for line in lines)


def test_each_link_of_a_site_is_used_under_its_own_terms() -> None:
    results, _ = played_whole()
    ship = results.sites[0]
    assert ship.links == "certus-100, iridium-dialup"
    by_link: dict[str, list[DeliveryRow]] = {}
    for row in results.deliveries:
        if row.site == ship.site and row.stored_s is not None:
            by_link.setdefault(row.link, []).append(row)
    assert by_link.keys() >= {"certus-100", "iridium-dialup"}
    assert max(row.priority for row in by_link["iridium-dialup"] if row.up) <= 1
    assert ship.usd > 0.0


def test_while_the_hub_is_down_nothing_comes_or_goes_and_afterwards_everything() -> None:
    results, lines = played_whole()
    during = [
        row for row in results.deliveries if row.stored_s is not None and AWAY_S[0] < row.stored_s < AWAY_S[1]
    ]
    assert during == []
    assert sum(" hub        is " in line for line in lines) == 2
    after = [row for row in results.deliveries if row.queued_s < AWAY_S[1] <= (row.stored_s or 0.0)]
    assert after


def test_a_storm_takes_the_link_away() -> None:
    results, _ = played_whole()
    storms = storms_of(coast(), SEED)["bay", "geo-clean"]
    assert storms
    for row in results.deliveries:
        if row.site == 1 and row.stored_s is not None:
            # What is on its way when the storm begins still arrives.
            assert not any(storm.start_s + 1.0 < row.stored_s < storm.end_s for storm in storms)


def test_one_seed_is_one_run_in_any_process() -> None:
    world = small_world(place("geo-lossy"), days=0.3, cases_per_day=6.0)
    here = run_whole(world, seed=3).trace_hash
    there = subprocess.run(
        [sys.executable, "-c", RUN_OF_ONE_SITE],
        env=os.environ | {"PYTHONHASHSEED": "4"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert there.stdout.strip() == here
    assert run_whole(world, seed=4).trace_hash != here


def test_in_the_dark_only_emergencies_pass_a_cap_where_minutes_are_billed() -> None:
    results = run_whole(calls_in_storms(0.1, count=1, days=1.0), seed=1)
    assert results.violations == ()
    (site,) = results.sites
    assert site.contacts_failed > 20
    # An emergency that finds nobody dials every 45 s, and a dial is two steps of 20 s.
    assert 5.0 < site.usd < 0.96 * site.contacts


def test_contacts_that_find_nothing_new_may_be_accounted() -> None:
    world = small_world(place("geo-clean", every_s=1_800), days=2.0, cases_per_day=1.0, photos=0.0)
    played = run_whole(world, seed=2)
    accounted = run_whole(world, seed=2, playing=Playing(plays_idle=False))
    assert accounted.violations == ()
    one, other = played.sites[0], accounted.sites[0]
    assert other.contacts == pytest.approx(one.contacts, rel=0.05)
    assert other.bytes_up + other.bytes_down == pytest.approx(one.bytes_up + one.bytes_down, rel=0.05)
    assert [row.what for row in accounted.deliveries] == [row.what for row in played.deliveries]
