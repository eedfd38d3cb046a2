"""A small coverage-guided fuzzer in plain Python, for machines that atheris has no wheel for.

It keeps an input that reaches a line of the product that none before it reached, and mutates what it keeps.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any, Final

from tests.architecture.checkout import ROOT

Line = tuple[CodeType, int]

INPUT_BYTES_MAX: Final = 4096
_EDITS_MAX: Final = 4
_TELLING_BYTES: Final = (0x00, 0x01, 0x7F, 0x80, 0x90, 0x91, 0xC1, 0xDD, 0xFF)
_PRODUCT: Final = tuple(str(ROOT / package) for package in ("protocol", "sync"))


@dataclass(frozen=True, slots=True)
class Breakage:
    """An input that the target broke on, and with what."""

    data: bytes
    error: str


def fuzz(
    target: Callable[[bytes], None], seeds: Sequence[bytes], *, seconds: float, seed: int = 0
) -> tuple[int, Breakage | None]:
    """How many inputs the target met, and what broke it, if anything did."""
    chance = random.Random(seed)
    kept, reached = [b"", *seeds], set[Line]()
    ends_at = time.monotonic() + seconds
    executions = 0
    while time.monotonic() < ends_at:
        data = kept[executions] if executions < len(kept) else mutated(chance, kept)
        executions += 1
        try:
            lines = lines_reached(target, data)
        except Exception as error:  # noqa: BLE001  # Whatever it is, the target promised not to raise it.
            return executions, Breakage(data, f"{type(error).__name__}: {error}")
        if not lines <= reached:
            reached |= lines
            kept.append(data)
    return executions, None


def mutated(chance: random.Random, kept: Sequence[bytes]) -> bytes:
    """One of the kept inputs with a few edits: bytes changed, dropped, repeated, or taken from another."""
    data = bytearray(chance.choice(kept))
    for _ in range(chance.randint(1, _EDITS_MAX)):
        start = chance.randint(0, len(data))
        end = min(len(data), start + chance.choice((0, 1, 1, 2, 4, 16)))
        other = chance.choice(kept)
        at = chance.randint(0, len(other))
        data[start:end] = chance.choice(
            (
                b"",
                bytes((chance.choice(_TELLING_BYTES),)),
                chance.randbytes(max(1, end - start)),
                other[at : at + chance.randint(0, 32)],
                bytes(data[start:end]) * chance.randint(2, 8),
            )
        )
    return bytes(data[:INPUT_BYTES_MAX])


def lines_reached(target: Callable[[bytes], None], data: bytes) -> set[Line]:
    """The lines of the product that the target goes through for these bytes."""
    lines: set[Line] = set()

    def trace(frame: FrameType, event: str, _argument: Any) -> Any:
        if not frame.f_code.co_filename.startswith(_PRODUCT):
            return None
        if event == "line":
            lines.add((frame.f_code, frame.f_lineno))
        return trace

    sys.settrace(trace)
    try:
        target(data)
    finally:
        sys.settrace(None)
    return lines
