"""Reaching the hub: real sessions over a link in memory, one that is down, and one that breaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from protocol.header import Priority
from protocol.ids import BundleId
from protocol.orders import Advice
from protocol.records import NewRecord
from sfnode.config import LinkMode, LinkSettings
from sfnode.errors import NotEnrolled
from sfnode.services.alarm_sound import AlarmSound
from sfnode.services.alarms import Alarms
from sfnode.services.arrivals import ArrivalForecasts
from sfnode.services.carriers import outlooks
from sfnode.services.clock import SystemClock
from sfnode.services.contacts import Contacts
from sfnode.services.labels import Labels
from sfnode.services.outgoing import GOING, STORED_AT_HUB
from sfnode.services.prices import Prices
from sfnode.services.progress import SpoolCarriage
from sfnode.services.session_watch import RECEIVED, SessionWatch
from sfnode.views import TransferView
from sync.core import SessionTerms
from sync.driver import Setting, answer_session, read_call
from sync.links.memory import MemoryConnection, MemoryLinkConditions, memory_link
from sync.ports import Connection, LinkError, LinkProperties, LinkRefused, LinkShape, Rank
from sync.registry import SessionRegistry
from sync.stores.errors import StoreFull
from sync.stores.memory import MemoryStore
from tests.sfnode.services.post import HUB_LIFE, Post, open_post
from tests.sfnode.services.station import new_case, photo_layers

LINK = LinkSettings(hub_url="http://hub.example", name="test link", usd_per_megabyte=8.0)
PROPERTIES = LinkProperties(
    name="memory",
    shape=LinkShape.STREAM,
    unit_bytes_max=None,
    full_duplex=True,
    ordered=True,
    rate_bit_s_guess=10**6,
    rtt_s_guess=0.01,
)


@dataclass
class HubLine:
    """Dials the stand-in hub, which keeps its custody in memory."""

    post: Post
    group: asyncio.TaskGroup
    store: MemoryStore = field(default_factory=lambda: MemoryStore(lambda: HUB_LIFE))
    registry: SessionRegistry = field(default_factory=SessionRegistry)
    conditions: MemoryLinkConditions | None = None
    down: LinkError | None = None
    dialled: int = 0
    properties: LinkProperties = PROPERTIES

    async def dial(self) -> Connection:
        self.dialled += 1
        if self.down is not None:
            raise self.down
        ours, theirs = memory_link(self.conditions)
        self.group.create_task(self._answer(theirs))
        return ours

    async def _answer(self, connection: MemoryConnection) -> None:
        with suppress(LinkError):
            await self._talk(connection)

    async def _talk(self, connection: MemoryConnection) -> None:
        call = await read_call(connection)
        await answer_session(
            connection,
            call,
            link_secret=self.post.hub.secrets.link,
            registry=self.registry,
            setting=Setting(store=self.store, clock=SystemClock(), terms=SessionTerms(stays_open=True)),
        )

    async def answer_with(self, text: str) -> None:
        """Advice of the hub's goes into its custody."""
        case_id = (await self.post.book.case_rows())[0].case
        sealed = self.post.hub.seal_entry(
            self.post.hub.sign(
                [NewRecord(Advice(text=text))],
                case_id=await self.post.book.find_case(case_id),
                patient_id=b"\0" * 10,  # type: ignore[arg-type]  # It is refused; here only bytes move.
            )
        )
        await self.store.add(
            bundle_id=sealed.bundle_id,
            priority=Priority.EMERGENCY,
            rank=Rank.TEXT,
            recipient_key=sealed.recipient_key,
            dwell_code=20,
            sealed=sealed.sealed,
        )


@dataclass
class Shore:
    """A post, its contacts, and the line to the hub."""

    post: Post
    line: HubLine
    contacts: Contacts
    watch: SessionWatch
    carriage: SpoolCarriage
    told: list[TransferView]
    lines: dict[str, HubLine]
    arrivals: ArrivalForecasts

    def prices(self) -> Prices:
        return Prices(
            self.post.vault,
            self.post.spool,
            contacts=self.contacts,
            labels=Labels(),
            arrivals=self.arrivals,
            clock=self.contacts._clock,
        )

    async def send_case(self, *, photo: bool = False, urgency: Priority = Priority.URGENT) -> None:
        saved = await self.post.book.open_case(
            new_case(note="Crushing pain since 02:10. " * 20, urgency=urgency)
        )
        if photo:
            await self.post.book.add_photo(saved.case_id, photo_layers(), caption="paper ECG")
        await self.post.book.send_case(saved.case_id)
        await self.post.outbox.seal_waiting()

    async def watch_until_stored(self) -> None:
        """Let the watch work off what sessions told, until it knows that the hub holds everything."""
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(self.watch.run())
            while await self.carriage.unsent() != (0, 0):  # noqa: ASYNC110 - another task's work.
                await asyncio.sleep(0)
            # What is stored is in the spool a moment before it is told.
            await self.watch.catch_up()
            watching.cancel()


