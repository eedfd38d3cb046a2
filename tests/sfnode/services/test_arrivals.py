"""Forecasts of arrival at a node: learnt from contacts, noted when told, held against what came of them."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from protocol.header import Priority
from protocol.ids import BundleId, Pseudonym
from protocol.stamps import Certainty
from sfnode.services.arrivals import PROVEN_BY, ArrivalForecasts, InLine, Proof
from sfnode.services.carriers import LinkOutlook, carrier
from sfnode.services.clock import SetClock
from sfnode.spool.spool import Spool
from sync.ports import Rank
from sync.scheduler import LinkMode, LinkNow, LinkTerms, Measured, Tariff
from sync.scheduler.arrival import CONTACTS_BEFORE_FORECAST
from sync.stores.errors import StoreDamaged
from tests.sfnode.services.station import NOW_S

PAIR = Pseudonym(b"pair")
VSAT = LinkOutlook(
    LinkNow(
        terms=LinkTerms(name="vsat"), measured=Measured(rate_bytes_s=100.0, rtt_s=1.0, overhead_bytes=200)
    ),
    is_down=False,
    pair=PAIR,
)
DARK = replace(VSAT, is_down=True)
MANUAL = replace(VSAT, now=replace(VSAT.now, terms=LinkTerms(name="vsat", mode=LinkMode.MANUAL)))
SIZE_BYTES = 1_000
DAY_S = 86_400.0


@dataclass
class Site:
    """A spool, its forecasts, and a clock that a test moves."""

    spool: Spool
    clock: SetClock
    links: list[LinkOutlook] = field(default_factory=lambda: [VSAT])
    queued: int = 0
    troubles: list[str] = field(default_factory=list)
    forecasts: ArrivalForecasts = field(init=False)

    def __post_init__(self) -> None:
        self.forecasts = ArrivalForecasts(
            self.spool, clock=self.clock, links=self.now, trouble=self.troubles.append
        )

    async def now(self) -> list[LinkOutlook]:
        return self.links

    async def queue(self, *, size_bytes: int = SIZE_BYTES) -> BundleId:
        self.queued += 1
        bundle_id = BundleId(b"bundle%06d" % self.queued)
        await self.spool.transfers.note_queued(
            PAIR,
            bundle_id,
            priority=Priority.URGENT,
            rank=Rank.TEXT,
            size_bytes=size_bytes,
            now_s=int(self.clock.wall_s()),
        )
        await self.forecasts.note_queued(bundle_id)
        return bundle_id

    async def store(self, bundle_id: BundleId) -> None:
        await self.spool.transfers.note_stored(PAIR, [bundle_id], now_s=int(self.clock.wall_s()))
        await self.forecasts.stored(bundle_id)

    async def carry(self, *, wait_s: float = 60.0, way_s: float = 20.0, bundles: int = 1) -> None:
        """Some queued, and one contact that takes them."""
        queued = [await self.queue() for _ in range(bundles)]
        self.clock.pass_time(wait_s)
        await self.forecasts.contact_began()
        self.clock.pass_time(way_s)
        for bundle_id in queued:
            await self.store(bundle_id)

    async def learn(self, *, wait_s: float = 60.0) -> None:
        for _ in range(CONTACTS_BEFORE_FORECAST):
            await self.carry(wait_s=wait_s)

    async def told(self, bundle_id: BundleId) -> str:
        return (await self.forecasts.told([bundle_id])).get(bundle_id, "")


@asynccontextmanager
async def open_site(folder: Path) -> AsyncIterator[Site]:
    spool = await Spool.open(folder / "spool.db")
    try:
        yield Site(spool, SetClock(wall_s=NOW_S))
    finally:
        await spool.close()


async def test_nothing_is_foretold_before_enough_contacts_were_seen(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        for seen in range(CONTACTS_BEFORE_FORECAST):
            (foreseen,) = await site.forecasts.foresee([InLine(Priority.URGENT, SIZE_BYTES)])
            assert foreseen is not None
            assert (foreseen.interval, foreseen.contacts) == (None, seen)
            await site.carry(bundles=3)
        (foreseen,) = await site.forecasts.foresee([InLine(Priority.URGENT, SIZE_BYTES)])
        assert foreseen is not None
        assert foreseen.interval is not None
        assert foreseen.interval.contacts == CONTACTS_BEFORE_FORECAST


async def test_what_is_told_is_the_wait_and_the_way_that_were_seen(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        await site.learn(wait_s=600.0)
        (foreseen,) = await site.forecasts.foresee([InLine(Priority.URGENT, SIZE_BYTES)])
        assert foreseen is not None
        assert foreseen.interval is not None
        assert (foreseen.interval.low_s, foreseen.interval.high_s) == (620, 620)
        behind = await site.forecasts.foresee([InLine(Priority.URGENT, SIZE_BYTES)] * 2)
        assert behind[1] is not None
        assert behind[1].interval is not None
        assert 635 <= behind[1].interval.low_s < 640  # Twice the way, and one wait.


async def test_a_dark_link_has_forecasts_of_its_own(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        await site.learn()
        site.links = [DARK]
        (foreseen,) = await site.forecasts.foresee([InLine(Priority.URGENT, SIZE_BYTES)])
        assert foreseen is not None
        assert (foreseen.interval, foreseen.contacts, foreseen.is_down) == (None, 0, True)


async def test_of_what_no_link_may_carry_nothing_is_told(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        await site.learn()
        site.links = [MANUAL]
        assert await site.forecasts.foresee([InLine(Priority.URGENT, SIZE_BYTES)]) == (None,)
        assert await site.told(await site.queue()) == ""


async def test_what_was_told_stays_told_and_its_lateness_is_said(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        await site.learn(wait_s=600.0)
        bundle_id = await site.queue()
        first = await site.told(bundle_id)
        assert first.startswith("likely ")
        site.clock.pass_time(615.0)
        assert await site.told(bundle_id) == "likely in 5 s"
        site.clock.pass_time(600.0)
        assert (await site.told(bundle_id)).startswith("late: was likely by ")
        assert await site.forecasts.proof() == Proof(0, 1)
        await site.store(bundle_id)
        assert await site.told(bundle_id) == ""
        assert await site.forecasts.proof() == Proof(0, 1)


async def test_the_proof_counts_what_came_of_the_last_forecasts(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        await site.learn()
        assert await site.forecasts.proof() == Proof(0, 0)
        for wait_s in (60.0, 60.0, 4_000.0):
            await site.carry(wait_s=wait_s)
        assert await site.forecasts.proof() == Proof(2, 3)
        await site.queue()
        assert await site.forecasts.proof() == Proof(2, 3)  # It may still come in time.


async def test_a_span_that_no_clock_can_tell_teaches_nothing(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        bundle_id = await site.queue()
        site.clock.start_again(off_s=3_600.0, grade=Certainty.UNSET)
        await site.forecasts.contact_began()
        await site.store(bundle_id)
        assert await site.spool.foretold.arrived("vsat", was_down=False) == ()


async def test_a_span_over_a_restart_is_told_by_no_clock_that_is_not_set(tmp_path: Path) -> None:
    """Its contact began in the process before, which died before it could note what was stored."""
    async with open_site(tmp_path) as site:
        bundle_id = await site.queue()
        site.clock.start_again(off_s=3_600.0, grade=Certainty.UNSET)
        await site.store(bundle_id)
        assert await site.spool.foretold.arrived("vsat", was_down=False) == ()
        assert await site.spool.foretold.under_way([bundle_id]) == {}


async def test_contacts_of_another_process_are_other_contacts(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        for _ in range(3):
            await site.carry(bundles=2)
            site.forecasts = ArrivalForecasts(site.spool, clock=site.clock, links=site.now)
        (foreseen,) = await site.forecasts.foresee([InLine(Priority.URGENT, SIZE_BYTES)])
        assert foreseen is not None
        assert foreseen.contacts == 3


async def test_what_waits_already_goes_first(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        first, second = await site.queue(), await site.queue()
        told = await site.spool.foretold.under_way([first, second])
        assert told[second].soonest_s - told[first].soonest_s == pytest.approx(SIZE_BYTES * 1.04 / 100.0)


async def test_what_was_noted_first_stays(tmp_path: Path) -> None:
    """A killed process seals and queues once more; a restored hub stores once more."""
    async with open_site(tmp_path) as site:
        await site.learn()
        bundle_id = await site.queue()
        first = await site.spool.foretold.under_way([bundle_id])
        site.clock.pass_time(5_000.0)
        await site.forecasts.note_queued(bundle_id)
        assert await site.spool.foretold.under_way([bundle_id]) == first
        await site.spool.foretold.came(bundle_id, contact=90, actual_s=70.0)
        await site.spool.foretold.came(bundle_id, contact=91, actual_s=9_000.0)
        assert (await site.spool.foretold.arrived("vsat", was_down=False))[-1].actual_s == 70.0


def test_an_emergency_takes_the_link_that_works_and_the_rest_waits_for_the_cheap_one() -> None:
    fast_but_dark = replace(
        DARK, now=replace(VSAT.now, measured=replace(VSAT.now.measured, rate_bytes_s=9_000.0))
    )
    dear = LinkNow(
        terms=LinkTerms(name="lband", tariff=Tariff(usd_per_megabyte=8.0)), measured=VSAT.now.measured
    )
    links = [fast_but_dark, LinkOutlook(dear, is_down=False, pair=PAIR)]

    def taken(priority: Priority) -> str:
        chosen = carrier(priority, SIZE_BYTES, links)
        return "" if chosen is None else chosen.name

    assert (taken(Priority.EMERGENCY), taken(Priority.ROUTINE)) == ("lband", "vsat")


async def test_over_a_restart_with_a_set_clock_the_time_off_counts(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        bundle_id = await site.queue()
        site.clock.start_again(off_s=3_600.0)
        site.forecasts = ArrivalForecasts(site.spool, clock=site.clock, links=site.now)
        await site.forecasts.contact_began()
        site.clock.pass_time(20.0)
        await site.store(bundle_id)
        (arrived,) = await site.spool.foretold.arrived("vsat", was_down=False)
        assert (arrived.waited_s, arrived.actual_s) == pytest.approx((3_610.0, 3_630.0))


async def test_a_clock_set_within_one_run_changes_no_span(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        bundle_id = await site.queue()
        site.clock.pass_time(50.0)
        site.clock._wall_s += 40 * 86_400
        await site.store(bundle_id)
        (arrived,) = await site.spool.foretold.arrived("vsat", was_down=False)
        assert (arrived.waited_s, arrived.actual_s) == (0.0, 50.0)


async def test_a_contact_that_is_faster_than_the_note_is_learnt_from_all_the_same(tmp_path: Path) -> None:
    """Custody hands a bundle to a contact under way before anything was foretold of it."""
    async with open_site(tmp_path) as site:

        async def meanwhile() -> list[LinkOutlook]:
            await site.store(BundleId(b"bundle000001"))
            return site.links

        site.forecasts._links = meanwhile
        bundle_id = await site.queue()
        assert await site.spool.foretold.under_way([bundle_id]) == {}
        assert len(await site.spool.foretold.arrived("vsat", was_down=False)) == 1


async def test_what_was_learnt_goes_with_the_links_new_name_and_what_is_erased_is_forgotten(
    tmp_path: Path,
) -> None:
    async with open_site(tmp_path) as site:
        await site.learn()
        await site.spool.foretold.rename("vsat", "ku band")
        assert len(await site.spool.foretold.arrived("ku band", was_down=False)) == CONTACTS_BEFORE_FORECAST
        assert await site.spool.foretold.arrived("vsat", was_down=False) == ()
        bundle_id = await site.queue()
        await site.spool.foretold.forget([bundle_id])
        assert await site.spool.foretold.under_way([bundle_id]) == {}


def damage(path: Path) -> None:
    """The page at which the rows of forecasts begin is not what was written."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'foretold'").fetchone()
        (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * page_bytes)
        file.write(b"\xff" * page_bytes)


