"""Hosts of one world that run software of different versions: what a newer one says that the rest does not
know, and what an older one neither says nor understands.

The words are changed where sessions and entries are written and read; everything behind is the product.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from protocol import entry
from protocol.advice import Await, Rekey, Return, Returning, Safe
from protocol.codec import Primitive
from protocol.frames import Frame
from protocol.framing import FrameDecoder, encode_frame
from protocol.kinds import CRITICAL_KIND_MIN, Kind
from protocol.records import NewRecord, to_wire
from simulations.virtual.network import HOST
from sync.core import wire

LATER_FRAMES: Final = (Await, Rekey, Return, Returning, Safe)
"""Those that an older peer may pass over; any other it has to know."""
NEWER_FRAME: Final = b"\x3f\x05later"
"""Of a kind that nobody knows yet, marked as safe to skip."""
NEWER_FIELD: Final = 60
NEWER_KIND: Final = 120
NEWER_CRITICAL_KIND: Final = CRITICAL_KIND_MIN + 112

Tell = Callable[[str, str], None]
"""A host, and what it said or passed over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """Which host is ahead of the others, and which is behind."""

    newer: str | None = None
    older: str | None = None


@contextmanager
def spoken(versions: Versions, tell: Tell) -> Iterator[None]:
    """While the context lasts these hosts speak so. Not for two worlds at once."""
    if versions == Versions():
        yield
        return
    replaced: list[tuple[Any, str, Any]] = [
        (wire, "encode_frame", _encoder(versions, tell)),
        (wire, "FrameDecoder", _decoder(versions, tell)),
        (entry, "to_wire", _record_writer(versions, tell)),
    ]
    before = [(holder, name, holder.__dict__[name]) for holder, name, _ in replaced]
    for holder, name, stand_in in replaced:
        setattr(holder, name, stand_in)
    try:
        yield
    finally:
        for holder, name, original in before:
            setattr(holder, name, original)


def _encoder(versions: Versions, tell: Tell) -> Callable[[Frame], bytes]:
    def encode(frame: Frame) -> bytes:
        host = HOST.get()
        if host == versions.older and isinstance(frame, LATER_FRAMES):
            return b""
        if host == versions.newer:
            tell(host, "says a newer frame")
            return NEWER_FRAME + encode_frame(frame)
        return encode_frame(frame)

    return encode


def _decoder(versions: Versions, tell: Tell) -> type[FrameDecoder]:
    class Decoder(FrameDecoder):
        """The product's, as far as this host's version goes."""

        def feed(self, data: bytes) -> Iterator[Frame]:
            host = HOST.get()
            for frame in super().feed(data):
                if host == versions.older and isinstance(frame, LATER_FRAMES):
                    tell(host, "passes over a frame")
                else:
                    yield frame

    return Decoder


def _record_writer(versions: Versions, tell: Tell) -> Callable[[NewRecord], list[Primitive]]:
    turns = count()

    def write(new: NewRecord) -> list[Primitive]:
        fields, host = to_wire(new), HOST.get()
        if host != versions.newer or not isinstance(fields[1], dict):
            return fields
        match new.resolved_kind():
            case Kind.NOTE:
                kind = (Kind.NOTE, NEWER_KIND, NEWER_CRITICAL_KIND)[next(turns) % 3]
            case Kind.REPLY as kind:
                pass
            case _:
                return fields
        tell(host, "writes a newer record")
        return [int(kind), {**fields[1], NEWER_FIELD: "of a later version"}, *fields[2:]]

    return write
