"""An emergency that is written while a photograph crosses a thin link: how long until it is at the hub."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import Enum
from statistics import median

from protocol.header import Priority
from sync.core import BundleReceived, LinkMemory
from sync.links.rate_memory import RateMemory
from sync.ports import Rank

from .datagram_contact import Contact, add, contact, new_store
from .lossy_link import Conditions

RATE_BIT_S = 2_400
DELAY_S = 0.75
PHOTOGRAPH_BYTES = 5_000_000
TEXT_BYTES = 761
OWN_S = TEXT_BYTES * 8 / RATE_BIT_S
MOMENTS_S = (1.0, 3.0, 6.0, 11.0, 17.0, 25.0, 37.0, 60.0)
"""Eight, from the first flight to long after the rate was found; chance moves each by up to a datagram."""
PATIENCE_S = 60.0
Spans = tuple[tuple[float, float], ...]


class Loss(Enum):
    """What the link loses."""

    NOTHING = "nothing"
    LEAVING = "what leaves meanwhile"
    UNDER_WAY = "that, and all that is under way, in both directions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Overtaking:
    """A text on its way past a photograph."""

    met: Contact
    written_at: float
    arrived: list[float]

    @property
    def took_s(self) -> float:
        return self.arrived[0] - self.written_at if self.arrived else float("inf")


def overtakes_s(
    moment_s: float,
    seed: int,
    *,
    memory: RateMemory | None = None,
    loss: Loss = Loss.NOTHING,
    lost_after_s: float = 0.0,
    lost_for_s: float = 0.001,
) -> float:
    """From the writing of the text until it is durable at the hub; infinite if that took a minute. The link
    loses something for a while, or for an instant, so long after the writing."""
    begins_at = written_at(moment_s, seed) + lost_after_s
    lost = ((begins_at, begins_at + lost_for_s),)
    return overtaking(
        moment_s,
        seed,
        memory=memory,
        deaf=lost if loss is Loss.LEAVING else (),
        dark=lost if loss is Loss.UNDER_WAY else (),
    ).took_s


def written_at(moment_s: float, seed: int) -> float:
    return moment_s + random.Random(f"{moment_s}/{seed}").uniform(0.0, 1.4)


def overtaking(
    moment_s: float,
    seed: int,
    *,
    memory: RateMemory | None = None,
    deaf: Spans = (),
    dark: Spans = (),
) -> Overtaking:
    """Until the text is at the hub."""
    at = written_at(moment_s, seed)
    node, hub = new_store(seed), new_store(seed + 1)
    add(node, PHOTOGRAPH_BYTES, seed=seed + 8, priority=Priority.BULK, rank=Rank.FULL)
    met = contact(
        node,
        hub,
        Conditions(rate_bit_s=RATE_BIT_S, delay_s=DELAY_S, deaf=deaf, dark=dark),
        memory=memory,
        link_memory=LinkMemory(RATE_BIT_S / 8, 2 * DELAY_S),
        seed=seed + 2,
    )
    met.run(until=at)
    add(node, TEXT_BYTES, seed=seed + 10, priority=Priority.EMERGENCY)
    met.node.session.outgoing_changed(met.world.now)
    arrived: list[float] = []

    def note(event: object) -> None:
        if isinstance(event, BundleReceived) and event.offer.size_bytes == TEXT_BYTES:
            arrived.append(met.world.now)
            met.die()

    met.hub.reaction = note
    met.run(until=at + PATIENCE_S)
    return Overtaking(met=met, written_at=at, arrived=arrived)


def usual_s(seed: int) -> float:
    """The median of eight moments."""
    return median(overtakes_s(moment_s, seed) for moment_s in MOMENTS_S)


def worst_s(seed: int) -> float:
    """The worst of eight moments."""
    return max(overtakes_s(moment_s, seed) for moment_s in MOMENTS_S)


def worst_unknown_s(seed: int, memory: RateMemory) -> float:
    """The worst of the late moments on a link that nobody has told anything of, or not the truth."""
    return max(overtakes_s(moment_s, seed, memory=memory) for moment_s in MOMENTS_S if moment_s >= 25)
