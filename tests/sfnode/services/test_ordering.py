"""Orders at the site: confirmed, given, refused; nothing that was done can fail to be recorded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from protocol.entry import read_entry
from protocol.ids import CaseId, RecordId
from protocol.orders import (
    Advice,
    CapabilityItem,
    Disposition,
    Order,
    OrderConfirmed,
    OrderGiven,
    OrderStopped,
    PriorOrder,
)
from protocol.records import Kind, NewRecord, Reference, Relation
from sfnode.domain.intake import PatientChange
from sfnode.errors import NotFound, ValueRefused
from sfnode.services.case_errors import (
    NothingToAccept,
    OrderContradicted,
    OrderNotFound,
    OrderNotOpen,
    OrderUnclear,
    ReadBackDiffers,
)
from sfnode.views import OrderView
from tests.sfnode.services.station import (
    Station,
    about,
    entries_in,
    last_record,
    open_station,
)

ASPIRIN = Order(number=1, name="Aspirin", strength="300 mg", dose="300 mg", route="by mouth")
MORPHINE = Order(number=2, name="Morphine", dose="2.5 mg", route="IV", read_back=True)


@pytest.fixture
async def station(tmp_path: Path) -> AsyncIterator[Station]:
    station = await open_station(tmp_path)
    yield station
    await station.vault.close()


async def answered(station: Station, *orders: Order, **fields: Any) -> CaseId:
    case_id = await station.sent_case()
    await station.hear(station.desk.reply(case_id, orders=orders, **fields))
    return case_id


async def orders_of(station: Station, case_id: CaseId) -> dict[int, OrderView]:
    plan = await station.book.plan_view(case_id)
    return {view.number: view for reply in plan.replies for view in reply.orders}


async def last_sent(station: Station) -> tuple[str, Any]:
    """What the outbox says of the newest bundle, and its last record."""
    row = max(await station.book.outbox(), key=lambda row: row.row)
    return row.what, read_entry(entries_in(row)[-1]).records[-1]


async def test_an_order_is_confirmed_and_given_and_the_hub_hears_of_both(station: Station) -> None:
    case_id = await answered(station, ASPIRIN)
    await station.book.confirm_order(case_id, 1)
    what, record = await last_sent(station)
    assert (what, record.body) == ("order 1 confirmed", OrderConfirmed(order=1))
    await station.book.give_order(case_id, 1)
    what, record = await last_sent(station)
    given_s = int(station.clock.wall_s())
    assert (what, record.body) == ("order 1 done", OrderGiven(order=1, given_s=given_s, dose="300 mg"))
    view = (await orders_of(station, case_id))[1]
    assert (view.status, view.mismatch) == ("done", None)
    assert view.status_by.endswith("given 21:00Z by Medic on duty: 300 mg")


async def test_another_dose_is_recorded_and_both_are_shown(station: Station) -> None:
    case_id = await answered(station, ASPIRIN)
    await station.book.give_order(case_id, 1, dose="150 mg", given_s=1_763_845_100, remark="half a tablet")
    view = (await orders_of(station, case_id))[1]
    assert (view.status, view.mismatch) == ("done", "ordered 300 mg, given 150 mg")
    assert view.status_by == "given 20:58Z by Medic on duty: 150 mg (half a tablet)"


async def test_a_high_alert_order_is_read_back_or_not_confirmed(station: Station) -> None:
    case_id = await answered(station, MORPHINE)
    with pytest.raises(ReadBackDiffers, match=r'retype "2.5 mg"'):
        await station.book.confirm_order(case_id, 2)
    with pytest.raises(ReadBackDiffers, match=r'says "2.5 mg", you typed "25 mg"'):
        await station.book.confirm_order(case_id, 2, read_back="25 mg")
    assert (await orders_of(station, case_id))[2].status == "open"
    await station.book.confirm_order(case_id, 2, read_back="2.5  MG")
    assert (await orders_of(station, case_id))[2].status == "confirmed"


async def test_given_now_needs_no_read_back(station: Station) -> None:
    case_id = await answered(station, MORPHINE)
    await station.book.give_order(case_id, 2, dose="25 mg")
    assert (await orders_of(station, case_id))[2].mismatch == "ordered 2.5 mg, given 25 mg"


async def test_an_order_whose_words_are_another_thing_s_is_not_confirmed_but_can_be_recorded(
    station: Station,
) -> None:
    await station.book.set_capability(
        [CapabilityItem(item=7, name="Ketamine", strength="50 mg/ml", quantity=5)]
    )
    order = Order(number=1, name="Ketorolac", strength="30 mg/ml", item=7, list_version=1, dose="30 mg")
    case_id = await answered(station, order)
    with pytest.raises(OrderContradicted, match="says Ketorolac 30 mg/ml, but item 7 of list 1 is Ketamine"):
        await station.book.confirm_order(case_id, 1)
    assert "stop and ask" in (await orders_of(station, case_id))[1].aboard
    await station.book.give_order(case_id, 1)
    assert (await orders_of(station, case_id))[1].status == "done"


async def test_what_is_done_refused_or_stopped_cannot_be_confirmed_or_refused_again(station: Station) -> None:
    case_id = await answered(station, ASPIRIN, MORPHINE)
    await station.book.refuse_order(case_id, 1, reason="vomiting")
    with pytest.raises(OrderNotOpen, match="is refused already"):
        await station.book.confirm_order(case_id, 1)
    with pytest.raises(OrderNotOpen, match="is refused already"):
        await station.book.refuse_order(case_id, 1, reason="again")
    await station.book.give_order(case_id, 2)
    with pytest.raises(OrderNotOpen, match="is done already"):
        await station.book.confirm_order(case_id, 2, read_back="2.5 mg")


async def test_what_was_given_before_a_stop_arrived_is_recorded_and_the_order_stays_stopped(
    station: Station,
) -> None:
    case_id = await answered(station, ASPIRIN)
    plan = await station.book.plan_view(case_id)
    reply = about(RecordId(bytes.fromhex(plan.replies[0].reply)))
    stop = NewRecord(OrderStopped(order=1, reason="bleeding"), (reply,))
    await station.hear(station.desk.write(case_id, stop))
    with pytest.raises(OrderNotOpen, match="is stopped already"):
        await station.book.confirm_order(case_id, 1)
    await station.book.give_order(case_id, 1, dose="300 mg")
    view = (await orders_of(station, case_id))[1]
    assert view.status == "stopped"
    assert "STOPPED 21:00Z by Specialist on duty: bleeding" in view.status_by
    assert "given 21:00Z by Medic on duty: 300 mg" in view.status_by


async def test_a_stop_rings_once(station: Station) -> None:
    case_id = await answered(station, ASPIRIN)
    reply = (await station.book.plan_view(case_id)).replies[0].reply
    stop = NewRecord(OrderStopped(order=1, reason="bleeding"), (about(RecordId(bytes.fromhex(reply))),))
    entry = station.desk.write(case_id, stop)
    await station.hear(entry)
    await station.hear(entry)
    (alarm,) = await station.book.alarms()
    assert (alarm.severity, alarm.text) == ("emergency", "STOP order 1, 21:00Z: bleeding")
    assert (await station.book.case_row(case_id)).needs_you == "ALARM"


async def test_of_two_replies_one_must_be_named(station: Station) -> None:
    case_id = await station.sent_case()
    one = station.desk.reply(case_id, orders=(ASPIRIN,))
    two = station.desk.reply(case_id, orders=(ASPIRIN,))
    await station.hear(one, two)
    names = [last_record(one).hex()[:8], last_record(two).hex()[:8]]
    with pytest.raises(OrderUnclear) as refusal:
        await station.book.confirm_order(case_id, 1)
    assert all(name in str(refusal.value) for name in names)
    await station.book.confirm_order(case_id, 1, reply=names[1].upper())
    statuses = [reply.orders[0].status for reply in (await station.book.plan_view(case_id)).replies]
    assert statuses == ["open", "confirmed"]
    for missing in (9, 0):
        with pytest.raises(OrderNotFound):
            await station.book.confirm_order(case_id, missing)
    with pytest.raises(OrderNotFound):
        await station.book.give_order(case_id, 1, reply="ffff")


async def test_an_order_that_was_continued_can_still_be_done(station: Station) -> None:
    case_id = await station.sent_case()
    old = station.desk.reply(case_id, orders=(ASPIRIN,))
    prior = PriorOrder(reply=last_record(old), order=1, disposition=Disposition.CONTINUE)
    new = station.desk.reply(
        case_id, refs=(Reference(Relation.SUPERSEDES, last_record(old)),), prior=(prior,)
    )
    await station.hear(old, new)
    await station.book.confirm_order(case_id, 1)
    assert (await orders_of(station, case_id))[1].status == "confirmed"


async def test_a_named_person_accepts_what_the_author_did_not_know(station: Station) -> None:
    case_id = await answered(station, ASPIRIN)
    with pytest.raises(NothingToAccept):
        await station.book.accept_plan(case_id)
    await station.book.mark_reply_seen(case_id)
    await station.book.update_patient(case_id, PatientChange(weight_hg=825).applied_to)
    assert (
        await station.book.case_row(case_id)
    ).needs_you == "written before: weight: 82.5 kg estimated, 21:00Z"
    await station.book.accept_plan(case_id, remark="no change of dose")
    plan = await station.book.plan_view(case_id)
    assert (plan.accepted_by, len(plan.written_before)) == ("Medic on duty", 1)
    assert (await station.book.case_row(case_id)).needs_you is None
    with pytest.raises(NothingToAccept):
        await station.book.accept_plan(case_id)


async def test_accepting_very_many_facts_names_every_one(station: Station) -> None:
    case_id = await answered(station, ASPIRIN)
    for number in range(70):
        await station.book.add_note(case_id, language="en", text=f"note {number}")
    assert (await station.book.plan_view(case_id)).accepted_by is None
    await station.book.accept_plan(case_id)
    assert (await station.book.plan_view(case_id)).accepted_by == "Medic on duty"


async def test_seen_is_marked_once_for_replies_and_advice(station: Station) -> None:
    case_id = await station.sent_case()
    assert await station.book.mark_reply_seen(case_id) is None
    await station.hear(station.desk.write(case_id, NewRecord(Advice(text="Aspirin now."))))
    assert (await station.book.case_row(case_id)).needs_you == "advice unread"
    await station.hear(station.desk.reply(case_id))
    assert (await station.book.case_row(case_id)).needs_you == "reply unread"
    assert await station.book.unread_replies() == 2
    assert await station.book.mark_reply_seen(case_id) is not None
    what, record = await last_sent(station)
    assert (what, record.kind, len(record.refs)) == ("reply seen", Kind.REPLY_SEEN, 2)
    assert await station.book.mark_reply_seen(case_id) is None
    assert await station.book.unread_replies() == 0


async def test_refused_words_leave_the_order_as_it_was(station: Station) -> None:
    case_id = await answered(station, ASPIRIN)
    with pytest.raises(ValueRefused, match="reason"):
        await station.book.refuse_order(case_id, 1, reason="")
    with pytest.raises(ValueRefused, match="dose"):
        await station.book.give_order(case_id, 1, dose="300\x07")
    with pytest.raises(NotFound):
        await station.book.give_order(CaseId(b"?" * 10), 1)
    assert (await orders_of(station, case_id))[1].status == "open"
