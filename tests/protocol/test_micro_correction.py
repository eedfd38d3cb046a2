"""A correction that goes ahead of its signed entry: small, and never another patient's."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.actors import Party
from protocol.ahead import micro_ahead_of
from protocol.bundle import bundle_id_of, pack, unpack
from protocol.clinical import Note, Patient, Vitals
from protocol.codec import encode
from protocol.coding.strings import join_entries
from protocol.compress import Codec, compress_by_phrases
from protocol.difference import BASE_ID_BYTES, history_of
from protocol.entry import SignedEntry, read_entry
from protocol.errors import BaseMissing, BundleRefused, InvalidRecord
from protocol.header import Priority
from protocol.ids import CaseId, Mailbox, PatientId, Pseudonym
from protocol.micro import MicroBundle, check_sender, read_micro
from protocol.micro_correction import correction_of
from protocol.questions import Answer, Question
from protocol.records import NewRecord, Reference, Relation
from protocol.small_seal import (
    Direction,
    SmallContext,
    SmallKey,
    SmallMessage,
    open_small,
    read_message,
    seal_small,
    write_message,
)
from simulations.demo.story import NOTE
from tests.protocol.bodies import HIDDEN
from tests.protocol.cases import CASE, MEDIC, PATIENT, SPECIALIST, STRANGER, WALL_S, Author

VECTOR = Path(__file__).parent.parent / "golden" / "correction.json"
KEY = SmallKey(secret=b"s" * 32, direction=Direction.TO_HUB)
CONTEXT = SmallContext(destination=Mailbox(b"d" * 8), origin=Pseudonym(b"pair"), priority=Priority.URGENT)


def said(
    text: str, *, author: Author = MEDIC, case: CaseId = CASE, patient: PatientId = PATIENT
) -> SignedEntry:
    note = Note(language="en", text=text)
    return author.write(note, counter=3, case=case, patient=patient, introduced=False)


def edit_of(base: SignedEntry, text: str, *, author: Author = MEDIC, **changes: object) -> SignedEntry:
    refs = tuple(Reference(Relation.SUPERSEDES, record.record_id) for record in read_entry(base).records[-1:])
    new = NewRecord(Note(language="en", text=text), refs)
    return author.write(new, counter=70, introduced=False, **changes)  # type: ignore[arg-type]  # Ids.


BASE = said(NOTE)
EDIT = edit_of(BASE, NOTE.replace("98/60", "92/58"))


def ahead(signed: SignedEntry = EDIT, base: SignedEntry = BASE) -> MicroBundle:
    micro = correction_of(signed, base)
    assert micro is not None
    return micro


def forged(payload: bytes, base: SignedEntry = BASE) -> bytes:
    """Any bytes in the place of the corrected entry, as they would be packed."""
    packed = compress_by_phrases(payload, history=history_of(base))
    assert packed is not None
    return bytes((3, packed.codec, packed.dictionary)) + base.entry_id[:BASE_ID_BYTES] + packed.data


def test_one_value_of_a_long_note_goes_ahead_in_seventy_five_bytes() -> None:
    assert 600 < len(NOTE) < 720
    sealed = seal_small(pack(ahead(), base=BASE), KEY, CONTEXT)
    message = write_message(SmallMessage(CONTEXT.origin, CONTEXT.priority, sealed))
    assert len(message) <= 75
    assert unpack(open_small(read_message(message).sealed, KEY, CONTEXT), base=BASE) == ahead()


def test_it_states_what_the_signed_entry_states_and_gives_way_to_it() -> None:
    provisional = read_micro(unpacked(pack(ahead(), base=BASE)))
    (signed,) = read_entry(EDIT).records
    assert provisional.record == signed
    assert provisional.is_covered_by([EDIT.entry_id])
    assert not provisional.is_covered_by([BASE.entry_id])
    check_sender(provisional, Party.SITE)


def unpacked(plain: bytes, base: SignedEntry = BASE) -> MicroBundle:
    content = unpack(plain, base=base)
    assert isinstance(content, MicroBundle)
    return content


def test_a_note_inside_the_entry_that_opened_the_case_is_corrected_as_well() -> None:
    opening = MEDIC.write(Patient(code="P-1"), Note(language="en", text=NOTE), counter=3)
    edit = edit_of(opening, NOTE.replace("98/60", "92/58"))
    plain = pack(ahead(edit, opening), base=opening)
    assert unpacked(plain, opening) == ahead(edit, opening)
    assert len(plain) <= 53  # And 22 bytes of seal and address.


@settings(max_examples=40, deadline=None)
@given(
    st.text(
        st.characters(codec="utf-8", exclude_categories=["C"], exclude_characters=HIDDEN),
        min_size=1,
        max_size=60,
    )
)
def test_any_text_comes_back_exactly(text: str) -> None:
    edit = edit_of(BASE, text)
    micro = correction_of(edit, BASE)
    if micro is not None:
        assert unpacked(pack(micro, base=BASE)) == micro
        assert read_micro(micro).record == read_entry(edit).records[0]


# Without the note, and with another one.


def test_whoever_lacks_the_note_is_told_which_it_is() -> None:
    plain = pack(ahead(), base=BASE)
    for base in (None, said("Another note.")):
        with pytest.raises(BaseMissing, match=BASE.entry_id[:BASE_ID_BYTES].hex()):
            unpack(plain, base=base)


def test_it_is_never_written_without_its_note() -> None:
    with pytest.raises(InvalidRecord, match="only where the note that it corrects is held"):
        pack(ahead())
    with pytest.raises(InvalidRecord):
        pack(ahead(), base=said("Another note."))


@pytest.mark.parametrize(
    "edit",
    [
        edit_of(BASE, "x", patient=PatientId(b"another-pt")),
        edit_of(BASE, "x", case=CaseId(b"other-case")),
        edit_of(BASE, "x", author=replace(MEDIC, actor=STRANGER.actor)),
        edit_of(BASE, "x", author=replace(MEDIC, key=STRANGER.key)),
        edit_of(said("Another note."), "x"),
        said("It corrects nothing."),
        MEDIC.write(Note(language="en", text="x"), counter=70),
        MEDIC.write(Vitals(observed_s=WALL_S, heart_rate_min=90), counter=70, introduced=False),
    ],
    ids=["patient", "case", "author", "key", "other note", "no correction", "two records", "no note"],
)
def test_case_patient_author_and_key_are_those_of_the_note(edit: SignedEntry) -> None:
    assert correction_of(edit, BASE) is None
    with pytest.raises(BundleRefused, match="is not one of a note that it is a difference from"):
        unpack(forged(join_entries([edit.payload])), base=BASE)


def test_several_entries_or_none_are_refused() -> None:
    with pytest.raises(BundleRefused, match="more than one entry"):
        unpack(forged(join_entries([EDIT.payload, EDIT.payload])), base=BASE)
    with pytest.raises(BundleRefused):
        unpack(forged(join_entries([encode([CASE] * 6)])), base=BASE)


def test_it_supersedes_and_does_nothing_else() -> None:
    (target,) = read_entry(BASE).records
    both = tuple(Reference(relation, target.record_id) for relation in (Relation.SUPERSEDES, Relation.ABOUT))
    edit = MEDIC.write(NewRecord(Note(language="en", text="x"), both), counter=70, introduced=False)
    assert correction_of(edit, BASE) is None
    with pytest.raises(BundleRefused):
        unpack(forged(join_entries([edit.payload])), base=BASE)


def test_a_note_does_not_travel_unsigned_in_any_other_form() -> None:
    """With its identifiers written out it could name any patient."""
    plain = b"\x03" + bytes((Codec.STORED, 0)) + ahead().payload
    for base in (None, BASE):
        with pytest.raises(BundleRefused, match="came without the note that it corrects"):
            unpack(plain, base=base)


@given(st.integers(0, 60), st.integers(1, 255))
@settings(max_examples=60, deadline=None)
def test_damage_changes_no_patient(at: int, flip: int) -> None:
    """Whatever the bytes become, the identifiers are the note's own, or nothing is read."""
    plain = bytearray(pack(ahead(), base=BASE))
    if at >= len(plain) or at == 0:
        return
    plain[at] ^= flip
    try:
        content = unpack(bytes(plain), base=BASE)
    except (BundleRefused, BaseMissing):
        return
    assert isinstance(content, MicroBundle)
    record = read_micro(content).record
    assert (record.case_id, record.patient_id, record.author) == (CASE, PATIENT, MEDIC.actor)


