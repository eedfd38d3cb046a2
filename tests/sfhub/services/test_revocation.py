"""A revoked device: refused at once, what it sends is put aside and not dropped, nothing is sealed for it."""

from __future__ import annotations

import pytest

from protocol.actors import Role
from protocol.bundle import EntryBundle
from protocol.clinical import Note
from protocol.entry import read_entry
from protocol.errors import EnrolmentRefused
from protocol.ids import KEY_ID_BYTES, key_id_of
from protocol.prekeys import Revocation, RevocationReason
from protocol.records import Kind
from sfhub.app import Hub
from sfhub.errors import NotAllowed, NotFound
from sfhub.server import running
from sfhub.storage.outbox import unsealed
from sfhub.storage.quarantine import all_put_aside
from sync.core import Ending
from sync.stores.peer_keys import keep_revocation, revocation_of
from tests.sfhub.site import Site, dial, read_from_hub, site_store

LOST = RevocationReason.LOST


def key_of(site: Site) -> str:
    return key_id_of(site.keys.signing).hex()


async def reasons(hub: Hub) -> list[str]:
    return [one.reason for one in await hub.database.read(lambda connection: all_put_aside(connection, 99))]


async def second_device(hub: Hub) -> Site:
    other = Site("MV ARGO", seed=2)
    await other.enrol(hub)
    return other


@pytest.mark.parametrize("by_key", [False, True])
async def test_its_sessions_are_refused_in_words(hub: Hub, site: Site, by_key: bool) -> None:
    async with running(hub, host="127.0.0.1", port=0):
        store = site_store()
        await dial(hub.address.base, site, store)
        revoked = await hub.revocations.revoke(key_of(site) if by_key else "mv argo", reason=LOST)
        assert revoked.pair is not None
        report = await dial(hub.address.base, site, store)
        assert report.ending is Ending.LINK_LOST
        assert "revoked at the hub. Nothing is lost" in report.reason


async def test_what_it_signed_and_was_not_here_yet_is_put_aside(hub: Hub, site: Site) -> None:
    story = site.story()
    await site.deliver(hub, site.introduction(), story.headline)
    await hub.revocations.revoke("MV ARGO", reason=LOST)
    await site.deliver(hub, story.text)
    (row,) = await hub.worklist.queue()
    assert row.headline_only
    assert await reasons(hub) == ["its device's key was revoked as lost before it came"]
    custody = await hub.custody.pair(site.known_hub.pseudonym)
    kept = (await custody.incidents_after(0, 9))[-1]
    assert kept.kind.value == "quarantined"
    await site.deliver(hub, story.headline)
    assert len(await reasons(hub)) == 1  # What was here before stays, however often it comes again.


async def test_a_counter_lets_what_is_older_through(hub: Hub, site: Site) -> None:
    introduction, story = site.introduction(), site.story()
    late = site.entry(Note(language="en", text="Written by whoever has it now."), case_id=story.case_id)
    await hub.revocations.revoke("MV ARGO", reason=LOST, since=read_entry(late).stamp.counter)
    await site.deliver(hub, introduction, story.headline, story.text, late)
    assert await reasons(hub) == ["its device's key was revoked as lost before it came"]
    (row,) = await hub.worklist.queue()
    case = await hub.worklist.case(story.case_id)
    assert not row.headline_only
    assert case.notes
    assert not [note for note in case.notes if "whoever" in note]


async def test_nothing_more_is_sealed_for_it_until_the_site_has_another_device(hub: Hub, site: Site) -> None:
    story = site.story()
    await site.deliver(hub, site.introduction(), story.headline, story.text)
    author = await hub.people.add("Specialist on duty", Role.SPECIALIST)
    await hub.replies.advise(story.case_id, author, "Give oxygen.")
    await hub.revocations.revoke("MV ARGO", reason=LOST)
    await hub.outbox.flush()
    assert await read_from_hub(hub, site) == []
    assert await hub.database.read(lambda connection: unsealed(connection, 9)) == ()
    with pytest.raises(NotFound):
        await hub.replies.advise(story.case_id, author, "Lay him down.")
    other = await second_device(hub)
    await hub.outbox.flush()
    (entry,) = await read_from_hub(hub, other)
    assert entry.records[-1].body.text == "Give oxygen."


