"""The channel of a session: what one end seals the other opens, and nothing else opens anything.

`python -m tests.protocol.test_channel` writes the vectors anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.channel import (
    DIALER_PREAMBLE_BYTES,
    LISTENER_PREAMBLE_BYTES,
    RECORD_OVERHEAD_BYTES,
    RECORD_PLAIN_BYTES_MAX,
    DialerChannel,
    DialerPreamble,
    ListenerChannel,
    Opened,
    Phase,
)
from protocol.errors import MalformedInput, SealBroken
from protocol.ids import Pseudonym

GOLDEN = json.loads((Path(__file__).parent.parent / "golden" / "channel.json").read_text())
SECRET = bytes(range(32))
PAIR = Pseudonym(b"pair")
DIALER_SALT = b"dialer salt."
LISTENER_SALT = b"listener sal"
PREAMBLE = DialerPreamble(PAIR, DIALER_SALT)


def dialer(secret: bytes = SECRET) -> DialerChannel:
    return DialerChannel(secret, PAIR, DIALER_SALT)


def listener(secret: bytes = SECRET, preamble: DialerPreamble = PREAMBLE) -> ListenerChannel:
    return ListenerChannel(secret, preamble, LISTENER_SALT)


def open_all(channel: DialerChannel | ListenerChannel, data: bytes, piece_bytes: int) -> list[Opened]:
    return [
        opened
        for start in range(0, len(data), piece_bytes)
        for opened in channel.receive(data[start : start + piece_bytes])
    ]


def plaintexts(opened: list[Opened]) -> list[bytes]:
    return [record.plaintext for record in opened]


def whole_dialogue() -> tuple[bytes, bytes]:
    """What each side sends: early records, the change of keys, fresh records; and the listener's."""
    up, down = dialer(), listener()
    sent_up = up.greeting + up.seal(b"early one") + up.seal(b"early two")
    sent_down = down.greeting + down.seal(b"answer")
    list(up.receive(sent_down))
    return sent_up + up.seal(b"fresh one") + up.seal(b"fresh two"), sent_down


@pytest.mark.parametrize("piece_bytes", [1, 7, 10_000])
def test_records_open_in_order_however_the_stream_is_cut(piece_bytes: int) -> None:
    sent_up, sent_down = whole_dialogue()
    opened = open_all(listener(), sent_up[DIALER_PREAMBLE_BYTES:], piece_bytes)
    assert opened == [
        (Phase.EARLY, b"early one"),
        (Phase.EARLY, b"early two"),
        (Phase.FRESH, b"fresh one"),
        (Phase.FRESH, b"fresh two"),
    ]
    assert open_all(dialer(), sent_down, piece_bytes) == [(Phase.FRESH, b"answer")]


def test_golden_vectors() -> None:
    sent_up, sent_down = whole_dialogue()
    assert (sent_up.hex(), sent_down.hex()) == (GOLDEN["dialer sends"], GOLDEN["listener sends"])
    preamble = DialerPreamble.decode(sent_up[:DIALER_PREAMBLE_BYTES])
    assert preamble == PREAMBLE
    assert preamble.encode() == dialer().greeting


def test_every_truncation_opens_only_what_is_whole() -> None:
    sent_up, _ = whole_dialogue()
    records = sent_up[DIALER_PREAMBLE_BYTES:]
    everything = open_all(listener(), records, len(records))
    for end in range(len(records)):
        opened = list(listener().receive(records[:end]))
        assert opened == everything[: len(opened)]
        assert len(opened) < len(everything)


def test_the_overhead_is_what_the_budget_says() -> None:
    up = dialer()
    assert len(up.greeting) == DIALER_PREAMBLE_BYTES == 17
    assert len(listener().greeting) == LISTENER_PREAMBLE_BYTES == 13
    assert len(up.seal(b"x")) == 1 + RECORD_OVERHEAD_BYTES == 19
    assert up.seal(b"") == b""