def test_a_cut_or_padded_one_is_refused() -> None:
    plain = pack(ahead(), base=BASE)
    for size in range(2, len(plain)):
        with pytest.raises((BundleRefused, BaseMissing)):
            unpack(plain[:size], base=BASE)
    with pytest.raises(BundleRefused):
        unpack(plain + b"\x00", base=BASE)


def test_a_note_that_is_too_long_for_a_message_waits_for_its_signature() -> None:
    long = said("word " * 300)
    assert correction_of(edit_of(long, "word " * 299), long) is None


# Golden vector. `python -m tests.protocol.test_micro_correction` writes it anew.


def vector() -> dict[str, str]:
    plain = pack(ahead(), base=BASE)
    return {
        "base": BASE.payload.hex(),
        "base_id": BASE.entry_id.hex(),
        "entry": EDIT.payload.hex(),
        "entry_id": EDIT.entry_id.hex(),
        "payload": ahead().payload.hex(),
        "plain": plain.hex(),
        "sealed": seal_small(plain, KEY, CONTEXT).hex(),
        "bundle_id": bundle_id_of(ahead(), b"p" * 32).hex(),
    }


def test_the_wire_has_not_changed() -> None:
    assert vector() == json.loads(VECTOR.read_text())


def test_the_vector_opens_to_what_was_said() -> None:
    known = json.loads(VECTOR.read_text())
    base = SignedEntry(bytes.fromhex(known["base"]), b"")
    micro = unpacked(open_small(bytes.fromhex(known["sealed"]), KEY, CONTEXT), base)
    assert micro.payload.hex() == known["payload"]
    assert read_micro(micro).covers.hex() == known["entry_id"][:12]


