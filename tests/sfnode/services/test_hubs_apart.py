"""Contacts with two hubs in virtual time: neither waits for the other, whatever the other does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from protocol.header import Priority
from protocol.ids import BUNDLE_ID_BYTES, BundleId, Incarnation, Pseudonym
from sfnode.config import LinkMode, LinkSettings
from sfnode.errors import NotFound
from sfnode.services.arrivals import ArrivalForecasts
from sfnode.services.carriers import outlooks
from sfnode.services.casebook import CaseBook
from sfnode.services.contacts import Contacts
from sfnode.services.labels import Labels
from sfnode.services.prices import Prices
from sfnode.services.vault_access import VaultAccess
from sfnode.spool.pairing import Pairing
from sfnode.spool.spool import Spool
from sfnode.vault.vault import Vault
from simulations.hosts.clock import MachineClock
from simulations.virtual.loop import run_virtual
from sync.links.memory import MemoryLinkConditions
from sync.ports import LinkError, Rank
from sync.registry import SessionRegistry
from sync.stores.database import Execution
from tests.sfnode.services.coast import PAIRING, Hub, Line, contacts_kept

BURNS = replace(PAIRING, hub_name="Burns centre", pseudonym=Pseudonym(b"burn"), link_secret=b"\1" * 32)
DESK_LINK = LinkSettings(name="desk", hub="Main desk", hub_url="http://desk.example", mode=LinkMode.POLL)
BURNS_LINK = LinkSettings(
    name="burns", hub="Burns centre", hub_url="http://burns.example", mode=LinkMode.POLL
)
SLOW_BIT_S = 2_400
LIMIT_S = 60.0


@dataclass
class Harbour:
    """A spool, its contacts, and a line to each of two hubs."""

    spool: Spool
    contacts: Contacts
    clock: MachineClock
    lines: dict[str, Line]
    hubs: dict[Pseudonym, Hub]
    _count: int = 0

    async def queue(self, pairing: Pairing, priority: Priority, size_bytes: int = 800) -> BundleId:
        custody = await self.spool.custody(pairing)
        self._count += 1
        bundle_id = BundleId(self._count.to_bytes(BUNDLE_ID_BYTES, "big"))
        await custody.add(
            bundle_id=bundle_id,
            priority=priority,
            rank=Rank.TEXT,
            recipient_key=b"ky",
            dwell_code=20,
            sealed=bytes(size_bytes),
        )
        await self.spool.transfers.note_queued(
            pairing.pseudonym,
            bundle_id,
            priority=priority,
            rank=Rank.TEXT,
            size_bytes=size_bytes,
            now_s=0,
        )
        self.contacts.queued(bundle_id, pairing.pseudonym)
        return bundle_id

    def prices(self, folder: Path) -> Prices:
        def closed(vault: Vault) -> CaseBook:
            raise AssertionError("the vault stays locked")

        contacts = self.contacts
        return Prices(
            VaultAccess(folder, closed),
            self.spool,
            contacts=contacts,
            labels=Labels(),
            arrivals=ArrivalForecasts(self.spool, clock=self.clock, links=lambda: outlooks(contacts)),
            clock=self.clock,
        )

    async def held(self, pairing: Pairing) -> set[BundleId]:
        return {each.offer.bundle_id for each in await self.hubs[pairing.pseudonym].received_after(0, 1_000)}

    async def until_held(self, pairing: Pairing, bundle_id: BundleId) -> float:
        began_s = self.clock.monotonic_s()
        async with asyncio.timeout(3_600):
            while bundle_id not in await self.held(pairing):  # noqa: ASYNC110 - time is virtual.
                await asyncio.sleep(0.05)
        return self.clock.monotonic_s() - began_s


@asynccontextmanager
async def open_harbour(folder: Path, *links: LinkSettings) -> AsyncIterator[Harbour]:
    clock = MachineClock()
    spool = await Spool.open(folder / "spool.db", execution=Execution.INLINE, wall_s=clock.wall_s)
    for pairing in (PAIRING, BURNS):
        await spool.pairings.settle(pairing)
    hubs = {
        each.pseudonym: Hub(lambda: Incarnation(b"hub1"), wall_s=clock.wall_s) for each in (PAIRING, BURNS)
    }
    of_link = {"desk": PAIRING, "burns": BURNS}
    async with asyncio.TaskGroup() as group:
        conditions = MemoryLinkConditions(rate_bit_s=SLOW_BIT_S, delay_s=0.3)
        lines = {
            name: Line(
                group,
                hubs[pairing.pseudonym],
                SessionRegistry(),
                clock,
                conditions,
                link_secret=pairing.link_secret,
            )
            for name, pairing in of_link.items()
        }
        async with contacts_kept(group, spool, clock, links, lines) as contacts:
            yield Harbour(spool, contacts, clock, lines, hubs)
    await spool.close()


def test_an_emergency_for_one_hub_goes_while_a_contact_with_the_other_is_busy(tmp_path: Path) -> None:
    async def scenario() -> tuple[float, bool]:
        async with open_harbour(tmp_path, DESK_LINK, BURNS_LINK) as harbour:
            bulk = await harbour.queue(PAIRING, Priority.BULK, 60_000)  # More than three minutes of it.
            await asyncio.sleep(20)
            emergency = await harbour.queue(BURNS, Priority.EMERGENCY)
            took_s = await harbour.until_held(BURNS, emergency)
            return took_s, bulk in await harbour.held(PAIRING)

    took_s, was_done = run_virtual(scenario())
    assert took_s < 15
    assert not was_done


def test_a_hub_that_is_down_or_dark_keeps_nothing_from_the_other(tmp_path: Path) -> None:
    async def scenario() -> list[float]:
        took = []
        async with open_harbour(tmp_path, DESK_LINK, BURNS_LINK) as harbour:
            harbour.lines["desk"].down = LinkError("nobody answers")
            await harbour.queue(PAIRING, Priority.EMERGENCY)
            took.append(await harbour.until_held(BURNS, await harbour.queue(BURNS, Priority.URGENT)))
            harbour.lines["desk"].down = None
            harbour.lines["desk"].is_dark = True
            await asyncio.sleep(LIMIT_S)
            took.append(await harbour.until_held(BURNS, await harbour.queue(BURNS, Priority.URGENT)))
            assert await harbour.held(PAIRING) == set()
        return took

    assert max(run_virtual(scenario())) < 15


def test_each_hub_has_what_is_for_it_and_dials_for_nothing_else(tmp_path: Path) -> None:
    async def scenario() -> tuple[int, int]:
        async with open_harbour(tmp_path, DESK_LINK, BURNS_LINK) as harbour:
            await asyncio.sleep(LIMIT_S)
            dialled = harbour.lines["desk"].dialled
            for_burns = await harbour.queue(BURNS, Priority.URGENT)
            await harbour.until_held(BURNS, for_burns)
            assert await harbour.held(PAIRING) == set()
            return dialled, harbour.lines["desk"].dialled

    before, after = run_virtual(scenario())
    assert before == after


def test_what_is_asked_for_both_reaches_both_and_says_which_one_failed(tmp_path: Path) -> None:
    manual = [replace(link, mode=LinkMode.MANUAL) for link in (DESK_LINK, BURNS_LINK)]

    async def scenario() -> None:
        async with open_harbour(tmp_path, *manual) as harbour:
            harbour.lines["desk"].down = LinkError("nobody answers")
            waits = await harbour.queue(PAIRING, Priority.URGENT)
            goes = await harbour.queue(BURNS, Priority.URGENT)
            report = await harbour.contacts.sync_once()
            assert (report.complete, report.failed, report.bundles_sent) == (False, True, 1)
            assert report.ended == "Main desk: nobody answers"
            assert await harbour.held(BURNS) == {goes}
            assert (await harbour.contacts.sync_once(hub=BURNS)).complete
            harbour.lines["desk"].down = None
            assert (await harbour.contacts.sync_once("desk")).complete
            assert await harbour.held(PAIRING) == {waits}

    run_virtual(scenario())


def test_whoever_asks_for_one_hub_leaves_the_other_to_the_rules(tmp_path: Path) -> None:
    async def scenario() -> float:
        async with open_harbour(tmp_path, DESK_LINK, BURNS_LINK) as harbour, asyncio.TaskGroup() as group:
            await harbour.queue(PAIRING, Priority.URGENT)
            harbour.lines["desk"].is_dark = True
            asked = group.create_task(harbour.contacts.sync_once(hub=PAIRING))
            await asyncio.sleep(5)
            took_s = await harbour.until_held(BURNS, await harbour.queue(BURNS, Priority.EMERGENCY))
            assert not asked.done()
            asked.cancel()
            return took_s

    assert run_virtual(scenario()) < 15


def test_a_hub_that_no_link_leads_to_is_said_so_and_nobody_else_is_dialled_for_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_harbour(tmp_path, DESK_LINK) as harbour:
            await harbour.queue(BURNS, Priority.EMERGENCY)
            await asyncio.sleep(LIMIT_S)
            (told,) = harbour.contacts.notices
            assert told.startswith("1 item waits for Burns centre (0.8 kB). No link leads to Burns centre")
            burns = await harbour.spool.pairings.named("Burns centre")
            assert harbour.contacts.state_of(burns).words == "no link to Burns centre"
            assert harbour.contacts.way(burns).no_link_to == "Burns centre"
            with pytest.raises(NotFound, match="No link leads to Burns centre"):
                await harbour.contacts.sync_once(hub=burns)
            assert await harbour.held(PAIRING) == set()
            harbour.contacts.change_links([DESK_LINK, BURNS_LINK])
            async with asyncio.timeout(LIMIT_S):
                while not await harbour.held(BURNS):  # noqa: ASYNC110 - time is virtual.
                    await asyncio.sleep(0.05)
            assert harbour.contacts.notices == ()

    run_virtual(scenario())


def test_a_link_that_names_nobody_s_hub_is_not_dialled_and_said_so(tmp_path: Path) -> None:
    lost = replace(BURNS_LINK, hub="Burnt centre")

    async def scenario() -> None:
        async with open_harbour(tmp_path, DESK_LINK, lost) as harbour:
            await asyncio.sleep(LIMIT_S)
            assert harbour.lines["burns"].dialled == 0
            assert any("not enrolled with a hub of that name" in told for told in harbour.contacts.notices)

    run_virtual(scenario())


def test_what_waits_is_priced_over_the_links_of_its_own_hub(tmp_path: Path) -> None:
    manual = [replace(link, mode=LinkMode.MANUAL, usd_per_megabyte=9.0) for link in (DESK_LINK, BURNS_LINK)]

    async def scenario() -> None:
        async with open_harbour(tmp_path, *manual) as harbour:
            await harbour.queue(PAIRING, Priority.URGENT, 60_000)
            (only,) = (await harbour.prices(tmp_path).view(None)).links
            assert only.link == "desk"
            await harbour.queue(BURNS, Priority.URGENT, 600)
            view = await harbour.prices(tmp_path).view(None)
            bytes_over = {each.link: each.bytes for each in view.links}
            assert 600 < bytes_over["burns"] < 6_000 < 60_000 < bytes_over["desk"]
            assert view.size_bytes == 60_600

    run_virtual(scenario())


async def leave(harbour: Harbour, *links: LinkSettings) -> None:
    """As the daemon leaves the burns centre: its pairing goes, then its links."""
    await harbour.spool.pairings.leave(BURNS)
    harbour.contacts.change_links(links)
    harbour.contacts.hubs_changed()


def test_a_hub_that_is_left_in_the_middle_of_a_contact_is_told_goodbye(tmp_path: Path) -> None:
    held = replace(BURNS_LINK, mode=LinkMode.HOLD)

    async def scenario() -> tuple[int, float]:
        async with open_harbour(tmp_path, DESK_LINK, held) as harbour:
            bulk = await harbour.queue(BURNS, Priority.BULK, 60_000)
            await asyncio.sleep(20)
            assert harbour.lines["burns"].reports == []
            await leave(harbour, DESK_LINK)
            await asyncio.sleep(LIMIT_S)
            assert len(harbour.lines["burns"].reports) == 1
            dialled = harbour.lines["burns"].dialled
            took_s = await harbour.until_held(PAIRING, await harbour.queue(PAIRING, Priority.URGENT))
            assert bulk not in await harbour.held(BURNS)
            return harbour.lines["burns"].dialled - dialled, took_s

    again, took_s = run_virtual(scenario())
    assert again == 0
    assert took_s < 15


def test_a_held_contact_under_a_pair_that_was_replaced_makes_room_for_the_new_one(tmp_path: Path) -> None:
    held = replace(BURNS_LINK, mode=LinkMode.HOLD)

    async def scenario() -> None:
        async with open_harbour(tmp_path, DESK_LINK, held) as harbour:
            line = harbour.lines["burns"]
            await asyncio.sleep(20)
            assert (line.dialled, line.reports) == (1, [])
            await harbour.spool.pairings.settle(replace(BURNS, pseudonym=Pseudonym(b"anew")))
            harbour.contacts.hubs_changed()
            await asyncio.sleep(20)
            assert line.dialled == 2
            assert len(line.reports) == 1

    run_virtual(scenario())


@pytest.mark.parametrize("links", [(DESK_LINK,), (DESK_LINK, replace(BURNS_LINK, hub="Main desk"))])
@pytest.mark.parametrize("queued_s", [0.0, 3.0])
@pytest.mark.parametrize("after_s", [0.0, 1.0, 6.0, 20.0])
def test_whoever_waits_for_a_hub_that_is_left_meanwhile_is_told_and_nothing_breaks(
    tmp_path: Path, links: tuple[LinkSettings, ...], queued_s: float, after_s: float
) -> None:
    """Also who has joined a contact that the rules had begun."""

    async def scenario() -> None:
        async with open_harbour(tmp_path, DESK_LINK, BURNS_LINK) as harbour, asyncio.TaskGroup() as group:
            harbour.lines["burns"].dial_s = 2.0
            await harbour.queue(BURNS, Priority.URGENT, 60_000)
            await asyncio.sleep(queued_s)
            asked = group.create_task(harbour.contacts.sync_once(hub=BURNS))
            await asyncio.sleep(after_s)
            await leave(harbour, *links)
            async with asyncio.timeout(LIMIT_S):
                assert not (await asked).complete
            await harbour.until_held(PAIRING, await harbour.queue(PAIRING, Priority.URGENT))

    run_virtual(scenario())


def test_a_link_that_is_taken_away_at_any_step_of_deciding_is_not_dialled(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_harbour(tmp_path, DESK_LINK) as harbour:
            for steps in range(40):
                harbour.contacts.change_links([DESK_LINK, BURNS_LINK])
                await harbour.queue(BURNS, Priority.EMERGENCY)
                for _ in range(steps):
                    await asyncio.sleep(0)
                harbour.contacts.change_links([DESK_LINK])
                await asyncio.sleep(LIMIT_S)
            await harbour.until_held(PAIRING, await harbour.queue(PAIRING, Priority.URGENT))

    run_virtual(scenario())


def test_a_link_that_leads_elsewhere_is_named_when_a_person_asks_for_a_hub_over_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_harbour(tmp_path, DESK_LINK, BURNS_LINK) as harbour:
            with pytest.raises(NotFound, match=r"The link desk does not lead there\. `sfnode link list`"):
                await harbour.contacts.sync_once("desk", hub=BURNS)
            assert (await harbour.contacts.sync_once("burns", hub=BURNS)).complete

    run_virtual(scenario())
