"""A headline nobody signed: it opens a case, gives way to the signed one, and never mixes two patients."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from protocol.ahead import micro_ahead_of
from protocol.bundle import BundleContent
from protocol.clinical import AllergyState, Headline, Note, Sex
from protocol.entry import SignedEntry, read_entry
from protocol.header import Priority
from protocol.ids import CaseId, EntryId, PatientId, seal_tag_of
from protocol.limits import COUNTER_LEAP_MAX, COUNTER_MAX
from protocol.micro import MicroBundle, read_micro, write_micro
from protocol.orders import Advice
from protocol.questions import Answer
from protocol.ranges import RangeSet
from protocol.records import NewRecord, Reference, Relation
from protocol.reply_headline import ReplyHeadline
from protocol.sealing import Prekey
from protocol.small_seal import Direction, SmallKey
from protocol.stamps import Stamp
from sfhub.app import Hub
from sfhub.domain.arrivals import PROVISIONAL_WORDS
from sfhub.services.replies import Draft
from sfhub.storage.people import Clinician
from sfhub.storage.quarantine import PutAside, all_put_aside
from sfhub.views import CaseView
from sync.envelope import Envelope
from sync.ports import IncomingChunk
from tests.sfhub.site import NOON_S, SEALER, Site, Story, TestClock, drain, read_from_hub, vitals

UNUSED = Prekey(bytes(32))
"""A micro-bundle is sealed for the pair, not for a prekey."""
ORDERS = {"assessment": "Likely a heart attack.", "orders": [{"name": "Aspirin", "dose": "300 mg"}]}


def micro(site: Site, story: Story, **changes: Any) -> MicroBundle:
    """The headline of a story, covered by its text."""
    said = Headline(
        urgency=Priority.EMERGENCY,
        complaint="crushing chest pain",
        age_years=54,
        sex=Sex.MALE,
        allergy_state=AllergyState.LISTED,
        allergies=("penicillin",),
        vitals=vitals(),
        question="Aspirin now?",
        photo_count=1,
        latitude_centidegrees=3_518,
        longitude_centidegrees=-12_907,
        eta_min=540,
    )
    parts: dict[str, Any] = {
        "case_id": story.case_id,
        "patient_id": site.patient,
        "author": site.medic,
        "stamp": Stamp(40, NOON_S),
        "covers": story.text.entry_id,
        **changes,
    }
    return write_micro(NewRecord(parts.pop("said", said)), **parts)


async def aside(hub: Hub) -> tuple[PutAside, ...]:
    return await hub.database.read(lambda connection: all_put_aside(connection, 100))


async def left_in_custody(hub: Hub, site: Site) -> int:
    return len(await (await hub.custody.pair(site.known_hub.pseudonym)).received_after(0, 100))


def settled(view: CaseView) -> tuple[object, ...]:
    """What of a page does not depend on when each part of it came, nor on which case it is."""
    row = replace(view.row, case="", short="")
    return (row, view.question, view.patient, view.headline, view.notes, view.replies, len(view.vitals))


async def test_the_headline_alone_opens_a_case_and_says_that_nobody_signed_it(hub: Hub, site: Site) -> None:
    story = site.story()
    await site.deliver(hub, micro(site, story))
    (row,) = await hub.worklist.queue()
    assert (row.urgency_word, row.complaint, row.news2) == ("EMER", "crushing chest pain", "4")
    assert row.provisional
    assert row.headline_only
    assert row.needs_answer
    assert row.missing[0] == PROVISIONAL_WORDS
    view = await hub.worklist.case(story.case_id)
    assert (view.question, view.patient.allergies) == ("Aspirin now?", "penicillin")
    assert view.headline is not None
    assert view.headline.endswith("at 35.18 N 129.07 W · reaches help in 9 h")
    assert view.vitals[0].headline
    assert view.arrivals.headline_s == hub.clock.wall_s()
    assert await left_in_custody(hub, site) == 0


async def test_the_signed_case_takes_its_place(hub: Hub, site: Site, clock: TestClock) -> None:
    story = site.story()
    await site.deliver(hub, site.introduction(), micro(site, story))
    arrived_s = clock.now_s
    clock.now_s += 600
    await site.deliver(hub, story.text, story.manifest)
    view = await hub.worklist.case(story.case_id)
    assert not view.row.provisional
    assert (view.row.complaint, view.row.urgency_word) == ("chest pain", "URG")
    assert view.headline is None
    assert [each.headline for each in view.vitals] == [False]
    assert PROVISIONAL_WORDS not in view.row.missing
    assert (view.arrivals.headline_s, view.arrivals.text_s) == (arrived_s, arrived_s + 600)


async def test_any_order_and_any_repeat_give_the_same_case(hub: Hub, site: Site) -> None:
    views = []
    for order in permutations(range(3)):
        story = site.story()
        parts: list[BundleContent | SignedEntry] = [micro(site, story), story.text, story.manifest]
        await site.deliver(hub, site.introduction(), *(parts[index] for index in order))
        await site.deliver(hub, *parts)
        views.append(settled(await hub.worklist.case(story.case_id)))
    assert views == [views[0]] * len(views)
    assert await aside(hub) == ()


async def test_a_lost_headline_is_not_missed(hub: Hub, site: Site) -> None:
    story = site.story()
    await site.deliver(hub, site.introduction(), story.text)
    (row,) = await hub.worklist.queue()
    assert (row.provisional, row.headline_only, row.complaint) == (False, False, "chest pain")


async def test_a_headline_that_nothing_covers_stays_beside_the_signed_entries(hub: Hub, site: Site) -> None:
    story = site.story()
    lone = micro(site, story, covers=EntryId(b"z" * 32))
    await site.deliver(hub, site.introduction(), story.manifest, lone)
    view = await hub.worklist.case(story.case_id)
    assert view.row.provisional
    assert view.question == "Aspirin now?"


# Whose case it is.


async def test_another_patient_in_a_known_case_is_put_aside(hub: Hub, site: Site) -> None:
    story = site.story()
    await site.deliver(hub, site.introduction(), story.text)
    before = await hub.worklist.case(story.case_id)
    await site.deliver(
        hub, micro(site, story, patient_id=PatientId(b"another-pt"), covers=EntryId(b"z" * 32))
    )
    assert settled(await hub.worklist.case(story.case_id)) == settled(before)
    assert [each.reason for each in await aside(hub)] == ["it names another patient than its case does"]
    assert await left_in_custody(hub, site) == 0


async def test_the_signed_word_wins_over_a_headline_that_came_first(hub: Hub, site: Site) -> None:
    """It claimed the case for another patient; the entry that is signed holds, the claim is put aside."""
    story = site.story()
    await site.deliver(
        hub, micro(site, story, patient_id=PatientId(b"another-pt"), covers=EntryId(b"z" * 32))
    )
    await site.deliver(hub, site.introduction(), story.text)
    view = await hub.worklist.case(story.case_id)
    assert (view.row.provisional, view.row.complaint, view.headline) == (False, "chest pain", None)
    assert [each.reason for each in await aside(hub)] == ["it names another patient than its case does"]


async def test_another_site_cannot_say_anything_of_a_case(hub: Hub, site: Site) -> None:
    story = site.story()
    await site.deliver(hub, site.introduction(), story.text)
    stranger = Site("MV OTHER", seed=2)
    await stranger.enrol(hub)
    await stranger.deliver(hub, micro(site, story))
    assert [each.reason for each in await aside(hub)] == ["its sender is not the site of this case"]


async def test_a_case_that_a_stranger_claimed_first_goes_to_whoever_signs_it(hub: Hub, site: Site) -> None:
    story = site.story()
    stranger = Site("MV OTHER", seed=2)
    await stranger.enrol(hub)
    await stranger.deliver(hub, micro(site, story, covers=EntryId(b"z" * 32)))
    await site.deliver(hub, site.introduction(), story.text, story.manifest, story.preview)
    view = await hub.worklist.case(story.case_id)
    assert (view.site, view.row.provisional) == ("MV ARGO", False)
    assert [each.reason for each in await aside(hub)] == ["its sender is not the site of this case"]
    assert view.row.photos_arrived == 1


async def test_a_site_s_own_file_has_no_headline(hub: Hub, site: Site) -> None:
    story = site.story()
    own = CaseId(site.introduction().payload[3:13])
    await site.deliver(hub, micro(site, story, case_id=own))
    assert "keeps its own people" in (await aside(hub))[0].reason
    assert await hub.worklist.queue() == ()


async def test_a_site_gives_no_orders(hub: Hub, site: Site) -> None:
    story = site.story()
    await site.deliver(hub, micro(site, story, said=ReplyHeadline(stop_rule="Stop.")))
    assert "a site may not send a reply headline" in (await aside(hub))[0].reason
    assert await hub.worklist.queue() == ()


async def test_a_coded_answer_goes_the_same_way(hub: Hub, site: Site) -> None:
    story = site.story()
    await site.deliver(hub, micro(site, story, said=Answer(code=4, options=(1,))))
    assert await aside(hub) == ()
    (row,) = await hub.worklist.queue()
    assert row.provisional is False  # No headline: all that is known is that there is a case.
    assert "provisional answer, signed by nobody yet: yes" in row.missing


# Corrections of notes.


async def put_correction(hub: Hub, site: Site, micro: MicroBundle, base: SignedEntry) -> None:
    """Through a session, as a node with a dearer link might do it."""
    await site.put(
        hub,
        site.envelope.seal(micro, priority=Priority.URGENT, recipient=UNUSED, sealer=SEALER, base=base),
    )
    await drain(hub, site)


def corrected(site: Site, story: Story) -> tuple[SignedEntry, SignedEntry, MicroBundle]:
    """A note, the entry that corrects it, and what may go ahead of that."""
    base = site.entry(Note(language="en", text="98/60, right arm"), case_id=story.case_id)
    refs = (Reference(Relation.SUPERSEDES, read_entry(base).records[0].record_id),)
    edit = site.entry(Note(language="en", text="92/58, right arm"), case_id=story.case_id, refs=refs)
    micro = micro_ahead_of(edit, base)
    assert micro is not None
    return base, edit, micro


async def test_a_provisional_correction_stands_beside_its_note_until_it_is_signed(
    hub: Hub, site: Site
) -> None:
    story = site.story()
    base, edit, micro = corrected(site, story)
    await site.deliver(hub, site.introduction(), story.text, base)
    for _ in range(2):
        await put_correction(hub, site, micro, base)
        note = (await hub.worklist.case(story.case_id)).notes[0]
        assert note == '98/60, right arm [PROVISIONAL correction, signed by nobody yet: "92/58, right arm"]'
    await site.deliver(hub, edit)
    after = await hub.worklist.case(story.case_id)
    assert after.notes[0] == '92/58, right arm [CORRECTED, before it said: "98/60, right arm"]'
    await put_correction(hub, site, micro, base)
    assert await hub.worklist.case(story.case_id) == after
    assert await aside(hub) == ()


async def test_a_correction_of_what_is_not_here_is_put_aside_and_nothing_is_asked_for(
    hub: Hub, site: Site
) -> None:
    story = site.story()
    base, edit, micro = corrected(site, story)
    await site.deliver(hub, site.introduction(), story.text)
    await put_correction(hub, site, micro, base)
    assert "corrects a note that is not here" in (await aside(hub))[0].reason
    assert await (await hub.custody.pair(site.known_hub.pseudonym)).unopened() == ()
    await site.deliver(hub, base, edit)
    assert "92/58" in (await hub.worklist.case(story.case_id)).notes[0]


async def test_another_site_s_note_is_no_base(hub: Hub, site: Site) -> None:
    story = site.story()
    base, _, micro = corrected(site, story)
    await site.deliver(hub, site.introduction(), story.text, base)
    stranger = Site("MV OTHER", seed=2)
    await stranger.enrol(hub)
    await put_correction(hub, stranger, micro, base)
    assert "corrects a note that is not here" in (await aside(hub))[0].reason
    assert (await hub.worklist.case(story.case_id)).notes[0] == "98/60, right arm"


# What was not sealed for this hub, by this site, in this way.


async def put_forged(hub: Hub, site: Site, envelope: Envelope, content: MicroBundle) -> None:
    sealed = envelope.seal(content, priority=Priority.URGENT, recipient=UNUSED, sealer=SEALER)
    store = await hub.custody.pair(site.known_hub.pseudonym)
    offer = site.offer(sealed)
    assert offer.seal_tag == seal_tag_of(sealed.sealed)
    await store.persist([IncomingChunk(offer=offer, offset=0, data=sealed.sealed)])
    await drain(hub, site)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"direction": Direction.TO_SITE}, "the small seal does not open"),
        ({"secret": b"x" * 32}, "the small seal does not open"),
        ({"epoch": 7}, "epoch 7 of the small profile is not known here"),
    ],
    ids=["reflected", "forged", "wrong epoch"],
)
async def test_a_false_seal_opens_no_case(hub: Hub, site: Site, change: dict[str, Any], reason: str) -> None:
    story = site.story()
    key = SmallKey(**{"secret": site.secrets.small, "direction": Direction.TO_HUB, **change})
    envelope = Envelope(
        destination=site.hub_mailbox,
        origin=site.known_hub.pseudonym,
        pair_secret=site.secrets.bundle_ids,
        small=key,
    )
    await put_forged(hub, site, envelope, micro(site, story))
    assert await hub.worklist.queue() == ()
    assert reason in (await aside(hub))[0].reason


# Answering it.


async def first_orders(hub: Hub, site: Site) -> list[MicroBundle]:
    """What goes down to the site unsigned, in the order in which it leaves."""
    store = await hub.custody.pair(site.known_hub.pseudonym)
    envelope = Envelope(
        destination=site.mailbox,
        origin=site.known_hub.pseudonym,
        pair_secret=site.secrets.bundle_ids,
        small=SmallKey(secret=site.secrets.small, direction=Direction.TO_SITE),
    )
    found = []
    for bundle in (await store.open_session()).pending:
        sealed = await store.read(bundle.offer.sequence, 0, bundle.offer.size_bytes)
        if sealed[0] == 3:
            content = envelope.open(bundle.offer, sealed, keys={}, sealer=SEALER)
            assert isinstance(content, MicroBundle)
            assert len(sealed) <= 250
            found.append(content)
    return found


async def test_a_reply_to_the_headline_alone_goes_down_with_first_orders_ahead(
    hub: Hub, site: Site, doctor: Clinician
) -> None:
    story = site.story()
    await site.deliver(hub, micro(site, story))
    await hub.replies.send(story.case_id, doctor, Draft(values=ORDERS))
    await hub.outbox.flush()
    store = await hub.custody.pair(site.known_hub.pseudonym)
    pending = (await store.open_session()).pending
    assert [bundle.rank.name for bundle in pending] == ["HEADLINE", "TEXT"]
    (down,) = await first_orders(hub, site)
    said = read_micro(down)
    assert [order.dose for order in said.record.body.orders] == ["300 mg"]
    assert (said.record.case_id, said.record.patient_id) == (story.case_id, site.patient)
    # The reply stamps itself after what the site said.
    assert said.record.stamp.counter > 40
    await site.deliver(hub, site.introduction(), story.text)
    view = await hub.worklist.case(story.case_id)
    assert not view.row.provisional
    assert view.replies[0].written_before


async def test_first_orders_name_the_reply_that_signs_them(hub: Hub, site: Site, doctor: Clinician) -> None:
    story = site.story()
    await site.deliver(hub, site.introduction(), story.text)
    sent = await hub.replies.send(story.case_id, doctor, Draft(values=ORDERS))
    assert sent.size_bytes > 0
    await hub.outbox.flush()
    (down,) = await first_orders(hub, site)
    ids = await hub.database.read(
        lambda connection: [
            EntryId(row[0]) for row in connection.execute("SELECT entry_id FROM entries ORDER BY number")
        ]
    )
    assert read_micro(down).is_covered_by(ids[-1:])


async def test_a_routine_case_gets_its_reply_whole_and_nothing_ahead_of_it(
    hub: Hub, site: Site, doctor: Clinician
) -> None:
    story = site.story(urgency=Priority.ROUTINE)
    await site.deliver(hub, site.introduction(), story.text)
    await hub.replies.send(story.case_id, doctor, Draft(values=ORDERS))
    await hub.outbox.flush()
    assert await first_orders(hub, site) == []


async def test_how_far_a_reply_is_never_means_its_headline(hub: Hub, site: Site, doctor: Clinician) -> None:
    story = site.story()
    await site.deliver(hub, site.introduction(), story.text)
    await hub.replies.send(story.case_id, doctor, Draft(values=ORDERS))
    await hub.outbox.flush()
    store = await hub.custody.pair(site.known_hub.pseudonym)
    headline = next(
        bundle for bundle in (await store.open_session()).pending if bundle.rank.name == "HEADLINE"
    )
    await store.mark_stored(RangeSet(((headline.offer.sequence, headline.offer.sequence + 1),)))
    pair = hub.sites.directory.pairs[0]
    hub.outbox.check(pair)
    await hub.outbox.flush()
    assert (await hub.worklist.case(story.case_id)).replies[0].carried == "on its way"


async def test_advice_needs_nothing_ahead_of_it(hub: Hub, site: Site, doctor: Clinician) -> None:
    story = site.story()
    await site.deliver(hub, site.introduction(), story.text)
    await hub.replies.advise(story.case_id, doctor, "Aspirin 300 mg now.")
    await hub.outbox.flush()
    assert await first_orders(hub, site) == []


# What is written here on the word of nobody.


async def test_opening_a_page_makes_no_claim_true(hub: Hub, site: Site, doctor: Clinician) -> None:
    """A stranger claimed the case and a clinician looked: whoever signs it is heard all the same."""
    story = site.story(urgency=Priority.EMERGENCY)
    stranger = Site("MV OTHER", seed=2)
    await stranger.enrol(hub)
    await stranger.deliver(
        hub, micro(stranger, story, patient_id=PatientId(b"another-pt"), covers=EntryId(b"z" * 32))
    )
    assert await hub.replies.mark_seen(story.case_id, doctor)
    await site.deliver(hub, site.introduction(), story.headline, story.text)
    (row,) = await hub.worklist.queue()
    assert (row.site, row.complaint, row.provisional, row.needs_answer) == (
        "MV ARGO",
        "chest pain",
        False,
        True,
    )
    assert sorted((each.site_name, each.reason) for each in await aside(hub)) == [
        ("MV OTHER", "it was written here on an unsigned message that the signed case contradicts"),
        ("MV OTHER", "its sender is not the site of this case"),
    ]
    assert await hub.replies.mark_seen(story.case_id, doctor), "nobody has opened this site's case"


async def test_advice_on_an_unsigned_message_holds_no_other_patient(
    hub: Hub, site: Site, doctor: Clinician
) -> None:
    story = site.story()
    await site.deliver(hub, site.introduction())
    await site.deliver(
        hub, micro(site, story, patient_id=PatientId(b"another-pt"), covers=EntryId(b"z" * 32))
    )
    await hub.replies.advise(story.case_id, doctor, "Give oxygen.")
    await site.deliver(hub, story.text)
    view = await hub.worklist.case(story.case_id)
    assert (view.row.provisional, view.row.complaint, view.advice) == (False, "chest pain", ())
    await hub.replies.advise(story.case_id, doctor, "Sit up.")
    await hub.outbox.flush()
    patients = {
        entry.patient_id: [record.body.text for record in entry.records if isinstance(record.body, Advice)]
        for entry in await read_from_hub(hub, site)
        if entry.case_id == story.case_id
    }
    assert patients == {b"another-pt": ["Give oxygen."], site.patient: ["Sit up."]}


async def test_advice_on_an_unsigned_message_stands_when_the_signed_case_agrees(
    hub: Hub, site: Site, doctor: Clinician
) -> None:
    story = site.story()
    await site.deliver(hub, site.introduction(), micro(site, story))
    await hub.replies.advise(story.case_id, doctor, "Give oxygen.")
    await site.deliver(hub, story.text)
    view = await hub.worklist.case(story.case_id)
    assert ([each.text for each in view.advice], await aside(hub)) == (["Give oxygen."], ())


async def test_a_headline_cannot_use_up_the_counters(hub: Hub, site: Site, doctor: Clinician) -> None:
    story = site.story()
    await site.deliver(hub, site.introduction(), story.text)
    known = site.counter - 1
    for counter in (COUNTER_MAX, known + COUNTER_LEAP_MAX + 1):
        await site.deliver(
            hub, micro(site, story, stamp=Stamp(counter, NOON_S), covers=EntryId(counter.to_bytes(32, "big")))
        )
    assert {each.reason for each in await aside(hub)} == {
        "its counter is further ahead than any honest one can be"
    }
    assert len(await aside(hub)) == 2
    await hub.replies.advise(story.case_id, doctor, "Give oxygen.")
