"""What a new reply says of orders that are still open: as its author chose, and unsaid they go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from protocol.fold import OrderState
from protocol.orders import Disposition, PriorOrder

from ..errors import BadRequest, Problem, ReplyIncomplete


def prior_orders(
    stated: Any, still_open: Sequence[OrderState], every: Sequence[OrderState]
) -> tuple[PriorOrder, ...]:
    """What becomes of each order that is still open: as stated, and unstated it goes on. One that was carried
    out while the reply was typed needs no word any more."""
    chosen = _stated_dispositions(stated)
    known = {(order.reply.record_id.hex(), order.order.number) for order in every}
    if strange := [key for key in chosen if key not in known]:
        reply, number = strange[0]
        raise ReplyIncomplete([Problem("prior", f"The reply {reply[:8]} has no order {number}.")])
    return tuple(
        PriorOrder(
            reply=order.reply.record_id,
            order=order.order.number,
            disposition=chosen.get((order.reply.record_id.hex(), order.order.number), Disposition.CONTINUE),
        )
        for order in still_open
    )


def _stated_dispositions(stated: Any) -> dict[tuple[str, int], Disposition]:
    named = {choice.name.lower(): choice for choice in Disposition}
    chosen: dict[tuple[str, int], Disposition] = {}
    if not isinstance(stated, list | None):
        raise BadRequest("prior must be a list.")
    for row in stated or ():
        match row:
            case {"reply": str(reply), "order": int(number), "disposition": str(word)} if word in named:
                chosen[reply, number] = named[word]
            case _:
                raise BadRequest(
                    'Each of prior needs "reply" (hex), "order" (number) and "disposition" '
                    f"({', '.join(named)})."
                )
    return chosen
