"""Letters stand for themselves: what is written is read, and nothing else is taken for one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.advice import Await
from protocol.errors import MalformedInput, SealBroken
from protocol.frames import Data, Frame, Offer, Whole
from protocol.framing import encode_frame
from protocol.header import Priority
from protocol.ids import BundleId, Incarnation, Pseudonym, SealTag
from protocol.letters import (
    LETTER_BYTES_MAX,
    PARTS_MAX,
    SEAL_BYTES,
    Head,
    Heard,
    HeldPart,
    Way,
    decode_letter,
    encode_letter,
    open_letter,
    pair_of,
    salt_of,
    seal_letter,
)
from protocol.ranges import RangeSet
from simulations.hostile.letters import contents, hostile_contents

GOLDEN = json.loads((Path(__file__).parent.parent / "golden" / "letters.json").read_text())
SECRET = bytes(range(32))
PAIR = Pseudonym(b"pair")
LIVES = st.binary(min_size=4, max_size=4).map(Incarnation)
_UNKNOWN = b"\x70"
"""A frame of a newer writer's that says all by its type, and may be skipped."""
NUMBERS = st.integers(1, 2**28 - 2)
SETS = st.lists(st.tuples(NUMBERS, st.integers(1, 50)), max_size=6).map(
    lambda spans: RangeSet.of((start, min(start + length, 2**28)) for start, length in spans)
)
PARTS = st.builds(
    HeldPart, NUMBERS, st.binary(min_size=4, max_size=4).map(SealTag), st.just(RangeSet(((0, 5),)))
)


@st.composite
def heads(draw: st.DrawFn) -> Head:
    held = draw(SETS)
    heard = Heard(
        number=draw(NUMBERS),
        incarnation=draw(LIVES),
        held=held,
        digest=draw(st.integers(0, 2**64 - 1)) if held.spans else 0,
        complete_from=draw(st.sampled_from([1, 2, 300, 2**28])),
        parts=tuple(draw(st.lists(PARTS, max_size=4))),
    )
    return Head(
        number=draw(NUMBERS),
        incarnation=draw(LIVES),
        floor=draw(st.sampled_from(Priority)),
        asks=draw(st.booleans()),
        heard=draw(st.sampled_from([None, heard])),
    )


@given(heads())
def test_what_is_written_is_read(head: Head) -> None:
    (frames, *_) = (decode_letter(contents()[0])[1],)
    assert decode_letter(encode_letter(head, frames)) == (head, frames)


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_vectors(name: str) -> None:
    vector = {key: bytes.fromhex(value) for key, value in GOLDEN[name].items()}
    way = Way[name.partition(",")[0].upper().replace(" ", "_")]
    assert open_letter(SECRET, way, vector["letter"]) == vector["plain"]
    assert seal_letter(SECRET, PAIR, way, vector["salt"], vector["plain"]) == vector["letter"]
    assert encode_letter(*decode_letter(vector["plain"])) == vector["plain"]
    assert (pair_of(vector["letter"]), salt_of(vector["letter"])) == (PAIR, vector["salt"])
    assert len(vector["letter"]) == len(vector["plain"]) + SEAL_BYTES


def test_every_byte_counts_and_no_letter_comes_back_as_if_from_the_other_end() -> None:
    letter = seal_letter(SECRET, PAIR, Way.FROM_SITE, b"one salt", contents()[0])
    for place in range(len(letter)):
        changed = letter[:place] + bytes((letter[place] ^ 1,)) + letter[place + 1 :]
        with pytest.raises((SealBroken, MalformedInput)):
            open_letter(SECRET, Way.FROM_SITE, changed)
    with pytest.raises(SealBroken):
        open_letter(SECRET, Way.FROM_HUB, letter)
    with pytest.raises(SealBroken):
        open_letter(bytes(32), Way.FROM_SITE, letter)


@pytest.mark.parametrize("size_bytes", [0, 1, SEAL_BYTES, LETTER_BYTES_MAX + 1])
def test_nothing_that_is_too_short_or_too_long_is_opened(size_bytes: int) -> None:
    with pytest.raises(MalformedInput, match="no letter"):
        open_letter(SECRET, Way.FROM_SITE, (bytes((1,)) * size_bytes))


def test_a_salt_has_its_size() -> None:
    with pytest.raises(ValueError, match="8 bytes"):
        seal_letter(SECRET, PAIR, Way.FROM_SITE, b"short", b"text")


@pytest.mark.parametrize("name", hostile_contents())
def test_what_claims_too_much_is_refused(name: str) -> None:
    with pytest.raises(MalformedInput):
        decode_letter(hostile_contents()[name])


@pytest.mark.parametrize("frame", [Await()])
def test_what_only_a_session_can_use_is_refused(frame: Frame) -> None:
    head = Head(number=1, incarnation=Incarnation(b"life"))
    with pytest.raises(MalformedInput, match="only a session"):
        decode_letter(encode_letter(head, ()) + encode_frame(frame))


def test_a_letter_has_so_many_frames_and_no_more() -> None:
    head = Head(number=1, incarnation=Incarnation(b"life"))
    frames = [Data(1, place, b"x") for place in range(PARTS_MAX)]
    assert len(decode_letter(encode_letter(head, frames))[1]) == PARTS_MAX
    with pytest.raises(MalformedInput, match="frames"):
        decode_letter(encode_letter(head, [*frames, Data(1, 0, b"x")]))
    with pytest.raises(MalformedInput, match="frames"):
        decode_letter(encode_letter(head, frames) + _UNKNOWN)


def test_the_frames_are_those_of_sessions() -> None:
    _, frames = decode_letter(contents()[0])
    assert [type(frame) for frame in frames] == [Whole, Offer, Data]
    assert isinstance(frames[0], Whole)
    assert frames[0].bundle_id == BundleId(b"twelve bytes")