async def test_rows_that_are_damaged_cost_a_forecast_and_keep_back_nothing(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        await site.learn()
    damage(tmp_path / "spool.db")
    async with open_site(tmp_path) as site:
        with pytest.raises(StoreDamaged):
            await site.spool.foretold.last_contact()
        site.queued = CONTACTS_BEFORE_FORECAST
        bundle_id = await site.queue()
        assert [each.bundle_id for each in await site.spool.transfers.unstored()] == [bundle_id]
        await site.forecasts.contact_began()
        await site.store(bundle_id)
        (foreseen,) = await site.forecasts.foresee([InLine(Priority.URGENT, SIZE_BYTES)])
        assert foreseen is not None
        assert foreseen.interval is None
        assert await site.told(bundle_id) == ""
        assert await site.forecasts.proof() == Proof(0, 0)
        (trouble,) = set(site.troubles)
        assert "Sending goes on" in trouble


async def test_a_clock_that_leaps_while_the_machine_is_off_teaches_nothing(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        await site.learn()
        bundle_id = await site.queue()
        await site.forecasts.contact_began()
        site.clock.start_again(off_s=40 * 365 * DAY_S)
        await site.store(bundle_id)
        (foreseen,) = await site.forecasts.foresee([InLine(Priority.URGENT, SIZE_BYTES)])
        assert foreseen is not None
        assert foreseen.interval is not None
        assert foreseen.interval.high_s < DAY_S
        # To whoever looks back it came late all the same.
        assert (await site.forecasts.proof()).inside < (await site.forecasts.proof()).of


@dataclass
class Weather:
    """Opens and closes the link as time passes: up for some forty minutes, dark for some sixty. In the dark
    the node dials in vain, and writes that into its diary."""

    site: Site
    chance: random.Random
    knows_at_once: bool = True
    """Whether it is known to be dark before anything was dialled in vain."""
    is_up: bool = True
    left_s: float = 2_400.0

    async def pass_time(self, span_s: float) -> None:
        while span_s > 0:
            step_s = min(span_s, self.left_s)
            self.site.clock.pass_time(step_s)
            span_s, self.left_s = span_s - step_s, self.left_s - step_s
            if self.left_s <= 0:
                await self._turn()

    async def carry(self, way_s: float) -> None:
        """What does not fit into a window goes on in the next one."""
        while way_s > 0:
            step_s = min(way_s, self.left_s) if self.is_up else 0.0
            await self.pass_time(step_s if self.is_up else self.left_s)
            way_s -= step_s

    async def queue(self, size_bytes: int) -> BundleId:
        bundle_id = await self.site.queue(size_bytes=size_bytes)
        if self.is_up:
            await self.site.forecasts.contact_began()
        elif not self.site.links[0].is_down:
            await self._fail()
        return bundle_id

    async def _turn(self) -> None:
        if not self.is_up:
            await self._fail()
        self.is_up = not self.is_up
        self.left_s = self.chance.lognormvariate(7.8 if self.is_up else 8.2, 0.5)
        if self.is_up:
            await self._reach()
        elif self.knows_at_once:
            await self._fail()

    async def _reach(self) -> None:
        self.site.links = [VSAT]
        diary, now_s = self.site.spool.diary, int(self.site.clock.wall_s())
        row = await diary.begin(link=VSAT.name, now_s=now_s)
        await diary.count(row, bytes_up=1, bytes_down=1, usd=0.0, reached=True, now_s=now_s)
        await diary.end(row, outcome="nothing left to do", now_s=now_s)
        await self.site.forecasts.contact_began()

    async def _fail(self) -> None:
        """The first attempt in vain, or the last one before somebody answers: they share a row."""
        self.site.links = [DARK]
        now_s = int(self.site.clock.wall_s())
        row = await self.site.spool.diary.begin(link=VSAT.name, now_s=now_s)
        await self.site.spool.diary.end(row, outcome="no answer", now_s=now_s)


@pytest.mark.parametrize("seed", [11, 12, 13])
@pytest.mark.parametrize("knows_at_once", [True, False])
async def test_on_a_link_of_windows_most_of_what_is_told_holds(
    tmp_path: Path, seed: int, knows_at_once: bool
) -> None:
    async with open_site(tmp_path) as site:
        chance = random.Random(seed)
        weather = Weather(site, chance, knows_at_once)
        for _ in range(260):
            await weather.pass_time(chance.expovariate(1 / 3_000))
            size_bytes = round(chance.lognormvariate(8.5, 1.5))
            bundle_id = await weather.queue(size_bytes)
            await weather.carry(2.0 + size_bytes / 100.0 * chance.uniform(0.9, 1.4))
            await site.store(bundle_id)
        proof = await site.forecasts.proof()
        assert proof.of == PROVEN_BY
        assert proof.inside >= 80, proof


@pytest.mark.parametrize("seed", [21, 22, 23])
async def test_what_is_queued_in_the_first_minutes_of_an_outage_is_not_foretold_too_early(
    tmp_path: Path, seed: int
) -> None:
    """Most that waits for the end of an outage was queued somewhere within: it has waited less."""
    told, inside, early, late = 0, 0, 0, 0
    async with open_site(tmp_path) as site:
        chance = random.Random(seed)
        weather = Weather(site, chance)
        for number in range(400):
            while weather.is_up:
                await weather.pass_time(weather.left_s)
            is_probed = number >= 60 and number % 4 == 0
            await weather.pass_time(chance.uniform(0, 300.0 if is_probed else 0.99 * weather.left_s))
            bundle_id = await weather.queue(1_000)
            interval = (await site.spool.foretold.under_way([bundle_id]))[bundle_id].interval
            began_s = site.clock.monotonic_s()
            await weather.carry(20.0)
            await site.store(bundle_id)
            if is_probed and interval is not None:
                actual_s = site.clock.monotonic_s() - began_s
                told, inside = told + 1, inside + interval.holds(actual_s)
                early, late = early + (actual_s > interval.high_s), late + (actual_s < interval.low_s)
    assert told >= 80
    assert 0.8 <= inside / told <= 0.98, (told, inside, early, late)
    assert early <= 0.08 * told


async def test_an_outage_longer_than_those_that_were_seen_has_no_forecast(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        weather = Weather(site, random.Random(5))
        for _ in range(40):
            await weather.pass_time(weather.left_s)
            await weather.queue(1_000)
            if weather.is_up:
                await weather.carry(20.0)
                await site.store(BundleId(b"bundle%06d" % site.queued))
        while weather.is_up:
            await weather.pass_time(weather.left_s)
        (foreseen,) = await site.forecasts.foresee([InLine(Priority.URGENT, SIZE_BYTES)])
        assert foreseen is not None
        assert foreseen.interval is not None
        assert foreseen.interval.outages == foreseen.outages
        site.clock.pass_time(DAY_S)
        (foreseen,) = await site.forecasts.foresee([InLine(Priority.URGENT, SIZE_BYTES)])
        assert foreseen is not None
        assert (foreseen.interval, foreseen.outages) == (None, 0)
