"""First orders that nobody signed: shown as such, rung for, and gone once the signed reply is here."""

from __future__ import annotations

import math
import os
from collections.abc import AsyncIterator
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from protocol.ahead import micro_ahead_of
from protocol.bundle import BundleContent, EntryBundle
from protocol.clinical import Headline, Note, Treatment, Voided
from protocol.entry import SignedEntry, read_entry
from protocol.errors import AuthorityRefused, BundleRefused, ProtocolError
from protocol.header import Priority
from protocol.ids import CaseId, EntryId, PatientId
from protocol.micro import MicroBundle, write_micro
from protocol.orders import Evacuation, Order
from protocol.questions import Question
from protocol.records import NewRecord, Reference, Relation
from protocol.reply_headline import FirstOrder, ReplyHeadline
from protocol.sealing import HpkeSealer, Prekey
from protocol.small_seal import Direction, SmallKey
from protocol.stamps import Stamp
from sfnode.domain.first_orders import GRACE_S
from sfnode.errors import Refused
from sfnode.services.case_errors import OrderNotFound, OrderNotOpen
from sfnode.services.casebook import Ingested
from sfnode.services.provisional import MICROS_PER_CASE_MAX
from sync.envelope import Envelope, SealedContent
from tests.sfnode.services.post import Post, Sent, open_post, sent_case
from tests.sfnode.services.station import DOCTOR, HUB, NOW_S, Station, open_station

SEALER = HpkeSealer(os.urandom)
UNUSED = Prekey(bytes(32))
"""A micro-bundle is sealed for the pair, not for a prekey."""
ASPIRIN = Order(number=1, name="Aspirin", dose="300 mg", route="oral")
FIRST = ReplyHeadline(
    orders=(FirstOrder(number=1, name="Aspirin", dose="300 mg", route="oral", details_follow=True),),
    orders_follow=2,
    stop_rule="Stop if he faints.",
    recheck_every_min=15,
    evacuation=Evacuation.PREPARE,
    assessment="Probable heart attack.",
    orders_ended=1,
)


@pytest.fixture
async def station(tmp_path: Path) -> AsyncIterator[Station]:
    station = await open_station(tmp_path)
    yield station
    await station.vault.close()


def first_orders(
    station: Station,
    case_id: CaseId,
    covers: EntryId,
    body: object = FIRST,
    patient_id: PatientId | None = None,
) -> MicroBundle:
    return write_micro(
        NewRecord(body),
        case_id=case_id,
        patient_id=patient_id or station.desk.seen[case_id][0].patient_id,
        author=DOCTOR,
        stamp=Stamp(90, NOW_S),
        covers=covers,
    )


async def hear(station: Station, content: BundleContent | SignedEntry) -> Ingested:
    bundle = EntryBundle((content,)) if isinstance(content, SignedEntry) else content
    return await station.book.ingest(bundle, HUB)


async def test_first_orders_are_shown_as_provisional(station: Station) -> None:
    case_id = await station.sent_case()
    await hear(station, first_orders(station, case_id, EntryId(b"r" * 32)))
    plan = await station.book.plan_view(case_id)
    (reply,) = plan.replies
    assert reply.provisional
    assert reply.author == "the hub, signed by nobody yet"
    assert reply.assessment == (
        "Probable heart attack. 2 more orders follow. 1 earlier order is stopped or replaced. "
        "The full, signed reply follows"
    )
    assert (reply.stop_rule, reply.evacuation, reply.recheck_every_min) == (
        "Stop if he faints.",
        "PREPARE",
        15,
    )
    (order,) = reply.orders
    assert (order.text, order.status) == ("Aspirin: 300 mg, oral (details follow)", "provisional")
    assert (
        plan.headline == "PROVISIONAL FIRST ORDERS from the hub, here 21:00Z: the full, signed reply follows"
    )
    row = await station.book.case_row(case_id)
    assert (row.state, row.needs_you) == ("first orders here", "provisional first orders")


