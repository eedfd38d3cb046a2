"""What of the product is played in a fleet; a test may put a faulty part here, to see that it is noticed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from protocol.ids import Incarnation
from simulations.workload import Desk
from simulations.world import Clinicians
from sync.scheduler import Decision, LinkNow, PairNow, decide
from sync.stores import MemoryStore


def _desk(clinicians: Iterable[Clinicians], seed: str) -> Desk:
    return Desk(clinicians, seed=seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The product's own, unless a test says otherwise."""

    store: Callable[[Callable[[], Incarnation]], MemoryStore] = MemoryStore
    desk: Callable[[Iterable[Clinicians], str], Desk] = _desk
    policy: Callable[[Sequence[LinkNow], Sequence[PairNow], float], Decision] = decide


PRODUCT = Parts()
