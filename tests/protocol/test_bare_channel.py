"""The channel without a seal of its own keeps frames and their phase."""

from __future__ import annotations

import pytest

from protocol.bare_channel import BareChannel, encode_message
from protocol.channel import Phase
from protocol.errors import MalformedInput


def test_a_message_tells_its_phase() -> None:
    for phase in Phase:
        [opened] = BareChannel().receive(encode_message(phase, b"frames"))
        assert (opened.phase, opened.plaintext) == (phase, b"frames")


def test_it_adds_nothing_of_its_own() -> None:
    channel = BareChannel()
    assert channel.greeting == b""
    assert channel.seal(b"frames") == b"frames"
    assert list(channel.receive(b"")) == []


@pytest.mark.parametrize("broken", [b"\x02frames", b"\x01", b"\x00"])
def test_what_is_no_message_is_refused(broken: bytes) -> None:
    with pytest.raises(MalformedInput):
        list(BareChannel().receive(broken))
