"""The outbox cuts frames to fit and keeps their order; the inbox puts them together again."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.bare_channel import BareChannel
from protocol.channel import Phase
from protocol.datagram_parts import Control, DataPiece, End, Part, encode_parts
from protocol.frames import Bye, Data, Frame, Have, Idle, Offer
from protocol.framing import FrameDecoder, encode_frame
from protocol.header import Priority
from protocol.ids import BundleId, SealTag
from protocol.ranges import RangeSet
from sync.links.datagram_inbox import (
    AHEAD_BYTES_MAX,
    FRAGMENTS_MAX,
    UNREAD_BYTES_MAX,
    Inbox,
)
from sync.links.datagram_outbox import Outbox


def offer(handle: int, size_bytes: int = 10_000, priority: Priority = Priority.ROUTINE) -> Offer:
    return Offer(
        handle=handle,
        incarnation=None,
        sequence=handle,
        bundle_id=BundleId(b"bundle".ljust(12)),
        seal_tag=SealTag(b"seal"),
        priority=priority,
        dwell_code=3,
        recipient_key=b"ke",
        size_bytes=size_bytes,
    )


def write(outbox: Outbox, *frames: Frame) -> None:
    outbox.write(b"".join(encode_frame(frame) for frame in frames))


def drain(outbox: Outbox, room_bytes: int = 300) -> list[list[Part]]:
    datagrams: list[list[Part]] = []
    while parts := outbox.take(room_bytes):
        assert len(encode_parts(parts)) <= room_bytes
        datagrams.append(parts)
    return datagrams


def frames_of(inbox: Inbox) -> list[Frame]:
    frames: list[Frame] = []
    while message := inbox.take():
        for opened in BareChannel().receive(message):
            frames += FrameDecoder().feed(opened.plaintext)
    return frames


def put(inbox: Inbox, part: Part, phase: Phase = Phase.FRESH) -> bool:
    match part:
        case Control():
            return inbox.control(part, phase)
        case DataPiece():
            return inbox.data(part, phase)
        case End(offset):
            inbox.end(offset)
    return True


@given(
    seed=st.integers(0, 2**16),
    room=st.integers(100, 1400),
    sizes=st.lists(st.integers(1, 3000), min_size=1, max_size=5),
)
def test_frames_arrive_whole_however_they_are_cut_mixed_and_repeated(
    seed: int, room: int, sizes: list[int]
) -> None:
    content = random.Random(seed)
    outbox, inbox = Outbox(), Inbox()
    bundles = {number: content.randbytes(size) for number, size in enumerate(sizes, start=1)}
    for handle, data in bundles.items():
        write(outbox, offer(handle, len(data)), Data(handle, 0, data), Have(handle, RangeSet.whole(handle)))
    parts = [part for datagram in drain(outbox, room) for part in datagram]
    again = content.sample(parts, len(parts) // 2)
    for part in content.sample(parts + again, len(parts) + len(again)):
        assert put(inbox, part)
    received = {handle: bytearray(len(data)) for handle, data in bundles.items()}
    controls: list[Frame] = []
    for frame in frames_of(inbox):
        if isinstance(frame, Data):
            received[frame.handle][frame.offset : frame.offset + len(frame.data)] = frame.data
        else:
            controls.append(frame)
    assert received == bundles
    assert [frame.handle for frame in controls if isinstance(frame, Offer)] == list(bundles)


def test_an_offer_is_read_before_its_bytes() -> None:
    inbox = Inbox()
    assert inbox.data(DataPiece(1, 0, b"x" * 40), Phase.FRESH)
    assert frames_of(inbox) == []
    assert inbox.control(Control(0, encode_frame(offer(1))), Phase.FRESH)
    assert [type(frame) for frame in frames_of(inbox)] == [Offer, Data]


def test_the_more_urgent_goes_first_whatever_was_queued_before() -> None:
    outbox = Outbox()
    write(outbox, offer(1, priority=Priority.BULK), Data(1, 0, bytes(1000)))
    outbox.take(200)
    write(outbox, offer(2, priority=Priority.EMERGENCY), Data(2, 0, bytes(100)))
    control, data, *_ = outbox.take(300)
    assert isinstance(control, Control)
    assert isinstance(data, DataPiece)
    assert data.handle == 2


def test_what_was_lost_goes_before_what_is_new() -> None:
    outbox = Outbox()
    write(outbox, Data(1, 0, bytes(100)))
    [lost] = outbox.take(200)
    write(outbox, Data(1, 100, bytes(100)))
    outbox.again((lost,))
    [joined] = outbox.take(400)
    assert joined == DataPiece(1, 0, bytes(200)), "and neighbours share one head"


def test_progress_that_has_not_left_gives_way_to_newer() -> None:
    outbox = Outbox()
    write(outbox, Have(1, RangeSet.whole(10)), Have(2, RangeSet.whole(5)), Have(1, RangeSet.whole(20)))
    inbox = Inbox()
    for part in outbox.take(500):
        put(inbox, part)
    assert frames_of(inbox) == [Have(2, RangeSet.whole(5)), Have(1, RangeSet.whole(20))]


def test_whether_the_sender_has_no_more_follows_from_its_frames() -> None:
    outbox = Outbox()
    write(outbox, Idle())
    assert outbox.ends_idle
    write(outbox, Have(1, RangeSet.whole(1)))
    assert outbox.ends_idle, "answers do not count"
    write(outbox, offer(1))
    assert not outbox.ends_idle


def test_a_goodbye_alone_is_known_as_such() -> None:
    outbox = Outbox()
    write(outbox, Bye())
    assert outbox.has_said_bye
    assert outbox.is_only_bye()
    write(outbox, Idle())
    assert not outbox.is_only_bye()


def test_frames_cut_short_are_our_own_mistake() -> None:
    with pytest.raises(ValueError, match="whole"):
        Outbox().write(encode_frame(Have(300, RangeSet.whole(1)))[:-1])


def test_the_end_comes_after_everything_else() -> None:
    outbox, inbox = Outbox(), Inbox()
    write(outbox, Idle(), Data(1, 0, bytes(600)))
    outbox.finish()
    datagrams = drain(outbox, 200)
    assert [any(isinstance(part, End) for part in datagram) for datagram in datagrams][-1]
    for datagram in datagrams:
        assert not inbox.has_ended
        for part in datagram:
            put(inbox, part)
    assert inbox.has_ended


# Bounds of what a peer can make us hold.


def test_an_application_that_does_not_read_is_not_given_more_than_the_bound() -> None:
    inbox, offset = Inbox(), 0
    frame = encode_frame(Have(1, RangeSet.whole(1)))
    piece = frame * 200
    while inbox.control(Control(offset, piece), Phase.FRESH):
        offset += len(piece)
    assert UNREAD_BYTES_MAX <= offset < UNREAD_BYTES_MAX + len(piece) * 2
    inbox.take()
    assert inbox.control(Control(offset, piece), Phase.FRESH), "reading makes room"


def test_what_comes_out_of_turn_is_bounded_and_the_missing_piece_still_fits() -> None:
    inbox, offset = Inbox(), 3
    piece = encode_frame(Have(1, RangeSet.whole(1))) * 200
    while inbox.control(Control(offset, piece), Phase.FRESH):
        offset += len(piece)
    assert offset < AHEAD_BYTES_MAX + 2 * len(piece)
    assert not inbox.data(DataPiece(9, 0, piece), Phase.FRESH), "nor bytes of what was never offered"
    assert inbox.control(Control(0, encode_frame(Idle())), Phase.FRESH)
    assert frames_of(inbox)[0] == Idle()


def test_a_bundle_is_not_handed_on_in_more_pieces_than_a_session_keeps_apart() -> None:
    inbox = Inbox()
    inbox.control(Control(0, encode_frame(offer(1, 1_000_000))), Phase.FRESH)
    pieces = [DataPiece(1, start * 100, bytes(100)) for start in range(600)]
    for piece in pieces[::2]:
        assert inbox.data(piece, Phase.FRESH)
    held = RangeSet()
    for part in [*frames_of(inbox)]:
        if isinstance(part, Data):
            held = held.add(part.offset, part.offset + len(part.data))
    assert len(held.spans) <= FRAGMENTS_MAX
    for piece in pieces[1::2]:
        assert inbox.data(piece, Phase.FRESH)
        for frame in frames_of(inbox):
            if isinstance(frame, Data):
                held = held.add(frame.offset, frame.offset + len(frame.data))
        assert len(held.spans) <= FRAGMENTS_MAX
    assert held == RangeSet.whole(60_000)


def test_phases_are_never_mixed_in_one_message() -> None:
    inbox = Inbox()
    inbox.control(Control(0, encode_frame(Idle())), Phase.EARLY)
    inbox.control(Control(1, encode_frame(Idle())), Phase.FRESH)
    messages = []
    while message := inbox.take():
        messages.append(message)
    assert [message[0] for message in messages] == [0, 1]
    assert all(first != second for first, second in pairwise(messages))
