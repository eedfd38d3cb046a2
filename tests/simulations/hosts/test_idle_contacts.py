"""Accounted contacts: a world in which they are not played comes to what the played one comes to."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from sfnode.services import contact as node_contact
from simulations.hosts.idle_contacts import IdleContacts, idle_contacts
from simulations.hosts.site import Site
from simulations.links import DirectionProfile, LinkProfile, Outage
from simulations.seeded.calm import draw_calm
from simulations.seeded.consult_world import Setup, play_consults
from simulations.virtual.loop import run_virtual
from simulations.virtual.trace import Trace
from simulations.virtual.wire import Wire
from sync.driver import dial_session

SITES, DAYS, SEED = 2, 5, 6
SAME_S = 60.0
"""A contact begins an hour after the one before has ended, so that both worlds' contacts drift apart."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a site knows of its contacts at the end."""

    contacts: int
    reached: int
    bytes_up: int
    bytes_down: int
    seconds: float
    queued_and_stored_s: tuple[tuple[int, int], ...]


@dataclass(slots=True)
class Played:
    """A world that was played to its end."""

    told: dict[str, Told]
    heard: dict[str, int]
    trace: str
    idle: IdleContacts | None


def play(*, plays_idle: bool) -> Played:
    told: dict[str, Told] = {}
    sites: list[Recording] = []

    class Recording(Site):
        """Says what it knows before it ends."""

        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            sites.append(self)

        async def end(self) -> None:
            told[self.name] = await self._told()
            await super().end()

        async def _told(self) -> Told:
            diary = await self._spool.diary.newest(10_000)
            pairing = await self._spool.pairings.home()
            assert pairing is not None
            stored = await self._spool.transfers.stored(pairing.pseudonym)
            transfers = await self._spool.transfers.of(stored)
            return Told(
                contacts=len(diary),
                reached=sum(row.reached for row in diary),
                bytes_up=sum(row.bytes_up for row in diary),
                bytes_down=sum(row.bytes_down for row in diary),
                seconds=sum(row.seconds or 0.0 for row in diary),
                queued_and_stored_s=tuple(
                    (transfers[bundle_id].queued_s, transfers[bundle_id].stored_s or 0)
                    for bundle_id in stored
                ),
            )

    trace = Trace()
    setup = Setup(site=Recording, watched=False, encrypts=False, plays_idle=plays_idle)
    court = play_consults(draw_calm(SEED, sites=SITES, days=DAYS), trace=trace, setup=setup)
    court.require("a calm world")
    return Played(told, dict(court.heard), trace.digest, sites[0]._idle)


@pytest.fixture(scope="module")
def whole() -> Played:
    return play(plays_idle=True)


@pytest.fixture(scope="module")
def accounted() -> Played:
    return play(plays_idle=False)


def test_most_contacts_are_not_played(whole: Played, accounted: Played) -> None:
    assert whole.idle is None
    assert accounted.idle is not None
    # A dial that enrolment had begun was ended with the program that it ran in, before this world.
    contacts = sum(told.reached for told in accounted.told.values())
    assert accounted.idle.accounted + accounted.idle.played == contacts
    assert accounted.idle.accounted > 0.7 * contacts
    # Each day one of each site is played, and every one that moves something.
    assert accounted.idle.played >= SITES * DAYS


def test_bytes_and_time_agree_with_the_world_that_was_played(whole: Played, accounted: Played) -> None:
    for name, told in whole.told.items():
        mean = accounted.told[name]
        assert (mean.contacts, mean.reached) == (told.contacts, told.reached)
        assert mean.bytes_up == pytest.approx(told.bytes_up, rel=0.02)
        assert mean.bytes_down == pytest.approx(told.bytes_down, rel=0.02)
        assert mean.seconds == pytest.approx(told.seconds, rel=0.02)


def test_everything_arrives_when_it_did(whole: Played, accounted: Played) -> None:
    for name, told in whole.told.items():
        pairs = zip(told.queued_and_stored_s, accounted.told[name].queued_and_stored_s, strict=True)
        for (queued_s, stored_s), (queued_too_s, stored_too_s) in pairs:
            assert queued_too_s == pytest.approx(queued_s, abs=SAME_S)
            assert stored_too_s == pytest.approx(stored_s, abs=SAME_S)
    assert accounted.heard == whole.heard
    assert whole.heard["CaseTaken"] >= 2


def test_it_is_the_same_each_time(accounted: Played) -> None:
    assert play(plays_idle=False).trace == accounted.trace


def test_afterwards_contacts_are_the_products_again() -> None:
    def nobody() -> Any:
        raise AssertionError("no hub is asked for")

    with idle_contacts(nobody) as idle:
        assert vars(node_contact)["dial_session"] == idle.converse
    assert vars(node_contact)["dial_session"] is dial_session


def test_a_wire_tells_for_how_long_it_serves() -> None:
    async def told() -> list[bool]:
        way = DirectionProfile(rate_bit_s=22_000.0, delay_ms=450.0, queue_bytes=16_000)
        profile = LinkProfile(
            name="gaps",
            title="a link with one gap",
            source="made up",
            up=way,
            down=way,
            mtu_bytes=1_500,
            outages=(Outage(start_s=100.0, duration_s=50.0),),
        )
        wire = Wire(profile, seed=1)
        before = [wire.serves(99.0), wire.serves(101.0)]
        wire.cut()
        cut = wire.serves(1.0)
        wire.restore()
        await asyncio.sleep(120.0)
        return [*before, cut, wire.serves(1.0)]

    assert run_virtual(told()) == [True, False, False, False]
