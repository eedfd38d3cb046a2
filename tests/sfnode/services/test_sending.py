"""Sending: headline, text and layers, each queued once, the headline always small enough."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocol.clinical import AllergyState, Consciousness, Patient, Pregnancy, Sex, Treatment, Vitals
from protocol.entry import read_entry
from protocol.header import Priority
from protocol.ids import BundleId, Mailbox, Pseudonym
from protocol.micro import MicroBundle, ProvisionalRecord, read_micro
from protocol.records import Kind
from protocol.sealing import HpkeSealer, Prekey
from protocol.small_seal import Direction, SmallKey
from sfnode.domain.headline import SEALED_BYTES_MAX
from sfnode.domain.intake import PatientChange
from sfnode.errors import Incomplete
from sfnode.services.outgoing import GOING, STORED_AT_HUB, Outgoing, Progress
from sfnode.vault.entries import note_counter
from sync.envelope import Envelope
from sync.ports import Rank
from tests.protocol.bodies import HIDDEN
from tests.sfnode.services.station import (
    NOW_S,
    PAIR,
    Station,
    entries_in,
    new_case,
    open_station,
    photo_layers,
)


@pytest.fixture
async def station(tmp_path: Path) -> AsyncIterator[Station]:
    station = await open_station(tmp_path)
    yield station
    await station.vault.close()


def sealed_bytes(row: Outgoing) -> int:
    """Sealed for real, as the spool will hold it."""
    envelope = Envelope(
        destination=Mailbox(b"d" * 8),
        origin=Pseudonym(b"o" * 4),
        pair_secret=PAIR.bundle_ids,
        small=SmallKey(secret=PAIR.small, direction=Direction.TO_HUB),
    )
    recipient = Prekey(X25519PrivateKey.generate().public_key().public_bytes_raw())
    sealer = HpkeSealer(lambda size: b"r" * size)
    return len(envelope.seal(row.content, priority=row.priority, recipient=recipient, sealer=sealer).sealed)


def headline_in(row: Outgoing) -> ProvisionalRecord:
    assert isinstance(row.content, MicroBundle)
    return read_micro(row.content)


async def test_a_case_goes_as_headline_text_previews_and_standard_layers(station: Station) -> None:
    case_id = (await station.book.open_case(new_case(note="Since two."))).case_id
    await station.book.add_vitals(case_id, [station.vitals(spo2_percent=91)])
    await station.book.add_photo(case_id, photo_layers(), caption="paper ECG")
    sent = await station.book.send_case(case_id)
    assert [(row.what, row.rank) for row in sent] == [
        ("headline", Rank.HEADLINE),
        ("text", Rank.TEXT),
        ("preview: paper ECG", Rank.PREVIEW),
        ("standard: paper ECG", Rank.STANDARD),
    ]
    assert {row.priority for row in sent} == {Priority.URGENT}
    for row in sent:
        assert row.size_bytes == sealed_bytes(row)
    headline = headline_in(sent[0])
    assert headline.is_covered_by([entries_in(sent[1])[0].entry_id])
    body = headline.record.body
    assert (body.complaint, body.question, body.photo_count) == ("chest pain", "Aspirin now?", 1)
    assert len(entries_in(sent[1])) == 3


async def test_sending_twice_queues_nothing_twice(station: Station) -> None:
    case_id = (await station.book.open_case(new_case())).case_id
    await station.book.add_photo(case_id, photo_layers(), caption="paper ECG")
    await station.book.send_case(case_id)
    queued = await station.book.outbox()
    assert await station.book.send_case(case_id) == ()
    await station.restart()
    assert await station.book.send_case(case_id) == ()
    assert await station.book.outbox() == queued


async def test_after_sending_each_entry_follows_at_once_in_the_case_s_class(station: Station) -> None:
    case_id = await station.sent_case(urgency=Priority.EMERGENCY)
    await station.book.add_vitals(case_id, [station.vitals(pain=1), station.vitals(pain=2)])
    await station.book.add_note(case_id, language="en", text="Worse.")
    await station.book.add_photo(case_id, photo_layers(), caption="monitor")
    rows = await station.book.outbox()
    assert [row.what for row in rows] == [
        "2 sets of vitals",
        "note",
        "about photo: monitor",
        "preview: monitor",
        "standard: monitor",
    ]
    assert {row.priority for row in rows} == {Priority.EMERGENCY}


async def test_one_picture_added_twice_travels_once(station: Station) -> None:
    case_id = (await station.book.open_case(new_case())).case_id
    await station.book.add_photo(case_id, photo_layers(), caption="wound")
    await station.book.add_photo(case_id, photo_layers(), caption="wound again")
    sent = await station.book.send_case(case_id)
    assert [row.rank for row in sent].count(Rank.STANDARD) == 1


async def test_what_the_form_requires_is_asked_for_but_never_of_an_emergency(station: Station) -> None:
    bare = Patient(code="P-1")
    case_id = (await station.book.open_case(new_case(patient=bare))).case_id
    with pytest.raises(Incomplete, match=r"Age, Sex, Allergies .* missing. The draft is safe"):
        await station.book.send_case(case_id)
    assert (await station.book.case_row(case_id)).state == "draft"
    assert len(await station.book.send_case(case_id, accept_missing=True)) == 2
    urgent = (await station.book.open_case(new_case(patient=bare, urgency=Priority.EMERGENCY))).case_id
    assert len(await station.book.send_case(urgent)) == 2


async def test_what_a_case_was_sent_without_stands_in_it(station: Station) -> None:
    case_id = (await station.book.open_case(new_case(patient=Patient(code="P-1")))).case_id
    with pytest.raises(Incomplete):
        await station.book.send_case(case_id)
    assert (await station.book.case_view(case_id)).notes == ()
    _, text = await station.book.send_case(case_id, accept_missing=True)
    said = "Sent without: Age, Sex, Allergies (or none known)."
    assert said in (await station.book.case_view(case_id)).notes[0]
    records = [record for signed in entries_in(text) for record in read_entry(signed).records]
    assert said in [record.body.text for record in records if record.kind == Kind.NOTE]


async def test_what_was_lacking_can_be_completed_and_needs_no_leave_then(station: Station) -> None:
    case_id = (await station.book.open_case(new_case(patient=Patient(code="P-1")))).case_id
    known = PatientChange(age_years=0, sex=Sex.MALE, no_known_allergies=True)
    await station.book.update_patient(case_id, known.applied_to)
    assert len(await station.book.send_case(case_id)) == 2
    assert (await station.book.case_row(case_id)).patient == "P-1 0 M"


async def test_a_complete_case_and_an_emergency_are_sent_without_such_a_note(station: Station) -> None:
    whole = (await station.book.open_case(new_case())).case_id
    bare = new_case(patient=Patient(code="P-1"), urgency=Priority.EMERGENCY)
    urgent = (await station.book.open_case(bare)).case_id
    for case_id in (whole, urgent):
        before = (await station.book.case_view(case_id)).notes
        await station.book.send_case(case_id, accept_missing=True)
        assert (await station.book.case_view(case_id)).notes == before


async def test_the_price_of_a_draft_writes_nothing_into_it(station: Station) -> None:
    case_id = (await station.book.open_case(new_case(patient=Patient(code="P-1")))).case_id
    assert await station.book.draft_bundles(case_id)
    assert (await station.book.case_view(case_id)).notes == ()


async def test_much_text_is_sent_in_bundles_that_the_hub_accepts(station: Station) -> None:
    case_id = (await station.book.open_case(new_case())).case_id
    for number in range(4):
        # Nothing for compression to find, so that plain size is what counts.
        words = " ".join(bytes([number, n % 251, n % 241]).hex() for n in range(5_000))
        await station.book.add_note(case_id, language="en", text=words)
    sent = await station.book.send_case(case_id)
    texts = [row for row in sent if row.rank is Rank.TEXT]
    assert [row.what for row in texts] == [f"text {n} of {len(texts)}" for n in range(1, len(texts) + 1)]
    assert len(texts) > 1
    ids = [entry.entry_id for row in texts for entry in entries_in(row)]
    assert len(ids) == len(set(ids)) == 5


async def test_the_outbox_empties_as_the_spool_takes_over_and_survives_a_restart(station: Station) -> None:
    case_id = (await station.book.open_case(new_case())).case_id
    await station.book.send_case(case_id)
    first, *others = await station.book.outbox()
    await station.book.sealed(first.row, BundleId(b"1" * 12))
    await station.book.sealed(first.row, BundleId(b"2" * 12))
    await station.restart()
    assert [row.row for row in await station.book.outbox()] == [row.row for row in others]
    dispatch = next(each for each in await station.book.dispatches() if each.row == first.row)
    assert dispatch.bundle_id == b"1" * 12
    assert len(await station.book.outbox(limit=1)) == 1


async def test_the_most_urgent_comes_first(station: Station) -> None:
    for urgency in (Priority.ROUTINE, Priority.EMERGENCY, Priority.URGENT):
        case_id = (await station.book.open_case(new_case(urgency=urgency))).case_id
        await station.book.send_case(case_id)
    order = [(row.priority, row.rank.value) for row in await station.book.outbox()]
    assert order == sorted(order)


class Spool:
    """A carriage that says of the first bundles how far they are."""

    def __init__(self, *known: Progress) -> None:
        self.known = known

    async def progress(self, bundle_ids: Sequence[BundleId]) -> Mapping[BundleId, Progress]:
        return dict(zip(bundle_ids, self.known, strict=False))


STORED = Progress(done_bytes=300, state=STORED_AT_HUB, stored_s=NOW_S + 60)


@pytest.mark.parametrize(
    ("progress", "state", "headline"),
    [
        ((), "waiting for link", "No reply yet: sent 21:00Z, waiting for link"),
        ((Progress(done_bytes=0, state=GOING),), "waiting for link", "waiting for link"),
        ((Progress(done_bytes=9, state=GOING),), "going (0 of 2)", "sent 21:00Z, 0 of 2 stored at hub"),
        ((STORED,), "going (1 of 2)", "sent 21:00Z, 1 of 2 stored at hub"),
        ((STORED, STORED), "stored at hub", "No reply yet: sent 21:00Z, stored at hub 21:01Z"),
    ],
)
async def test_a_case_says_how_far_it_is_and_never_more(
    station: Station, progress: tuple[Progress, ...], state: str, headline: str
) -> None:
    await station.restart(Spool(*progress))
    case_id = await station.sent_case()
    assert (await station.book.case_row(case_id)).state == state
    assert headline in (await station.book.plan_view(case_id)).headline
    views = await station.book.transfer_views(case_id)
    assert [view.done_bytes for view in views] == [
        each.done_bytes for each in (*progress, *[Progress(done_bytes=0, state="")] * 2)
    ][:2]


# The largest texts of every field, in scripts of one to four bytes, with nothing to compress.
LONG = st.text(
    st.characters(
        min_codepoint=33, max_codepoint=0x1F6FF, exclude_categories=("C", "Z"), exclude_characters=HIDDEN
    ),
    min_size=90,
)
PATIENTS = st.builds(
    Patient,
    code=st.just("P" * 120),
    age_years=st.just(130),
    sex=st.just(Sex.OTHER),
    weight_hg=st.just(6_000),
    pregnancy=st.just(Pregnancy.NOT_APPLICABLE),
    allergy_state=st.just(AllergyState.LISTED),
    allergies=st.lists(LONG.map(lambda text: text[:90]), min_size=1, max_size=6).map(tuple),
)
FULL_SET = Vitals(
    observed_s=2**40,
    heart_rate_min=399,
    respiratory_rate_min=149,
    spo2_percent=99,
    on_oxygen=True,
    systolic_mmhg=399,
    diastolic_mmhg=299,
    temperature_decicelsius=499,
    consciousness=Consciousness.UNRESPONSIVE,
    glasgow_coma=15,
    pain=10,
    glucose_decimmol_l=999,
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
async def test_the_worst_headline_fits_one_satellite_message(station: Station, data: st.DataObject) -> None:
    # A counter after very many records: every byte of it is in each entry.
    await station.vault.database.write(lambda connection: note_counter(connection, 2**38))
    patient = data.draw(PATIENTS)
    texts = {
        "complaint": data.draw(LONG)[:100],
        "question": data.draw(LONG)[:400],
    }
    case_id = (
        await station.book.open_case(new_case(patient=patient, urgency=Priority.EMERGENCY, **texts))
    ).case_id
    await station.book.add_vitals(case_id, [FULL_SET])
    await station.book.add_treatment(case_id, Treatment(given_s=1, what=data.draw(LONG)[:100]))
    headline = (await station.book.send_case(case_id))[0]
    assert headline.what == "headline"
    assert sealed_bytes(headline) == headline.size_bytes <= SEALED_BYTES_MAX
    body = headline_in(headline).record.body
    assert body.question
    assert body.vitals == FULL_SET
    assert body.allergy_state is AllergyState.LISTED
