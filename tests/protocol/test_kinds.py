"""Every kind of record: it reads back as it was written, whatever newer software adds to it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol import kinds
from protocol.bundle import EntryBundle, pack, unpack
from protocol.clinical import Media, MediaLayer, Vitals
from protocol.codec import Primitive, decode, encode
from protocol.consent import Consent, ConsentBy, ConsentHow, ConsentScope, Decision
from protocol.corrections import Moved
from protocol.entry import SignedEntry, read_entry
from protocol.errors import InvalidRecord, MalformedInput
from protocol.identity import CalendarDate
from protocol.limits import ENTRY_BYTES_MAX, RECORD_BYTES_MAX
from protocol.records import (
    BODIES,
    CRITICAL_KIND_MIN,
    SCHEMA_VERSION,
    Kind,
    NewRecord,
    Record,
    UnknownBody,
    from_wire,
    to_wire,
)
from protocol.schema import CRITICAL_FIELD_MIN
from protocol.stamps import Stamp
from tests.protocol.bodies import any_body, bodies_of
from tests.protocol.cases import CASE, MEDIC, PATIENT, WALL_S

STAMP = Stamp(1, WALL_S)
VERSION_ABOVE = 255
ADDED = st.dictionaries(
    st.integers(60, 255),
    st.one_of(st.integers(-9, 9), st.text("newer", max_size=5), st.binary(max_size=4), st.just([1, [2]])),
    min_size=1,
    max_size=3,
)


def read(fields: Primitive) -> Record:
    """The record that these bytes of somebody else state."""
    return from_wire(CASE, PATIENT, MEDIC.actor, STAMP, decode(encode(fields), size_bytes_max=1 << 16))


def wire_of(kind: Kind, body: Any) -> list[Primitive]:
    return to_wire(NewRecord(body, kind=kind))


def fields_of(wire: list[Primitive]) -> dict[int, Primitive]:
    assert isinstance(wire[1], Mapping)
    return dict(wire[1])


def entry_with(*items: Primitive) -> SignedEntry:
    """An entry as software with these records would have written it."""
    whole = decode(MEDIC.write(Vitals(observed_s=1), counter=1).payload, size_bytes_max=ENTRY_BYTES_MAX)
    assert isinstance(whole, list)
    return SignedEntry(encode([*whole[:5], list(items)]), bytes(64))


def test_every_kind_has_a_body_and_a_version() -> None:
    assert set(BODIES) == set(Kind) == set(SCHEMA_VERSION)


@pytest.mark.parametrize("kind", sorted(BODIES), ids=lambda kind: kind.name)
def test_the_fields_of_a_body_have_keys_of_their_own(kind: Kind) -> None:
    """Keys repeat nowhere, nested bodies included; 64 and up are left for what must be understood."""

    def check(of: type[Any]) -> None:
        keys = [field.metadata["key"] for field in dataclasses.fields(of)]
        assert len(set(keys)) == len(keys)
        assert all(1 <= key < CRITICAL_FIELD_MIN for key in keys)
        for field in dataclasses.fields(of):
            inner = getattr(field.metadata["type"], "item", field.metadata["type"])
            if hasattr(inner, "of"):
                check(inner.of)

    check(BODIES[kind])


@pytest.mark.parametrize("kind", sorted(BODIES), ids=lambda kind: kind.name)
def test_a_body_of_each_kind_reads_back_as_it_was_written(kind: Kind) -> None:
    @settings(max_examples=40)
    @given(bodies_of(BODIES[kind]))
    def reads_back(body: Any) -> None:
        wire = wire_of(kind, body)
        record = read(wire)
        assert (record.kind, record.body, record.extra) == (kind, body, ())
        assert not record.needs_newer_software
        assert encode(wire_of(kind, record.body)) == encode(wire)

    reads_back()


@given(any_body(), ADDED)
def test_unknown_fields_of_any_kind_survive(drawn: tuple[Kind, Any], added: dict[int, Primitive]) -> None:
    kind, body = drawn
    wire = wire_of(kind, body)
    record = read([wire[0], {**fields_of(wire), **added}, *wire[2:]])
    assert record.body == body
    assert dict(record.extra) == added
    assert record.needs_newer_software == any(key >= CRITICAL_FIELD_MIN for key in added)


@given(any_body(), st.integers(2, VERSION_ABOVE))
def test_a_newer_version_of_any_kind_is_kept_whole(drawn: tuple[Kind, Any], version: int) -> None:
    kind, body = drawn
    wire = wire_of(kind, body)
    record = read([wire[0], wire[1], [], version])
    assert record.body == UnknownBody(wire[1], critical=kind >= CRITICAL_KIND_MIN)
    assert record.needs_newer_software == (kind >= CRITICAL_KIND_MIN)


@settings(max_examples=50)
@given(st.lists(any_body(), min_size=1, max_size=3), ADDED, st.integers(2, VERSION_ABOVE))
def test_an_entry_is_forwarded_byte_for_byte(
    drawn: list[tuple[Kind, Any]], added: dict[int, Primitive], version: int
) -> None:
    """Known, unknown and newer records in one entry, through a bundle and out again."""
    items: list[Primitive] = []
    for kind, body in drawn:
        wire = wire_of(kind, body)
        items += [wire, [wire[0], {**fields_of(wire), **added}], [wire[0], wire[1], [], version]]
    signed = entry_with(*items, [99, {1: "a new kind"}], [250, ["no map at all"]])
    forwarded = unpack(pack(EntryBundle((signed,))))
    assert isinstance(forwarded, EntryBundle)
    assert forwarded.entries == (signed,)
    ids = [record.record_id for record in read_entry(signed).records]
    assert [record.record_id for record in read_entry(forwarded.entries[0]).records] == ids
    assert len(set(ids)) == len({signed.entry_id, *ids}) - 1


def test_a_critical_field_deep_inside_a_body_is_reported() -> None:
    layer: dict[int, Primitive] = {1: 1, 2: bytes(16), 3: 9, 4: 1, 5: 1, 6: 1}
    media: dict[int, Primitive] = {1: "a rash", 3: bytes(16), 4: [layer]}
    assert isinstance(read([int(Kind.MEDIA), media]).body, Media)
    assert not read([int(Kind.MEDIA), media]).needs_newer_software
    layer[63] = "a field that may be passed over"
    assert not read([int(Kind.MEDIA), media]).needs_newer_software
    layer[CRITICAL_FIELD_MIN] = "one that may not"
    assert read([int(Kind.MEDIA), media]).needs_newer_software


def test_a_known_kind_whose_body_is_no_map_is_refused() -> None:
    with pytest.raises(MalformedInput, match="not a map"):
        read([int(Kind.FINDINGS), [1, 2]])


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (Kind.CONSENT, {1: 9, 2: [1], 3: 1, 4: 1}),
        (Kind.CONSENT, {1: 1, 2: [], 3: 1, 4: 1}),
        (Kind.FINDINGS, {1: WALL_S, 2: [{1: 1, 2: 4, 5: 10, 6: 720}]}),
        (Kind.FINDINGS, {1: WALL_S, 2: [{1: 1, 2: 1, 6: 720}]}),
        (Kind.IDENTITY, {1: "x", 3: {1: 1970, 3: 5}}),
        (Kind.IDENTITY, {1: "x", 3: {1: 1970, 2: 2, 3: 30}}),
        (Kind.POSITION, {1: WALL_S, 2: 900_001}),
        (Kind.IMAGING_STUDY, {1: "1.02.3", 2: "head CT", 4: [{1: "1.2", 2: "CT", 3: 1}]}),
        (
            Kind.IMAGING_STUDY,
            {1: "1.2.3", 2: "CT", 4: [{1: "1.2", 2: "CT", 3: 1}], 5: [{1: "1.2.9", 2: 2}]},
        ),
        (Kind.MEDIA_REQUEST, {1: "closer", 4: {1: 900, 2: 0, 3: 200, 4: 100}}),
        (Kind.QUESTION, {}),
        (Kind.ANSWER, {1: 4, 2: 1}),
        (Kind.CARE_PLAN, {1: "hypertension", 2: [{1: 4}]}),
        (Kind.CARE_PLAN, {1: "hypertension", 2: [{1: 4, 2: 140, 3: 120}]}),
        (Kind.MOVED, {1: bytes(9), 2: bytes(10), 3: "x"}),
    ],
)
def test_what_a_body_may_not_say_is_refused(kind: Kind, fields: dict[int, Primitive]) -> None:
    """Unknown choices, a value of what was not measured, days that no month has, regions beyond a picture."""
    with pytest.raises(MalformedInput):
        read([int(kind), fields])


def test_what_a_body_may_not_say_cannot_be_written_either() -> None:
    with pytest.raises(InvalidRecord):
        CalendarDate(year=2026, month=2, day=29)
    with pytest.raises(InvalidRecord):
        wire_of(Kind.MOVED, Moved(case=bytes(9), patient=bytes(10), reason="x"))


def test_a_refusal_is_recorded_as_fully_as_an_agreement() -> None:
    refused = Consent(
        decision=Decision.REFUSED,
        scope=(ConsentScope.PHOTOGRAPHS, ConsentScope.EMPLOYER),
        by=ConsentBy.PATIENT,
        how=ConsentHow.INTERPRETED,
        officer_present=True,
        witness="second officer",
    )
    assert read(wire_of(Kind.CONSENT, refused)).body == refused


def test_kinds_whose_silence_could_harm_are_critical() -> None:
    harmful = {Kind.ORDER_STOPPED, Kind.VOIDED, Kind.MOVED, Kind.REOPENED, Kind.TRANSFER, Kind.TOMBSTONE}
    assert all(kind >= kinds.CRITICAL_KIND_MIN for kind in harmful | {Kind.PRESCRIPTION_CHANGED})
    assert all(read([int(kind), {}, [], 2]).needs_newer_software for kind in harmful)
    assert not read([int(Kind.SURVEY), {}, [], 2]).needs_newer_software


def test_a_region_of_a_picture_is_a_layer() -> None:
    """Whole pictures say nothing of a region, so that they are no longer than before."""
    region_fields: dict[int, Primitive] = {1: 250, 2: 0, 3: 500, 4: 1000}
    layer: dict[int, Primitive] = {1: 4, 2: bytes(16), 3: 9, 4: 1, 5: 1, 6: 1, 7: region_fields}
    media = read([int(Kind.MEDIA), {1: "a rash", 3: bytes(16), 4: [layer]}]).body
    region = media.layers[0].region
    assert (region.x_permille, region.width_permille, region.height_permille) == (250, 500, 1000)
    assert [field.name for field in dataclasses.fields(MediaLayer)][-1] == "region"


def test_a_record_has_room_for_its_largest_text_and_no_more() -> None:
    fits = {1: "en", 2: "x" * (12 * 1024)}
    assert len(read([int(Kind.NOTE), fits]).body.text) == 12 * 1024
    with pytest.raises(MalformedInput, match=f"larger than {RECORD_BYTES_MAX}"):
        read([int(Kind.NOTE), {**fits, 60: "y" * (5 * 1024)}])
