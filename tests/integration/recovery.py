"""A hub and its sites, with real files and real sessions, that can be ended, copied, put back and begun."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from protocol.actors import Role
from protocol.ids import CaseId
from protocol.keyring import DAY_S
from protocol.sealing import HpkeSealer
from sfhub.app import Hub, init_hub, open_hub
from sfhub.config import HubFolder, HubIdentity
from sfhub.services.replies import Draft
from sfhub.storage.people import Clinician
from sfhub.storage.sites import Pair
from sfnode.domain.notice_words import worded
from sfnode.services.alarm_sound import AlarmSound
from sfnode.services.alarms import Alarms
from sfnode.services.casebook import CaseBook
from sfnode.services.clock import SetClock
from sfnode.services.enrolment import Enrolment
from sfnode.services.inbox import Inbox
from sfnode.services.labels import Labels
from sfnode.services.outbox import Outbox
from sfnode.services.progress import SpoolCarriage
from sfnode.services.pruning import Pruning
from sfnode.services.returning import Returning
from sfnode.services.session_watch import SessionWatch
from sfnode.services.vault_access import VaultAccess
from sfnode.spool.spool import Spool
from sfnode.vault.vault import Vault
from sfnode.views import AlarmView
from sync.driver import SessionReport, Setting, answer_session, dial_session, read_call
from sync.links.memory import MemoryLinkConditions, memory_link
from sync.registry import SessionRegistry
from sync.stores.database import Execution
from sync.stores.sqlite import SqlitePairStore
from tests.sfnode.services.station import CHEAP, NOW_S, PASSPHRASE, new_case, photo_layers

IDENTITY = HubIdentity("Example Health", "Main desk")
CONTACTS_MAX = 8
"""After so many contacts everything has moved, or never will."""
QUIET_CONTACTS = 2
DOCTOR = "Specialist on duty"


@dataclass
class Courier:
    """Carries an enrolment to the hub and back."""

    hub: Hub

    async def carry(self, hub_url: str, request: bytes) -> bytes:
        return await self.hub.enrolment.answer(request)


@dataclass
class Site:
    """One node, open; its services run when a test says so."""

    folder: Path
    name: str
    clock: SetClock
    spool: Spool
    vault: VaultAccess
    inbox: Inbox
    outbox: Outbox
    returning: Returning
    pruning: Pruning
    watch: SessionWatch
    alarms: Alarms
    troubles: list[str] = field(default_factory=list)

    @property
    def book(self) -> CaseBook:
        return self.vault.casebook

    async def custody(self) -> SqlitePairStore:
        pairing = await self.spool.pairings.home()
        assert pairing is not None
        return await self.spool.custody(pairing)

    async def enrol(self, hub: Hub) -> None:
        code = (await hub.enrolment.new_code(self.name)).code
        enrolment = Enrolment(self.vault, self.spool, clock=self.clock, courier=Courier(hub))
        await enrolment.enrol("http://hub.example", code, again=hub.identity.mailbox)

    async def settle(self) -> None:
        """What the node's services do by themselves."""
        await self.watch.catch_up()
        await self.inbox.open_waiting()
        await self.returning.queue_asked()
        await self.book.keep_keys_current()
        await self.outbox.seal_waiting()

    async def write(self, question: str, *, photo: bool = False) -> CaseId:
        """A case that is sent, as far as custody."""
        case_id = await self.draft(question, photo=photo)
        await self.book.send_case(case_id, accept_missing=True)
        await self.outbox.seal_waiting()
        return case_id

    async def draft(self, question: str, *, photo: bool = False) -> CaseId:
        case_id = (await self.book.open_case(new_case(question=question))).case_id
        if photo:
            layers = photo_layers(preview=os.urandom(2_000), standard=os.urandom(15_000))
            await self.book.add_photo(case_id, layers, caption="paper ECG")
        return case_id

    async def note(self, case_id: CaseId, text: str) -> None:
        await self.book.add_note(case_id, language="en", text=text)
        await self.outbox.seal_waiting()

    async def entries(self) -> frozenset[bytes]:
        """Ids of all that stands in the vault."""
        rows = await self.vault.vault.database.read(
            lambda connection: connection.execute("SELECT entry_id FROM entry").fetchall()
        )
        return frozenset(entry_id for (entry_id,) in rows)

    async def acknowledged(self) -> frozenset[bytes]:
        """Ids of all that the hub has said it holds."""
        custody, held = await self.custody(), set()
        rows = await self.vault.vault.database.read(
            lambda connection: connection.execute(
                "SELECT entry_id, bundle_id FROM outbox_entry JOIN outbox ON row = outbox_row"
                " WHERE bundle_id IS NOT NULL"
            ).fetchall()
        )
        for entry_id, bundle_id in rows:
            state = await custody.sent_state(bundle_id)
            if state is not None and state.stored:
                held.add(entry_id)
        return frozenset(held)

    async def notices(self) -> tuple[str, ...]:
        """What `sfnode status` tells once."""
        pairing = await self.spool.pairings.home()
        assert pairing is not None
        now_s = self.clock.wall_s()
        await self.spool.notices.collect(pairing.pseudonym, await self.custody(), worded, now_s=now_s)
        return await self.spool.notices.shown(now_s=now_s)


