"""Alarms with their clinical words: each subject rings once, and stays until a named person takes it."""

from __future__ import annotations

from collections.abc import Iterable

from protocol.ids import CaseId
from sfnode.domain.contingency import Alarm
from sfnode.errors import NotFound
from sfnode.views import AlarmView
from sync.stores.connection import Connection

_COLUMNS = "row, case_id, severity, text, since_s, acknowledged_by"


def raise_alarms(
    connection: Connection, case_id: CaseId, alarms: Iterable[Alarm], *, since_s: int
) -> tuple[AlarmView, ...]:
    """Keep those whose subject has not rung yet; what is new."""
    raised = []
    for alarm in alarms:
        added = connection.execute(
            "INSERT INTO alarm (subject, case_id, severity, text, since_s) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (subject) DO NOTHING",
            (alarm.subject, case_id, alarm.severity, alarm.text, since_s),
        )
        if added.rowcount == 1:
            raised.append(_one(connection, "subject = ?", alarm.subject))
    return tuple(raised)


def acknowledge(connection: Connection, alarm: int, by: str) -> AlarmView:
    """The first name stays. `NotFound` for an unknown number."""
    connection.execute(
        "UPDATE alarm SET acknowledged_by = ? WHERE row = ? AND acknowledged_by IS NULL", (by, alarm)
    )
    return _one(connection, "row = ?", alarm)


def open_alarms(connection: Connection, case_id: CaseId | None = None) -> tuple[AlarmView, ...]:
    """Those nobody has taken, of one case or of all, oldest first."""
    condition, parameters = ("", ()) if case_id is None else (" AND case_id = ?", (case_id,))
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM alarm WHERE acknowledged_by IS NULL{condition} ORDER BY row", parameters
    ).fetchall()
    return tuple(_view(*row) for row in rows)


def newest(connection: Connection, limit: int) -> tuple[AlarmView, ...]:
    rows = connection.execute(f"SELECT {_COLUMNS} FROM alarm ORDER BY row DESC LIMIT ?", (limit,)).fetchall()
    return tuple(_view(*row) for row in rows)


def _one(connection: Connection, condition: str, parameter: int | bytes) -> AlarmView:
    row = connection.execute(f"SELECT {_COLUMNS} FROM alarm WHERE {condition}", (parameter,)).fetchone()
    if row is None:
        raise NotFound(f"There is no alarm {parameter!r}. `sfnode alarm list` shows those there are.")
    return _view(*row)


def _view(
    row: int, case_id: bytes | None, severity: str, text: str, since_s: int, acknowledged_by: str | None
) -> AlarmView:
    return AlarmView(
        alarm=row,
        case=None if case_id is None else case_id.hex(),
        severity=severity,
        text=text,
        since_s=since_s,
        acknowledged_by=acknowledged_by,
    )