async def test_first_orders_whose_reply_does_not_follow_ring_once(station: Station) -> None:
    case_id = await station.sent_case()
    micro = first_orders(station, case_id, EntryId(b"r" * 32))
    assert (await hear(station, micro)).alarms == ()
    assert (await station.book.look_at_alarms()).raised == ()
    assert (await station.book.look_at_alarms()).next_in_s == GRACE_S
    station.clock.pass_time(GRACE_S)
    (alarm,) = (await station.book.look_at_alarms()).raised
    assert alarm.severity == "emergency"
    assert alarm.text.startswith("PROVISIONAL FIRST ORDERS from the hub: Aspirin: 300 mg")
    again = await hear(station, micro)
    assert (again.alarms, again.cases) == ((), frozenset())
    assert (await station.book.look_at_alarms()).raised == ()
    assert (await station.book.look_at_alarms()).next_in_s == math.inf
    assert (await station.book.case_row(case_id)).needs_you == "ALARM"
    await station.book.acknowledge_alarm(alarm.alarm, by="Medic on duty")
    assert (await station.book.case_row(case_id)).needs_you == "provisional first orders"


async def test_first_orders_whose_reply_follows_at_once_do_not_ring(station: Station) -> None:
    case_id = await station.sent_case()
    reply = station.desk.reply(case_id, orders=(ASPIRIN,))
    await hear(station, first_orders(station, case_id, reply.entry_id))
    await hear(station, reply)
    station.clock.pass_time(GRACE_S)
    assert (await station.book.look_at_alarms()).raised == ()


async def test_a_clock_that_cannot_tell_keeps_nobody_from_hearing(station: Station) -> None:
    case_id = await station.sent_case()
    await station.book.ingest(first_orders(station, case_id, EntryId(b"r" * 32)), HUB, waited_s=None)
    assert len((await station.book.look_at_alarms()).raised) == 1


async def test_the_signed_reply_takes_their_place(station: Station) -> None:
    case_id = await station.sent_case()
    reply = station.desk.reply(case_id, orders=(ASPIRIN,))
    await hear(station, first_orders(station, case_id, reply.entry_id))
    await hear(station, reply)
    plan = await station.book.plan_view(case_id)
    assert [view.provisional for view in plan.replies] == [False]
    assert plan.headline.startswith("Reply from")
    assert (await station.book.case_row(case_id)).state == "ANSWERED"


async def test_first_orders_after_their_reply_change_nothing_and_ring_for_nothing(station: Station) -> None:
    case_id = await station.sent_case()
    reply = station.desk.reply(case_id, orders=(ASPIRIN,))
    await hear(station, reply)
    before = await station.book.case_view(case_id)
    await hear(station, first_orders(station, case_id, reply.entry_id))
    assert await station.book.case_view(case_id) == before
    station.clock.pass_time(GRACE_S)
    assert (await station.book.look_at_alarms()).raised == ()


@pytest.mark.parametrize("headline_at", [0, 1, 2], ids=["first", "between", "last"])
async def test_first_orders_older_than_a_signed_reply_neither_stand_nor_ring(
    station: Station, headline_at: int
) -> None:
    """Their own reply is late; a newer one that stopped them is here, and was struck since."""
    case_id = await station.sent_case()
    desk = station.desk
    late = read_entry(desk.reply(case_id, orders=(ASPIRIN,)))
    reply = late.records[-1]
    stopped = desk.reply(case_id, assessment="Bleeding: no aspirin.")
    later = read_entry(stopped).records[-1]
    struck = desk.write(
        case_id, NewRecord(Voided(reason="wrong case"), (Reference(Relation.VOIDS, later.record_id),))
    )
    headline = write_micro(
        NewRecord(FIRST),
        case_id=case_id,
        patient_id=reply.patient_id,
        author=DOCTOR,
        stamp=reply.stamp,
        covers=late.entry_id,
    )
    parts: list[BundleContent | SignedEntry] = [stopped, struck]
    parts.insert(headline_at, headline)
    for part in parts:
        await hear(station, part)
    station.clock.pass_time(GRACE_S)
    assert (await station.book.look_at_alarms()).raised == ()
    plan = await station.book.plan_view(case_id)
    assert not any(view.provisional for view in plan.replies)
    assert "PROVISIONAL" not in plan.headline
    (words,) = (text for text in plan.advice if "overtaken" in text)
    assert words.startswith("An older provisional message from the hub was overtaken by a signed reply")
    assert "Aspirin" in words


