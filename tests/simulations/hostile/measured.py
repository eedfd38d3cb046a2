"""A process of its own that lets every entrance meet every hostile input, and says what each of them cost.

`python -m tests.simulations.hostile.measured` prints one JSON object for each meeting.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

from simulations.hostile.entrances import ENTRANCES, Entrance
from tests.architecture.checkout import ROOT

T = TypeVar("T")

_PRODUCT = tuple(str(ROOT / package) for package in ("protocol", "sync"))
_PROC = Path("/proc/self")


def meet(entrance: Entrance, data: bytes) -> str:
    """Whether the entrance took the bytes, refused them as it may, or let another exception escape."""
    try:
        entrance.enter(data)
    except entrance.refusals:
        return "refused"
    except Exception as error:  # noqa: BLE001  # What escapes is what we look for.
        return f"{type(error).__name__}: {error}"
    return "taken"


def memory_bytes(meeting: Callable[[], T]) -> tuple[T, int]:
    """The result, and by how much the process grew at most meanwhile, with what its libraries took in C."""
    (_PROC / "clear_refs").write_text("5")
    before = _status_bytes("VmRSS")
    result = meeting()
    return result, _status_bytes("VmHWM") - before


def steps(meeting: Callable[[], object]) -> int:
    """Lines of the product that were carried out: the same on every machine."""
    counted = 0

    def trace(frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal counted
        counted += event == "line"
        return trace if frame.f_code.co_filename.startswith(_PRODUCT) else None

    sys.settrace(trace)
    try:
        meeting()
    finally:
        sys.settrace(None)
    return counted


def _status_bytes(field: str) -> int:
    (line,) = [line for line in (_PROC / "status").read_text().splitlines() if line.startswith(field)]
    return int(line.split()[1]) * 1024


def meetings() -> Iterator[dict[str, object]]:
    for entrance in ENTRANCES.values():
        for sample in entrance.samples():  # What is loaded once is no input's cost.
            meet(entrance, sample)
        for name, data in entrance.hostile_inputs().items():
            meeting = partial(meet, entrance, data)
            outcome, grown_bytes = memory_bytes(meeting)
            yield {
                "entrance": entrance.name,
                "input": name,
                "size_bytes": len(data),
                "outcome": outcome,
                "memory_bytes": grown_bytes,
                "steps": steps(meeting),
            }


if __name__ == "__main__":
    for meeting in meetings():
        sys.stdout.write(json.dumps(meeting) + "\n")
