"""Rows of vital signs: every reading comes back exactly, however odd it is, and usual series are short."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.bundle import EntryBundle, pack, unpack
from protocol.clinical import Consciousness, Vitals
from protocol.codec import Primitive, encode
from protocol.coding.symbols import SymbolReader, SymbolWriter
from protocol.coding.vitals import ROWS_MAX, read_rows, rows_at, write_rows
from protocol.compress import Codec
from protocol.entry import SignedEntry, read_entry
from protocol.errors import MalformedInput
from protocol.records import NewRecord, to_wire
from tests.protocol.cases import MEDIC, WALL_S

BEFORE = b"\xce" + WALL_S.to_bytes(4, "big")
END_MAX = 1 << 20


def items_of(sets: Sequence[Vitals]) -> bytes:
    return b"".join(encode(to_wire(NewRecord(each))) for each in sets)


def coded(data: bytes) -> bytes:
    """The rows of `data`, which must be nothing but rows."""
    rows, end = rows_at(data, 0)
    assert end == len(data)
    writer = SymbolWriter()
    write_rows(writer, rows, BEFORE)
    return writer.finish()


def decoded(packed: bytes) -> bytes:
    out = bytearray(BEFORE)
    read_rows(SymbolReader(packed), out, END_MAX)
    return bytes(out[len(BEFORE) :])


def usual_series(seed: int, count: int) -> list[Vitals]:
    """Eight signals about every five minutes, 6 % of them missing."""
    chance = random.Random(seed)
    moment, rate, breaths, spo2, systolic, temperature, glucose, pain = WALL_S, 92, 19, 95, 124, 373, 68, 4
    sets = []
    for _ in range(count):
        moment += 300 + chance.randint(-20, 20)
        rate += chance.randint(-4, 4)
        breaths = max(8, breaths + chance.randint(-1, 1))
        spo2 = min(100, max(80, spo2 + chance.randint(-1, 1)))
        systolic += chance.randint(-6, 6)
        temperature += chance.randint(-2, 2)
        glucose += chance.randint(-3, 3)
        pain = min(10, max(0, pain + chance.choice((-1, 0, 0, 0, 1))))
        readings = {
            "heart_rate_min": rate,
            "respiratory_rate_min": breaths,
            "spo2_percent": spo2,
            "systolic_mmhg": systolic,
            "diastolic_mmhg": systolic // 2 + 14 + chance.randint(-3, 3),
            "temperature_decicelsius": temperature,
            "glucose_decimmol_l": glucose,
            "pain": pain,
        }
        there = {name: value for name, value in readings.items() if chance.random() >= 0.06}
        sets.append(Vitals(observed_s=moment, **there))  # type: ignore[arg-type]  # Names with whole numbers.
    return sets


def optional(low: int, high: int) -> st.SearchStrategy[int | None]:
    return st.none() | st.integers(low, high)


any_set = st.builds(
    Vitals,
    observed_s=st.integers(0, (1 << 32) - 1),
    heart_rate_min=optional(0, 400),
    respiratory_rate_min=optional(0, 150),
    spo2_percent=optional(0, 100),
    on_oxygen=st.none() | st.booleans(),
    systolic_mmhg=optional(0, 400),
    diastolic_mmhg=optional(0, 300),
    temperature_decicelsius=optional(100, 500),
    consciousness=st.none() | st.sampled_from(Consciousness),
    glasgow_coma=optional(3, 15),
    pain=optional(0, 10),
    glucose_decimmol_l=optional(0, 1000),
)


@settings(max_examples=200)
@given(st.lists(any_set, min_size=1, max_size=12))
def test_any_readings_come_back(sets: list[Vitals]) -> None:
    assert decoded(coded(items_of(sets))) == items_of(sets)


@pytest.mark.parametrize("count", [1, 2, 20, 200, ROWS_MAX])
def test_a_usual_series_comes_back(count: int) -> None:
    data = items_of(usual_series(count, count))
    assert decoded(coded(data)) == data


def test_one_outlier_comes_back_and_costs_little() -> None:
    sets = usual_series(5, 20)
    odd = [*sets[:10], Vitals(observed_s=sets[10].observed_s, heart_rate_min=0, spo2_percent=31), *sets[11:]]
    assert decoded(coded(items_of(odd))) == items_of(odd)
    assert len(coded(items_of(odd))) < len(coded(items_of(sets))) + 20


def test_twenty_rows_of_eight_signals_take_ninety_bytes() -> None:
    sizes = [len(coded(items_of(usual_series(seed, 20)))) for seed in range(10)]
    assert sum(sizes) / len(sizes) <= 90


def test_missing_is_not_zero() -> None:
    sets = [Vitals(observed_s=WALL_S, pain=0), Vitals(observed_s=WALL_S + 60)]
    bundle = EntryBundle((MEDIC.write(*sets, counter=1),))
    assert unpack(pack(bundle)) == bundle
    content = unpack(pack(bundle))
    assert isinstance(content, EntryBundle)
    assert [record.body for record in read_entry(content.entries[0]).records[1:]] == sets


@pytest.mark.parametrize(
    "item",
    [
        pytest.param([10, {1: WALL_S, 2: 80, 13: 5}], id="a field that the coder does not know"),
        pytest.param([10, {1: WALL_S, 2: 80, 200: "x"}], id="a critical field of another type"),
        pytest.param([10, {2: 80}], id="no moment"),
        pytest.param([10, {1: WALL_S, 2: 1 << 40}], id="a number beyond any reading"),
        pytest.param([10, {1: -1, 2: 80}], id="a moment before all time"),
        pytest.param([10, {1: WALL_S, 5: 1}], id="a number for yes"),
        pytest.param([10, {1: WALL_S, 2: True}], id="yes for a number"),
        pytest.param([10, {1: WALL_S}, [[2, bytes(16)]]], id="a reference"),
        pytest.param([10, {}], id="nothing"),
        pytest.param([10, {1: 0xC1FE, 2: 193}], id="numbers that look like marks"),
    ],
)
def test_what_is_no_row_travels_as_other_bytes_do(item: Primitive) -> None:
    head: list[Primitive] = [bytes(10), bytes(10), bytes(8), bytes(8), [1, WALL_S, 0, 0]]
    usual: list[Primitive] = [to_wire(NewRecord(each)) for each in usual_series(1, 6)]
    payload = encode([*head, [*usual[:3], item, *usual[3:]]])
    bundle = EntryBundle((SignedEntry(payload, bytes(64)),))
    plain = pack(bundle)
    assert plain[1] == Codec.PHRASES
    assert unpack(plain) == bundle


def test_more_rows_than_one_run_holds_are_several_runs() -> None:
    rows, end = rows_at(items_of(usual_series(3, ROWS_MAX + 5)), 0)
    assert len(rows) == ROWS_MAX
    assert end < len(items_of(usual_series(3, ROWS_MAX + 5)))


@settings(max_examples=300)
@given(st.binary(min_size=1, max_size=200))
def test_arbitrary_bytes_are_refused_or_give_rows(data: bytes) -> None:
    out = bytearray()
    try:
        reader = SymbolReader(data)
        read_rows(reader, out, 5000)
    except MalformedInput:
        return
    assert rows_at(bytes(out), 0)[1] == len(out) <= 5000
