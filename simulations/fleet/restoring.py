"""Disks that go back to a backup in the middle of a run, and what is missing once every link has healed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import partial
from typing import Final

from protocol.header import Priority
from protocol.ids import BundleId
from simulations.checkers.observations import WorldHealed
from simulations.hosts.disk import Disk
from simulations.links import DirectionProfile, LinkModel
from sync.links.rate_memory import RateMemory

from .consulting import Consulting
from .contact import Contact, Learnt, Terms
from .fleet import HUB, Fleet, who
from .site import Backup, FleetSite
from .witness import Witness, recount

BACKED_UP_BEFORE: Final = 0.8
"""Share of the run by which the last backup is made, so that there is time to heal."""
OLDEST: Final = 0.2
"""Share of the run that a restored backup is old, at most."""
HEALING_ROUNDS_MAX: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What goes wrong beside links: disks restored from backups, each at a moment drawn from the seed."""

    site_restores: int = 0
    hub_restores: int = 0


def plan_faults(fleet: Fleet, faults: Faults) -> None:
    """Draw them."""
    draw = random.Random(f"faults/{fleet.seed}")
    for _ in range(faults.site_restores):
        _plan(fleet, [draw.choice(fleet.sites)], draw, at_hub=False)
    for _ in range(faults.hub_restores):
        _plan(fleet, fleet.sites, draw, at_hub=True)


def heal(fleet: Fleet, consulting: Consulting) -> None:
    """After the run, clean contacts without caps until nothing is left; the checkers judge what lacks."""
    missing: list[tuple[str, str, bytes]] = []
    for site in fleet.sites:
        for _ in range(HEALING_ROUNDS_MAX):
            if _is_even(site) or _converse(fleet, consulting, site):
                break
        missing += [(who(site), HUB, bundle) for bundle in _lacking(site.disk, site.hub_disk)]
        missing += [(HUB, who(site), bundle) for bundle in _lacking(site.hub_disk, site.disk)]
    fleet.observe(WorldHealed(at_s=fleet.until_s, missing=tuple(missing), pending=()))


def _plan(fleet: Fleet, sites: list[FleetSite], draw: random.Random, *, at_hub: bool) -> None:
    saved_s = draw.uniform(0, fleet.until_s * BACKED_UP_BEFORE)
    restored_s = saved_s + draw.uniform(0, fleet.until_s * OLDEST)
    fleet.later(saved_s, partial(_back_up, fleet, sites, restored_s, at_hub=at_hub))


def _back_up(fleet: Fleet, sites: list[FleetSite], restored_s: float, now_s: float, *, at_hub: bool) -> None:
    for site in sites:
        backup = site.backup(at_hub=at_hub)
        taken = set(fleet.taken.get((site.number, at_hub), set()))
        fleet.later(restored_s, partial(_restore, fleet, site, backup, taken, at_hub=at_hub))
        fleet.note(now_s, HUB if at_hub else who(site), "backed up", site=site.number)


def _restore(
    fleet: Fleet, site: FleetSite, backup: Backup, taken: set[BundleId], now_s: float, *, at_hub: bool
) -> None:
    site.restore(backup, now_s, at_hub=at_hub)
    fleet.taken[site.number, at_hub] = taken
    recount(site)
    fleet.note(now_s, HUB if at_hub else who(site), "restored", site=site.number)


def _converse(fleet: Fleet, consulting: Consulting, site: FleetSite) -> bool:
    """One clean contact; whether nothing is left on either side."""
    begins_s = max(fleet.until_s, site.busy_until_s)
    clean_rate = RateMemory(_CLEAN.rate_bit_s / 8, 0.1, is_proven=True)
    terms = Terms(
        floor=Priority.BULK,
        learnt=Learnt(session=site.unheard, site=clean_rate, hub=clean_rate),
    )
    witness = Witness(fleet, consulting, site, site.links[0], lambda parcel, at_s: None)
    up, down = LinkModel(_CLEAN, seed=site.number), LinkModel(_CLEAN, seed=site.number)
    contact = Contact(
        (site.store, up),
        (site.hub_store, down),
        terms,
        witness,
        pair=site.pair,
        salts=site.salts,
        begins_s=begins_s,
    )
    outcome = contact.run(lambda before_s: None)
    witness.over(outcome.ended_s)
    site.unheard = outcome.learnt.session
    site.busy_until_s = outcome.ended_s
    return not site.has_waiting and site.hub_bundles == 0


def _is_even(site: FleetSite) -> bool:
    """Nothing waits and nothing lacks: another contact would find nothing new."""
    waits = site.has_waiting or site.hub_bundles > 0
    return not (waits or _lacking(site.disk, site.hub_disk) or _lacking(site.hub_disk, site.disk))


def _lacking(author: Disk, other: Disk) -> list[bytes]:
    return [bundle_id for bundle_id in author.offered() if not other.holds(bundle_id)]


_CLEAN: Final = DirectionProfile(rate_bit_s=1_000_000.0, delay_ms=50.0, queue_bytes=65_536)
