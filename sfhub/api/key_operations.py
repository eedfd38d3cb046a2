"""Calls about keys: list, rotate, destroy, revoke; and what the hub's status says of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from protocol.keyring import DAY_S
from protocol.prekeys import RevocationReason

from ..app import Hub
from ..errors import BadRequest
from .params import Params

Operation = Callable[[Hub, Params], Awaitable[object]]


async def key_status(hub: Hub) -> dict[str, object]:
    """The newest epoch, and bundles that wait for a new seal on either side."""
    asked = unopened = 0
    for pair in hub.sites.directory.pairs:
        custody = await hub.custody.pair(pair.pseudonym)
        asked += len(await custody.rekeys())
        unopened += len(await custody.unopened())
    return {"key_epoch": max(hub.keys.epochs), "to_seal_again": asked, "asked_to_seal_again": unopened}


async def _keys_list(hub: Hub, _: Params) -> object:
    pairs = [pair for pair in hub.sites.directory.pairs if not pair.revoked]
    return {
        "epochs": [
            {
                "epoch": one.row.epoch,
                "made_s": one.row.made_s,
                "destroyed_s": one.row.destroyed_s,
                "held": one.held,
                "newest": one.newest,
                "sites_told": sum(pair.told_epoch >= one.row.epoch for pair in pairs),
            }
            for one in await hub.prekeys.epochs()
        ],
        "sites": len(pairs),
        "revoked": [
            {
                "key": item.revocation.key_id.hex(),
                "reason": item.revocation.reason.name.lower(),
                "since_counter": item.revocation.since,
                "remark": item.revocation.remark,
                "revoked_s": item.noted_s,
                "version": item.revocation.version,
            }
            for item in await hub.revocations.all()
        ],
    }


async def _keys_rotate(hub: Hub, _: Params) -> object:
    epoch = await hub.prekeys.rotate()
    told = sum(pair.told_epoch >= epoch for pair in hub.sites.directory.pairs)
    return {"epoch": epoch, "sites_told": told}


async def _keys_destroy(hub: Hub, params: Params) -> object:
    epoch, days = params.whole_or_none("epoch"), params.whole_or_none("older_than_days")
    if (epoch is None) == (days is None):
        raise BadRequest("Say which: an epoch by its number, or an age in days. Nothing was changed.")
    if epoch is not None:
        await hub.prekeys.destroy_epoch(epoch)
        return {"destroyed": [epoch]}
    if days is None or days < 0:
        raise BadRequest("An age is a whole number of days. Nothing was changed.")
    return {"destroyed": list(await hub.prekeys.destroy_older(days * DAY_S))}


async def _keys_revoke(hub: Hub, params: Params) -> object:
    word = params.text("reason")
    reasons = {reason.name.lower(): reason for reason in RevocationReason}
    if word not in reasons:
        raise BadRequest(f"A reason is one of {', '.join(reasons)}. Nothing was changed.")
    done = await hub.revocations.revoke(
        params.text("name"),
        reason=reasons[word],
        since=params.whole_or_none("since") or 0,
        remark=params.text_or("remark", "") or None,
    )
    return {
        "key": done.revocation.key_id.hex(),
        "site": None if done.pair is None else done.pair.site_name,
        "version": done.revocation.version,
        "devices_told": done.told,
    }


KEY_OPERATIONS: Final[Mapping[str, Operation]] = {
    "keys_list": _keys_list,
    "keys_rotate": _keys_rotate,
    "keys_destroy": _keys_destroy,
    "keys_revoke": _keys_revoke,
}
