"""Frames: every one comes back however the stream is cut, and nothing malformed gets through."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.advice import Await, Rekey, Return, Returning, Safe
from protocol.errors import MalformedInput
from protocol.frames import (
    Bye,
    Data,
    DigestAsk,
    DigestTell,
    Frame,
    Have,
    Idle,
    Offer,
    RefusalReason,
    Refused,
    Stored,
    Whole,
)
from protocol.framing import FRAMES, SKIPPED_IN_A_ROW_MAX, FrameDecoder, encode_frame
from protocol.header import Priority
from protocol.hello import HELLO_PARTIALS_MAX, Hello, PartialView, StreamView
from protocol.ids import BundleId, Incarnation, SealTag
from protocol.limits import BUNDLE_SEALED_BYTES_MAX, CHUNK_BYTES_MAX, FRAME_BYTES_MAX, SEQUENCE_MAX
from protocol.ranges import RangeSet
from protocol.stamps import Certainty
from protocol.varint import encode_varint

GOLDEN = json.loads((Path(__file__).parent.parent / "golden" / "frames.json").read_text())

OURS, THEIRS = Incarnation(b"ours"), Incarnation(b"them")
UP_TO_9 = RangeSet(((1, 10),))

EXAMPLES: dict[str, Frame] = {
    "hello, nothing new": Hello(
        generation=41,
        incarnation=OURS,
        sequence_max=9,
        digest=0x0123456789ABCDEF,
        views=(StreamView(THEIRS, UP_TO_9, 0xFEDCBA9876543210),),
        partials=(),
        credit_bytes=1024 * 1024,
        wall_s=1_800_000_000,
        certainty=Certainty.SYNCED,
        stays_open=False,
    ),
    "hello, two lives and a half photo": Hello(
        generation=300,
        incarnation=OURS,
        sequence_max=200,
        digest=1,
        views=(
            StreamView(THEIRS, RangeSet(((1, 4), (6, 7))), 2),
            StreamView(Incarnation(b"late"), RangeSet(), 0),
        ),
        partials=(
            PartialView(Incarnation(b"late"), 5, SealTag(b"seal"), RangeSet(((0, 4096), (8192, 9000)))),
        ),
        credit_bytes=64 * 1024,
        wall_s=0,
        certainty=Certainty.UNSET,
        stays_open=True,
    ),
    "offer": Offer(
        handle=1,
        incarnation=None,
        sequence=10,
        bundle_id=BundleId(b"bundle no.10"),
        seal_tag=SealTag(b"seal"),
        priority=Priority.URGENT,
        dwell_code=22,
        recipient_key=b"k1",
        size_bytes=300,
    ),
    "offer in another life": Offer(
        handle=130,
        incarnation=Incarnation(b"anew"),
        sequence=SEQUENCE_MAX,
        bundle_id=BundleId(b"bundle no.10"),
        seal_tag=SealTag(b"seal"),
        priority=Priority.BULK,
        dwell_code=31,
        recipient_key=b"k1",
        size_bytes=BUNDLE_SEALED_BYTES_MAX,
    ),
    "whole": Whole(
        incarnation=None,
        sequence=10,
        bundle_id=BundleId(b"bundle no.10"),
        seal_tag=SealTag(b"seal"),
        priority=Priority.EMERGENCY,
        dwell_code=22,
        recipient_key=b"k1",
        data=b"sealed bytes",
    ),
    "whole in another life": Whole(
        incarnation=Incarnation(b"anew"),
        sequence=SEQUENCE_MAX,
        bundle_id=BundleId(b"bundle no.10"),
        seal_tag=SealTag(b"seal"),
        priority=Priority.BULK,
        dwell_code=31,
        recipient_key=b"k1",
        data=b"!",
    ),
    "data": Data(handle=1, offset=4096, data=b"sealed bytes"),
    "have": Have(handle=1, held=RangeSet(((0, 4108),))),
    "have nothing": Have(handle=1, held=RangeSet()),
    "stored": Stored(THEIRS, RangeSet(((1, 11),))),
    "digest ask": DigestAsk(OURS, RangeSet(((1, 6),))),
    "digest tell": DigestTell(OURS, RangeSet(((1, 6),)), 0xFFFFFFFFFFFFFFFF),
    "refused": Refused(THEIRS, 7, RefusalReason.NO_ROOM),
    "idle": Idle(10),
    "bye": Bye(),
    "safe": Safe(THEIRS, RangeSet(((1, 4), (5, 9)))),
    "rekey": Rekey(THEIRS, 7, b"k2"),
    "await": Await(),
    "return": Return(OURS, RangeSet(((9, 13), (20, 21)))),
    "returning": Returning(OURS, RangeSet(((9, 13), (20, 21)))),
}


def decode(data: bytes, piece_bytes: int = 10**6) -> list[Frame]:
    decoder = FrameDecoder()
    pieces = (data[start : start + piece_bytes] for start in range(0, len(data), piece_bytes))
    frames = [frame for piece in pieces for frame in decoder.feed(piece)]
    assert decoder.between_frames
    return frames


def test_the_examples_cover_every_kind() -> None:
    assert {type(frame) for frame in EXAMPLES.values()} == set(FRAMES.values())


@pytest.mark.parametrize("name", EXAMPLES)
def test_golden_vectors(name: str) -> None:
    assert encode_frame(EXAMPLES[name]).hex() == GOLDEN[name]
    assert decode(bytes.fromhex(GOLDEN[name])) == [EXAMPLES[name]]


@pytest.mark.parametrize("piece_bytes", [1, 2, 3, 11])
def test_all_vectors_in_one_stream_cut_anywhere(piece_bytes: int) -> None:
    stream = b"".join(encode_frame(frame) for frame in EXAMPLES.values())
    assert decode(stream, piece_bytes) == list(EXAMPLES.values())


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_truncated_frame_is_waited_for(name: str) -> None:
    encoded = encode_frame(EXAMPLES[name])
    for end in range(1, len(encoded)):
        decoder = FrameDecoder()
        assert list(decoder.feed(encoded[:end])) == []
        assert not decoder.between_frames


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_body_cut_short_or_too_long_is_refused(name: str) -> None:
    frame = EXAMPLES[name]
    body = frame.body()
    # These take whatever stands in their frame, down to a body without a byte of data.
    takes_the_rest = isinstance(frame, Data | Whole)
    shortest_whole = len(body) - len(frame.data) if isinstance(frame, Data | Whole) else len(body)
    for end in range(shortest_whole):
        with pytest.raises(MalformedInput):
            decode(bytes((frame.CODE,)) + encode_varint(end) + body[:end])
    if not takes_the_rest:
        with pytest.raises(MalformedInput, match="1 bytes too many"):
            decode(bytes((frame.CODE,)) + encode_varint(len(body) + 1) + body + b"\x00")


@given(st.binary(max_size=200))
def test_noise_is_refused_or_skipped_and_nothing_else(noise: bytes) -> None:
    decoder = FrameDecoder()
    try:
        frames = list(decoder.feed(noise))
    except MalformedInput:
        return
    for frame in frames:
        assert encode_frame(frame) in noise or isinstance(
            frame, Refused
        )  # Refused reads unknown reasons as OTHER.


@given(st.sampled_from(sorted(EXAMPLES)), st.data())
def test_an_altered_frame_never_escapes_as_another_exception(name: str, data: st.DataObject) -> None:
    encoded = bytearray(encode_frame(EXAMPLES[name]))
    position = data.draw(st.integers(0, len(encoded) - 1))
    encoded[position] ^= data.draw(st.integers(1, 255))
    try:
        for frame in FrameDecoder().feed(bytes(encoded)):
            assert type(frame) in FRAMES.values()
    except MalformedInput:
        pass


def test_unknown_frames_are_skipped_unless_critical() -> None:
    decoder = FrameDecoder()
    assert list(decoder.feed(b"\x55\x03abc" + encode_frame(Bye()) + b"\x00\x00")) == [Bye()]
    assert decoder.skipped_count == 2
    with pytest.raises(MalformedInput, match="0xfe"):
        list(decoder.feed(b"\xfe\x00"))


@pytest.mark.parametrize("piece_bytes", [1, 1000])
def test_a_flood_of_unknown_frames_is_refused_however_it_is_cut(piece_bytes: int) -> None:
    unknown, known = b"\x55\x00", encode_frame(Idle(1))
    assert decode((unknown * SKIPPED_IN_A_ROW_MAX + known) * 2, piece_bytes) == [Idle(1), Idle(1)]
    with pytest.raises(MalformedInput, match="in a row"):
        decode(known + unknown * (SKIPPED_IN_A_ROW_MAX + 1), piece_bytes)


@pytest.mark.parametrize("length", [encode_varint(FRAME_BYTES_MAX + 1), b"\xff\xff\xff", b"\x80\x00"])
def test_a_length_beyond_the_limit_or_badly_written_is_refused_at_once(length: bytes) -> None:
    with pytest.raises(MalformedInput):
        list(FrameDecoder().feed(b"\x83" + length + b"\x00"))


@pytest.mark.parametrize("size_bytes", [0, CHUNK_BYTES_MAX + 1])
def test_a_chunk_of_no_size_or_too_much_is_refused(size_bytes: int) -> None:
    with pytest.raises(MalformedInput, match="allowed"):
        decode(encode_frame(Data(1, 0, bytes(size_bytes))))
    whole = EXAMPLES["whole"]
    assert isinstance(whole, Whole)
    with pytest.raises(MalformedInput, match="allowed"):
        decode(encode_frame(replace(whole, data=bytes(size_bytes))))


def test_the_largest_frames_fit() -> None:
    assert decode(encode_frame(Data(2**28, BUNDLE_SEALED_BYTES_MAX, bytes(CHUNK_BYTES_MAX))))
    fragments = RangeSet(tuple((4096 * index, 4096 * index + 2048) for index in range(16)))
    hello = EXAMPLES["hello, nothing new"]
    assert isinstance(hello, Hello)
    largest = Hello(
        generation=2**40,
        incarnation=OURS,
        sequence_max=SEQUENCE_MAX,
        digest=1,
        views=hello.views,
        partials=tuple(
            PartialView(THEIRS, SEQUENCE_MAX, SealTag(b"seal"), fragments) for _ in range(HELLO_PARTIALS_MAX)
        ),
        credit_bytes=2**40,
        wall_s=2**40,
        certainty=Certainty.DRIFTING,
        stays_open=True,
    )
    assert decode(encode_frame(largest)) == [largest]
    assert len(encode_frame(largest)) < FRAME_BYTES_MAX


@pytest.mark.parametrize(
    ("name", "budget_bytes"),
    [
        ("hello, nothing new", 50),
        ("offer", 25),
        ("whole", 22 + len(b"sealed bytes")),
        ("have", 7),
        ("stored", 9),
        ("refused", 8),
        ("idle", 3),
        ("bye", 2),
        ("await", 2),
        ("return", 11),
    ],
)
def test_frames_cost_what_the_budget_says(name: str, budget_bytes: int) -> None:
    assert len(encode_frame(EXAMPLES[name])) <= budget_bytes


@pytest.mark.parametrize(
    ("name", "position", "value", "complaint"),
    [
        ("hello, nothing new", 2, 7, "version 7"),
        ("hello, nothing new", 3, 3, "clock"),
        ("hello, two lives and a half photo", 56, 2, "no stream"),
        ("offer", 4, 0, "sequence number"),
        ("whole", 3, 0, "sequence number"),
    ],
)
def test_a_field_out_of_range_is_refused(name: str, position: int, value: int, complaint: str) -> None:
    encoded = bytearray(encode_frame(EXAMPLES[name]))
    encoded[position] = value
    with pytest.raises(MalformedInput, match=complaint):
        decode(bytes(encoded))


@pytest.mark.parametrize(
    "frame",
    [
        Stored(THEIRS, RangeSet(((1, SEQUENCE_MAX + 2),))),
        Have(1, RangeSet(((0, BUNDLE_SEALED_BYTES_MAX + 1),))),
        DigestAsk(OURS, RangeSet(((2**40, 2**41),))),
    ],
)
def test_sets_reach_no_further_than_there_is_anything(frame: Frame) -> None:
    with pytest.raises(MalformedInput, match="beyond"):
        decode(encode_frame(frame))


def test_a_reason_from_a_newer_peer_reads_as_other() -> None:
    encoded = bytearray(encode_frame(EXAMPLES["refused"]))
    encoded[-1] = 200
    assert decode(bytes(encoded)) == [Refused(THEIRS, 7, RefusalReason.OTHER)]
