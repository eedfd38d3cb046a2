"""Messages of the local socket as bytes: 4-byte length, then msgpack; and what can go wrong with them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import msgpack

FRAME_BYTES_MAX: Final = 1024 * 1024
_LENGTH_BYTES: Final = 4
_CONTAINERS_MAX: Final = 10_000
"""Lists and maps of one message: many times what the longest answer holds. A megabyte of empty lists would
keep the daemon busy for a third of a second."""
_ADDRESS_BYTES_MAX: Final = 100
"""Below the 108 bytes that the kernel gives the path of a Unix socket."""

Container = TypeVar("Container")


class LocalSocketError(Exception):
    """Root of what a client can meet: `NotRunning`, `ConnectionLost` or `CallFailed`."""


class NotRunning(LocalSocketError):
    """Nobody listens on the socket."""


class ConnectionLost(LocalSocketError):
    """The daemon ended, or let us go; whether the last call was carried out is not known."""


class CallFailed(LocalSocketError):
    """The daemon answered that it could not do it; the message is its sentence for the user."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a call failed: a stable code for programs, a sentence for people, an exit status for scripts."""

    code: str
    message: str
    exit_code: int


class FrameReader:
    """Whole messages from a byte stream; a read that is cancelled loses nothing."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._size_bytes: int | None = None

    async def next_frame(self) -> Mapping[str, Any] | None:
        """The next message, None at the end of the stream; `ConnectionLost` when it is cut or malformed."""
        try:
            if self._size_bytes is None:
                self._size_bytes = int.from_bytes(await self._reader.readexactly(_LENGTH_BYTES), "big")
            if self._size_bytes > FRAME_BYTES_MAX:
                raise ConnectionLost(
                    f"A message of {self._size_bytes} bytes is longer than {FRAME_BYTES_MAX}."
                )
            data = await self._reader.readexactly(self._size_bytes)
        except asyncio.IncompleteReadError as error:
            if self._size_bytes is None and not error.partial:
                return None
            raise ConnectionLost("The connection was cut in the middle of a message.") from error
        except OSError as error:
            raise ConnectionLost("The connection was cut.") from error
        self._size_bytes = None
        return decode(data)


def encode(message: Mapping[str, object]) -> bytes:
    try:
        data: bytes = msgpack.packb(message)
    except OverflowError as error:
        raise CallFailed(_unusable("A number here is larger than any that can be meant.")) from error
    except UnicodeEncodeError as error:
        raise CallFailed(_unusable("A text here is not UTF-8. Set the terminal to UTF-8.")) from error
    if len(data) > FRAME_BYTES_MAX:
        fault = Fault(
            "answer-too-large",
            f"The answer has {len(data)} bytes, more than {FRAME_BYTES_MAX}. Ask for less.",
            1,
        )
        raise CallFailed(fault)
    return len(data).to_bytes(_LENGTH_BYTES, "big") + data


def _unusable(sentence: str) -> Fault:
    """What a person typed cannot be put into any message."""
    return Fault("bad-parameters", f"{sentence} Nothing was changed.", 2)


def decode(data: bytes) -> Mapping[str, Any]:
    count = _at_most(_CONTAINERS_MAX)
    try:
        message = msgpack.unpackb(data, strict_map_key=True, list_hook=count, object_hook=count)
    # The library's errors have no root of their own; a message nested too deep is a `StackError`.
    except (ValueError, msgpack.exceptions.UnpackException) as error:
        raise ConnectionLost("A message cannot be read.") from error
    if not isinstance(message, dict):
        raise ConnectionLost("A message is not a map.")
    return message


def _at_most(containers: int) -> Callable[[Container], Container]:
    """Lets so many pass while a message is built, then ends the building of it."""
    left = iter(range(containers))

    def passed(container: Container) -> Container:
        if next(left, None) is None:
            raise ValueError(f"more than {containers} lists and maps")
        return container

    return passed


@contextmanager
def short_address(path: Path) -> Iterator[str]:
    """The path as the kernel takes it: a longer one is reached through its folder's descriptor."""
    if len(os.fsencode(path)) <= _ADDRESS_BYTES_MAX:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
