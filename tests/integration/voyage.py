"""A real node's services and a real hub's, meeting over links in memory whenever a test says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from protocol.ids import CaseId, mailbox_of
from protocol.keyring import DAY_S
from sfhub.app import Hub, init_hub, open_hub
from sfhub.config import HubFolder, HubIdentity
from sfhub.storage.sites import Pair
from sfnode.services.clock import SetClock
from sfnode.services.enrolment import Enrolment
from sync.driver import SessionReport, Setting, answer_session, dial_session, read_call
from sync.links.memory import memory_link
from sync.ports import Rank
from sync.registry import SessionRegistry
from sync.stores.database import Execution
from tests.sfnode.services.post import Post, open_post
from tests.sfnode.services.station import NOW_S, new_case

IDENTITY = HubIdentity("Example Health", "Main desk")
SITE = "MV ARGO"
HUB = mailbox_of(IDENTITY.organisation, IDENTITY.name)


@dataclass
class HubCourier:
    """Carries an enrolment to the hub and back."""

    hub: Hub

    async def carry(self, hub_url: str, request: bytes) -> bytes:
        return await self.hub.enrolment.answer(request)


@dataclass
class Voyage:
    """One site and its hub; both clocks move together."""

    hub: Hub
    post: Post
    hub_clock: SetClock

    @property
    def pair(self) -> Pair:
        return self.hub.sites.directory.pairs[-1]

    def pass_days(self, days: int) -> None:
        self.post.clock.pass_time(days * DAY_S)
        self.hub_clock.pass_time(days * DAY_S)

    async def settle_site(self) -> None:
        """What the node's services do by themselves; locked, they wait."""
        await self.post.inbox.open_waiting()
        if self.post.vault.unlocked:
            await self.post.book.keep_keys_current()
        await self.post.outbox.seal_waiting()

    async def settle_hub(self) -> None:
        await self.hub.ingest.drain(self.pair)
        await self.hub.prekeys.keep_current()
        self.hub.outbox.check(self.pair)
        await self.hub.outbox.flush()

    async def meet(self) -> SessionReport:
        """One session, and then what both make of it."""
        near, far = memory_link()
        hub, pair = self.hub, self.pair

        async def listen() -> None:
            call = await read_call(far)
            await answer_session(
                far,
                call,
                link_secret=hub.contacts.link_secret(pair),
                registry=SessionRegistry(),
                setting=await hub.contacts.setting(pair),
            )

        pairing = await self.post.spool.pairings.home()
        assert pairing is not None
        async with asyncio.TaskGroup() as group:
            group.create_task(listen())
            report = await dial_session(
                near,
                link_secret=pairing.link_secret,
                pseudonym=pairing.pseudonym,
                setting=Setting(store=await self.post.custody(), clock=self.post.clock),
            )
        await self.settle_hub()
        await self.settle_site()
        return report

    async def new_case(self, question: str) -> CaseId:
        """A case that the site has sent, as far as custody."""
        case_id = (await self.post.book.open_case(new_case(question=question))).case_id
        await self.post.book.send_case(case_id, accept_missing=True)
        await self.post.outbox.seal_waiting()
        return case_id

    async def sealed_for(self) -> set[bytes]:
        """The prekeys that what waits at the site is sealed for; headlines need none."""
        custody = await self.post.custody()
        view = await custody.open_session()
        waiting = [bundle.offer for bundle in view.pending if bundle.rank is not Rank.HEADLINE]
        return {offer.recipient_key for offer in waiting}


@asynccontextmanager
async def open_voyage(folder: Path) -> AsyncIterator[Voyage]:
    """Enrolled, and met once."""
    home = HubFolder(folder / "hub")
    init_hub(home, IDENTITY)
    clock = SetClock(wall_s=NOW_S)
    async with (
        open_hub(home, clock, execution=Execution.INLINE) as hub,
        open_post(folder / "site", enrolled=False) as post,
    ):
        code = (await hub.enrolment.new_code(SITE)).code
        enrolment = Enrolment(post.vault, post.spool, clock=post.clock, courier=HubCourier(hub))
        await enrolment.enrol("http://hub.example", code)
        voyage = Voyage(hub, post, clock)
        await voyage.settle_hub()
        await voyage.settle_site()
        await voyage.meet()
        yield voyage