async def test_any_order_and_any_repeat_give_the_same_plan(station: Station) -> None:
    shown = []
    for order in permutations(range(3)):
        case_id = await station.sent_case()
        reply = station.desk.reply(case_id, orders=(ASPIRIN,))
        parts: list[BundleContent | SignedEntry] = [
            reply,
            first_orders(station, case_id, reply.entry_id),
            first_orders(station, case_id, EntryId(b"later reply".ljust(32, b"."))),
        ]
        for index in (*order, *order):
            await hear(station, parts[index])
        plan = await station.book.plan_view(case_id)
        views = [(view.provisional, [order.text for order in view.orders]) for view in plan.replies]
        shown.append((views, plan.headline))
    assert shown == [shown[0]] * 6
    assert [provisional for provisional, _ in shown[0][0]] == [True, False]


async def test_a_newer_reply_s_first_orders_stand_above_the_reply_that_holds(station: Station) -> None:
    case_id = await station.sent_case()
    await hear(station, station.desk.reply(case_id, orders=(ASPIRIN,)))
    await hear(station, first_orders(station, case_id, EntryId(b"n" * 32)))
    plan = await station.book.plan_view(case_id)
    assert [view.provisional for view in plan.replies] == [True, False]
    assert "PROVISIONAL FIRST ORDERS" in plan.headline
    assert "Reply from" in plan.headline


async def test_a_provisional_order_cannot_be_confirmed_but_what_was_given_is_recorded(
    station: Station,
) -> None:
    case_id = await station.sent_case()
    await hear(station, first_orders(station, case_id, EntryId(b"r" * 32)))
    for act in (
        station.book.confirm_order(case_id, 1),
        station.book.give_order(case_id, 1),
        station.book.refuse_order(case_id, 1, reason="none aboard"),
    ):
        with pytest.raises(OrderNotOpen, match=r"nobody has signed it .* recorded now as a treatment"):
            await act
    with pytest.raises(OrderNotFound):
        await station.book.confirm_order(case_id, 2)
    await station.book.add_treatment(case_id, Treatment(given_s=NOW_S, what="Aspirin", dose="300 mg"))
    assert "Aspirin 300 mg" in (await station.book.case_view(case_id)).treatments[0]


async def test_first_orders_survive_a_restart(station: Station) -> None:
    case_id = await station.sent_case()
    await hear(station, first_orders(station, case_id, EntryId(b"r" * 32)))
    before = await station.book.plan_view(case_id)
    await station.restart()
    assert await station.book.plan_view(case_id) == before


async def test_a_coded_question_is_put_in_words(station: Station) -> None:
    case_id = await station.sent_case()
    question = station.desk.write(case_id, NewRecord(Question(code=4)))
    await hear(station, first_orders(station, case_id, question.entry_id, Question(code=4)))
    (asked,) = (await station.book.plan_view(case_id)).advice
    assert asked.startswith("PROVISIONAL QUESTION from the hub: ")
    await hear(station, question)
    assert (await station.book.plan_view(case_id)).advice == ()


# What may not stand.


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"patient_id": PatientId(b"another-pt")}, BundleRefused, "names another patient"),
        (
            {"case_id": CaseId(b"no-such-cs"), "patient_id": PatientId(b"another-pt")},
            BundleRefused,
            "not known here",
        ),
        (
            {"body": Headline(urgency=Priority.URGENT, complaint="pain")},
            AuthorityRefused,
            "a hub may not send a headline",
        ),
    ],
    ids=["another patient", "a foreign case", "a headline"],
)
async def test_what_may_not_stand_is_refused_and_changes_nothing(
    station: Station, changes: dict[str, Any], error: type[ProtocolError], words: str
) -> None:
    case_id = await station.sent_case()
    before = await station.book.case_view(case_id)
    arguments: dict[str, Any] = {"case_id": case_id, "covers": EntryId(b"r" * 32), **changes}
    with pytest.raises(error, match=words):
        await hear(station, first_orders(station, **arguments))
    assert await station.book.case_view(case_id) == before


async def test_a_hub_cannot_fill_the_disk_with_first_orders(station: Station) -> None:
    case_id = await station.sent_case()
    for number in range(MICROS_PER_CASE_MAX):
        await hear(station, first_orders(station, case_id, EntryId(bytes((number,)) * 32)))
    with pytest.raises(BundleRefused, match="provisional records already"):
        await hear(station, first_orders(station, case_id, EntryId(b"\xff" * 32)))


