"""What sending a draft would queue, found out by doing it and undoing it: no second way to count bytes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from protocol.ids import CaseId
from sfnode.vault.outbox import OutboxRow, rows_from

from .sending import send_case
from .writing import Pen


class _Undone(Exception):
    """Leaves the transaction, which undoes it."""

    def __init__(self, rows: tuple[OutboxRow, ...]) -> None:
        super().__init__()
        self.rows = rows


async def drafted(
    with_pen: Callable[[Callable[[Pen], None]], Awaitable[None]], case_id: CaseId
) -> tuple[OutboxRow, ...]:
    """The bundles of a draft, most urgent first; none when it was sent before."""

    def work(pen: Pen) -> None:
        raise _Undone(rows_from(pen.connection, send_case(pen, case_id, accept_missing=True)))

    try:
        await with_pen(work)
    except _Undone as undone:
        return tuple(sorted(undone.rows, key=lambda row: (row.priority, row.rank.value, row.row)))
    return ()
