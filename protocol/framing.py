"""Frames as a byte stream: type byte, varint length, body; decoded as the bytes come in.

A frame that says all by its type is that byte alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from .advice import Await, Rekey, Return, Returning, Safe
from .errors import MalformedInput
from .fields import Fields
from .frames import (
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
    Refused,
    Stored,
    Whole,
)
from .hello import Account, Hello
from .limits import FRAME_BYTES_MAX
from .short_hello import Answer, Hail
from .varint import encode_varint

FRAMES: Final[dict[int, type[Frame]]] = {
    kind.CODE: kind
    for kind in (
        Hello,
        Hail,
        Answer,
        Account,
        Offer,
        Whole,
        Data,
        Have,
        Stored,
        Kept,
        KeptLast,
        DigestAsk,
        DigestTell,
        Refused,
        Idle,
        Bye,
        Safe,
        Rekey,
        Await,
        Return,
        Returning,
    )
}
SKIPPED_IN_A_ROW_MAX: Final = 1024
"""A newer peer says something we know now and then; a flood of the unknown would only keep us busy."""
_CRITICAL: Final = 0x80
_BARE: Final = 0x40
"""Types with this bit have neither length nor body."""
_LENGTH_BYTES_MAX: Final = 3
"""Varint bytes of `FRAME_BYTES_MAX`."""


def encode_frame(frame: Frame) -> bytes:
    """The frame as it travels inside the channel."""
    if frame.CODE & _BARE:
        return bytes((frame.CODE,))
    body = frame.body()
    return bytes((frame.CODE,)) + encode_varint(len(body)) + body


class FrameDecoder:
    """Turns decrypted bytes, cut anywhere, into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.skipped_count = 0
        """Frames of unknown type that their sender had marked as safe to skip."""
        self._skipped_in_a_row = 0

    @property
    def between_frames(self) -> bool:
        """Whether every frame begun so far is complete."""
        return not self._buffer

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that `data` completes; `MalformedInput` for anything that is not one."""
        self._buffer += data
        while (bounds := next_bounds(self._buffer)) is not None:
            start, end = bounds
            code, body = self._buffer[0], bytes(self._buffer[start:end])
            del self._buffer[:end]
            if kind := FRAMES.get(code):
                fields = Fields(body)
                frame = kind.read(fields)
                fields.end()
                self._skipped_in_a_row = 0
                yield frame
            elif code & _CRITICAL:
                raise MalformedInput(
                    f"the peer sent a frame of unknown kind {code:#x} that must be understood"
                )
            else:
                self._skip()

    def _skip(self) -> None:
        self.skipped_count += 1
        self._skipped_in_a_row += 1
        if self._skipped_in_a_row > SKIPPED_IN_A_ROW_MAX:
            raise MalformedInput(
                f"the peer sent {self._skipped_in_a_row} frames in a row that mean nothing here"
            )


def next_bounds(buffer: bytes | bytearray) -> tuple[int, int] | None:
    """Where the body of the frame at the head of the buffer lies, once it is all there."""
    if buffer and buffer[0] & _BARE:
        return 1, 1
    size = 0
    for index, byte in enumerate(buffer[1 : 1 + _LENGTH_BYTES_MAX]):
        size |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            if size > FRAME_BYTES_MAX or (byte == 0 and index):
                raise MalformedInput(
                    f"a frame of {size} bytes, more than {FRAME_BYTES_MAX}, or badly written"
                )
            start = 2 + index
            return (start, start + size) if len(buffer) >= start + size else None
    if len(buffer) > _LENGTH_BYTES_MAX:
        raise MalformedInput("a frame's length is too long")
    return None
