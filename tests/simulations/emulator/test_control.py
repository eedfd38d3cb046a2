"""What the owner and the carrier tell each other arrives as it was meant, however the bytes are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.emulator import LinkCounters, Mode
from simulations.emulator.control import (
    LINE_BYTES_MAX,
    Command,
    LineBuffer,
    Reply,
    Request,
    Start,
    decode_reply,
    decode_request,
    decode_start,
    encode_reply,
    encode_request,
    encode_start,
)
from simulations.links import DirectionCounters, load_profile


def test_a_start_carries_the_whole_profile() -> None:
    start = Start(Mode.RELAY, load_profile("coastal-3g"), seed=42, packet_log="/tmp/log.csv")
    assert decode_start(encode_start(start).rstrip(b"\n")) == start


@pytest.mark.parametrize("command", list(Command))
def test_requests_survive(command: Command) -> None:
    request = Request(command, port=8443)
    assert decode_request(encode_request(request)) == request


def test_replies_survive_with_their_counters() -> None:
    counters = LinkCounters(
        up=DirectionCounters(1, 2, 3, 4, 5, 6), down=DirectionCounters(7, 8, 9, 10, 11, 12)
    )
    reply = Reply("no", 1, "site", "hub", is_up=False, counters=counters)
    assert decode_reply(encode_reply(reply)) == reply
    assert decode_reply(encode_reply(Reply())) == Reply()


@given(lines=st.lists(st.binary(max_size=20).filter(lambda line: b"\n" not in line)), data=st.data())
def test_lines_are_joined_however_they_were_cut(lines: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(line + b"\n" for line in lines)
    buffer, received = LineBuffer(), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        received += buffer.receive(stream[:size])
        stream = stream[size:]
    assert received == lines


def test_an_endless_line_is_refused() -> None:
    buffer = LineBuffer()
    buffer.receive(b"x" * LINE_BYTES_MAX)
    with pytest.raises(ValueError, match="control line"):
        buffer.receive(b"x")


def test_counters_subtract_by_direction() -> None:
    later = LinkCounters(
        up=DirectionCounters(10, 8, 1, 1000, 800, 100), down=DirectionCounters(5, 5, 0, 50, 50, 0)
    )
    earlier = LinkCounters(up=DirectionCounters(4, 4, 0, 400, 400, 0))
    between = later - earlier
    assert between.up == DirectionCounters(6, 4, 1, 600, 400, 100)
    assert (between.up_bytes_sent, between.up_bytes_delivered, between.up_packets_sent) == (600, 400, 6)
    assert (between.down_bytes_sent, between.down_bytes_delivered, between.down_packets_sent) == (50, 50, 5)
