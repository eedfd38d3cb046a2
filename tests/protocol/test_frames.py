"""Frames: every one comes back however the stream is cut, and nothing malformed gets through.

`python -m tests.protocol.test_frames` writes the vectors anew.
"""

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
    Kept,
    KeptLast,
    Offer,
    RefusalReason,
    Refused,
    Stored,
    Whole,
)
from protocol.framing import FRAMES, SKIPPED_IN_A_ROW_MAX, FrameDecoder, encode_frame
from protocol.header import Priority
from protocol.hello import HELLO_PARTIALS_MAX, Account, Hello, Manner, PartialView, StreamView
from protocol.ids import BundleId, Incarnation, SealTag
from protocol.limits import BUNDLE_SEALED_BYTES_MAX, CHUNK_BYTES_MAX, FRAME_BYTES_MAX, SEQUENCE_MAX
from protocol.ranges import RangeSet
from protocol.short_hello import (
    CLOCK_BEGINS_S,
    MINUTE_S,
    MINUTES_MAX,
    USUAL_CREDIT_BYTES,
    Answer,
    Hail,
    Unfinished,
    minutes_of,
    total_of,
    wall_s_of,
)
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
    "hail, nothing new": Hail(
        generation=41,
        incarnation=OURS,
        stored=UP_TO_9,
        sequence_max=9,
        held=RangeSet(((1, 5),)),
        total=0x0123456789ABCDEF,
        partials=(),
        credit_bytes=USUAL_CREDIT_BYTES,
        minutes=3_702_720,
        manner=Manner(Certainty.SYNCED, stays_open=False),
    ),
    "hail of a first contact": Hail(
        generation=1,
        incarnation=OURS,
        stored=RangeSet(),
        sequence_max=2,
        held=RangeSet(),
        total=0,
        partials=(),
        credit_bytes=USUAL_CREDIT_BYTES,
        minutes=0,
        manner=Manner(Certainty.UNSET, stays_open=True, floor=Priority.URGENT),
    ),
    "hail, gaps and a half photo": Hail(
        generation=300,
        incarnation=OURS,
        stored=RangeSet(((1, 4), (6, 7))),
        sequence_max=200,
        held=RangeSet(((2, 5),)),
        total=0xFEDCBA9876543210,
        partials=(Unfinished(5, SealTag(b"seal"), RangeSet(((0, 4096), (8192, 9000)))),),
        credit_bytes=64 * 1024,
        minutes=1,
        manner=Manner(Certainty.DRIFTING, stays_open=False, floor=Priority.EMERGENCY),
    ),
    "answer, nothing new": Answer(
        incarnation=None,
        sequences_ahead=0,
        minutes_ahead=-1,
        otherwise=None,
        partials=(),
        credit_bytes=USUAL_CREDIT_BYTES,
        manner=Manner(Certainty.SYNCED, stays_open=False),
    ),
    "answer, nothing else": Answer(
        incarnation=None,
        sequences_ahead=1,
        minutes_ahead=0,
        otherwise=None,
        partials=(),
        credit_bytes=USUAL_CREDIT_BYTES,
        manner=Manner(Certainty.SYNCED, stays_open=False),
    ),
    "answer, nothing at all": Answer(
        incarnation=None,
        sequences_ahead=0,
        minutes_ahead=0,
        otherwise=None,
        partials=(),
        credit_bytes=USUAL_CREDIT_BYTES,
        manner=Manner(Certainty.SYNCED, stays_open=False),
    ),
    "answer, another holding and a half photo": Answer(
        incarnation=THEIRS,
        sequences_ahead=3,
        minutes_ahead=100,
        otherwise=(RangeSet(((1, 12),)), 0xFEDCBA9876543210),
        partials=(Unfinished(14, SealTag(b"seal"), RangeSet(((0, 4096),))),),
        credit_bytes=64 * 1024,
        manner=Manner(Certainty.SYNCED, stays_open=True),
    ),
    "account": Account(
        0x0123456789ABCDEF,
        (StreamView(THEIRS, UP_TO_9, 0xFEDCBA9876543210),),
        (PartialView(THEIRS, 12, SealTag(b"seal"), RangeSet(((0, 4096),))),),
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
        priority=Priority.EMERGENCY,
        dwell_code=22,
        recipient_key=b"k1",
        data=b"sealed bytes",
    ),
    "whole in another life": Whole(
        incarnation=Incarnation(b"anew"),
        sequence=SEQUENCE_MAX,
        bundle_id=BundleId(b"bundle no.10"),
        priority=Priority.BULK,
        dwell_code=31,
        recipient_key=b"k1",
        data=b"!",
    ),
    "data": Data(handle=1, offset=4096, data=b"sealed bytes"),
    "have": Have(handle=1, held=RangeSet(((0, 4108),))),
    "have nothing": Have(handle=1, held=RangeSet()),
    "stored": Stored(THEIRS, RangeSet(((1, 11),))),
    "kept": Kept(11),
    "kept, more": Kept(11, 300),
    "kept, the last": KeptLast(),
    "digest ask": DigestAsk(OURS, RangeSet(((1, 6),))),
    "digest tell": DigestTell(OURS, RangeSet(((1, 6),)), 0xFFFFFFFFFFFFFFFF),
    "refused": Refused(THEIRS, 7, RefusalReason.NO_ROOM),
    "idle": Idle(),
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
    if not body and not isinstance(frame, Answer):
        assert encode_frame(frame) == bytes((frame.CODE,)), "a type alone has no length that could be wrong"
        return
    # These take whatever stands in their frame, down to a body without a byte of data.
    takes_the_rest = isinstance(frame, Data | Whole)
    shortest_whole = len(body) - len(frame.data) if isinstance(frame, Data | Whole) else len(body)
    shorter = [*range(shortest_whole)]
    if isinstance(frame, Hail | Answer) and frame.partials:
        shorter.remove(len(replace(frame, partials=()).body()))  # The list of them ends with the frame.
    if isinstance(frame, Answer):
        shorter = shorter[1:]  # Noughts at the end go without saying.
    if frame == EXAMPLES["kept, more"]:
        shorter.remove(1)
    for end in shorter:
        with pytest.raises(MalformedInput):
            decode(bytes((frame.CODE,)) + encode_varint(end) + body[:end])
    if not takes_the_rest:
        with pytest.raises(MalformedInput):
            decode(bytes((frame.CODE,)) + encode_varint(len(body) + 1) + body + b"\x00")


