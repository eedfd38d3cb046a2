"""A reply that replaces one the site holds leaves as a difference; what cannot be read is asked for whole."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.bundle import EntryBundle
from protocol.clinical import Note
from protocol.errors import BaseMissing
from protocol.header import Priority
from protocol.ranges import RangeSet
from protocol.sealing import Prekey
from protocol.small_seal import Direction, SmallKey
from sfhub.app import Hub
from sfhub.services.replies import Draft
from sfhub.storage.bases import entry_starting
from sfhub.storage.entries import entries_of_case
from sfhub.storage.people import Clinician
from sfhub.storage.sites import Pair
from sync.envelope import Envelope, SealedContent
from sync.ports import OutgoingBundle
from sync.stores.sqlite import SqlitePairStore
from tests.sfhub.site import SEALER, Site, Story, drain, open_from_hub

ANSWER: dict[str, Any] = {
    "assessment": "Probably a strained muscle of the chest wall: tender on pressing, no change with effort.",
    "certainty": "probable",
    "orders": [{"name": "paracetamol", "dose": "1 g", "route": "oral"}],
    "stop_rule": "call if the pain spreads, or the breath gets short",
    "evacuation": "no",
    "recheck_every_min": 240,
    "valid_for_min": 720,
}
NOTE = (
    "Pain in the left side of the chest after lifting sacks, worse on turning, 4 of 10, no fever, no cough."
)


def custody_pair(hub: Hub, site: Site) -> Pair:
    pair = hub.sites.directory.pair_of(site.known_hub.pseudonym)
    assert pair is not None
    return pair


async def custody_of(hub: Hub, site: Site) -> SqlitePairStore:
    return await hub.custody.pair(site.known_hub.pseudonym)


async def pending(hub: Hub, site: Site) -> tuple[OutgoingBundle, ...]:
    return await (await custody_of(hub, site)).outgoing(RangeSet())


async def arrived_at_site(hub: Hub, site: Site) -> None:
    """The site has said that it holds all that was sealed so far."""
    spans = sorted((each.offer.sequence, each.offer.sequence + 1) for each in await pending(hub, site))
    store = await custody_of(hub, site)
    for span in spans:
        await store.mark_stored(RangeSet((span,)))
    hub.outbox.check(custody_pair(hub, site))
    await hub.outbox.flush()


async def reply(hub: Hub, story: Story, author: Clinician, **changes: Any) -> None:
    await hub.replies.send(story.case_id, author, Draft(values=ANSWER | changes))
    await hub.outbox.flush()


async def unreadable(hub: Hub, site: Site) -> list[tuple[bytes, int]]:
    """Of the waiting bundles that change an entry, the start of its id and their size."""
    found = []
    store = await custody_of(hub, site)
    for bundle in await pending(hub, site):
        sealed = await store.read(bundle.offer.sequence, 0, bundle.offer.size_bytes)
        try:
            open_from_hub(site, bundle.offer, sealed)
        except BaseMissing as missing:
            found.append((missing.base_id, bundle.offer.size_bytes))
    return found


@pytest.fixture
async def story(hub: Hub, site: Site) -> Story:
    story = site.story()
    await site.deliver(hub, site.introduction(), story.headline, story.text)
    return story


async def test_a_reply_that_replaces_one_the_site_holds_is_a_difference_from_it(
    hub: Hub, site: Site, story: Story, doctor: Clinician
) -> None:
    await reply(hub, story, doctor)
    assert await unreadable(hub, site) == []
    await arrived_at_site(hub, site)
    await reply(hub, story, doctor, valid_for_min=360)
    ((start, size_bytes),) = await unreadable(hub, site)
    first = await hub.database.read(lambda c: entry_starting(c, custody_pair(hub, site), start))
    assert first is not None
    assert size_bytes < 64 + 48 + 110


async def test_a_reply_that_replaces_one_the_site_may_lack_needs_nothing_of_the_hubs(
    hub: Hub, site: Site, story: Story, doctor: Clinician
) -> None:
    await reply(hub, story, doctor)
    await reply(hub, story, doctor, valid_for_min=360)
    assert await unreadable(hub, site) == []


async def test_a_reply_that_the_site_cannot_read_goes_out_whole(
    hub: Hub, site: Site, story: Story, doctor: Clinician
) -> None:
    await reply(hub, story, doctor)
    await arrived_at_site(hub, site)
    await reply(hub, story, doctor, valid_for_min=360)
    assert len(await unreadable(hub, site)) == 1
    offers = [each.offer for each in await pending(hub, site)]
    await arrived_at_site(hub, site)
    store = await custody_of(hub, site)
    for offer in offers:
        await store.note_rekey(offer.incarnation, offer.sequence, offer.recipient_key)
    hub.outbox.check(custody_pair(hub, site))
    await hub.outbox.flush()
    assert await pending(hub, site)
    assert await unreadable(hub, site) == []


def difference(
    site: Site, text: str, story: Story, base_text: str
) -> tuple[EntryBundle, EntryBundle, SealedContent]:
    """An entry, one that changes it, and that one sealed as the difference."""
    base = EntryBundle((site.entry(Note(language="en", text=base_text), case_id=story.case_id),))
    changed = EntryBundle((site.entry(Note(language="en", text=text), case_id=story.case_id),))
    envelope = Envelope(
        destination=site.hub_mailbox,
        origin=site.known_hub.pseudonym,
        pair_secret=site.secrets.bundle_ids,
        small=SmallKey(secret=site.secrets.small, direction=Direction.TO_HUB),
    )
    sealed = envelope.seal(
        changed,
        priority=Priority.URGENT,
        recipient=Prekey(site.known_hub.opening),
        sealer=SEALER,
        base=base.entries[0],
    )
    return base, changed, sealed


async def notes(hub: Hub, story: Story) -> list[str]:
    file, _ = await hub.worklist.file(story.case_id)
    return [record.body.text for record in file.state.notes]


async def test_a_difference_from_what_is_here_is_read(hub: Hub, site: Site, story: Story) -> None:
    base, _, sealed = difference(site, NOTE.replace("4 of", "6 of"), story, NOTE)
    await site.deliver(hub, base)
    await site.put(hub, sealed)
    await drain(hub, site)
    assert NOTE.replace("4 of", "6 of") in await notes(hub, story)


async def test_a_difference_from_what_is_not_here_is_asked_for_whole(
    hub: Hub, site: Site, story: Story
) -> None:
    _, changed, sealed = difference(site, NOTE.replace("4 of", "6 of"), story, NOTE)
    await site.put(hub, sealed)
    await drain(hub, site)
    store = await custody_of(hub, site)
    (asked,) = await store.unopened()
    assert asked.recipient_key == sealed.recipient_key
    assert NOTE.replace("4 of", "6 of") not in await notes(hub, story)
    await site.deliver(hub, changed)
    assert NOTE.replace("4 of", "6 of") in await notes(hub, story)
    assert await store.unopened() == ()


async def test_an_entry_of_another_site_is_no_base(hub: Hub, site: Site, story: Story) -> None:
    other = Site("Other station", seed=7)
    await other.enrol(hub)
    stored = await hub.database.read(lambda connection: entries_of_case(connection, story.case_id))
    start = stored[0].signed.entry_id[:6]
    found = await hub.database.read(lambda c: entry_starting(c, custody_pair(hub, site), start))
    assert found == stored[0].signed
    assert await hub.database.read(lambda c: entry_starting(c, custody_pair(hub, other), start)) is None