@asynccontextmanager
async def open_site(folder: Path, clock: SetClock, name: str = "MV ARGO") -> AsyncIterator[Site]:
    """Unlocked; founded if the folder is new."""
    if not (folder / "vault.db").exists():
        vault = await Vault.create(
            folder,
            PASSPHRASE,
            site_name=name,
            person_name="Medic on duty",
            role=Role.MEDIC,
            stretching=CHEAP,
            execution=Execution.INLINE,
        )
        await vault.close()
    spool = await Spool.open(folder / "spool.db", execution=Execution.INLINE, wall_s=clock.wall_s)
    access = VaultAccess(folder, lambda opened: CaseBook(opened, clock=clock), execution=Execution.INLINE)
    site = _wired(folder, name, clock, spool, access)
    try:
        await access.unlock(PASSPHRASE)
        yield site
    finally:
        await access.lock()
        await spool.close()


def _wired(folder: Path, name: str, clock: SetClock, spool: Spool, access: VaultAccess) -> Site:
    sealer, troubles = HpkeSealer(os.urandom), list[str]()
    alarms = Alarms(access, spool.alarms, sound=AlarmSound(()), clock=clock, tell=lambda view: True)

    async def keep(views: Iterable[AlarmView]) -> None:
        await alarms.keep(views)

    inbox = Inbox(access, spool, sealer=sealer, clock=clock, keep_alarms=keep, trouble=troubles.append)
    return Site(
        folder=folder,
        name=name,
        clock=clock,
        spool=spool,
        vault=access,
        inbox=inbox,
        outbox=Outbox(access, spool, sealer=sealer, clock=clock, trouble=troubles.append),
        returning=Returning(access, spool, clock=clock, trouble=troubles.append),
        pruning=Pruning(spool, clock=clock),
        watch=SessionWatch(
            spool,
            carriage=SpoolCarriage(spool),
            labels=Labels(),
            inbox=inbox,
            alarms=alarms,
            clock=clock,
            tell=lambda view: None,
            status_changed=lambda: None,
        ),
        alarms=alarms,
        troubles=troubles,
    )


