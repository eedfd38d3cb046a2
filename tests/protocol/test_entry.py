"""Entries and records: what was signed is what is read, and newer software's facts survive older software."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import entry as entries
from protocol.clinical import AllergyState, Note, Patient, Sex, Vitals
from protocol.codec import decode, encode
from protocol.entry import SignedEntry, forget_entries, read_entry, verify_entry, write_entry
from protocol.errors import InvalidRecord, MalformedInput, SignatureBroken
from protocol.ids import RecordId
from protocol.limits import COUNTER_MAX, ENTRY_BYTES_MAX, RECORD_BYTES_MAX
from protocol.records import Kind, NewRecord, Reference, Relation, UnknownBody
from protocol.stamps import Stamp
from tests.protocol.cases import CASE, MEDIC, PATIENT, SPECIALIST, WALL_S

PUBLIC = MEDIC.key.public_key().public_bytes_raw()
VITALS = Vitals(observed_s=WALL_S, heart_rate_min=118, spo2_percent=91, temperature_decicelsius=386)


def test_an_entry_reads_back_as_it_was_written() -> None:
    patient = Patient(
        code="P-1", age_years=54, sex=Sex.MALE, allergy_state=AllergyState.LISTED, allergies=("penicillin",)
    )
    signed = MEDIC.write(patient, Note(language="ko", text="가슴 통증"), VITALS, counter=7)
    verify_entry(signed, PUBLIC)
    entry = read_entry(signed)
    assert (entry.case_id, entry.patient_id, entry.author) == (CASE, PATIENT, MEDIC.actor)
    assert [record.body for record in entry.records[1:]] == [
        patient,
        Note(language="ko", text="가슴 통증"),
        VITALS,
    ]
    assert [record.stamp.counter for record in entry.records] == [7, 8, 9, 10]
    assert len({record.record_id for record in entry.records}) == 4


@given(st.integers(0, 10_000), st.integers(0, 7))
def test_any_flipped_bit_breaks_the_proof(at: int, bit: int) -> None:
    signed = MEDIC.write(VITALS, counter=1)
    whole = bytearray(signed.payload + signed.signature)
    whole[at % len(whole)] ^= 1 << bit
    size = len(signed.payload)
    altered = SignedEntry(bytes(whole[:size]), bytes(whole[size:]))
    with pytest.raises(SignatureBroken):
        verify_entry(altered, PUBLIC)


def test_another_key_does_not_verify() -> None:
    with pytest.raises(SignatureBroken):
        verify_entry(MEDIC.write(VITALS, counter=1), SPECIALIST.key.public_key().public_bytes_raw())


def test_the_same_fact_in_two_cases_has_two_identities() -> None:
    here = read_entry(MEDIC.write(VITALS, counter=1))
    there = read_entry(MEDIC.write(VITALS, counter=1, case=type(CASE)(b"case-two-2")))
    assert not {r.record_id for r in here.records} & {r.record_id for r in there.records}


def test_unknown_kinds_and_fields_survive_byte_for_byte() -> None:
    signed = MEDIC.write(VITALS, counter=1)
    fields = decode(signed.payload, size_bytes_max=ENTRY_BYTES_MAX)
    assert isinstance(fields, list)
    fields[5] = [[10, {1: WALL_S, 2: 80, 40: "newer"}], [99, {1: "whole new kind"}], [200, {1: "critical"}]]
    newer = replace(signed, payload=encode(fields))
    known, unknown, critical = read_entry(newer).records
    assert known.body.heart_rate_min == 80
    assert known.extra == ((40, "newer"),)
    assert not known.needs_newer_software
    assert unknown.body == UnknownBody({1: "whole new kind"}, critical=False)
    assert not unknown.needs_newer_software
    assert critical.needs_newer_software
    assert newer.payload == encode(decode(newer.payload, size_bytes_max=ENTRY_BYTES_MAX))


def test_an_unknown_critical_field_is_reported() -> None:
    fields = decode(MEDIC.write(VITALS, counter=1).payload, size_bytes_max=ENTRY_BYTES_MAX)
    assert isinstance(fields, list)
    fields[5] = [[10, {1: WALL_S, 70: 1}]]
    assert read_entry(SignedEntry(encode(fields), bytes(64))).records[0].needs_newer_software


def test_references_are_typed_and_checked() -> None:
    target = RecordId(bytes(16))
    new = NewRecord(VITALS, (Reference(Relation.SUPERSEDES, target),))
    record = read_entry(MEDIC.write(new, counter=1, introduced=False)).records[0]
    assert record.referred(Relation.SUPERSEDES) == (target,)
    assert record.referred(Relation.VOIDS) == ()


@pytest.mark.parametrize("path", [(0,), (1,), (2,), (3,), (4,), (5,), (5, 0), (5, 0, 0), (5, 0, 1)])
@pytest.mark.parametrize("wrong", [None, -1, "text", b"x", [], {0: 0}])
def test_wrong_shapes_are_refused_as_malformed(path: tuple[int, ...], wrong: object) -> None:
    fields = decode(MEDIC.write(VITALS, counter=1).payload, size_bytes_max=ENTRY_BYTES_MAX)
    target: Any = fields
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = wrong
    with pytest.raises(MalformedInput):
        read_entry(SignedEntry(encode(fields), bytes(64)))


@pytest.mark.parametrize(
    "bad",
    ["\x1b]52;c;x\x07", "a\x9bb", "dose \u202e01 mg", "tab\there", "\x7f", "\udc80"],
)
def test_text_that_could_act_on_a_screen_is_refused(bad: str) -> None:
    with pytest.raises(InvalidRecord):
        MEDIC.write(Note(language="en", text=bad), counter=1)


def test_values_that_do_not_fit_are_refused_not_clipped() -> None:
    for body in (
        Vitals(observed_s=WALL_S, spo2_percent=101),
        Vitals(observed_s=WALL_S, heart_rate_min=-1),
        Note(language="en", text=""),
        Note(language="en", text="x" * 20_000),
    ):
        with pytest.raises(InvalidRecord):
            MEDIC.write(body, counter=1)


def test_bodies_shared_by_kinds_must_say_which() -> None:
    from protocol.orders import Seen

    with pytest.raises(InvalidRecord):
        MEDIC.write(Seen(), counter=1)
    assert (
        read_entry(MEDIC.write(NewRecord(Seen(), kind=Kind.REPLY_SEEN), counter=1)).records[1].kind
        == Kind.REPLY_SEEN
    )


def test_nothing_is_signed_that_nobody_could_read() -> None:
    long = Patient(
        code="P-1",
        allergy_state=AllergyState.LISTED,
        allergies=("a" * 390,) * 32,
        medicines=("b" * 390,) * 20,
    )
    with pytest.raises(InvalidRecord, match=f"a record is larger than {RECORD_BYTES_MAX} bytes"):
        MEDIC.write(long, counter=1)


def test_the_last_record_of_an_entry_has_a_counter_in_range_too() -> None:
    def two_records(counter: int) -> SignedEntry:
        return write_entry(
            [NewRecord(VITALS), NewRecord(VITALS)],
            case_id=CASE,
            patient_id=PATIENT,
            author=MEDIC.actor,
            stamp=Stamp(counter, WALL_S),
            key=MEDIC.key,
        )

    last = read_entry(two_records(COUNTER_MAX - 1))
    assert last.counter_last == last.records[-1].stamp.counter == COUNTER_MAX
    with pytest.raises(InvalidRecord, match="last record is out of range"):
        two_records(COUNTER_MAX)


def test_a_short_entry_is_read_once_and_forgotten_when_asked_and_a_long_one_is_never_kept() -> None:
    forget_entries()
    short = MEDIC.write(VITALS, counter=1)
    longer = MEDIC.write(Note(language="en", text="pain " * 600), counter=2)
    # Its writer has read it already; another signature changes nothing of what it says.
    assert read_entry(short) is read_entry(SignedEntry(short.payload, b""))
    assert read_entry(longer) == read_entry(longer)
    assert entries._known.cache_info().currsize == 1
    forget_entries()
    assert entries._known.cache_info().currsize == 0
    assert read_entry(short).records[1].body == VITALS
