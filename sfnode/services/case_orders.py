"""The casebook's answers to replies: that they were seen, and what was done about each order.

Law: what was done for a patient is always recorded, whatever the plan says of it.
"""

from __future__ import annotations

from collections.abc import Callable

from protocol.ids import CaseId

from . import ordering
from .case_receiver import CaseReceiver
from .happenings import AlarmRaised, CaseChanged, OutboxGrew, Saved
from .writing import Pen


class CaseOrders(CaseReceiver):
    """The part of the casebook that acts on replies. Safe to call from any number of tasks of one loop."""

    async def mark_reply_seen(self, case_id: CaseId) -> Saved | None:
        """A person has the plan on screen: every reply and advice not yet marked; None when all were."""
        saved = await self._with_pen(lambda pen: ordering.mark_reply_seen(pen, case_id))
        if saved is not None:
            self._tell(saved)
        return saved

    async def accept_plan(self, case_id: CaseId, *, remark: str | None = None) -> Saved:
        """The medic goes on with the plan, knowing what its author did not know."""
        return await self._save(lambda pen: ordering.accept_plan(pen, case_id, remark=remark))

    async def confirm_order(
        self, case_id: CaseId, order: int, *, reply: str | None = None, read_back: str | None = None
    ) -> Saved:
        """Read and will be done. Refused when the order is not open, contradicts the list aboard, or asks for
        a read-back that is missing or differs; `reply` (hex prefix) is needed only when two replies have that
        order."""
        return await self._save(
            lambda pen: ordering.confirm_order(pen, case_id, order, reply=reply, read_back=read_back)
        )

    async def give_order(
        self,
        case_id: CaseId,
        order: int,
        *,
        reply: str | None = None,
        dose: str | None = None,
        given_s: int | None = None,
        remark: str | None = None,
    ) -> Saved:
        """Done: always recorded, also when the order was stopped or the dose differs (both are then shown).
        Without `dose` the ordered dose was given; without `given_s`, now."""
        return await self._save(
            lambda pen: ordering.give_order(
                pen, case_id, order, reply=reply, dose=dose, given_s=given_s, remark=remark
            )
        )

    async def refuse_order(
        self, case_id: CaseId, order: int, *, reason: str, reply: str | None = None
    ) -> Saved:
        """Not done, and why."""
        return await self._save(
            lambda pen: ordering.refuse_order(pen, case_id, order, reason=reason, reply=reply)
        )

    # Inside.

    async def _save(self, work: Callable[[Pen], Saved]) -> Saved:
        saved = await self._with_pen(work)
        self._tell(saved)
        return saved

    def _tell(self, saved: Saved) -> None:
        self._observer(CaseChanged(case_id=saved.case_id))
        self._observer(OutboxGrew())
        for alarm in saved.alarms:
            self._observer(AlarmRaised(alarm=alarm))