@pytest.mark.parametrize("body", ["00", "0000", "000000", "000100", "4061626364" + "00"])
def test_a_nought_that_goes_without_saying_is_not_said(body: str) -> None:
    """One answer has one form."""
    sent = bytes.fromhex(body)
    with pytest.raises(MalformedInput, match="nought"):
        decode(bytes((Answer.CODE, len(sent))) + sent)


@given(st.binary(max_size=200))
def test_noise_is_refused_or_skipped_and_nothing_else(noise: bytes) -> None:
    decoder = FrameDecoder()
    try:
        frames = list(decoder.feed(noise))
    except MalformedInput:
        return
    for frame in frames:
        # Refused reads unknown reasons as OTHER; short hellos may say at length what goes without saying.
        assert encode_frame(frame) in noise or isinstance(frame, Refused | Hail | Answer)


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
    assert list(decoder.feed(b"\x15\x03abc" + encode_frame(Bye()) + b"\x00\x00\x55")) == [Bye()]
    assert decoder.skipped_count == 3, "the last one has neither length nor body"
    for critical in (b"\xbe\x00", b"\xfe"):
        with pytest.raises(MalformedInput, match=hex(critical[0])):
            list(FrameDecoder().feed(critical))


@pytest.mark.parametrize("piece_bytes", [1, 1000])
def test_a_flood_of_unknown_frames_is_refused_however_it_is_cut(piece_bytes: int) -> None:
    unknown, known = b"\x15\x00", encode_frame(Idle())
    assert decode((unknown * SKIPPED_IN_A_ROW_MAX + known) * 2, piece_bytes) == [Idle(), Idle()]
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
        ("whole", 18 + len(b"sealed bytes")),
        ("hail, nothing new", 22),
        ("hail of a first contact", 11),
        ("answer, nothing new", 5),
        ("answer, nothing else", 4),
        ("answer, nothing at all", 2),
        ("kept", 3),
        ("kept, the last", 1),
        ("have", 7),
        ("stored", 9),
        ("refused", 8),
        ("idle", 1),
        ("bye", 1),
        ("await", 1),
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
        ("hail, nothing new", 2, 0x43, "clock"),
        ("answer, nothing new", 2, 3, "clock"),
        ("kept", 2, 0, "sequence number"),
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


