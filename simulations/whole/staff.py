"""A site of the world while it is played: its machine, its people, its links, and when it is switched on."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Final

from simulations.fleet.link import HELD_LOOK_S
from simulations.world import SiteGroup
from simulations.world.world import HOUR_S

from .bills import bill
from .disks import SiteNotes
from .hosts import StaffedSite
from .links import Laid
from .medics import Medic
from .moments import RunTime
from .outcome import Played

PRELUDE_S: Final = 4 * HOUR_S
"""Before the run, in which its machines are switched on one after the other."""
BOOT_S: Final = 60.0
"""What a first contact takes at most, before the run begins."""


@dataclass(slots=True, kw_only=True)
class Manned:
    """One site."""

    number: int
    name: str
    group: SiteGroup
    site: StaffedSite
    medic: Medic
    boots_s: float
    laid: tuple[Laid, ...] = ()
    """None before the run begins."""
    notes: SiteNotes = field(default_factory=SiteNotes)

    def collect(self) -> None:
        """What the site has written down since the last time."""
        self.notes.collect(self.site.machine.folder)

    def played(self, time: RunTime, until_s: float) -> Played:
        """With its bill, once its disk has been read."""
        return Played(
            number=self.number,
            machine=self.site.name,
            name=self.name,
            group=self.group,
            laid=self.laid,
            notes=self.notes,
            paid=bill(self.laid, self.notes.contacts.values(), time=time, until_s=until_s),
        )


def boots_s(group: SiteGroup, key: str) -> float:
    """Some time before the run, so that the sites of a fleet do not look for replies in step."""
    look_s = min(link.every_s or HELD_LOOK_S for link in group.links)
    earliest_s = max(BOOT_S, min(look_s, PRELUDE_S))
    return -random.Random(f"boots/{key}").uniform(BOOT_S, earliest_s)