async def test_other_devices_of_the_site_are_told_and_no_other_site_is(hub: Hub, site: Site) -> None:
    other = await second_device(hub)
    stranger = Site("MV BORA", seed=3)
    await stranger.enrol(hub)
    revoked = await hub.revocations.revoke(key_of(site), reason=LOST, remark="left in a taxi")
    assert revoked.told == 1
    await hub.outbox.flush()
    (entry,) = await read_from_hub(hub, other)
    (body,) = [record.body for record in entry.records if record.kind == Kind.REVOCATION]
    assert body == Revocation(
        version=1,
        key_id=bytes.fromhex(key_of(site)),
        reason=LOST,
        since=0,
        remark="left in a taxi",
    )
    assert await read_from_hub(hub, stranger) == []


async def test_a_key_that_is_no_sites_is_told_to_everybody(hub: Hub, site: Site) -> None:
    former_hub = bytes(range(KEY_ID_BYTES))
    revoked = await hub.revocations.revoke(former_hub.hex(), reason=RevocationReason.STOLEN)
    assert (revoked.pair, revoked.told) == (None, 1)


async def test_the_list_only_grows_and_an_older_item_changes_nothing(hub: Hub, site: Site) -> None:
    key = key_id_of(site.keys.signing)
    first = (await hub.revocations.revoke(key.hex(), reason=LOST, since=50)).revocation
    second = (await hub.revocations.revoke(key.hex(), reason=RevocationReason.STOLEN)).revocation
    assert (first.version, second.version) == (1, 2)
    await hub.database.write(lambda connection: keep_revocation(connection, first, 0.0))
    assert await hub.database.read(lambda connection: revocation_of(connection, key)) == second
    assert len(await hub.revocations.all()) == 1


async def test_the_same_device_cannot_enrol_again(hub: Hub, site: Site) -> None:
    await hub.revocations.revoke("MV ARGO", reason=LOST)
    with pytest.raises(EnrolmentRefused, match="revoked at the hub"):
        await site.enrol(hub)


@pytest.mark.parametrize("name", ["MV NOBODY", "12", "zz" * KEY_ID_BYTES])
async def test_who_is_nobody_is_not_revoked(hub: Hub, site: Site, name: str) -> None:
    with pytest.raises(NotFound, match="Nothing was changed"):
        await hub.revocations.revoke(name, reason=LOST)
    assert await hub.revocations.all() == ()


async def test_the_hub_does_not_revoke_itself(hub: Hub, site: Site) -> None:
    with pytest.raises(NotAllowed, match="this hub signs"):
        await hub.revocations.revoke(hub.keys.signing_id.hex(), reason=LOST)


async def test_a_held_entry_of_a_revoked_device_is_never_released(hub: Hub, site: Site) -> None:
    story = site.story()
    await site.deliver(hub, story.headline)  # Its author is not known yet.
    await hub.revocations.revoke("MV ARGO", reason=LOST)
    await site.put(hub, site.seal(EntryBundle((site.introduction(),))))
    pair = hub.sites.directory.pairs[0]
    await hub.ingest.drain(pair)
    assert [row for row in await hub.worklist.queue() if not row.provisional] == []


async def test_a_session_under_way_says_goodbye(hub: Hub, site: Site) -> None:
    other = await second_device(hub)
    theirs, ours = hub.sites.directory.pairs
    setting, unharmed = await hub.contacts.setting(theirs), await hub.contacts.setting(ours)
    assert setting.parting is not None
    assert unharmed.parting is not None
    await hub.revocations.revoke(key_of(site), reason=LOST)
    assert setting.parting.is_set()
    assert not unharmed.parting.is_set()
    hub.contacts.end_all()
    assert unharmed.parting.is_set()
    assert other.known_hub.pseudonym == ours.pseudonym
