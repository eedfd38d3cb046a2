"""What one host says in another version's words reaches the other, and is passed over there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from protocol.advice import Await
from protocol.framing import FRAMES, FrameDecoder, encode_frame
from protocol.records import Kind
from simulations.hosts import skew
from simulations.hosts.skew import Versions, spoken
from simulations.virtual.network import HOST
from sync.core import wire


@contextmanager
def at(host: str) -> Iterator[None]:
    token = HOST.set(host)
    try:
        yield
    finally:
        HOST.reset(token)


def of_sessions(name: str) -> Any:
    """What sessions use under this name, now."""
    return vars(wire)[name]


def test_what_is_taken_for_newer_is_known_to_nobody_yet() -> None:
    assert skew.NEWER_FRAME[0] not in FRAMES
    assert not {skew.NEWER_KIND, skew.NEWER_CRITICAL_KIND} & set(Kind)


def test_a_newer_frame_is_skipped_and_counted() -> None:
    decoder = FrameDecoder()
    assert list(decoder.feed(skew.NEWER_FRAME)) == []
    assert decoder.skipped_count == 1
    assert decoder.between_frames


def test_an_older_host_neither_says_nor_understands_what_came_later() -> None:
    told: list[str] = []
    written = encode_frame(Await())
    with spoken(Versions(older="hub"), lambda host, what: told.append(host)):
        with at("hub"):
            assert of_sessions("encode_frame")(Await()) == b""
            assert list(of_sessions("FrameDecoder")().feed(written)) == []
        with at("node"):
            assert of_sessions("encode_frame")(Await()) == written
            assert list(of_sessions("FrameDecoder")().feed(written)) == [Await()]
    assert told == ["hub"]


def test_afterwards_everybody_speaks_as_before() -> None:
    with spoken(Versions(newer="hub"), lambda host, what: None):
        assert of_sessions("encode_frame") is not encode_frame
    assert of_sessions("encode_frame") is encode_frame
    assert of_sessions("FrameDecoder") is FrameDecoder
