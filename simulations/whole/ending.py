"""The end of a whole run: everything is mended, what is left gets its time, and all disks are compared."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any

from sfhub.errors import HubError
from sfnode.errors import NodeError
from simulations.checkers.observations import ContactPaid, PictureFiled, WorldHealed
from simulations.hosts.audit import Audit
from simulations.hosts.filed import pictures_filed
from simulations.hosts.foundation import HUB
from simulations.seeded.consult_world import HEAL_ROUNDS, SETTLE_S
from simulations.virtual.loop import virtual_loop
from simulations.virtual.network import Network
from sync.stores.errors import StoreError

from .disks import Label, labels_at_hub, labels_at_site
from .hosts import StaffedHub
from .links import heal_links
from .outcome import Played
from .staff import Manned
from .witness import Witness


async def heal(network: Network, manned: Mapping[str, Manned], witness: Witness) -> None:
    """Clean links without caps; every site is told to speak with the hub until nothing is left."""
    witness.note("world", "all is mended")
    for machine, each in manned.items():
        heal_links(network, machine, HUB, each.laid)
        first = each.laid[0].settings.name
        await _try(each.site.ask("link_set", link=first, no_cap=True, floor="bulk"), machine, witness)
    await asyncio.sleep(SETTLE_S)
    for _ in range(HEAL_ROUNDS):
        for machine, each in manned.items():
            await _try(each.site.ask("sync_once"), machine, witness)
        await asyncio.sleep(SETTLE_S)


async def _try(work: Coroutine[Any, Any, object], machine: str, witness: Witness) -> None:
    try:
        await work
    except (NodeError, HubError, StoreError) as refused:
        witness.refused(machine, refused)


async def labels_of(hub: StaffedHub, manned: Mapping[str, Manned]) -> Mapping[bytes, Label]:
    """What every bundle was, once nothing runs."""
    labels = dict(await labels_at_hub(hub.machine.folder))
    for each in manned.values():
        labels |= await labels_at_site(each.site.machine.folder)
    return labels


async def judge(hub: StaffedHub, manned: Mapping[str, Manned], witness: Witness) -> None:
    """Both ends of every case hold the same records, each where its author put it; its pictures open."""
    audit = Audit(HUB, hub.machine.folder, {name: each.site.machine.folder for name, each in manned.items()})
    await audit.read()
    for observation in (*audit.written(), *audit.filed()):
        witness.observe(observation)
    for found in await pictures_filed(hub.machine.folder):
        witness.observe(
            PictureFiled(at_s=0.0, place=HUB, case=found.case, blob=found.blob, opens=found.opens)
        )
    pending = tuple(witness.pending())
    witness.observe(WorldHealed(at_s=virtual_loop().time(), missing=audit.missing(), pending=pending))
    witness.close()


def judge_spending(played: Played, witness: Witness) -> None:
    """By the site's own account, which is all that it can keep a cap by."""
    caps = {link.settings.name: link.terms.usd_per_day_max for link in played.laid}
    for paid in played.paid:
        # An emergency goes whatever it costs; what else went along is counted with it.
        is_hasty = witness.bundles.had_emergency(played.machine, paid.began_s, paid.ended_s + 1.0)
        witness.observe(
            ContactPaid(
                at_s=paid.ended_s,
                place=played.machine,
                link=paid.link,
                day=paid.day,
                usd=paid.own_usd,
                cap_usd=None if is_hasty else caps[paid.link],
            )
        )
