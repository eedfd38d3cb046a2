"""What a site asks back stays promised until it is queued, whatever becomes of the hub in between."""

from __future__ import annotations

from pathlib import Path

import pytest

from protocol.ids import Pseudonym
from protocol.ranges import RangeSet
from sfhub.app import Hub
from sfhub.services.returning import Returning
from sfhub.storage.people import Clinician
from sfhub.storage.sites import pairs_to_refill
from sync.stores.database import Database
from sync.stores.errors import StoreClosed, StoreDamaged
from sync.stores.sqlite import CUSTODY_SCHEMA, SqlitePairStore, SqliteStore
from tests.sfhub.site import Site, TestClock


async def test_custody_lets_go_of_a_promise_only_when_it_is_queued(
    hub: Hub, site: Site, clock: TestClock, tmp_path: Path
) -> None:
    await site.deliver_story(hub, site.story())
    pair = hub.sites.directory.pair_of(site.known_hub.pseudonym)
    assert pair is not None
    custody = await hub.custody.pair(pair.pseudonym)
    await custody.note_return(site.incarnation, RangeSet.of([(1, site.sequence + 1)]))
    promised = await custody.to_return(99)
    assert len(promised) == site.sequence
    refusing = await Database.open(tmp_path / "closed.db", [CUSTODY_SCHEMA])
    await refusing.close()
    returning = Returning(refusing, hub.custody, hub.sites, hub.outbox, clock)
    returning.check(pair)
    with pytest.raises(StoreClosed):
        await returning.flush()
    assert await custody.to_return(99) == promised
    hub.returning.check(pair)
    await hub.returning.flush()
    assert await custody.to_return(99) == ()


class OneBadPair(SqliteStore):
    """Custody in which the rows of one pair cannot be read."""

    bad = Pseudonym(b"")

    async def pair(self, pseudonym: Pseudonym) -> SqlitePairStore:
        if pseudonym == self.bad:
            raise StoreDamaged("rows of this pair do not match their checksums")
        return await super().pair(pseudonym)


@pytest.mark.parametrize("bad_first", [True, False])
async def test_a_pair_that_fails_keeps_no_other_waiting(
    hub: Hub, site: Site, clock: TestClock, bad_first: bool
) -> None:
    other = Site("MV OTHER", seed=2)
    await other.enrol(hub)
    bad, good = (site, other) if bad_first else (other, site)
    custody = OneBadPair(hub.custody._database)
    promised = {}
    for each in (site, other):
        await each.deliver_story(hub, each.story())
        promised[each] = await custody.pair(each.known_hub.pseudonym)
        await promised[each].note_return(each.incarnation, RangeSet.of([(1, each.sequence + 1)]))
    returning = Returning(hub.database, custody, hub.sites, hub.outbox, clock)
    for each in (site, other):
        pair = hub.sites.directory.pair_of(each.known_hub.pseudonym)
        assert pair is not None
        returning.check(pair)
    custody.bad = bad.known_hub.pseudonym
    for _ in range(2):
        with pytest.raises(StoreDamaged):
            await returning.flush()
        assert await promised[good].to_return(99) == ()
    # It stays to be done, and is when its rows can be read again.
    assert await promised[bad].to_return(99)
    custody.bad = Pseudonym(b"")
    await returning.flush()
    assert await promised[bad].to_return(99) == ()


@pytest.mark.parametrize("is_erased", [False, True])
async def test_a_device_in_place_of_another_gets_what_is_left_although_a_case_is_not(
    hub: Hub, site: Site, doctor: Clinician, is_erased: bool
) -> None:
    """The first device never spoke, or its case was erased: neither ends the giving back."""
    if is_erased:
        story = site.story()
        await site.deliver_story(hub, story)
        await hub.erasing.erase(story.case_id, doctor, reason="entered for the wrong patient")
    await Site(site.name, seed=2).enrol(hub)
    assert await hub.database.read(pairs_to_refill)
    await hub.returning.flush()
    assert not await hub.database.read(pairs_to_refill)