class Sea:
    """One hub and the sites that call it. Every app can be ended and begun again over other files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = SetClock(wall_s=NOW_S)
        self._stacks: dict[str, AsyncExitStack] = {}
        self._hub: Hub | None = None
        self.sites: dict[str, Site] = {}

    @property
    def hub(self) -> Hub:
        assert self._hub is not None
        return self._hub

    @property
    def home(self) -> HubFolder:
        return HubFolder(self.folder / "hub")

    async def begin_hub(self) -> Hub:
        stack = self._stacks["hub"] = AsyncExitStack()
        self._hub = await stack.enter_async_context(
            open_hub(self.home, self.clock, execution=Execution.INLINE)
        )
        return self._hub

    async def end_hub(self) -> None:
        self._hub = None
        await self._stacks.pop("hub").aclose()

    async def begin_site(self, folder: str, name: str = "MV ARGO") -> Site:
        stack = self._stacks[folder] = AsyncExitStack()
        site = await stack.enter_async_context(open_site(self.folder / folder, self.clock, name))
        self.sites[folder] = site
        return site

    async def end_site(self, folder: str) -> None:
        del self.sites[folder]
        await self._stacks.pop(folder).aclose()

    async def end(self) -> None:
        for name in list(self._stacks):
            await self._stacks.pop(name).aclose()

    def copy(self, source: str, target: str) -> None:
        """A folder whose process is ended, to another place, in the place of what is there."""
        shutil.rmtree(self.folder / target, ignore_errors=True)
        shutil.copytree(self.folder / source, self.folder / target)

    def pass_days(self, days: int) -> None:
        self.clock.pass_time(days * DAY_S)

    async def pair_of(self, site: Site) -> Pair:
        pairing = await site.spool.pairings.home()
        assert pairing is not None
        pair = self.hub.sites.directory.pair_of(pairing.pseudonym)
        assert pair is not None
        return pair

    async def meet(self, site: Site, *, down: MemoryLinkConditions | None = None) -> SessionReport:
        """One contact, and then what both make of it; `down` is how the link from the hub behaves."""
        report = await self.carry(site, down=down)
        await site.settle()
        return report

    async def carry(self, site: Site, *, down: MemoryLinkConditions | None = None) -> SessionReport:
        """One contact, and what the hub makes of it."""
        near, far = memory_link(down=down)
        hub, pair = self.hub, await self.pair_of(site)
        pairing = await site.spool.pairings.home()
        assert pairing is not None

        async def listen() -> None:
            await answer_session(
                far,
                await read_call(far),
                link_secret=hub.contacts.link_secret(pair),
                registry=SessionRegistry(),
                setting=await hub.contacts.setting(pair),
            )

        async with asyncio.TaskGroup() as group:
            group.create_task(listen())
            report = await dial_session(
                near,
                link_secret=pairing.link_secret,
                pseudonym=pairing.pseudonym,
                setting=Setting(
                    store=await site.custody(),
                    clock=site.clock,
                    observer=site.watch.of(pairing.pseudonym).happened,
                ),
            )
        await self.settle_hub(pair)
        return report

    async def settle_hub(self, pair: Pair) -> None:
        """What the hub's tasks do by themselves."""
        await self.hub.ingest.drain(pair)
        await self.hub.prekeys.keep_current()
        self.hub.returning.check(pair)
        await self.hub.returning.flush()
        self.hub.outbox.check(pair)
        await self.hub.outbox.flush()

    async def heal(self, *sites: Site) -> int:
        """Contacts until nothing moves any more, twice: what one asks for, the other may bring in the next;
        how many that took."""
        quiet = 0
        for count in range(1, CONTACTS_MAX + 1):
            moved = 0
            for site in sites or tuple(self.sites.values()):
                counters = (await self.meet(site)).counters
                moved += counters.bundles_sent + counters.bundles_received
            quiet = 0 if moved else quiet + 1
            if quiet == QUIET_CONTACTS:
                return count
        raise AssertionError("bundles go on moving for ever")

    async def answer(self, case_id: CaseId, assessment: str) -> None:
        """A reply of the specialist, sealed for the site."""
        draft = Draft(values={"assessment": assessment})
        await self.hub.replies.send(case_id, await self.doctor(), draft)
        await self.hub.outbox.flush()

    async def doctor(self) -> Clinician:
        known = {one.name: one for one in await self.hub.people.all()}
        return known.get(DOCTOR) or await self.hub.people.add(DOCTOR, Role.SPECIALIST)

    async def hub_entries(self) -> frozenset[bytes]:
        """Ids of all that stands at the hub."""
        rows = await self.hub.database.read(
            lambda connection: connection.execute("SELECT entry_id FROM entries").fetchall()
        )
        return frozenset(entry_id for (entry_id,) in rows)

    async def hub_pictures(self) -> frozenset[bytes]:
        rows = await self.hub.database.read(
            lambda connection: connection.execute("SELECT blob FROM layers").fetchall()
        )
        return frozenset(blob for (blob,) in rows)

    async def put_aside(self) -> list[str]:
        """Why anything was put aside at the hub: nothing should be."""
        rows = await self.hub.database.read(
            lambda connection: connection.execute("SELECT reason FROM quarantine").fetchall()
        )
        return [reason for (reason,) in rows]

    async def hub_notices(self) -> tuple[str, ...]:
        """What `sfhub status` tells once."""
        return await self.hub.contacts.told_once()


@asynccontextmanager
async def at_sea(folder: Path) -> AsyncIterator[Sea]:
    """A hub and one site, enrolled, that have met once."""
    sea = Sea(folder)
    init_hub(sea.home, IDENTITY)
    try:
        hub = await sea.begin_hub()
        site = await sea.begin_site("site")
        await site.enrol(hub)
        await site.settle()
        await sea.meet(site)
        await sea.heal(site)
        yield sea
    finally:
        await sea.end()