# What else may go ahead.


def test_coded_questions_and_answers_go_ahead_of_the_entries_that_sign_them() -> None:
    question = SPECIALIST.write(Question(code=4), counter=9)
    micro = micro_ahead_of(question)
    assert micro is not None
    provisional = read_micro(micro)
    assert provisional.is_covered_by([question.entry_id])
    asked = read_entry(question).records[1]
    assert provisional.record == asked
    refs = (Reference(Relation.ANSWERS, asked.record_id),)
    answer = MEDIC.write(NewRecord(Answer(code=4, options=(1,)), refs), counter=12, introduced=False)
    told = micro_ahead_of(answer)
    assert told is not None
    assert read_micro(told).record == read_entry(answer).records[0]


def test_what_is_in_words_or_more_than_one_thing_does_not() -> None:
    for signed in (
        SPECIALIST.write(Question(text="When did it begin?"), counter=9),
        SPECIALIST.write(Question(code=4), Question(code=5), counter=9),
        said("A note of its own."),
        MEDIC.write(Vitals(observed_s=WALL_S, heart_rate_min=90), counter=9),
    ):
        assert micro_ahead_of(signed, BASE) is None
    assert micro_ahead_of(EDIT) is None
    assert micro_ahead_of(EDIT, BASE) == ahead()


if __name__ == "__main__":
    VECTOR.write_text(json.dumps(vector(), indent=2) + "\n")
