"""Units on a noisy line: every one that noise did not touch comes out once, and nothing that was not sent."""

from __future__ import annotations

import json
from itertools import accumulate, pairwise
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocol.frames import Data, Frame, Idle, Stored
from protocol.framing import FrameDecoder, encode_frame
from protocol.ids import Incarnation
from protocol.limits import CHUNK_BYTES_MAX, FRAME_BYTES_MAX, LINE_UNIT_BYTES_MAX
from protocol.line_framing import DELIMITER, UnitDecoder, encode_unit, line_size_bytes
from protocol.ranges import RangeSet

GOLDEN = json.loads((Path(__file__).parent.parent / "golden" / "line.json").read_text())

UNITS = st.lists(st.binary(min_size=1, max_size=600), min_size=1, max_size=8, unique=True)
NOISE = st.dictionaries(st.integers(0, 5000), st.binary(max_size=4), max_size=12)
"""What stands in the place of a byte: nothing, another byte, or several."""


def on_the_line(units: list[bytes]) -> bytes:
    return DELIMITER + b"".join(map(encode_unit, units))


def through(decoder: UnitDecoder, line: bytes, cuts: list[int]) -> list[bytes]:
    bounds = [0, *sorted(min(cut, len(line)) for cut in cuts), len(line)]
    return [unit for start, end in pairwise(bounds) for unit in decoder.feed(line[start:end])]


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_vectors(name: str) -> None:
    unit, line = bytes.fromhex(GOLDEN[name]["unit"]), bytes.fromhex(GOLDEN[name]["line"])
    assert encode_unit(unit) == line
    assert UnitDecoder().feed(line) == [unit]


@pytest.mark.parametrize(
    "pattern", [b"\x00", b"\x01", b"\xff", b"a\x00", b"a" * 253 + b"\x00", b"a" * 254 + b"\x00"]
)
def test_every_size_comes_back_within_its_overhead(pattern: bytes) -> None:
    for size_bytes in (*range(1, 300), 506, 507, 508, 509, 510, 1020, 9000, LINE_UNIT_BYTES_MAX):
        unit = (pattern * size_bytes)[:size_bytes]
        line = encode_unit(unit)
        assert line.count(DELIMITER) == 1
        assert line.endswith(DELIMITER)
        assert len(line) <= line_size_bytes(size_bytes) <= size_bytes + 6 + size_bytes / 250
        assert UnitDecoder().feed(line) == [unit]


@given(UNITS, st.lists(st.integers(0, 5000), max_size=12))
def test_the_line_may_be_cut_anywhere(units: list[bytes], cuts: list[int]) -> None:
    decoder = UnitDecoder()
    assert through(decoder, on_the_line(units), cuts) == units
    assert (decoder.damaged_count, decoder.pending_bytes) == (0, 0)


@given(UNITS, NOISE, st.lists(st.integers(0, 5000), max_size=4))
@example([b"one", b"two", b"three"], {9: b""}, [])  # The delimiter behind the first: two units run together.
@example([b"one", b"two"], {5: DELIMITER}, [])  # One unit is torn in two.
def test_what_noise_did_not_touch_comes_out_once(
    units: list[bytes], noise: dict[int, bytes], cuts: list[int]
) -> None:
    line = on_the_line(units)
    octets = [line[at : at + 1] for at in range(len(line))]
    heard = [noise.get(at, octet) for at, octet in enumerate(octets)]
    starts = list(accumulate((len(encode_unit(unit)) for unit in units), initial=1))
    untouched = {
        unit
        # A unit needs its own bytes and the delimiter before it.
        for unit, (start, end) in zip(units, pairwise(starts), strict=True)
        if heard[start - 1 : end] == octets[start - 1 : end]
    }
    decoder = UnitDecoder()
    came = through(decoder, b"".join(heard), cuts)
    assert came == [unit for unit in units if unit in set(came)]
    assert untouched <= set(came)


@given(st.lists(st.binary(max_size=300), max_size=20), st.integers(1, 100))
def test_noise_alone_gives_nothing_and_is_not_kept(pieces: list[bytes], unit_bytes_max: int) -> None:
    decoder = UnitDecoder(unit_bytes_max)
    for piece in pieces:
        assert all(len(unit) <= unit_bytes_max for unit in decoder.feed(piece))
        assert decoder.pending_bytes < line_size_bytes(unit_bytes_max)
    assert decoder.feed(DELIMITER + encode_unit(b"!"))[-1:] == [b"!"]


def test_a_flood_without_an_end_is_forgotten_and_counted_once() -> None:
    decoder = UnitDecoder(unit_bytes_max=1200)
    for _ in range(1000):
        assert decoder.feed(b"\x55" * 1000) == []
        assert decoder.pending_bytes < line_size_bytes(1200)
    assert decoder.feed(DELIMITER + encode_unit(b"found again")) == [b"found again"]
    assert decoder.damaged_count == 1


def test_every_flipped_bit_costs_its_unit_and_no_other() -> None:
    before, hit, after = b"before", bytes(range(40)) + b"\xff\x00", b"after"
    start, end = len(on_the_line([before])), len(on_the_line([before, hit])) - 1
    for position in range(start, end):
        for bit in range(8):
            line = bytearray(on_the_line([before, hit, after]))
            line[position] ^= 1 << bit
            decoder = UnitDecoder()
            assert decoder.feed(bytes(line)) == [before, after]
            assert decoder.damaged_count >= 1


def test_delimiters_in_a_row_are_padding() -> None:
    decoder = UnitDecoder()
    assert decoder.feed(DELIMITER * 50 + encode_unit(b"x") + DELIMITER * 50) == [b"x"]
    assert decoder.damaged_count == 0


@pytest.mark.parametrize(
    "stuffed",
    [b"\x01", b"\x05", b"\x01\x01\x01\x01", b"\x05abcd", b"\x09ab", b"\xff" + b"a" * 10],
    ids=["one run of nothing", "a run that is not there", "an empty unit", "no check", "cut", "cut long run"],
)
def test_what_is_no_unit_is_dropped(stuffed: bytes) -> None:
    decoder = UnitDecoder()
    assert decoder.feed(stuffed + DELIMITER) == []
    assert decoder.damaged_count == 1


@pytest.mark.parametrize("size_bytes", [0, LINE_UNIT_BYTES_MAX + 1])
def test_a_unit_of_no_size_or_too_much_is_not_written(size_bytes: int) -> None:
    with pytest.raises(ValueError, match="a unit has"):
        encode_unit(bytes(size_bytes))


def test_a_longer_unit_than_the_reader_takes_is_dropped() -> None:
    decoder = UnitDecoder(unit_bytes_max=100)
    assert decoder.feed(encode_unit(b"a" * 100)) == [b"a" * 100]
    for index, size_bytes in enumerate((101, 102, 400), start=1):
        assert decoder.feed(encode_unit(b"a" * size_bytes) + encode_unit(b"b")) == [b"b"]
        assert decoder.damaged_count == index


def test_the_largest_frame_fits_a_unit_and_frames_are_whole_in_it() -> None:
    frames: list[Frame] = [
        Data(1, 0, bytes(CHUNK_BYTES_MAX)),
        Stored(Incarnation(b"life"), RangeSet(((1, 9),))),
        Idle(),
    ]
    encoded = [encode_frame(frame) for frame in frames]
    assert max(map(len, encoded)) <= FRAME_BYTES_MAX
    units = UnitDecoder().feed(b"".join(encode_unit(unit) for unit in encoded))
    assert [frame for unit in units for frame in FrameDecoder().feed(unit)] == frames