@pytest.mark.parametrize("size_bytes", [1, RECORD_PLAIN_BYTES_MAX, RECORD_PLAIN_BYTES_MAX + 1, 150_000])
def test_any_size_passes_in_as_many_records_as_it_needs(size_bytes: int) -> None:
    data = bytes(range(256)) * (size_bytes // 256 + 1)
    down = listener()
    opened = open_all(dialer(), down.greeting + down.seal(data[:size_bytes]), 9999)
    assert b"".join(plaintexts(opened)) == data[:size_bytes]
    assert len(opened) == -(-size_bytes // RECORD_PLAIN_BYTES_MAX)


@given(st.data())
def test_any_altered_byte_is_refused(data: st.DataObject) -> None:
    sent_up, _ = whole_dialogue()
    records = bytearray(sent_up[DIALER_PREAMBLE_BYTES:])
    position = data.draw(st.integers(0, len(records) - 1))
    records[position] ^= data.draw(st.integers(1, 255))
    opened: list[Opened] = []
    try:
        opened += listener().receive(bytes(records))
    except SealBroken:
        pass
    # A longer length only makes the end wait; nothing behind the altered byte may ever come out.
    assert len(opened) <= _records_before(position)


def _records_before(position: int) -> int:
    sizes = [RECORD_OVERHEAD_BYTES + size for size in (9, 9, 9, 9)]
    return sum(1 for index in range(len(sizes)) if sum(sizes[: index + 1]) <= position)


Change = Callable[[bytes, bytes, bytes], bytes]


@pytest.mark.parametrize(
    "change",
    [
        lambda first, second, third: first + first,
        lambda first, second, third: second + first,
        lambda first, second, third: first + third,
        lambda first, second, third: b"\x00\x00" + first,
        lambda first, second, third: b"\x00\x0f" + bytes(15),
        lambda first, second, third: b"\xff\xff" + bytes(0xFFFF),
    ],
    ids=["repeated", "swapped", "left out", "empty length", "shorter than a tag", "longest"],
)
def test_repeated_reordered_and_impossible_records_are_refused(change: Change) -> None:
    down = listener()
    records = [down.seal(text) for text in (b"one", b"two", b"three")]
    with pytest.raises(SealBroken):
        list(dialer().receive(down.greeting + change(*records)))


def test_another_secret_opens_nothing() -> None:
    sent_up, sent_down = whole_dialogue()
    with pytest.raises(SealBroken):
        list(listener(secret=bytes(32)).receive(sent_up[DIALER_PREAMBLE_BYTES:]))
    with pytest.raises(SealBroken):
        list(dialer(secret=bytes(32)).receive(sent_down))


def test_a_recording_opens_no_further_than_the_first_flight() -> None:
    """A listener with another salt reads the early records again, which is allowed, and nothing fresh."""
    sent_up, _ = whole_dialogue()
    again = ListenerChannel(SECRET, PREAMBLE, b"another salt")
    records = again.receive(sent_up[DIALER_PREAMBLE_BYTES:])
    assert [next(records).plaintext for _ in range(2)] == [b"early one", b"early two"]
    with pytest.raises(SealBroken):
        next(records)


def test_a_dialer_does_not_take_its_own_records_or_an_old_answer() -> None:
    sent_up, sent_down = whole_dialogue()
    with pytest.raises(SealBroken):
        list(dialer().receive(listener().greeting + sent_up[DIALER_PREAMBLE_BYTES:]))
    caller_of_today = DialerChannel(SECRET, PAIR, b"today's salt")
    with pytest.raises(SealBroken):
        list(caller_of_today.receive(sent_down))


def test_no_early_record_can_be_taken_away_before_the_fresh_ones() -> None:
    sent_up, _ = whole_dialogue()
    records = sent_up[DIALER_PREAMBLE_BYTES:]
    size = RECORD_OVERHEAD_BYTES + len(b"early one")
    for left in (records[2 * size :], records[:size] + records[2 * size :]):
        again = listener()
        with pytest.raises(SealBroken):
            assert not [opened for opened in again.receive(left) if opened.phase is Phase.FRESH]


def test_after_a_fresh_record_no_early_one_opens() -> None:
    up, later = dialer(), listener()
    early = dialer()
    list(up.receive(later.greeting))
    assert plaintexts(list(later.receive(up.seal(b"fresh one")))) == [b"fresh one"]
    early.seal(b"early one")
    with pytest.raises(SealBroken):
        list(later.receive(early.seal(b"early two")))


def test_a_record_of_nothing_is_refused() -> None:
    up = dialer()
    with pytest.raises(SealBroken, match="nothing"):
        list(listener().receive(up._sending.seal(b"")))


def test_another_version_is_refused_in_plain_words() -> None:
    for size_bytes in (0, DIALER_PREAMBLE_BYTES - 1, DIALER_PREAMBLE_BYTES + 1):
        with pytest.raises(MalformedInput, match=f"not {size_bytes}"):
            DialerPreamble.decode(b"\x01" * size_bytes)
    with pytest.raises(MalformedInput, match="version 2"):
        DialerPreamble.decode(b"\x02" + bytes(16))
    with pytest.raises(MalformedInput, match="version 9"):
        list(dialer().receive(b"\x09" + bytes(12)))


def test_a_dialer_waits_for_the_whole_preamble() -> None:
    up, greeting = dialer(), listener().greeting
    assert list(up.receive(greeting[:-1])) == []
    still_early = up.seal(b"still early")
    assert len(still_early) == RECORD_OVERHEAD_BYTES + len(b"still early")
    assert list(up.receive(greeting[-1:])) == []
    assert len(up.seal(b"fresh")) == RECORD_OVERHEAD_BYTES + len(b"fresh")


if __name__ == "__main__":
    up_vector, down_vector = whole_dialogue()
    vectors = {"dialer sends": up_vector.hex(), "listener sends": down_vector.hex()}
    (Path(__file__).parent.parent / "golden" / "channel.json").write_text(
        json.dumps(vectors, indent=2) + "\n"
    )