@asynccontextmanager
async def open_shore(
    folder: Path,
    *,
    link: LinkSettings = LINK,
    others: Sequence[LinkSettings] = (),
    enrolled: bool = True,
) -> AsyncIterator[Shore]:
    async with open_post(folder, enrolled=enrolled) as post, asyncio.TaskGroup() as group:
        clock, labels, told = SystemClock(), Labels(), list[TransferView]()
        line = HubLine(post, group)
        lines = {link.name: line}
        for other in others:
            lines[other.name] = HubLine(post, group, line.store, line.registry)
        arrivals = ArrivalForecasts(post.spool, clock=clock, links=lambda: outlooks(contacts))
        carriage = SpoolCarriage(
            post.spool, way=lambda pairing: contacts.way(pairing), foretold=arrivals.told
        )
        alarms = Alarms(
            post.vault, post.spool.alarms, sound=AlarmSound(()), clock=clock, tell=lambda view: True
        )
        watch = SessionWatch(
            post.spool,
            carriage=carriage,
            labels=labels,
            inbox=post.inbox,
            alarms=alarms,
            clock=clock,
            tell=told.append,
            status_changed=lambda: None,
            greeted=arrivals.contact_began,
            stored=arrivals.stored,
        )
        contacts = Contacts(
            post.spool,
            clock=clock,
            links=[link, *others],
            dialer_for=lambda settings, pair: lines[settings.name],
            watcher_of=watch.of,
            state_changed=lambda: None,
        )
        yield Shore(post, line, contacts, watch, carriage, told, lines, arrivals)


async def test_once_carries_everything_both_ways_and_reports_it(tmp_path: Path) -> None:
    async with open_shore(tmp_path) as shore:
        await shore.send_case(photo=True)
        await shore.line.answer_with("Sit the patient up.")
        waiting, waiting_bytes = await shore.carriage.unsent()
        report = await shore.contacts.sync_once()
        assert (report.complete, report.ended) == (True, "nothing left to do")
        assert (report.bundles_sent, report.bundles_received) == (waiting, 1)
        assert report.payload_up == waiting_bytes
        assert report.bytes_up > report.payload_up
        assert report.bytes_received_twice == 0
        assert report.usd == pytest.approx((report.bytes_up + report.bytes_down) * 8e-6)
        await shore.watch_until_stored()
        assert len(stored(shore)) == waiting
        assert len(await (await shore.post.custody()).received_after(0, 10)) == 1


def stored(shore: Shore) -> set[tuple[str, int]]:
    return {(view.what, view.size_bytes) for view in shore.told if view.state == STORED_AT_HUB}


async def test_a_fact_that_cannot_be_written_down_keeps_none_of_the_others_from_it(tmp_path: Path) -> None:
    async with open_shore(tmp_path) as shore:
        await shore.send_case()
        await shore.line.answer_with("Sit the patient up.")
        await shore.contacts.sync_once()
        note, refused = shore.watch._stored, list[BundleId]()

        async def refuse(bundle_id: BundleId) -> None:
            shore.watch._stored = note
            refused.append(bundle_id)
            raise StoreFull("no room")

        shore.watch._stored = refuse
        with pytest.raises(StoreFull):
            await shore.watch.catch_up()
        await shore.watch_until_stored()
        assert len(refused) == 1
        assert RECEIVED in [view.state for view in shore.told]


async def test_the_diary_counts_bytes_and_money(tmp_path: Path) -> None:
    async with open_shore(tmp_path) as shore:
        await shore.send_case()
        first, second = await shore.contacts.sync_once(), await shore.contacts.sync_once()
        traffic = await shore.post.spool.diary.traffic()
        assert traffic.bytes_up == first.bytes_up + second.bytes_up
        assert traffic.bytes_down == first.bytes_down + second.bytes_down
        assert traffic.usd == pytest.approx(first.usd + second.usd)
        assert traffic.last_reached_s is not None
        newest, before = await shore.post.spool.diary.newest(5)
        assert [newest.outcome, before.outcome] == ["nothing left to do"] * 2
        assert newest.reached
        assert before.reached


async def test_a_look_that_finds_nothing_costs_next_to_nothing(tmp_path: Path) -> None:
    async with open_shore(tmp_path) as shore:
        await shore.send_case()
        await shore.contacts.sync_once()
        report = await shore.contacts.sync_once()
        assert report.complete
        assert report.bytes_up <= 160
        assert report.bytes_down <= 160


async def test_a_line_that_is_down_leaves_all_in_custody_and_one_row_in_the_diary(tmp_path: Path) -> None:
    async with open_shore(tmp_path) as shore:
        await shore.send_case()
        shore.line.down = LinkRefused("the hub does not know this site")
        for _ in range(3):
            report = await shore.contacts.sync_once()
            assert (report.complete, report.ended) == (False, "the hub does not know this site")
        (contact,) = await shore.post.spool.diary.newest(5)
        assert (contact.attempts, contact.reached) == (3, False)
        assert not shore.contacts.state.up
        assert shore.contacts.state.words.endswith("the hub does not know this site")
        assert (await shore.carriage.unsent())[0] > 0
        shore.line.down = None
        assert (await shore.contacts.sync_once()).complete
        assert shore.contacts.state.up


