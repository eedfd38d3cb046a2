"""One measured figure beside what it is compared with, as a table row and as a JSON object."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from simulations.demo.screen import table


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A figure; `reference` is the usual way in the same run, `bound` what it must keep or cannot beat."""

    name: str
    value: float
    unit: str
    reference: float | None = None
    bound: float | None = None


def row_lines(title: str, rows: Sequence[Row]) -> list[str]:
    """A titled table."""
    cells = [
        (row.name, _figure(row.value), row.unit, _figure(row.reference), _figure(row.bound)) for row in rows
    ]
    return ["", title, *table(("what", "ours", "unit", "reference", "bound"), cells)]


def write_rows(rows: Sequence[Row], path: Path) -> None:
    """All rows as one JSON list."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.2f}"
