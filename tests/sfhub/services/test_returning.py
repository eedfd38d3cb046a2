"""What a site asks back stays promised until it is queued, whatever becomes of the hub in between."""

from __future__ import annotations

from pathlib import Path

import pytest

from protocol.ranges import RangeSet
from sfhub.app import Hub
from sfhub.services.returning import Returning
from sync.stores.database import Database
from sync.stores.errors import StoreClosed
from sync.stores.sqlite import CUSTODY_SCHEMA
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
