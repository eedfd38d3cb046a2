"""The results of one simulated run as data, written to and read from one JSON file.

Times are seconds of simulated time since the run began; a time that never came is None.
"""

from __future__ import annotations

import json
import math
import types
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final, TypeVar, get_args, get_origin, get_type_hints

FORMAT: Final = "sf-telemed simulation results, version 1"
EVENT_MODE: Final = "event mode"
WHOLE_STACK: Final = "whole stack"
RESULTS_BYTES_MAX: Final = 1_000_000_000
Row = TypeVar("Row")


class ResultsError(Exception):
    """A file of results cannot be read or written; the message names it and the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRow:
    """One bundle, from the moment it was queued."""

    site: int
    case: int
    what: str
    """headline, text, preview, photo, reply, question, …"""
    priority: int
    """0 emergency, 1 urgent, 2 routine, 3 bulk."""
    up: bool
    link: str
    """The link that carried its last byte; empty while it waits."""
    size_bytes: int
    queued_s: float
    stored_s: float | None
    bound_s: float | None
    """What physics allows from queueing on: alone on its link, one delay, dark time included; None where the
    site's links never serve again."""
    forecast_low_s: float | None = None
    """The interval that was told when it was queued, as seconds from then; None without a forecast."""
    forecast_high_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """One consult, end to end."""

    case: int
    site: int
    kind: str
    """What it was about, by the mix of the site's kind."""
    priority: int
    opened_s: float
    useful_s: float | None
    """The first byte that a specialist can act on (the headline, else the text) is stored at the hub."""
    text_stored_s: float | None
    taken_s: float | None
    """A specialist has opened it."""
    answered_s: float | None
    reply_stored_s: float | None
    seen_s: float | None
    bytes_up: int
    bytes_down: int
    usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRow:
    """One site over the whole run."""

    site: int
    name: str
    kind: str
    links: str
    contacts: int
    contacts_failed: int
    bytes_up: int
    bytes_down: int
    usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRow:
    """The hub's queue at one moment, by class."""

    at_s: float
    emergency: int
    urgent: int
    routine: int
    bulk: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRow:
    """One alarm that somebody heard."""

    at_s: float
    site: int | None
    """None for one at the hub."""
    cause: str
    needs_action: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ViolationRow:
    """A property that did not hold."""

    property: str
    at_s: float
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResults:
    """All of one run."""

    world: str
    policy: str
    seed: int
    duration_s: float
    trace_hash: str
    wall_s: float
    """How long the machine took; the one figure that differs when the run is repeated."""
    checked: tuple[str, ...]
    """Properties that were watched."""
    sites: tuple[SiteRow, ...]
    cases: tuple[CaseRow, ...]
    deliveries: tuple[DeliveryRow, ...]
    queue: tuple[QueueRow, ...]
    alarms: tuple[AlarmRow, ...]
    violations: tuple[ViolationRow, ...]
    played: str = EVENT_MODE
    """How much of the product took part."""
    notes: tuple[str, ...] = ()
    """Sentences about what this run shows in another way than others do, or cannot show."""

    def __post_init__(self) -> None:
        if not 0.0 < self.duration_s < math.inf:
            raise ValueError(f"duration_s is {self.duration_s}")

    @property
    def site_days(self) -> float:
        """Sites times days."""
        return len(self.sites) * self.duration_s / 86_400


def save_results(results: RunResults, path: Path) -> None:
    """Write one JSON file, whole or not at all. Raises `ResultsError`."""
    tables: dict[str, object] = {"format": FORMAT}
    for name, value in ((each.name, getattr(results, each.name)) for each in fields(results)):
        tables[name] = _table(value) if _is_table(name) else value
    partial = path.with_name(path.name + ".part")
    try:
        partial.write_text(json.dumps(tables, separators=(",", ":")), encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise ResultsError(f"{path} cannot be written: {error.strerror or error}.") from error


def load_results(path: Path) -> RunResults:
    """Raises `ResultsError` for what is not there or not such a file."""
    try:
        if path.stat().st_size > RESULTS_BYTES_MAX:
            raise ResultsError(f"{path} is larger than {RESULTS_BYTES_MAX} bytes: these are no results.")
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ResultsError(f"{path} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise ResultsError(f"{path} is not valid JSON: {error}.") from error
    except RecursionError as error:
        raise ResultsError(f"{path} is not valid JSON: too many brackets inside each other.") from error
    if not isinstance(document, dict) or document.pop("format", None) != FORMAT:
        raise ResultsError(f"{path} does not begin as {FORMAT!r}: it was not written by sfsim run.")
    try:
        return _run(document)
    except (TypeError, ValueError, KeyError) as error:
        raise ResultsError(f"{path} is damaged or of another version: {error}.") from error


def columns_of(table: str) -> tuple[str, ...]:
    """Of one of the tables of a run, also where it has no rows."""
    return tuple(each.name for each in fields(_ROWS[table]))


def _is_table(name: str) -> bool:
    return name in _ROWS


def _table(rows: tuple[Any, ...]) -> dict[str, object]:
    """Columns once and rows as lists: half the size of one object a row."""
    columns = [each.name for each in fields(rows[0])] if rows else []
    return {"columns": columns, "rows": [list(asdict(row).values()) for row in rows]}


def _run(document: Mapping[str, Any]) -> RunResults:
    values: dict[str, Any] = {}
    later = {each.name for each in fields(RunResults) if each.default is not MISSING}
    for name, wanted in get_type_hints(RunResults).items():
        if name in later and name not in document:
            continue  # Written before there was such a thing.
        value = document[name]
        if name in _ROWS:
            values[name] = _rows(_ROWS[name], value)
        elif name in ("checked", "notes"):
            values[name] = tuple(_checked(item, str, name) for item in value)
        else:
            values[name] = _checked(value, wanted, name)
    return RunResults(**values)


def _rows(kind: type[Row], table: Mapping[str, Any]) -> tuple[Row, ...]:
    hints = get_type_hints(kind)
    columns = list(table["columns"])
    if unknown := [column for column in columns if column not in hints]:
        raise ValueError(f"unknown column {unknown[0]!r}")
    wanted = [_kinds(hints[column]) for column in columns]
    rows = []
    for row in table["rows"]:
        for value, allowed, column in zip(row, wanted, columns, strict=True):
            if type(value) not in allowed or value != value:
                raise ValueError(f"{column} is {value!r}")
        rows.append(kind(**dict(zip(columns, row, strict=True))))
    return tuple(rows)


def _kinds(hint: Any) -> frozenset[type]:
    options = set(get_args(hint)) if get_origin(hint) is types.UnionType else {hint}
    return frozenset(options | {int} if float in options else options)


def _checked(value: Any, hint: Any, name: str) -> Any:
    if type(value) not in _kinds(hint):
        raise ValueError(f"{name} is {value!r}")
    return value


_ROWS: Final[dict[str, type]] = {
    "sites": SiteRow,
    "cases": CaseRow,
    "deliveries": DeliveryRow,
    "queue": QueueRow,
    "alarms": AlarmRow,
    "violations": ViolationRow,
}
