"""When a site counts as heard: when it has proven that it speaks now, and not when somebody repeats it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from protocol.bundle import EntryBundle
from protocol.header import Priority
from sfhub.app import Hub, init_hub, open_hub
from sfhub.config import HubFolder
from sfhub.server import running
from sync.core import SessionTerms
from sync.driver import Setting, answer_session, dial_session, read_call
from sync.links.memory import MemoryConnection, memory_link
from sync.ports import LinkError, Rank
from sync.registry import SessionRegistry
from sync.stores.memory import MemoryStore
from tests.sfhub.conftest import IDENTITY
from tests.sfhub.site import Site, TestClock, add_to, site_store
from tests.sfhub.test_datagrams import dial_in_datagrams

HOUR_S = 3_600.0
PATIENCE_S = 60.0


class Tapped:
    """A site's end of a link, and whatever it said before it heard anything."""

    def __init__(self, connection: MemoryConnection) -> None:
        self.properties = connection.properties
        self.first_flight = b""
        self._connection = connection
        self._has_heard = False

    async def send(self, data: bytes) -> None:
        if not self._has_heard:
            self.first_flight += data
        await self._connection.send(data)

    async def receive(self) -> bytes:
        data = await self._connection.receive()
        self._has_heard = True
        return data

    async def finish(self) -> None:
        await self._connection.finish()

    async def close(self) -> None:
        await self._connection.close()


async def listen(hub: Hub, site: Site, far: MemoryConnection) -> None:
    """The hub's end of one session."""
    pair = hub.contacts.pair_of(site.known_hub.pseudonym)
    assert pair is not None
    with suppress(LinkError):
        await answer_session(
            far,
            await read_call(far),
            link_secret=hub.contacts.link_secret(pair),
            registry=SessionRegistry(),
            setting=await hub.contacts.setting(pair),
        )


async def drained(hub: Hub) -> None:
    """The hub has worked off what its sessions told."""
    while hub.contacts._stirred.is_set() or hub.contacts._heard:  # noqa: ASYNC110 - another task's work.
        await asyncio.sleep(0)


async def first_flight(hub: Hub, site: Site, store: MemoryStore, clock: TestClock, *, arrives: bool) -> bytes:
    """Of one contact, which the hub may hear of or not."""
    near, far = memory_link()
    tapped = Tapped(near)
    setting = Setting(store=store, clock=clock, terms=SessionTerms())
    secret, pseudonym = site.secrets.link, site.known_hub.pseudonym
    async with asyncio.TaskGroup() as group:
        if arrives:
            group.create_task(listen(hub, site, far))
        talking = group.create_task(
            dial_session(tapped, link_secret=secret, pseudonym=pseudonym, setting=setting)
        )
        while not (arrives or tapped.first_flight):  # noqa: ASYNC110 - another task's work.
            await asyncio.sleep(0)
        if not arrives:
            talking.cancel()
    return tapped.first_flight


async def play(hub: Hub, site: Site, flight: bytes) -> None:
    """Somebody sends a first flight and nothing else; it is taken for a call, and answered."""
    near, far = memory_link()
    async with asyncio.TaskGroup() as group:
        group.create_task(listen(hub, site, far))
        await near.send(flight)
        assert await near.receive()
        await near.close()


@asynccontextmanager
async def noting(hub: Hub) -> AsyncIterator[None]:
    """The hub writes down who was heard."""
    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
        running = group.create_task(hub.contacts.run())
        yield
        await drained(hub)
        running.cancel()


async def test_a_first_flight_that_is_played_again_is_no_word_from_the_site(
    hub: Hub, site: Site, clock: TestClock
) -> None:
    store = site_store()
    await add_to(store, site.seal(EntryBundle((site.story().text,))), Priority.URGENT, Rank.TEXT)
    clock.now_s += HOUR_S  # Since it enrolled.
    async with noting(hub):
        flight = await first_flight(hub, site, store, clock, arrives=True)
    spoke_s = clock.wall_s()
    assert hub.sites.last_heard_s(site.mailbox) == spoke_s
    clock.now_s += HOUR_S
    async with noting(hub):
        await play(hub, site, flight)
    assert hub.sites.last_heard_s(site.mailbox) == spoke_s


async def test_a_contact_that_is_over_before_it_proves_anything_is_heard_once(
    hub: Hub, site: Site, clock: TestClock
) -> None:
    """As one over datagrams that finds nothing new: two of them, and no third."""
    clock.now_s += HOUR_S
    flight = await first_flight(hub, site, site_store(), clock, arrives=False)
    async with noting(hub):
        await play(hub, site, flight)
    spoke_s = clock.wall_s()
    assert hub.sites.last_heard_s(site.mailbox) == spoke_s
    clock.now_s += HOUR_S
    await hub.sites.reload()
    hub.sites._generations.clear()  # As after a restart: it is known from the database.
    async with noting(hub):
        await play(hub, site, flight)
    assert hub.sites.last_heard_s(site.mailbox) == spoke_s


async def test_a_restored_device_is_heard_although_it_numbers_its_sessions_anew(
    hub: Hub, site: Site, clock: TestClock
) -> None:
    store = site_store()
    async with noting(hub):
        for _ in range(3):
            await first_flight(hub, site, store, clock, arrives=True)
    clock.now_s += HOUR_S
    restored = site_store()
    await add_to(restored, site.seal(EntryBundle((site.story().text,))), Priority.URGENT, Rank.TEXT)
    async with noting(hub):
        await first_flight(hub, site, restored, clock, arrives=True)
    assert hub.sites.last_heard_s(site.mailbox) == clock.wall_s()


async def test_what_a_restored_hub_has_forgotten_is_no_word_from_the_site_either(
    tmp_path: Path, clock: TestClock
) -> None:
    folder, store, site = (
        HubFolder(tmp_path / "hub", tmp_path / "notes"),
        site_store(),
        Site("MV ARGO", seed=1),
    )
    init_hub(folder, IDENTITY)
    async with open_hub(folder, clock) as hub:
        await site.enrol(hub)
    await asyncio.to_thread(shutil.copytree, folder.root, tmp_path / "backup")
    clock.now_s += HOUR_S
    async with open_hub(folder, clock) as hub, noting(hub):
        await add_to(store, site.seal(EntryBundle((site.story().text,))), Priority.URGENT, Rank.TEXT)
        flight = await first_flight(hub, site, store, clock, arrives=True)
    await asyncio.to_thread(shutil.rmtree, folder.root)
    await asyncio.to_thread(shutil.copytree, tmp_path / "backup", folder.root)
    clock.now_s += HOUR_S
    async with open_hub(folder, clock) as hub, noting(hub):
        before_s = hub.sites.last_heard_s(site.mailbox)
        await play(hub, site, flight)
        await drained(hub)
        assert hub.sites.last_heard_s(site.mailbox) == before_s
        await first_flight(hub, site, store, clock, arrives=True)
    async with open_hub(folder, clock) as hub:
        assert hub.sites.last_heard_s(site.mailbox) == clock.wall_s()


async def test_a_contact_in_datagrams_that_finds_nothing_new_is_heard(
    hub: Hub, site: Site, clock: TestClock
) -> None:
    store = site_store()
    async with asyncio.timeout(PATIENCE_S), running(hub, host="127.0.0.1", port=0, udp_port=0):
        for _ in range(2):
            clock.now_s += HOUR_S
            await dial_in_datagrams(hub, site, store)
            await drained(hub)
            assert hub.sites.last_heard_s(site.mailbox) == clock.wall_s()
