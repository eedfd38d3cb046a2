"""News of the kernel's: read message by message, whatever lengths they claim."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from sfnode.services.link_watch import message_kinds


def message(kind: int, body: bytes) -> bytes:
    head = struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0)
    return head + body + bytes(-len(body) % 4)


@given(messages=st.lists(st.tuples(st.integers(0, 65_535), st.binary(max_size=40)), max_size=8))
def test_every_message_of_a_datagram_is_seen(messages: list[tuple[int, bytes]]) -> None:
    data = b"".join(message(kind, body) for kind, body in messages)
    assert list(message_kinds(data)) == [kind for kind, _ in messages]


@given(data=st.binary(max_size=400))
def test_no_bytes_hold_the_reader_up(data: bytes) -> None:
    assert len(list(message_kinds(data))) <= len(data) // 16
