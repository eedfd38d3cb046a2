"""Replies: what is signed, what it knew of, who may write it, and that it reaches the site exactly once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from protocol.actors import Actor, Role
from protocol.basis import outside_basis
from protocol.bundle import EntryBundle
from protocol.clinical import AllergyState, Closed, Note, Patient, Sex
from protocol.corrections import Moved
from protocol.entry import Entry, read_entry
from protocol.fold import OrderStatus
from protocol.header import Priority
from protocol.orders import (
    Advice,
    CapabilityItem,
    Disposition,
    OrderConfirmed,
    OrderGiven,
    OrderRefused,
    Reply,
    Seen,
)
from protocol.records import Kind, NewRecord, Record, Relation
from sfhub.app import Hub, open_hub
from sfhub.config import HubFolder
from sfhub.errors import (
    CautionsBeforeSending,
    NewsBeforeSending,
    NotAllowed,
    ReplyIncomplete,
)
from sfhub.services.replies import Draft, Look
from sfhub.storage.outbox import unsent_count
from sfhub.storage.people import Clinician
from sync.ports import Rank
from tests.sfhub.site import (
    Site,
    Story,
    TestClock,
    about,
    add_to,
    converse,
    open_from_hub,
    read_from_hub,
    site_store,
    vitals,
)

ASPIRIN = CapabilityItem(item=7, name="aspirin", strength="300 mg", form="tablet", quantity=40)
ANSWER: dict[str, Any] = {
    "assessment": "Probable acute coronary syndrome.",
    "certainty": "probable",
    "orders": [{"item": 7, "dose": "300 mg", "route": "oral"}, {"name": "oxygen", "dose": "10 L/min"}],
    "contingencies": [{"quantity": "spo2", "below": 90, "then": "raise oxygen", "order": 2}],
    "recheck_every_min": 15,
    "stop_rule": "stop and call if unconscious",
    "evacuation": "prepare",
    "valid_for_min": 360,
}


@pytest.fixture
async def story(hub: Hub, site: Site) -> Story:
    story = site.story()
    await site.deliver(hub, site.introduction(ASPIRIN))
    await site.deliver(hub, story.headline, story.text, story.manifest)
    return story


async def answer(hub: Hub, story: Story, author: Clinician, **changes: Any) -> Record:
    """Send a reply; its record as the site will read it."""
    await hub.replies.send(story.case_id, author, Draft(values=ANSWER | changes))
    await hub.outbox.flush()
    file, _ = await hub.worklist.file(story.case_id)
    return file.state.replies[-1]


def bodies(entries: list[Entry]) -> list[Any]:
    return [record.body for entry in entries for record in entry.records]


async def test_the_site_reads_the_whole_reply(hub: Hub, site: Site, story: Story, doctor: Clinician) -> None:
    sent = await hub.replies.send(story.case_id, doctor, Draft(values=ANSWER))
    await hub.outbox.flush()
    (entry,) = await read_from_hub(hub, site)
    actor, record = entry.records
    assert actor.body == Actor(name="Specialist on duty", role=Role.SPECIALIST)
    reply: Reply = record.body
    assert [(order.name, order.strength, order.item, order.list_version) for order in reply.orders] == [
        ("aspirin", "300 mg", 7, 3),
        ("oxygen", None, None, None),
    ]
    assert record.referred(Relation.ANSWERS) == (story.opened,)
    assert sent.record == record.record_id.hex()
    view = await hub.worklist.case(story.case_id)
    assert 0 < view.replies[0].size_bytes <= sent.size_bytes
    assert view.row.state == "answered"


async def test_its_basis_is_what_was_here(hub: Hub, site: Site, story: Story, doctor: Clinician) -> None:
    reply = await answer(hub, story, doctor)
    known = [*read_entry(story.text).records, *read_entry(story.manifest).records]
    assert not outside_basis(known, reply.body.basis)
    later = read_entry(site.entry(vitals(spo2_percent=84), case_id=story.case_id)).records
    assert outside_basis([*known, *later], reply.body.basis).later == later


async def test_its_basis_is_what_its_author_saw_not_what_came_while_typing(
    hub: Hub, site: Site, story: Story, doctor: Clinician
) -> None:
    seen = (await hub.worklist.case(story.case_id)).seen
    allergy = Patient(code="P-0917", allergy_state=AllergyState.LISTED, allergies=("aspirin",), sex=Sex.MALE)
    await site.deliver(hub, site.entry(allergy, case_id=story.case_id))
    draft = Draft(values=ANSWER, seen=seen)
    with pytest.raises(NewsBeforeSending, match="aspirin"):
        await hub.replies.send(story.case_id, doctor, replace(draft, look=Look.FIRST))
    assert (await hub.worklist.case(story.case_id)).replies == ()
    await hub.replies.send(story.case_id, doctor, draft)
    view = await hub.worklist.case(story.case_id)
    assert "aspirin" in view.replies[0].written_before[0]
    assert view.row.state == "news since the answer"
    assert view.row.needs_answer


async def test_at_class_0_nothing_holds_a_reply_back(hub: Hub, site: Site, doctor: Clinician) -> None:
    story = site.story(urgency=Priority.EMERGENCY)
    await site.deliver(hub, site.introduction(ASPIRIN), story.headline)
    seen = (await hub.worklist.case(story.case_id)).seen
    await site.deliver(hub, story.text)
    sent = await hub.replies.send(story.case_id, doctor, Draft(values=ANSWER, seen=seen, look=Look.FIRST))
    assert sent.what == "reply"


async def test_an_allergy_is_said_once_and_then_the_author_decides(
    hub: Hub, site: Site, story: Story, doctor: Clinician
) -> None:
    values = ANSWER | {"orders": [{"name": "Penicillin V"}], "contingencies": []}
    draft = Draft(values=values, look=Look.FIRST)
    with pytest.raises(CautionsBeforeSending) as held:
        await hub.replies.send(story.case_id, doctor, draft)
    assert held.value.cautions == ("Order 1 is Penicillin V, and the patient is allergic to penicillin.",)
    acknowledged = replace(draft, acknowledged=frozenset(held.value.cautions))
    assert (await hub.replies.send(story.case_id, doctor, acknowledged)).what == "reply"


async def test_a_script_is_told_of_a_quantity_nobody_can_measure(
    hub: Hub, story: Story, doctor: Clinician
) -> None:
    rule = {"quantity": "glucose", "below": "4.0", "then": "give sugar"}
    sent = await hub.replies.send(story.case_id, doctor, Draft(values=ANSWER | {"contingencies": [rule]}))
    assert "glucose, which the site has never measured" in sent.cautions[0]


async def test_a_coordinator_may_see_and_not_prescribe(hub: Hub, story: Story) -> None:
    coordinator = await hub.people.add("Coordinator", Role.COORDINATOR)
    with pytest.raises(NotAllowed):
        await hub.replies.send(story.case_id, coordinator, Draft(values=ANSWER))
    with pytest.raises(NotAllowed):
        await hub.replies.advise(story.case_id, coordinator, "sit up")
    assert await hub.replies.mark_seen(story.case_id, coordinator)


async def test_an_incomplete_reply_leaves_no_trace(hub: Hub, story: Story, doctor: Clinician) -> None:
    before = await hub.worklist.case(story.case_id)
    with pytest.raises(ReplyIncomplete):
        await hub.replies.send(story.case_id, doctor, Draft(values=ANSWER | {"assessment": " "}))
    assert await hub.worklist.case(story.case_id) == before


async def test_a_second_reply_takes_over_and_lets_open_orders_go_on(
    hub: Hub, site: Site, story: Story, doctor: Clinician
) -> None:
    first = await answer(hub, story, doctor)
    await site.deliver(
        hub,
        site.entry(
            OrderGiven(order=1, given_s=1_732_277_000, dose="300 mg"),
            case_id=story.case_id,
            refs=about(first.record_id),
        ),
    )
    second = await answer(hub, story, doctor, assessment="Go on.", orders=[], contingencies=[])
    assert second.referred(Relation.SUPERSEDES) == (first.record_id,)
    assert [(prior.order, prior.disposition) for prior in second.body.prior] == [(2, Disposition.CONTINUE)]
    view = await hub.worklist.case(story.case_id)
    statuses = {order.number: order.status for reply in view.replies for order in reply.orders}
    assert statuses == {1: "done", 2: "open"}
    assert [reply.superseded for reply in view.replies] == [False, True]


async def test_a_second_reply_can_stop_an_open_order(hub: Hub, story: Story, doctor: Clinician) -> None:
    first = await answer(hub, story, doctor)
    prior = [{"reply": first.record_id.hex(), "order": 1, "disposition": "stop"}]
    await answer(hub, story, doctor, assessment="Stop it.", orders=[], contingencies=[], prior=prior)
    view = await hub.worklist.case(story.case_id)
    statuses = {order.number: order.status for reply in view.replies for order in reply.orders}
    assert statuses == {1: "stopped", 2: "open"}


async def test_a_third_reply_goes_on_with_what_the_second_went_on_with(
    hub: Hub, story: Story, doctor: Clinician
) -> None:
    first = await answer(hub, story, doctor)
    await answer(hub, story, doctor, assessment="Go on.", orders=[], contingencies=[])
    third = await answer(hub, story, doctor, assessment="And on.", orders=[], contingencies=[])
    assert [(prior.reply, prior.order) for prior in third.body.prior] == [
        (first.record_id, 1),
        (first.record_id, 2),
    ]
    file, _ = await hub.worklist.file(story.case_id)
    assert {order.status for order in file.state.orders} == {OrderStatus.OPEN}


async def test_a_reply_names_the_moves_that_its_author_has_seen(
    hub: Hub, site: Site, story: Story, doctor: Clinician
) -> None:
    before = await answer(hub, story, doctor)
    moved = Moved(case=b"case-two-2", patient=b"patient-22", reason="wrong bunk")
    entry = site.entry(moved, case_id=story.case_id)
    await site.deliver(hub, entry)
    knowing = await answer(hub, story, doctor, assessment="For the patient who is here.")
    assert knowing.referred(Relation.ABOUT) == (read_entry(entry).records[-1].record_id,)
    file, _ = await hub.worklist.file(story.case_id)
    statuses = {(order.reply.record_id, order.status) for order in file.state.orders}
    assert (knowing.record_id, OrderStatus.OPEN) in statuses
    assert (before.record_id, OrderStatus.OPEN) not in statuses


async def test_two_who_had_not_seen_each_others_reply_stand_side_by_side(
    hub: Hub, story: Story, doctor: Clinician
) -> None:
    colleague = await hub.people.add("Second specialist", Role.SPECIALIST)
    seen = (await hub.worklist.case(story.case_id)).seen
    await hub.replies.send(story.case_id, doctor, Draft(values=ANSWER, seen=seen))
    other = ANSWER | {"assessment": "Pericarditis."}
    await hub.replies.send(story.case_id, colleague, Draft(values=other, seen=seen))
    view = await hub.worklist.case(story.case_id)
    assert [reply.superseded for reply in view.replies] == [False, False]
    assert view.row.state == "2 answers side by side"


async def test_a_form_sent_twice_is_one_reply(hub: Hub, site: Site, story: Story, doctor: Clinician) -> None:
    draft = Draft(values=ANSWER, seen=(await hub.worklist.case(story.case_id)).seen, look=Look.FIRST)
    first = await hub.replies.send(story.case_id, doctor, draft)
    assert await hub.replies.send(story.case_id, doctor, draft) == first
    await hub.outbox.flush()
    assert [type(body) for body in bodies(await read_from_hub(hub, site))] == [Actor, Reply]


async def test_advice_is_class_0_whatever_the_case_is(
    hub: Hub, site: Site, story: Story, doctor: Clinician
) -> None:
    await hub.replies.advise(story.case_id, doctor, "Sit him up, oxygen now. Full reply follows.")
    await hub.outbox.flush()
    store = await hub.custody.pair(site.known_hub.pseudonym)
    (bundle,) = (await store.open_session()).pending
    assert bundle.offer.priority is Priority.EMERGENCY
    assert isinstance(bodies(await read_from_hub(hub, site))[-1], Advice)
    assert (await hub.worklist.case(story.case_id)).row.state == "advice sent, reply follows"


async def test_only_the_first_who_opens_a_case_is_told_to_the_site(
    hub: Hub, site: Site, story: Story, doctor: Clinician
) -> None:
    assert await hub.replies.mark_seen(story.case_id, doctor)
    assert not await hub.replies.mark_seen(story.case_id, doctor)
    await hub.outbox.flush()
    (entry,) = await read_from_hub(hub, site)
    assert entry.records[1].kind == Kind.CASE_SEEN
    assert (await hub.worklist.case(story.case_id)).row.state == "opened by Specialist on duty"


async def test_what_became_of_an_order_is_shown(
    hub: Hub, site: Site, story: Story, doctor: Clinician, clock: TestClock
) -> None:
    reply = await answer(hub, story, doctor)
    clock.now_s += 600
    for body in (
        NewRecord(Seen(), kind=Kind.REPLY_SEEN),
        OrderConfirmed(order=1),
        OrderGiven(order=1, given_s=1_732_277_000, dose="150 mg", remark="half dose"),
        OrderRefused(order=2, reason="no oxygen left"),
    ):
        await site.deliver(hub, site.entry(body, case_id=story.case_id, refs=about(reply.record_id)))
    view = await hub.worklist.case(story.case_id)
    first, second = view.replies[0].orders
    assert (first.status, first.happened[-1]) == ("done", "done 12:03Z, 150 mg, half dose, by Medic")
    assert (second.status, second.status_arrived_s) == ("refused", clock.now_s)
    assert view.arrivals.order_done_s == clock.now_s
    assert view.replies[0].carried == "seen at the site, known here 12:10Z"
    assert view.row.state == "news since the answer"  # An order that was refused needs its author.


async def test_a_routine_recheck_is_no_news_and_a_worse_one_is(
    hub: Hub, site: Site, story: Story, doctor: Clinician
) -> None:
    await answer(hub, story, doctor)
    await site.deliver(hub, site.entry(vitals(spo2_percent=94), case_id=story.case_id))
    assert (await hub.worklist.case(story.case_id)).row.state == "answered"
    await site.deliver(hub, site.entry(vitals(spo2_percent=84), case_id=story.case_id))
    assert (await hub.worklist.case(story.case_id)).row.state == "news since the answer"


async def test_a_closed_case_leaves_the_queue(hub: Hub, site: Site, story: Story) -> None:
    await site.deliver(hub, site.entry(Closed(outcome="evacuated"), case_id=story.case_id))
    assert await hub.worklist.queue() == ()
    assert (await hub.worklist.case(story.case_id)).closed == "evacuated"


async def test_a_reply_saved_and_not_sealed_goes_out_after_a_restart_once(
    folder: HubFolder, clock: TestClock
) -> None:
    site = Site("MV ARGO")
    async with open_hub(folder, clock) as hub:
        await site.enrol(hub)
        doctor = await hub.people.add("Specialist on duty", Role.SPECIALIST)
        story = site.story()
        await site.deliver(hub, site.introduction(), story.text)
        await hub.replies.send(story.case_id, doctor, Draft(values={"assessment": "Rest."}))
    async with open_hub(folder, clock) as hub:
        await hub.outbox.flush()
        # Sealed, and cut off before that was noted.
        await hub.database.write(lambda c: c.execute("UPDATE outbox SET sealed_s = 0").fetchall())
        await hub.outbox.flush()
        assert len(await read_from_hub(hub, site)) == 1


async def test_a_reply_nobody_holds_follows_the_site_to_its_new_keys(
    hub: Hub, site: Site, story: Story, doctor: Clinician
) -> None:
    await answer(hub, story, doctor)
    again = Site("MV ARGO")
    await again.enrol(hub)
    await hub.outbox.flush()
    (entry,) = await read_from_hub(hub, again)
    assert isinstance(entry.records[-1].body, Reply)
    # The reply, and the first orders that go ahead of it.
    assert await hub.database.read(unsent_count) == 2


async def test_a_session_carries_the_case_up_and_the_reply_down(
    hub: Hub, site: Site, doctor: Clinician, clock: TestClock
) -> None:
    store, story = site_store(), site.story()
    for content, rank in ((story.headline, Rank.HEADLINE), (story.text, Rank.TEXT)):
        await add_to(store, site.seal(EntryBundle((site.introduction(), content))), Priority.URGENT, rank)
    await converse(hub, site, store, clock)
    await hub.ingest.drain(hub.sites.directory.pairs[0])
    await hub.replies.send(story.case_id, doctor, Draft(values={"assessment": "Rest."}))
    await hub.outbox.flush()
    clock.now_s += 60
    await converse(hub, site, store, clock)
    first, reply = await store.received_after(0, 10)
    assert open_from_hub(site, first.offer, first.sealed) == []
    (entry,) = open_from_hub(site, reply.offer, reply.sealed)
    assert entry.records[-1].body.assessment == "Rest."
    await hub.outbox.flush()
    view = await hub.worklist.case(story.case_id)
    assert view.replies[0].carried == "stored at the site 12:01Z, not seen yet"


async def test_news_from_a_note_says_what_it_is(
    hub: Hub, site: Site, story: Story, doctor: Clinician
) -> None:
    await answer(hub, story, doctor)
    await site.deliver(hub, site.entry(Note(language="en", text="He vomited."), case_id=story.case_id))
    view = await hub.worklist.case(story.case_id)
    assert "He vomited." in view.replies[0].written_before[0]


async def test_a_reply_that_is_too_long_as_a_whole_is_refused_and_leaves_no_trace(
    hub: Hub, story: Story, doctor: Clinician
) -> None:
    orders = [{"name": "n" * 100, "dose": "n" * 100, "details": "d" * 390} for _ in range(24)]
    with pytest.raises(ReplyIncomplete, match=r"larger than 16384 bytes\. Shorten it"):
        await hub.replies.send(
            story.case_id, doctor, Draft(values={"assessment": "a" * 3_900, "orders": orders})
        )
    assert (await hub.worklist.case(story.case_id)).replies == ()
