"""The committed corpus: a file for each target, one input to a line, in hexadecimal, with its name.

`python -m tests.fuzz.corpus` makes the files anew from samples, small hostile inputs and golden vectors.
Lines whose name starts with `found` came out of fuzzing; they are kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from simulations.hostile.entrances import ENTRANCES, Entrance

from .targets import slug

FOLDER: Final = Path(__file__).parent / "corpus"
GOLDEN: Final = Path(__file__).parent.parent / "golden"
SAMPLE_BYTES_MAX: Final = 1500
HOSTILE_BYTES_MAX: Final = 300
FOUND: Final = "found"


def read(target: str) -> dict[str, bytes]:
    """The inputs of a target by name."""
    lines = (FOLDER / f"{target}.hex").read_text(encoding="utf-8").splitlines()
    named = (line.partition(" # ") for line in lines)
    return {name: bytes.fromhex(digits) for digits, _, name in named}


def found_line(data: bytes, what: str) -> str:
    """To be added to a target's file when fuzzing has found something."""
    return _line(f"{FOUND}: {what}", data)


def _inputs(entrance: Entrance) -> dict[str, bytes]:
    samples = {f"sample {index}": data for index, data in enumerate(entrance.samples(), start=1)}
    hostile = {
        name: data for name, data in entrance.hostile_inputs().items() if len(data) <= HOSTILE_BYTES_MAX
    }
    return {name: data for name, data in samples.items() if len(data) <= SAMPLE_BYTES_MAX} | hostile


def _golden() -> Mapping[str, Mapping[str, bytes]]:
    """Vectors of the wire format, by the target that takes them."""
    bundles = json.loads((GOLDEN / "bundles.json").read_text(encoding="utf-8"))
    frames = json.loads((GOLDEN / "frames.json").read_text(encoding="utf-8"))
    lines = json.loads((GOLDEN / "line.json").read_text(encoding="utf-8"))
    payloads = {
        f"golden: {name}": bytes.fromhex(payload)
        for name, vector in bundles.items()
        for payload in vector.get("payloads", ())
    }
    return {
        "entry": payloads,
        "message": payloads,
        "header": {f"golden: {name}": bytes.fromhex(vector["header"]) for name, vector in bundles.items()},
        "frames": {f"golden: {name}": bytes.fromhex(vector) for name, vector in frames.items()},
        "line": {f"golden: {name}": bytes.fromhex(vector["line"]) for name, vector in lines.items()},
    }


def _line(name: str, data: bytes) -> str:
    return f"{data.hex()} # {name}"


def _write() -> None:
    FOLDER.mkdir(exist_ok=True)
    golden = _golden()
    for name, entrance in ENTRANCES.items():
        path = FOLDER / f"{slug(name)}.hex"
        kept = read(slug(name)) if path.exists() else {}
        found = {title: data for title, data in kept.items() if title.startswith(FOUND)}
        inputs = _inputs(entrance) | dict(golden.get(name, {})) | found
        path.write_text(
            "".join(_line(title, data) + "\n" for title, data in inputs.items()), encoding="utf-8"
        )


if __name__ == "__main__":
    _write()
