"""One measured figure beside what it is compared with, as a table row and as a JSON object."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from simulations.demo.screen import table

_COLUMNS: Final = {
    "naive": "naive",
    "zstd": "zstd-19",
    "reference": "reference",
    "bound": "bound",
    "reach": "reach",
    "stretch": "stretch",
}
"""Field of a row to the head of its column; a table leaves out what none of its rows has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A figure and what it is held against, in the same unit."""

    name: str
    value: float
    unit: str
    naive: float | None = None
    """The same content as compact JSON in UTF-8."""
    zstd: float | None = None
    """That, or a bare text, by zstd at level 19."""
    reference: float | None = None
    """The usual way, measured in the same run."""
    bound: float | None = None
    """What physics or mathematics allows."""
    reach: float | None = None
    """What we ask of it."""
    stretch: float | None = None
    """What we hope of it."""
    more_is_better: bool = False

    @property
    def verdict(self) -> str:
        """How it stands: "stretch", "reached", "MISSED", or nothing where nothing is asked."""
        for goal, word in ((self.stretch, "stretch"), (self.reach, "reached")):
            if goal is not None and (self.value >= goal if self.more_is_better else self.value <= goal):
                return word
        return "" if self.reach is None else "MISSED"


@dataclass(frozen=True, slots=True)
class NotMeasured:
    """A figure that could not be taken here, and why: it must not look as if nobody had asked."""

    name: str
    not_measured: str


def row_lines(title: str, rows: Sequence[Row]) -> list[str]:
    """A titled table."""
    columns = [field for field in _COLUMNS if any(getattr(row, field) is not None for row in rows)]
    judged = any(row.verdict for row in rows)
    cells = [
        (
            row.name,
            _figure(row.value),
            row.unit,
            *(_figure(getattr(row, field)) for field in columns),
            *((row.verdict,) if judged else ()),
        )
        for row in rows
    ]
    heads = ("what", "ours", "unit", *(_COLUMNS[field] for field in columns), *(("",) if judged else ()))
    return ["", title, *table(heads, cells)]


def write_rows(rows: Sequence[Row | NotMeasured], path: Path) -> None:
    """All rows as one JSON list."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([_as_json(row) for row in rows], indent=1) + "\n")


def _as_json(row: Row | NotMeasured) -> dict[str, object]:
    verdict = {"verdict": row.verdict} if isinstance(row, Row) else {}
    return asdict(row) | verdict


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.2f}"
