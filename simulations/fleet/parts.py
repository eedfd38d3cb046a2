"""What of the product is played in a fleet; a test may put a faulty part here, to see that it is noticed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from simulations.hosts.disk import Disk, FileDisk, MemoryDisk, NewIncarnation, nothing_planted
from simulations.workload import Desk
from simulations.world import Clinicians
from sync.scheduler import Decision, LinkNow, PairNow, decide


def _desk(clinicians: Iterable[Clinicians], seed: str) -> Desk:
    return Desk(clinicians, seed=seed)


def memory_disk(new_incarnation: NewIncarnation, name: str) -> Disk:
    """The product's custody in memory."""
    return MemoryDisk(new_incarnation, nothing_planted)


def file_disk(folder: Path, new_incarnation: NewIncarnation, name: str) -> Disk:
    """The product's custody in its own tables, in a folder of this name."""
    return FileDisk(folder, new_incarnation, nothing_planted, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The product's own, unless a test says otherwise."""

    disk: Callable[[NewIncarnation, str], Disk] = memory_disk
    """Of one pair at one end; both ends of all sites have names of their own."""
    desk: Callable[[Iterable[Clinicians], str], Desk] = _desk
    policy: Callable[[Sequence[LinkNow], Sequence[PairNow], float], Decision] = decide


PRODUCT = Parts()


def filed_in(folder: Path) -> Parts:
    """As `PRODUCT`, with custody in database files there."""
    return Parts(disk=partial(file_disk, folder))
