"""Form fields of the composer to the values that the composer reads, and back into the form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

_ROW_FIELD: Final = re.compile(r"(orders|contingencies|prior)\.(\d{1,2})\.([a-z_]{1,32})")
ROWS_MAX: Final = 64
ORDER_ROWS: Final = 2
CONTINGENCY_ROWS: Final = 1
"""Empty rows that a fresh form shows; a browser with scripts adds more."""
_FIELDS: Final = (
    "assessment",
    "certainty",
    "recheck_every_min",
    "evacuation",
    "valid_for_min",
    "stop_rule",
    "follow_up",
)
_ORDER_FIELDS: Final = ("item", "name", "dose", "route", "frequency", "details", "read_back")
_RULE_FIELDS: Final = ("quantity", "below", "above", "then", "order", "confirm_reading")
_SEPARATE: Final = frozenset({"seen", "acknowledged"})


def reply_values(fields: Mapping[str, str]) -> dict[str, Any]:
    """Nested values, rows in their places: row n of the form is order n, also after empty ones."""
    values: dict[str, Any] = {}
    rows: dict[str, dict[int, dict[str, Any]]] = {}
    for name, value in fields.items():
        if found := _ROW_FIELD.fullmatch(name):
            kind, place, field = found[1], int(found[2]), found[3]
            if 1 <= place <= ROWS_MAX:
                rows.setdefault(kind, {}).setdefault(place, {})[field] = value
        elif name not in _SEPARATE:
            values[name] = value
    for kind, placed in rows.items():
        values[kind] = [placed.get(place, {}) for place in range(1, max(placed) + 1)]
    if "prior" in values:
        values["prior"] = [_prior(row) for row in values["prior"]]
    return values


def blank_values() -> dict[str, Any]:
    """What a fresh form holds: validity is stated unless its author takes it away."""
    return {"valid_for_min": "360"}


def shown_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Every field of the form with what was typed in it, and empty rows to go on with."""
    return {
        **dict.fromkeys(_FIELDS, ""),
        **values,
        "orders": _shown_rows(values.get("orders"), _ORDER_FIELDS, ORDER_ROWS),
        "contingencies": _shown_rows(values.get("contingencies"), _RULE_FIELDS, CONTINGENCY_ROWS),
        "prior": {(row["reply"], row["order"]): row["disposition"] for row in values.get("prior") or ()},
    }


def _shown_rows(typed: Any, fields: tuple[str, ...], least: int) -> list[dict[str, Any]]:
    rows = [dict.fromkeys(fields, "") | row for row in typed or ()]
    return rows + [dict.fromkeys(fields, "") for _ in range(max(0, least - len(rows)))]


def _prior(row: Mapping[str, str]) -> dict[str, Any]:
    number = row.get("order", "")
    return {
        "reply": row.get("reply", ""),
        "order": int(number) if number.isdecimal() and len(number) <= 2 else 0,
        "disposition": row.get("disposition", ""),
    }
