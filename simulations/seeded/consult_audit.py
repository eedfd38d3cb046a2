"""What the disks of whole sites and their hub hold in the end, told to whoever judges it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from simulations.checkers.observations import DeviceAdmitted, Observation, PictureFiled, WorldHealed
from simulations.hosts.audit import Audit, Missing
from simulations.hosts.filed import device_key, keys_admitted, pictures_filed
from simulations.virtual.loop import virtual_loop


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """What lies at both ends, once nothing runs any more."""

    hub: str
    hub_folder: Path
    site_folders: Mapping[str, Path]
    copied: frozenset[str]
    """Sites of which one is a copy of another."""
    keys_lost: frozenset[bytes]
    """Of devices that are gone, and had joined."""
    has_pictures: bool
    """The hub's disk has kept its promises, so that its pictures can be asked for."""
    owed: tuple[Missing, ...]
    """What else is known to be missing."""
    pending: tuple[tuple[str, bytes], ...]


async def audit_ends(
    ends: Ends, *, observe: Callable[[Observation], None], judge: Callable[[Observation], None]
) -> None:
    """Both ends of every case that was sent hold the same records, each where its author put it. `observe`
    also writes the trace, `judge` does not."""
    audit = Audit(ends.hub, ends.hub_folder, ends.site_folders, copied=ends.copied)
    await audit.read()
    for observation in (*audit.written(), *audit.filed()):
        observe(observation)
    genuine = {await device_key(folder) for folder in ends.site_folders.values()} | ends.keys_lost
    for key in await keys_admitted(ends.hub_folder):
        judge(DeviceAdmitted(at_s=0.0, place=ends.hub, key=key, is_genuine=key in genuine))
    for found in await pictures_filed(ends.hub_folder) if ends.has_pictures else ():
        judge(PictureFiled(at_s=0.0, place=ends.hub, case=found.case, blob=found.blob, opens=found.opens))
    missing = (*audit.missing(), *ends.owed)
    observe(WorldHealed(at_s=virtual_loop().time(), missing=missing, pending=ends.pending))
