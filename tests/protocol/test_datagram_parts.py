"""Parts survive the trip through a datagram, and nothing else is taken for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.datagram_parts import (
    APART_UNIT_S,
    DELAY_UNIT_S,
    PARTS_MAX,
    PIECE_OVERHEAD_BYTES_MAX,
    RUNS_MAX,
    Acknowledged,
    Closing,
    Control,
    DataPiece,
    End,
    Pair,
    Part,
    Ping,
    decode_parts,
    encode_parts,
)
from protocol.errors import MalformedInput
from protocol.limits import BUNDLE_SEALED_BYTES_MAX

RUNS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=RUNS_MAX)


def acknowledged(steps: list[tuple[int, int]], units: int) -> Acknowledged:
    """Runs with gaps between them, newest first."""
    runs: list[tuple[int, int]] = []
    at = 0
    for gap, length in steps:
        low = at + gap + (2 if runs else 0)
        runs.append((low, low + length))
        at = low + length
    return Acknowledged(tuple(reversed(runs)), units * DELAY_UNIT_S)


PARTS = st.one_of(
    st.builds(acknowledged, RUNS, st.integers(0, 127)),
    st.builds(Control, st.integers(0, 2**40), st.binary(min_size=1, max_size=50)),
    st.builds(
        DataPiece,
        st.integers(1, 2**20),
        st.integers(0, BUNDLE_SEALED_BYTES_MAX),
        st.binary(min_size=1, max_size=50),
    ),
    st.builds(End, st.integers(0, 2**40)),
    st.builds(Pair, st.integers(0, 2**16), st.integers(1, 1000).map(lambda units: units * APART_UNIT_S)),
    st.just(Ping()),
    st.just(Closing()),
)


@given(st.lists(PARTS, max_size=6))
def test_parts_come_back_as_they_were(parts: list[Part]) -> None:
    assert decode_parts(encode_parts(parts)) == parts


@given(st.binary(max_size=60))
def test_noise_is_refused_or_read_never_worse(noise: bytes) -> None:
    try:
        decode_parts(noise)
    except MalformedInput:
        return


@given(st.lists(PARTS, min_size=1, max_size=4), st.data())
def test_what_is_cut_short_is_not_mistaken_for_the_whole(parts: list[Part], data: st.DataObject) -> None:
    encoded = encode_parts(parts)
    cut = encoded[: data.draw(st.integers(0, len(encoded) - 1))]
    try:
        assert decode_parts(cut) != parts
    except MalformedInput:
        return


@given(st.integers(1, 1023), st.integers(0, BUNDLE_SEALED_BYTES_MAX), st.integers(1, 1400))
def test_a_piece_costs_no_more_than_said(handle: int, offset: int, size: int) -> None:
    alone = encode_parts([DataPiece(handle, offset, bytes(size)), Ping()])
    assert len(alone) - 1 - size <= PIECE_OVERHEAD_BYTES_MAX


def test_word_of_all_that_was_sent_takes_three_bytes_and_of_another_run_four() -> None:
    assert len(encode_parts([Acknowledged(((0, 100),), 0.0)])) == 3
    assert len(encode_parts([Acknowledged(((1, 100),), 0.0)])) == 4


@pytest.mark.parametrize("goes_on", [False, True])
def test_the_beginning_of_the_stream_takes_one_byte_where_it_stands_last(goes_on: bool) -> None:
    parts: list[Part] = [Acknowledged(((0, 1),), 0.0), Control(0, b"hail", goes_on)]
    assert encode_parts(parts)[3:] == bytes((0x18 if goes_on else 0x17,)) + b"hail"
    assert decode_parts(encode_parts(parts)) == parts


@pytest.mark.parametrize(
    ("bytes_hex", "parts"),
    [
        ("01 8504 02 05", [Acknowledged(((512, 517),), 2 * DELAY_UNIT_S)]),
        ("02 09 00 01 01 02 03", [Acknowledged(((8, 9), (1, 4)), 0.0)]),
        ("03 800a 14", [Pair(1280, 20 * APART_UNIT_S)]),
        ("04 ac02 05", [Acknowledged(((0, 300),), 5 * DELAY_UNIT_S)]),
        ("10 ac02 02 6162 15", [Control(300, b"ab"), Ping()]),
        ("11 ac02 6162", [Control(300, b"ab")]),
        ("12 03 ac02 02 6162 16", [DataPiece(3, 300, b"ab"), Closing()]),
        ("13 03 ac02 6162", [DataPiece(3, 300, b"ab")]),
        ("14 ac02", [End(300)]),
        ("17 6162", [Control(0, b"ab")]),
        ("18 6162", [Control(0, b"ab", goes_on=True)]),
    ],
)
def test_each_part_has_its_bytes(bytes_hex: str, parts: list[Part]) -> None:
    assert encode_parts(parts) == bytes.fromhex(bytes_hex)
    assert decode_parts(bytes.fromhex(bytes_hex)) == parts


@pytest.mark.parametrize(
    "broken",
    [
        b"\x10\x00\x00",  # An empty piece.
        b"\x10\x00\x05ab",  # A piece longer than its datagram.
        b"\x01\x03\x00\x05",  # A run that begins below the first datagram.
        b"\x02\x7f\x00\x00\x20",  # More runs than allowed.
        b"\x13\x01\x80\x80\x80\x80\x01a",  # An offset beyond any bundle.
        b"\x7e",  # A part that does not exist.
    ],
)
def test_what_breaks_a_bound_is_refused(broken: bytes) -> None:
    with pytest.raises(MalformedInput):
        decode_parts(broken)


def test_more_parts_than_an_honest_sender_has_use_for_are_refused() -> None:
    pings = encode_parts([Ping()] * PARTS_MAX)
    assert len(decode_parts(pings)) == PARTS_MAX
    with pytest.raises(MalformedInput, match="more than"):
        decode_parts(pings + encode_parts([Ping()]))
    with pytest.raises(ValueError, match="at most"):
        encode_parts([Ping()] * (PARTS_MAX + 1))


@pytest.mark.parametrize("units", [b"\x00", b"\xe9\x07"])
def test_two_datagrams_that_came_at_once_or_hours_apart_tell_nothing(units: bytes) -> None:
    with pytest.raises(MalformedInput, match="tell nothing"):
        decode_parts(b"\x03\x40" + units)
