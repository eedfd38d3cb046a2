"""An emergency that is written while a photograph crosses a thin link: how long until it is at the hub."""

from __future__ import annotations

import random
from statistics import median

from protocol.header import Priority
from sync.core import BundleReceived, LinkMemory
from sync.links.rate_memory import RateMemory
from sync.ports import Rank

from .datagram_contact import add, contact, new_store
from .lossy_link import Conditions

RATE_BIT_S = 2_400
DELAY_S = 0.75
PHOTOGRAPH_BYTES = 5_000_000
TEXT_BYTES = 761
OWN_S = TEXT_BYTES * 8 / RATE_BIT_S
MOMENTS_S = (1.0, 3.0, 6.0, 11.0, 17.0, 25.0, 37.0, 60.0)
"""Eight, from the first flight to long after the rate was found; chance moves each by up to a datagram."""
PATIENCE_S = 60.0


def overtakes_s(
    moment_s: float, seed: int, *, memory: RateMemory | None = None, is_lost: bool = False
) -> float:
    """From the writing of the text until it is durable at the hub; infinite if that took a minute.
    `is_lost` if what leaves in that moment gets lost."""
    written_at = moment_s + random.Random(f"{moment_s}/{seed}").uniform(0.0, 1.4)
    deaf = ((written_at, written_at + 0.001),) if is_lost else ()
    node, hub = new_store(seed), new_store(seed + 1)
    add(node, PHOTOGRAPH_BYTES, seed=seed + 8, priority=Priority.BULK, rank=Rank.FULL)
    met = contact(
        node,
        hub,
        Conditions(rate_bit_s=RATE_BIT_S, delay_s=DELAY_S, deaf=deaf),
        memory=memory,
        link_memory=LinkMemory(RATE_BIT_S / 8, 2 * DELAY_S),
        seed=seed + 2,
    )
    met.run(until=written_at)
    add(node, TEXT_BYTES, seed=seed + 10, priority=Priority.EMERGENCY)
    met.node.session.outgoing_changed(met.world.now)
    arrived: list[float] = []

    def note(event: object) -> None:
        if isinstance(event, BundleReceived) and event.offer.size_bytes == TEXT_BYTES:
            arrived.append(met.world.now)
            met.die()

    met.hub.reaction = note
    met.run(until=written_at + PATIENCE_S)
    return arrived[0] - written_at if arrived else float("inf")


def usual_s(seed: int) -> float:
    """The median of eight moments."""
    return median(overtakes_s(moment_s, seed) for moment_s in MOMENTS_S)


def worst_s(seed: int) -> float:
    """The worst of eight moments."""
    return max(overtakes_s(moment_s, seed) for moment_s in MOMENTS_S)


def worst_unknown_s(seed: int, memory: RateMemory) -> float:
    """The worst of the late moments on a link that nobody has told anything of, or not the truth."""
    return max(overtakes_s(moment_s, seed, memory=memory) for moment_s in MOMENTS_S if moment_s >= 25)
