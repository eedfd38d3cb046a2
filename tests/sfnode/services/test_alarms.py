"""Alarms of the casebook: raised with what crossed, kept through restarts, taken by a named person."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from protocol.ids import CaseId
from protocol.orders import Comparison, Contingency, Quantity
from protocol.records import Reference, Relation
from protocol.stamps import Certainty
from sfnode.errors import NotFound, Refused
from sfnode.services.happenings import AlarmRaised
from tests.sfnode.services.station import Station, last_record, open_station

OXYGEN = Contingency(
    number=1, quantity=Quantity.SPO2, comparison=Comparison.BELOW, threshold=90, then="give oxygen", order=3
)
TEXT = 'SpO2 84 % crossed "below 90 %": give oxygen (order 3)'


@pytest.fixture
async def station(tmp_path: Path) -> AsyncIterator[Station]:
    station = await open_station(tmp_path)
    yield station
    await station.vault.close()


async def watched(station: Station) -> CaseId:
    """A case whose reply watches the oxygen saturation and wants vitals every half hour."""
    case_id = await station.sent_case()
    await station.hear(station.desk.reply(case_id, contingencies=(OXYGEN,), recheck_every_min=30))
    await station.book.mark_reply_seen(case_id)
    return case_id


async def test_a_crossing_alarms_at_once_without_any_link(station: Station) -> None:
    case_id = await watched(station)
    saved = await station.book.add_vitals(case_id, [station.vitals(spo2_percent=90)])
    assert saved.alarms == ()
    saved = await station.book.add_vitals(case_id, [station.vitals(spo2_percent=84)])
    (alarm,) = saved.alarms
    assert (alarm.severity, alarm.text, alarm.case) == ("emergency", TEXT, case_id.hex())
    assert station.events[-1] == AlarmRaised(alarm=alarm)
    assert (await station.book.case_row(case_id)).needs_you == "ALARM"
    await station.restart()
    assert await station.book.alarms() == (alarm,)


async def test_one_run_of_readings_rings_once(station: Station) -> None:
    case_id = await watched(station)
    for value in (84, 83, 82):
        station.clock.pass_time(60)
        await station.book.add_vitals(case_id, [station.vitals(spo2_percent=value)])
    assert [alarm.text for alarm in await station.book.alarms()] == [TEXT]


async def test_a_named_person_takes_an_alarm_and_the_first_name_stays(station: Station) -> None:
    case_id = await watched(station)
    (alarm,) = (await station.book.add_vitals(case_id, [station.vitals(spo2_percent=84)])).alarms
    with pytest.raises(Refused, match="named person"):
        await station.book.acknowledge_alarm(alarm.alarm, by=" ")
    with pytest.raises(NotFound):
        await station.book.acknowledge_alarm(alarm.alarm + 1, by="Master")
    taken = await station.book.acknowledge_alarm(alarm.alarm, by="Medic")
    assert taken.acknowledged_by == "Medic"
    assert (await station.book.acknowledge_alarm(alarm.alarm, by="Master")).acknowledged_by == "Medic"
    assert await station.book.alarms() == ()
    assert await station.book.alarms(open_only=False) == (taken,)
    row = await station.book.case_row(case_id)
    assert row.needs_you is not None
    assert row.needs_you.startswith("written before: vitals: NEWS2 at least 3 LOW-MEDIUM (respiratory rate, ")


async def test_a_reply_that_arrives_after_the_crossing_alarms_on_arrival(station: Station) -> None:
    case_id = await station.sent_case()
    reply = station.desk.reply(case_id, contingencies=(OXYGEN,))
    await station.book.add_vitals(case_id, [station.vitals(spo2_percent=84)])
    assert await station.book.alarms() == ()
    await station.hear(reply)
    assert [alarm.text for alarm in await station.book.alarms()] == [TEXT]


async def test_an_older_reply_that_arrives_later_rearms_nothing(station: Station) -> None:
    case_id = await station.sent_case()
    old = station.desk.reply(case_id, contingencies=(OXYGEN,), recheck_every_min=5)
    new = station.desk.reply(case_id, refs=(Reference(Relation.SUPERSEDES, last_record(old)),))
    await station.hear(new)
    await station.book.add_vitals(case_id, [station.vitals(spo2_percent=84)])
    before = await station.book.plan_view(case_id)
    await station.hear(old)
    await station.book.add_vitals(case_id, [station.vitals(spo2_percent=82)])
    station.clock.pass_time(3_600)
    assert (await station.book.look_at_alarms()).raised == ()
    assert (await station.book.alarms(), (await station.book.look_at_alarms()).rechecks) == ((), ())
    assert [reply.reply for reply in (await station.book.plan_view(case_id)).replies] == [
        before.replies[0].reply
    ]


async def test_a_missed_recheck_rings_once_per_interval_and_through_restarts(station: Station) -> None:
    case_id = await watched(station)
    (recheck,) = (await station.book.look_at_alarms()).rechecks
    assert (recheck.case_id, recheck.due_in_s) == (case_id, 1_800)
    assert not {"chest", "SpO2", "P-0917"} & set(recheck.neutral_text.split())
    station.clock.pass_time(1_700)
    assert (await station.book.look_at_alarms()).raised == ()
    await station.vault.close()
    station.clock.start_again(off_s=300)
    await station.restart()
    (alarm,) = (await station.book.look_at_alarms()).raised
    assert (alarm.severity, alarm.text.partition(":")[0]) == ("warning", "RECHECK MISSED by 3 min")
    assert (await station.book.look_at_alarms()).raised == ()
    await station.restart()
    assert (await station.book.look_at_alarms()).raised == ()
    station.clock.pass_time(1_800)
    assert len((await station.book.look_at_alarms()).raised) == 1
    await station.book.add_vitals(case_id, [station.vitals(spo2_percent=96)])
    assert (await station.book.look_at_alarms()).raised == ()
    assert [each.due_in_s for each in (await station.book.look_at_alarms()).rechecks] == [1_800]


async def test_with_an_unset_clock_after_a_restart_a_person_is_asked(station: Station) -> None:
    case_id = await watched(station)
    await station.vault.close()
    station.clock.start_again(off_s=300, grade=Certainty.UNSET)
    await station.restart()
    (view,) = (await station.book.plan_view(case_id)).replies
    assert (view.recheck, view.recheck_due_s) == ("cannot tell: confirm", None)
    assert (await station.book.case_row(case_id)).needs_you == "recheck: cannot tell: confirm"
    outlook = await station.book.look_at_alarms()
    assert [each.due_in_s for each in outlook.rechecks] == [None]
    (alarm,) = outlook.raised
    assert "take them now" in alarm.text
    assert (await station.book.look_at_alarms()).raised == ()
    # Values entered now are told from now, although the wall clock is still wrong.
    await station.book.add_vitals(case_id, [station.vitals(spo2_percent=96)])
    assert [each.due_in_s for each in (await station.book.look_at_alarms()).rechecks] == [1_800]


async def test_a_closed_case_is_watched_no_more(station: Station) -> None:
    case_id = await watched(station)
    await station.book.close_case(case_id, outcome="went ashore")
    await station.book.add_vitals(case_id, [station.vitals(spo2_percent=84)])
    station.clock.pass_time(10_000)
    assert (await station.book.look_at_alarms()).raised == ()
    assert (await station.book.alarms(), (await station.book.look_at_alarms()).rechecks) == ((), ())
