"""A hub and the sites that are enrolled with it, made once and copied into each world.

Making them costs a fifth of a second for each code that is stretched; a copy costs milliseconds. They follow
from a seed of their own, so that every world begins on the same disks.
"""

from __future__ import annotations

import asyncio
import atexit
import shutil
import tempfile
from pathlib import Path
from typing import Final

from protocol.actors import Role
from sfhub.app import init_hub
from sfhub.config import HubFolder, HubIdentity
from sfnode.config import NodeFolder, SiteSettings, write_settings
from sfnode.vault.vault import Vault
from simulations.virtual.entropy import seeded_entropy
from simulations.virtual.loop import run_virtual
from simulations.virtual.network import Network
from sync.stores.database import Execution

from .hub_host import SPECIALIST, HubHost
from .machine import copy_disk
from .ram_disk import disk_root
from .sealer import EqualSizeSealer
from .site import CHEAP, PASSPHRASE, Site

IDENTITY: Final = HubIdentity("Example Health", "Main desk")
HUB: Final = "hub"


def site_name(number: int) -> str:
    """How the sites of a foundation are called."""
    return f"site-{number}"


class Foundation:
    """The first disks of one hub and of so many sites."""

    def __init__(self, folder: Path, sites: int) -> None:
        self.folder = folder
        self.sites = sites
        with seeded_entropy("foundation"):
            network = Network()
            run_virtual(self._make(network), network=network)

    @classmethod
    def kept(cls, sites: int) -> Foundation:
        """In a folder that goes when the process does."""
        folder = tempfile.mkdtemp(prefix="sfsim-foundation-", dir=disk_root())
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        return cls(Path(folder), sites)

    def copy_to(self, root: Path) -> None:
        """The disks for a world: `root`/NAME/1 for each machine."""
        for name in (HUB, *(site_name(number) for number in range(self.sites))):
            copy_disk(self.folder / name / "1", root / name / "1")

    async def _make(self, network: Network) -> None:
        init_hub(HubFolder(self.folder / HUB / "1"), IDENTITY)
        async with asyncio.TaskGroup() as group:
            hub = HubHost(HUB, self.folder / HUB, network=network, owner=group, sealer=EqualSizeSealer())
            await hub.boot()
            await hub.ask("clinician_add", name=SPECIALIST, role="specialist")
            for number in range(self.sites):
                await self._enrol(site_name(number), hub, network, group)
            await hub.end()

    async def _enrol(self, name: str, hub: HubHost, network: Network, group: asyncio.TaskGroup) -> None:
        root = self.folder / name
        await new_site(NodeFolder(root / "1"), name)
        site = Site(name, root, hub=HUB, network=network, owner=group, sealer=EqualSizeSealer())
        await site.boot()
        code = (await hub.ask("enrol_new", site=name))["code"]
        request = (await site.ask("enrol_request", code=code))["request"]
        response = (await hub.ask("enrol_accept", request=request))["response"]
        await site.ask("enrol_response", hub=f"http://{HUB}", response=response)
        await site.end()


async def new_site(folder: NodeFolder, name: str) -> None:
    """The disk of a site that has not joined any hub."""
    folder.create()
    vault = await Vault.create(
        folder.root,
        PASSPHRASE,
        site_name=name,
        person_name="Medic on duty",
        role=Role.MEDIC,
        stretching=CHEAP,
        execution=Execution.INLINE,
    )
    await vault.close()
    write_settings(folder.settings, SiteSettings(site=name))
