"""What a medic enters is saved as signed entries, a draft until it is sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from protocol.actors import Role
from protocol.clinical import AllergyState, Patient, Treatment
from protocol.entry import read_entry, verify_entry
from protocol.header import Priority
from protocol.limits import TEXT_BYTES_MAX
from protocol.orders import CapabilityItem
from sfnode.domain.intake import PatientChange
from sfnode.errors import NotEnrolled, NotFound, Refused, ValueRefused
from sfnode.services.happenings import CaseChanged, OutboxGrew
from tests.sfnode.services.station import (
    HUB,
    PAIR,
    Station,
    entries_in,
    hub_keys,
    new_case,
    open_station,
    photo_layers,
)


@pytest.fixture
async def station(tmp_path: Path) -> AsyncIterator[Station]:
    station = await open_station(tmp_path)
    yield station
    await station.vault.close()


async def test_a_draft_shows_what_was_entered_and_queues_nothing(station: Station) -> None:
    before = await station.book.outbox()
    case_id = (await station.book.open_case(new_case(note="Since two.", language="en"))).case_id
    await station.book.add_vitals(case_id, [station.vitals(spo2_percent=91), station.vitals(pain=7)])
    await station.book.add_treatment(case_id, Treatment(given_s=1_763_845_000, what="Aspirin", dose="300 mg"))
    await station.book.add_note(case_id, language="ko", text="숨이 참")
    view = await station.book.case_view(case_id)
    assert (view.row.state, view.row.patient, view.row.urgency) == ("draft", "P-0917 54 M", "URG")
    assert view.notes == ("21:00Z Medic on duty [en]: Since two.", "21:00Z Medic on duty [ko]: 숨이 참")
    assert view.treatments == ("20:56Z Aspirin 300 mg",)
    assert [each.spo2_percent for each in view.vitals] == [91, None]
    assert view.vitals[0].news2_parts == ("SpO2 3",)
    assert (view.plan, view.sent) == (None, False)
    assert await station.book.outbox() == before


async def test_an_entry_is_signed_and_numbered_above_all_before_also_after_a_restart(
    station: Station,
) -> None:
    case_id = (await station.book.open_case(new_case())).case_id
    await station.restart()
    await station.book.add_vitals(case_id, [station.vitals(pain=1), station.vitals(pain=2)])
    await station.restart()
    await station.book.add_note(case_id, language="en", text="Worse.")
    sent = await station.book.send_case(case_id)
    text = next(row for row in sent if row.what == "text")
    identity = await station.vault.directory.identity()
    entries = [read_entry(signed) for signed in entries_in(text)]
    counters = [record.stamp.counter for entry in entries for record in entry.records]
    assert counters == sorted(set(counters))
    for signed in entries_in(text):
        verify_entry(signed, identity.signing_public)


async def test_a_patients_facts_are_superseded_and_stay_readable(station: Station) -> None:
    case_id = (await station.book.open_case(new_case())).case_id
    await station.book.update_patient(case_id, PatientChange(add_allergies=("penicillin",)).applied_to)
    view = await station.book.case_view(case_id)
    assert view.allergies == "penicillin"
    await station.book.update_patient(case_id, PatientChange(weight_hg=825, weight_measured=True).applied_to)
    view = await station.book.case_view(case_id)
    assert (view.allergies, view.weight) == ("penicillin", "82.5 kg measured")


async def test_a_refused_change_leaves_no_trace(station: Station) -> None:
    case_id = (await station.book.open_case(new_case())).case_id
    before = await station.book.case_view(case_id)
    told = len(station.events)
    with pytest.raises(ValueRefused, match="control character"):
        await station.book.add_note(case_id, language="en", text="red \x1b[31m")
    with pytest.raises(ValueRefused, match="Nothing new"):
        await station.book.update_patient(case_id, PatientChange().applied_to)
    with pytest.raises(ValueRefused, match="No set of vitals"):
        await station.book.add_vitals(case_id, [])
    with pytest.raises(ValueRefused, match="complaint"):
        await station.book.open_case(new_case(complaint="x" * 401))
    with pytest.raises(NotFound, match="no template"):
        await station.book.open_case(new_case(template="dental"))
    assert await station.book.case_view(case_id) == before
    assert len(await station.book.case_rows()) == 1
    assert len(station.events) == told


async def test_a_long_note_is_split_at_words_and_loses_nothing(station: Station) -> None:
    case_id = (await station.book.open_case(new_case())).case_id
    words = [f"단어{number}" for number in range(4_000)]
    saved = await station.book.add_note(case_id, language="ko", text=" ".join(words))
    assert len(saved.records) > 1
    notes = (await station.book.case_view(case_id)).notes
    assert [word for note in notes for word in note.partition("]: ")[2].split()] == words
    with pytest.raises(ValueRefused, match="too long"):
        await station.book.add_note(case_id, language="en", text="x " * 4 * TEXT_BYTES_MAX)


async def test_answers_to_the_form_become_its_note(station: Station) -> None:
    fields = {"template": "chest-pain", "answers": (("character", "pressing"),), "note": "Since two."}
    case_id = (await station.book.open_case(new_case(**fields))).case_id
    view = await station.book.case_view(case_id)
    assert [note.partition("]: ")[2] for note in view.notes] == ["Character: pressing", "Since two."]
    assert "Character" not in view.missing
    assert "*A set of vital signs" in view.missing


async def test_a_photo_keeps_its_layers_and_its_original(station: Station) -> None:
    case_id = (await station.book.open_case(new_case())).case_id
    original = b"JPEG" * 200_000
    layers = replace(photo_layers(), source_sha256=sha256(original).digest())
    view = await station.book.add_photo(case_id, layers, caption="paper ECG", original=original)
    assert (view.caption, [layer.layer for layer in view.layers]) == ("paper ECG", ["preview", "standard"])
    await station.restart()
    for layer, data in zip(view.layers, (b"p" * 2_000, b"s" * 15_000), strict=True):
        assert await station.book.read_blob(case_id, bytes.fromhex(layer.blob)) == data
    shown = {bytes.fromhex(layer.blob) for layer in view.layers}
    (source,) = await station.vault.blobs.held(case_id) - shown
    assert await station.book.read_blob(case_id, source) == original
    with pytest.raises(Refused, match="changed while it was read"):
        await station.book.add_photo(case_id, layers, caption="paper ECG", original=b"another")


async def test_a_picture_belongs_to_its_case_only(station: Station) -> None:
    one = (await station.book.open_case(new_case())).case_id
    other = (await station.book.open_case(new_case())).case_id
    view = await station.book.add_photo(one, photo_layers(), caption="wound")
    blob = bytes.fromhex(view.layers[0].blob)
    with pytest.raises(NotFound):
        await station.book.read_blob(other, blob)


async def test_a_case_is_found_by_id_prefix_and_short_name(station: Station) -> None:
    case_id = (await station.book.open_case(new_case())).case_id
    row = await station.book.case_row(case_id)
    for name in (row.case, row.case[:6].upper(), row.short, row.short.lower(), row.short.removeprefix("C-")):
        assert await station.book.find_case(name) == case_id
    for name in ("", " ", "zzzz", row.case + "00"):
        with pytest.raises(NotFound):
            await station.book.find_case(name)


async def test_nothing_can_be_opened_before_enrolment(tmp_path: Path) -> None:
    station = await open_station(tmp_path, enrolled=False)
    try:
        with pytest.raises(NotEnrolled, match="sfnode enrol"):
            await station.book.open_case(new_case())
        with pytest.raises(NotEnrolled):
            await station.book.set_capability([CapabilityItem(item=1, name="Oxygen")])
        assert (await station.book.case_rows(), await station.book.capability()) == ((), None)
    finally:
        await station.vault.close()


async def test_joining_tells_the_hub_first_who_works_here(station: Station) -> None:
    (first,) = await station.book.outbox()
    assert (first.what, first.priority) == ("who works here", Priority.EMERGENCY)
    entry = read_entry(entries_in(first)[0])
    hub = await station.vault.directory.hub(HUB)
    assert hub is not None
    assert entry.case_id == hub.site_case
    assert [(record.body.name, record.body.role) for record in entry.records] == [
        ("Medic on duty", Role.MEDIC)
    ]
    await station.book.join_hub(hub_keys(), PAIR)
    assert len(await station.book.outbox()) == 1
    with pytest.raises(Refused, match="enrolled with HUB"):
        await station.book.join_hub(replace(hub_keys(), site_name="MV OTHER"), PAIR)


async def test_the_list_aboard_grows_by_version_and_travels(station: Station) -> None:
    first = await station.book.set_capability([CapabilityItem(item=1, name="Oxygen", quantity=2)])
    second = await station.book.set_capability([CapabilityItem(item=1, name="Oxygen", quantity=1)])
    assert (first.version, second.version) == (1, 2)
    assert await station.book.capability() == second
    assert [row.what for row in await station.book.outbox()][1:] == [
        "list aboard, version 1",
        "list aboard, version 2",
    ]
    assert await station.book.case_rows() == ()


async def test_a_closed_case_goes_to_the_end_of_the_list(station: Station) -> None:
    closed = (await station.book.open_case(new_case(urgency=Priority.EMERGENCY))).case_id
    await station.book.close_case(closed, outcome="went ashore well")
    await station.book.open_case(new_case(urgency=Priority.ROUTINE))
    rows = await station.book.case_rows()
    assert [row.state for row in rows] == ["draft", "closed"]
    with pytest.raises(Refused, match="closed already"):
        await station.book.close_case(closed, outcome="again")


async def test_the_observer_is_told_after_each_change(station: Station) -> None:
    station.events.clear()
    saved = await station.book.open_case(new_case())
    assert station.events == [CaseChanged(case_id=saved.case_id), OutboxGrew()]


async def test_a_case_that_no_record_holds_is_refused_in_words(station: Station) -> None:
    patient = Patient(
        code="P-1",
        allergy_state=AllergyState.LISTED,
        allergies=("a" * 390,) * 32,
        medicines=("b" * 390,) * 20,
    )
    with pytest.raises(ValueRefused, match=r"larger than 16384 bytes\. Nothing was saved"):
        await station.book.open_case(new_case(patient=patient))
    assert await station.book.case_rows() == ()
