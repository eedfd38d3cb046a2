"""One line per event of a simulated world, and a hash over all of them.

Law: it holds ids, sizes and times, never ciphertext, so that one seed gives one hash whatever a seal drew.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from hashlib import blake2b
from typing import Final

LINES_KEPT: Final = 400
"""For whoever explains a failure; `sfsim replay` prints all."""

Field = str | int | float | bytes | bool


class Trace:
    """Written by the engine, read by people and by tests."""

    def __init__(self, sink: Callable[[str], None] | None = None) -> None:
        self._hash = blake2b(digest_size=16)
        self._sink = sink
        self.count = 0
        self.tail: deque[str] = deque(maxlen=LINES_KEPT)

    def note(self, at_s: float, who: str, what: str, **fields: Field) -> None:
        """One event."""
        told = "".join(f" {name}={_shown(value)}" for name, value in fields.items())
        line = f"{at_s:14.6f} {who:<10} {what}{told}"
        self._hash.update(line.encode() + b"\n")
        self.count += 1
        self.tail.append(line)
        if self._sink is not None:
            self._sink(line)

    @property
    def digest(self) -> str:
        """Of everything so far."""
        return self._hash.hexdigest()


def _shown(value: Field) -> str:
    match value:
        case bytes():
            return value.hex()
        case float():
            return f"{value:.6f}"
        case _:
            return str(value)