async def test_a_refusal_is_not_asked_twice_and_silence_is(tmp_path: Path) -> None:
    async with open_shore(tmp_path) as shore:
        shore.line.down = LinkRefused("no")
        await shore.contacts.sync_once()
        assert shore.line.dialled == 1
        shore.line.down = LinkError("nobody answers")
        await shore.contacts.sync_once()
        assert shore.line.dialled == 3


async def test_a_link_that_breaks_in_the_middle_pays_no_byte_twice(tmp_path: Path) -> None:
    async with open_shore(tmp_path) as shore:
        await shore.send_case(photo=True)
        _, total = await shore.carriage.unsent()
        shore.line.conditions = MemoryLinkConditions(rate_bit_s=4_000_000, cut_after_bytes=total // 2)
        broken = await shore.contacts.sync_once()
        assert not broken.complete
        shore.line.conditions = None
        mended = await shore.contacts.sync_once()
        assert mended.complete
        assert mended.payload_up < total
        held = [bundle.sealed for bundle in await shore.line.store.received_after(0, 100)]
        assert sum(len(sealed) for sealed in held) == total


async def test_before_enrolment_there_is_nobody_to_reach(tmp_path: Path) -> None:
    async with open_shore(tmp_path, enrolled=False) as shore:
        with pytest.raises(NotEnrolled):
            await shore.contacts.sync_once()
        assert shore.line.dialled == 0


async def test_polling_dials_at_the_start_and_whenever_something_is_queued(tmp_path: Path) -> None:
    async with open_shore(tmp_path) as shore, asyncio.TaskGroup() as group:
        running = group.create_task(shore.contacts.run())
        await until(lambda: shore.line.dialled == 1 and shore.contacts.state.up)
        await shore.send_case()
        for bundle in await shore.post.spool.transfers.unstored():
            shore.contacts.queued(bundle.bundle_id)
        await shore.watch_until_stored()
        assert shore.line.dialled >= 2
        running.cancel()


async def test_a_held_link_carries_at_once_and_once_takes_its_place(tmp_path: Path) -> None:
    held = LinkSettings(hub_url="http://hub.example", mode=LinkMode.HOLD)
    async with open_shore(tmp_path, link=held) as shore, asyncio.TaskGroup() as group:
        running = group.create_task(shore.contacts.run())
        await until(lambda: shore.contacts.state.up)
        await shore.send_case()
        await shore.watch_until_stored()
        assert shore.line.dialled == 1
        report = await shore.contacts.sync_once()
        assert (report.complete, report.bundles_sent) == (True, 0)
        await until(lambda: shore.line.dialled == 3)
        running.cancel()


async def test_progress_tells_durable_bytes_and_the_time_left(tmp_path: Path) -> None:
    async with open_shore(tmp_path) as shore, asyncio.TaskGroup() as group:
        await shore.send_case(photo=True)
        # Receipts that nobody waits for are held back for up to five seconds: it has to take longer.
        shore.line.conditions = MemoryLinkConditions(rate_bit_s=24_000)
        watching = group.create_task(shore.watch.run())
        assert (await shore.contacts.sync_once()).complete
        await until(lambda: len(stored(shore)) == len({view.size_bytes for view in shore.told}))
        watching.cancel()
        largest = max(view.size_bytes for view in shore.told)
        photo = [view for view in shore.told if view.size_bytes == largest]
        assert [view.done_bytes for view in photo] == sorted(view.done_bytes for view in photo)
        going = [view for view in photo if view.state == GOING]
        assert all(0 < view.done_bytes <= largest for view in going)
        assert any(view.eta_s is not None and 0 < view.eta_s < 60 for view in going)
        assert photo[-1].done_bytes == largest
        assert photo[-1].stored_s is not None
        assert photo[-1].usd == pytest.approx(photo[-1].size_bytes * 8e-6)


async def test_manual_mode_never_dials_by_itself(tmp_path: Path) -> None:
    manual = LinkSettings(hub_url="http://hub.example", mode=LinkMode.MANUAL)
    async with open_shore(tmp_path, link=manual) as shore, asyncio.TaskGroup() as group:
        running = group.create_task(shore.contacts.run())
        await shore.send_case()
        for bundle in await shore.post.spool.transfers.unstored():
            shore.contacts.queued(bundle.bundle_id)
        for _ in range(50):
            await asyncio.sleep(0)
        assert shore.line.dialled == 0
        assert (await shore.contacts.sync_once()).complete
        running.cancel()


async def test_the_network_coming_back_ends_the_pause_after_a_failure(tmp_path: Path) -> None:
    async with open_shore(tmp_path) as shore, asyncio.TaskGroup() as group:
        shore.line.down = LinkRefused("no route")
        running = group.create_task(shore.contacts.run())
        await until(lambda: shore.contacts.state.words.startswith("down since"))
        shore.line.down = None
        shore.contacts.link_appeared()
        await until(lambda: shore.contacts.state.up)
        assert shore.line.dialled == 2
        running.cancel()


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - it waits for another task's work.
        await asyncio.sleep(0)