async def test_an_erased_case_takes_no_first_orders(station: Station) -> None:
    case_id = await station.sent_case()
    micro = first_orders(station, case_id, EntryId(b"r" * 32))
    await hear(station, micro)
    await station.book.erase_case(case_id, reason="asked for by the patient")
    assert (await hear(station, micro)).cases == frozenset()
    with pytest.raises(Refused):
        await station.book.plan_view(case_id)


# Through the seal.


def from_hub(post: Post, sent: Sent, key: SmallKey, priority: Priority = Priority.URGENT) -> SealedContent:
    envelope = Envelope(
        destination=post.hub.down.destination,
        origin=post.hub.down.origin,
        pair_secret=post.hub.secrets.bundle_ids,
        small=key,
    )
    micro = write_micro(
        NewRecord(FIRST),
        case_id=sent.case_id,
        patient_id=sent.patient_id,
        author=DOCTOR,
        stamp=Stamp(90, NOW_S),
        covers=EntryId(b"r" * 32),
    )
    return envelope.seal(micro, priority=priority, recipient=UNUSED, sealer=SEALER)


async def test_first_orders_come_in_through_custody(tmp_path: Path) -> None:
    async with open_post(tmp_path) as post:
        sent = await sent_case(post)
        key = SmallKey(secret=post.hub.secrets.small, direction=Direction.TO_SITE)
        await post.arrive(from_hub(post, sent, key), 1)
        assert await post.inbox.open_waiting() == 1
        assert (await post.book.plan_view(sent.case_id)).replies[0].provisional
        assert await (await post.custody()).received_after(0, 9) == ()


@pytest.mark.parametrize(
    "change",
    [{"direction": Direction.TO_HUB}, {"secret": b"x" * 32}, {"epoch": 9}],
    ids=["reflected", "forged", "wrong epoch"],
)
async def test_a_false_seal_is_put_aside_and_stops_nothing(tmp_path: Path, change: dict[str, Any]) -> None:
    async with open_post(tmp_path) as post:
        sent = await sent_case(post)
        true: dict[str, Any] = {"secret": post.hub.secrets.small, "direction": Direction.TO_SITE}
        await post.arrive(from_hub(post, sent, SmallKey(**{**true, **change})), 1)
        await post.arrive(post.hub.seal_entry(sent.reply(post)), 2)
        assert await post.inbox.open_waiting() == 2
        assert [view.provisional for view in (await post.book.plan_view(sent.case_id)).replies] == [False]
        assert "cannot be opened and was kept aside" in post.troubles[0]


async def test_the_hub_corrects_no_note_unsigned(tmp_path: Path) -> None:
    """It could be put in a site's mouth; and it is never asked for whole, as a signed one would be."""
    async with open_post(tmp_path) as post:
        sent = await sent_case(post)
        base = post.hub.sign(
            [NewRecord(Note(language="en", text="Call at noon."))],
            case_id=sent.case_id,
            patient_id=sent.patient_id,
            introduced=False,
        )
        refs = (Reference(Relation.SUPERSEDES, read_entry(base).records[0].record_id),)
        edit = post.hub.sign(
            [NewRecord(Note(language="en", text="Call at one."), refs)],
            case_id=sent.case_id,
            patient_id=sent.patient_id,
            introduced=False,
        )
        micro = micro_ahead_of(edit, base)
        assert micro is not None
        sealed = post.hub.down.seal(
            micro, priority=Priority.URGENT, recipient=UNUSED, sealer=SEALER, base=base
        )
        await post.arrive(sealed, 1)
        assert await post.inbox.open_waiting() == 1
        assert "never a difference" in post.troubles[0]
        assert await (await post.custody()).unopened() == ()
        with pytest.raises(AuthorityRefused, match="a hub may not send a note"):
            await post.book.ingest(micro, post.hub.address)


async def test_a_locked_node_counts_a_reply_and_its_first_orders_as_one(tmp_path: Path) -> None:
    async with open_post(tmp_path) as post:
        sent = await sent_case(post)
        key = SmallKey(secret=post.hub.secrets.small, direction=Direction.TO_SITE)
        await post.arrive(from_hub(post, sent, key), 1)
        assert await post.inbox.sealed_urgent() == 1
        await post.arrive(post.hub.seal_entry(sent.reply(post)), 2)
        assert await post.inbox.sealed_urgent() == 1