@given(st.integers(-(2**40), 2**42))
def test_a_clock_is_told_to_the_minute_or_not_at_all(wall_s: int) -> None:
    minutes = minutes_of(wall_s)
    assert 0 <= minutes <= MINUTES_MAX
    if minutes:
        assert 0 <= wall_s - wall_s_of(minutes) < MINUTE_S
    else:
        assert wall_s < CLOCK_BEGINS_S + MINUTE_S or wall_s > wall_s_of(MINUTES_MAX)
        assert wall_s_of(minutes) == 0


def test_a_total_tells_which_side_and_which_life_differs() -> None:
    assert total_of(1, 2, OURS) != total_of(1, 2, THEIRS)
    assert total_of(1, 2, OURS) != total_of(1, 3, OURS)
    assert total_of(2**64 - 1, 2, None) == 5
    assert total_of(5, 0, OURS) != total_of(0, 5, OURS), "nor can the sides be exchanged"


def test_an_answer_stands_for_a_hello_after_its_hail() -> None:
    hail = EXAMPLES["hail, nothing new"]
    short, long = EXAMPLES["answer, nothing new"], EXAMPLES["answer, another holding and a half photo"]
    assert isinstance(hail, Hail)
    assert isinstance(short, Answer)
    assert isinstance(long, Answer)
    held = StreamView(THEIRS, hail.held, 7)
    hello = short.hello(hail, stored_digest=5, held=held)
    assert (hello.generation, hello.incarnation, hello.sequence_max) == (41, THEIRS, 4)
    assert hello.views == (StreamView(OURS, UP_TO_9, 5),)
    assert hello.wall_s == wall_s_of(hail.minutes - 1)
    with pytest.raises(MalformedInput, match="cannot follow"):
        replace(long, sequences_ahead=SEQUENCE_MAX).hello(hail, stored_digest=5, held=held)
    other = long.hello(hail, stored_digest=5, held=held)
    assert (other.generation, other.sequence_max, other.credit_bytes) == (41, 7, 64 * 1024)
    assert other.views == (StreamView(OURS, RangeSet(((1, 12),)), 0xFEDCBA9876543210),)
    assert [partial.sequence for partial in other.partials] == [14]
    with pytest.raises(MalformedInput, match="cannot follow"):
        short.hello(hail, stored_digest=5, held=None)


def test_more_unfinished_bundles_than_a_hello_lists_are_refused() -> None:
    hail = EXAMPLES["hail, gaps and a half photo"]
    assert isinstance(hail, Hail)
    most = replace(hail, partials=hail.partials * HELLO_PARTIALS_MAX)
    assert decode(encode_frame(most)) == [most]
    with pytest.raises(MalformedInput, match="unfinished"):
        decode(encode_frame(replace(most, partials=most.partials + hail.partials)))


SETS = st.one_of(
    st.integers(0, SEQUENCE_MAX).map(lambda last: RangeSet.of([(1, last + 1)])),
    st.lists(st.tuples(st.integers(1, 5000), st.integers(1, 300)), max_size=5).map(
        lambda spans: RangeSet.of((start, start + size) for start, size in spans)
    ),
)


@given(SETS, SETS, st.integers(0, 2**40), st.integers(0, MINUTES_MAX), st.integers(0, 2**40))
def test_any_hail_comes_back(
    stored: RangeSet, held: RangeSet, generation: int, minutes: int, credit_bytes: int
) -> None:
    hail = Hail(
        generation=generation,
        incarnation=OURS,
        stored=stored,
        sequence_max=stored.spans[-1][1] - 1 if stored.spans else 0,
        held=held,
        total=9 if stored.spans or held.spans else 0,
        partials=(),
        credit_bytes=credit_bytes,
        minutes=minutes,
        manner=Manner(Certainty.SYNCED, stays_open=False),
    )
    assert decode(encode_frame(hail)) == [hail]


if __name__ == "__main__":
    vectors = {name: encode_frame(frame).hex() for name, frame in EXAMPLES.items()}
    (Path(__file__).parent.parent / "golden" / "frames.json").write_text(json.dumps(vectors, indent=2) + "\n")
