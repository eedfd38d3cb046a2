"""Brings about what strangers do and what becomes of a lost device, and tells what they were answered."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from protocol.enrolment import NONCE_BYTES, SiteKeys, write_request
from protocol.errors import EnrolmentRefused
from protocol.ids import Pseudonym
from sfhub.errors import HubError
from sfnode.config import NodeFolder
from sfnode.errors import NodeError
from simulations.hosts.filed import device_key
from simulations.hosts.foundation import IDENTITY, new_site
from simulations.hosts.hub_host import HubHost
from simulations.hosts.life import Crashed
from simulations.hosts.site import Site
from sync.stores.sqlite import SqlitePairStore

from .mishaps import OFF_S, Host, Mishaps
from .poison import RememberingSealer, send_poison
from .stranger_acts import (
    AttackEnrolment,
    ChangeHubKeys,
    LoseDevice,
    RevokeKey,
    SendPoison,
    StrangerAct,
)

TRIES_MAX: Final = 8
"""Of whatever people repeat until it is done: a machine may die in the middle of it."""
GUESSES_MAX: Final = 4
"""One more than burn a code."""
_KEY_BYTES: Final = 32

Missing = tuple[str, str, bytes]


class Trespass:
    """Of one world."""

    def __init__(
        self,
        root: Path,
        hub: HubHost,
        sites: Mapping[str, Site],
        mishaps: Mishaps,
        *,
        sealer: RememberingSealer,
        stores: Mapping[str, tuple[Pseudonym, SqlitePairStore]],
        tell: Callable[[str, str], None],
    ) -> None:
        """`stores`: custody by place, of the lives that run."""
        self._root = root
        self._hub = hub
        self._sites = sites
        self._mishaps = mishaps
        self._sealer = sealer
        self._stores = stores
        self._tell = tell
        self._lost: list[str] = []
        self.keys_lost: set[bytes] = set()
        """Of devices that are gone: their sites had joined with them."""

    async def befall(self, act: StrangerAct) -> None:
        """One of them happens."""
        match act:
            case LoseDevice(name, is_revoked):
                await self._lose_device(self._sites[name], is_revoked=is_revoked)
            case RevokeKey(name):
                await self._revoke(self._sites[name])
            case SendPoison(sender, seed):
                await self._send_poison(sender, seed)
            case AttackEnrolment(name, seed):
                await self._attack(self._sites[name], random.Random(f"attack/{seed}"))
            case ChangeHubKeys():
                epoch = (await self._hub.ask("keys_rotate"))["epoch"]
                for earlier in range(epoch):
                    await self._hub.ask("keys_destroy", epoch=earlier)

    async def owed(self) -> tuple[Missing, ...]:
        """Open cases of sites whose device was lost, which the new one has not got back."""
        missing: list[Missing] = []
        rows = await self._hub.ask("queue") if self._lost else []
        for name in self._lost:
            here = {row["case"] for row in await self._sites[name].ask("cases")}
            open_there = {
                row["case"]
                for row in rows
                if row["site"] == name and not row["closed"] and not row["headline_only"]
            }
            missing += [(self._hub.name, name, bytes.fromhex(case)) for case in sorted(open_there - here)]
        return tuple(missing)

    async def told(self) -> None:
        """What lies aside at both ends, in the end."""
        for _ in await self._hub.ask("quarantine"):
            self._tell(self._hub.name, "put a bundle aside")

    # Devices.

    async def _lose_device(self, site: Site, *, is_revoked: bool) -> None:
        async with self._mishaps.at_work:
            machine = site.machine
            machine.crash()
            self.keys_lost.add(await device_key(machine.folder))
            self._lost.append(site.name)
            bought = self._root / f"bought-{len(self._lost)}"
            await new_site(NodeFolder(bought), site.name)
            machine.backups.clear()
            machine.replace_disk(bought)
            self._mishaps.disk_exchanged(site.name)
            await asyncio.sleep(OFF_S)
            await site.reboot()
            if is_revoked:
                await self._repeated(site, self._revoke)
            await self._repeated(site, self._enrol_new)
            # Whoever watches custody is told of a pair when its machine starts.
            for host in self._both(site):
                host.machine.crash()
                await host.reboot()
        self._tell(site.name, "has a new device")

    async def _revoke(self, site: Site) -> None:
        try:
            await self._hub.ask("keys_revoke", name=site.name, reason="stolen")
        except HubError:
            return  # An earlier try got so far.

    async def _enrol_new(self, site: Site) -> None:
        code = (await self._hub.ask("enrol_new", site=site.name))["code"]
        request = (await site.ask("enrol_request", code=code))["request"]
        response = (await self._hub.ask("enrol_accept", request=request))["response"]
        await site.ask("enrol_response", hub=f"http://{self._hub.name}", response=response)

    async def _repeated(self, site: Site, work: Callable[[Site], Any]) -> None:
        for _ in range(TRIES_MAX):
            try:
                await work(site)
            except Crashed:
                for host in self._both(site):
                    if not host.machine.life.alive:
                        await host.reboot()
            else:
                return
        raise RuntimeError(f"{site.name}: nothing came of it in {TRIES_MAX} tries")

    def _both(self, site: Site) -> tuple[Host, Host]:
        return self._hub, site

    # Bundles.

    async def _send_poison(self, sender: str, seed: int) -> None:
        host = sender.partition(":")[0]
        known = self._stores.get(sender)
        if known is None:
            return
        pair, store = known
        machine = (self._hub if host == self._hub.name else self._sites[host]).machine
        sent = await machine.life.run(send_poison(self._sealer, store, host=host, pair=pair, seed=seed))
        if sent:
            self._tell(sender, "has poison to send")

    # Enrolments.

    async def _attack(self, site: Site, draw: random.Random) -> None:
        """Guesses, an altered request, an altered answer; then the genuine ones, until they are taken."""
        for _ in range(TRIES_MAX):
            code = (await self._hub.ask("enrol_new", site=site.name))["code"]
            for _ in range(draw.randint(0, GUESSES_MAX)):
                await self._refused_by_hub(self._guess(site.name, draw))
            request = (await site.ask("enrol_request", code=code, again=IDENTITY.name))["request"]
            if draw.random() < 0.5:
                await self._refused_by_hub(_altered(request, draw))
            try:
                response = (await self._hub.ask("enrol_accept", request=request))["response"]
            except EnrolmentRefused:
                self._tell(site.name, "needs another code")
                continue
            await self._refused_by_site(site, _altered(response, draw))
            await site.ask("enrol_response", hub=f"http://{self._hub.name}", response=response)
            # Who has listened says it again: it is the same answer, and of use to nobody else.
            await self._hub.ask("enrol_accept", request=request)
            self._tell(site.name, "is enrolled all the same")
            return

    def _guess(self, site_name: str, draw: random.Random) -> bytes:
        forged = SiteKeys(
            site_name=site_name,
            signing=draw.randbytes(_KEY_BYTES),
            opening=draw.randbytes(_KEY_BYTES),
            transport=draw.randbytes(_KEY_BYTES),
        )
        # The key of a wrong code is as good as any other key.
        return write_request(forged, key=draw.randbytes(_KEY_BYTES), nonce=draw.randbytes(NONCE_BYTES))

    async def _refused_by_hub(self, request: bytes) -> None:
        try:
            await self._hub.ask("enrol_accept", request=request)
        except EnrolmentRefused:
            self._tell(self._hub.name, "refuses a stranger")

    async def _refused_by_site(self, site: Site, response: bytes) -> None:
        try:
            await site.ask("enrol_response", hub=f"http://{self._hub.name}", response=response)
        except NodeError:
            self._tell(site.name, "refuses an altered answer")


def _altered(message: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(message))
    return message[:at] + bytes((message[at] ^ 1 << draw.randrange(8),)) + message[at + 1 :]
