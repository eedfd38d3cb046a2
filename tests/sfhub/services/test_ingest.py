"""Ingest: what arrives becomes part of its case exactly once; what may not is put aside and stops nothing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from itertools import islice, permutations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol.actors import Actor, Role
from protocol.bundle import EntryBundle, LayerBundle, blob_hash
from protocol.clinical import CaseOpened, Layer, Note
from protocol.entry import SignedEntry, write_entry
from protocol.header import Priority, Suite
from protocol.ids import CaseId, PatientId
from protocol.limits import COUNTER_LEAP_MAX, COUNTER_MAX
from protocol.orders import Advice, Seen
from protocol.records import Kind, NewRecord
from protocol.sealing import Prekey, SealContext
from protocol.small_seal import SmallContext, SmallKey
from protocol.stamps import Stamp
from sfhub.app import Hub
from sfhub.errors import NotFound
from sfhub.keystore import load_keys
from sfhub.services.ingest import DEATHS_MAX, Ingest
from sfhub.services.worklist import Worklist
from sfhub.storage.objects import ObjectStore
from sfhub.storage.people import Clinician
from sfhub.storage.quarantine import PutAside, all_put_aside, begin_opening
from sfhub.views import CaseView
from tests.sfhub.site import NOON_S, SEALER, Site, Story, drain, vitals


async def aside(hub: Hub) -> tuple[PutAside, ...]:
    return await hub.database.read(lambda connection: all_put_aside(connection, 100))


async def count(hub: Hub, table: str) -> int:
    ((rows,),) = await hub.database.read(
        lambda connection: connection.execute(f"SELECT count(*) FROM {table}").fetchall()
    )
    return int(rows)


async def left_in_custody(hub: Hub, site: Site) -> int:
    store = await hub.custody.pair(site.known_hub.pseudonym)
    return len(await store.received_after(0, 100))


async def show(hub: Hub, story: Story) -> CaseView:
    return await hub.worklist.case(story.case_id)


async def test_a_whole_case_is_shown_whole(hub: Hub, site: Site) -> None:
    story = site.story()
    await site.deliver_story(hub, story)
    view = await show(hub, story)
    assert view.row.missing == ()
    assert view.patient.allergies == "penicillin"
    assert view.patient.weight == "82.5 kg measured"
    assert view.row.news2 == "4"
    assert view.media[0].best is not None
    assert view.media[0].best.layer == "standard"
    assert {event.author for event in view.timeline} == {"Medic"}
    assert await left_in_custody(hub, site) == 0
    assert await aside(hub) == ()


async def test_the_headline_alone_says_what_is_missing(hub: Hub, site: Site) -> None:
    story = site.story(urgency=Priority.EMERGENCY)
    await site.deliver(hub, site.introduction(), story.headline)
    (row,) = await hub.worklist.queue()
    assert (row.urgency_word, row.complaint, row.news2) == ("EMER", "chest pain", "7")
    assert row.headline_only
    assert row.missing == (
        "headline only: question, history, notes and vitals series are still on their way",
        "1 announced photos are not described yet",
    )
    await site.deliver(hub, story.manifest, story.preview)
    (row,) = await hub.worklist.queue()
    assert row.missing[-1] == "1 of 1 standard photos still on their way"
    assert (row.photos_arrived, row.photos_named) == (1, 1)


async def test_the_same_again_changes_nothing(hub: Hub, site: Site) -> None:
    story = site.story()
    await site.deliver_story(hub, story)
    before = await show(hub, story)
    entries = await count(hub, "entries")
    # Sealed anew, and packed otherwise: other bundles with the same entries.
    for content in (
        EntryBundle((story.text, story.headline)),
        EntryBundle((story.manifest,)),
        story.standard,
    ):
        await site.put(hub, site.seal(content))
    await drain(hub, site)
    assert await count(hub, "entries") == entries
    assert await show(hub, story) == before


async def test_any_order_gives_the_same_case(hub: Hub, site: Site) -> None:
    views = []
    await site.deliver(hub, site.introduction())
    # Every fifth of the 120 orders: each part comes first, last and between somewhere among them.
    for order in islice(permutations(range(5)), 0, None, 5):
        story = site.story()
        parts = (story.headline, story.text, story.manifest, story.preview, story.standard)
        await site.deliver(hub, *(parts[place] for place in order))
        view = await show(hub, story)
        views.append((view.row.missing, view.row.news2, len(view.timeline), view.media[0].banner))
    assert len(set(views)) == 1


def forged(story: Story) -> SignedEntry:
    payload = bytearray(story.text.payload)
    payload[payload.index(b"penicillin")] ^= 1
    return SignedEntry(bytes(payload), story.text.signature)


async def test_an_altered_entry_is_put_aside_and_the_rest_flows(hub: Hub, site: Site) -> None:
    story = site.story()
    await site.deliver(hub, site.introduction(), forged(story), story.headline, story.manifest)
    (row,) = await hub.worklist.queue()
    assert row.headline_only
    (one,) = await aside(hub)
    assert "signature does not match" in one.reason
    assert await left_in_custody(hub, site) == 0


async def test_good_entries_beside_a_bad_one_are_kept(hub: Hub, site: Site) -> None:
    story = site.story()
    await site.deliver(hub, site.introduction(), EntryBundle((forged(story), story.headline)))
    (row,) = await hub.worklist.queue()
    assert row.complaint == "chest pain"
    assert len(await aside(hub)) == 1


async def test_an_entry_of_a_device_nobody_enrolled_is_put_aside(hub: Hub, site: Site) -> None:
    story = site.story()
    site.signing = Ed25519PrivateKey.generate()
    await site.deliver(hub, site.entry(vitals(), case_id=story.case_id))
    assert [one.reason for one in await aside(hub)] == ["it is signed by a device that is not enrolled here"]


async def test_nobody_writes_into_another_sites_case(hub: Hub, site: Site) -> None:
    story = site.story()
    await site.deliver_story(hub, story)
    other = Site("MV OTHER", seed=2)
    await other.enrol(hub)
    other.patient = site.patient
    own = other.story(complaint="burn")
    await other.deliver(
        hub,
        other.introduction(),
        other.entry(Note(language="en", text="ALTERED BY ANOTHER SHIP"), case_id=story.case_id),
        LayerBundle(story.case_id, Layer.FULL, b"foreign"),
        own.headline,
    )
    assert "ALTERED" not in str(await show(hub, story))
    assert [one.reason for one in await aside(hub)] == [
        "its sender is not the site of this case",
        "its author's place is not a member of this case's care team",
    ]
    assert {row.complaint for row in await hub.worklist.queue()} == {"chest pain", "burn"}


async def test_an_entry_that_names_another_patient_is_put_aside(hub: Hub, site: Site) -> None:
    story = site.story()
    await site.deliver_story(hub, story)
    stray = site.entry(vitals(), case_id=story.case_id, patient_id=PatientId(os.urandom(10)))
    await site.deliver(hub, stray)
    assert [one.reason for one in await aside(hub)] == ["it names another patient than its case does"]
    assert len((await show(hub, story)).vitals) == 1


async def test_a_site_can_order_nothing(hub: Hub, site: Site) -> None:
    story = site.story()
    await site.deliver_story(hub, story)
    await site.deliver(hub, site.entry(Advice(text="give all of it"), case_id=story.case_id))
    assert [one.reason for one in await aside(hub)] == ["a medic may not write a advice record"]
    assert (await show(hub, story)).advice == ()


async def test_a_site_cannot_pass_somebody_off_as_a_specialist(hub: Hub, site: Site) -> None:
    impostor = site.entry(
        Actor(name="Specialist", role=Role.SPECIALIST), Advice(text="stop"), case_id=CaseId(os.urandom(10))
    )
    await site.deliver(hub, impostor)
    assert [one.reason for one in await aside(hub)] == ["a site's key may not vouch for a specialist"]


async def test_a_case_that_asks_another_hub_is_put_aside(hub: Hub, site: Site) -> None:
    opened = CaseOpened(
        template="general",
        template_version=1,
        urgency=Priority.ROUTINE,
        complaint="rash",
        question="?",
        site=site.mailbox,
        hub=b"otherhub",
    )
    await site.deliver(hub, site.introduction(), site.entry(opened, case_id=CaseId(os.urandom(10))))
    assert [one.reason for one in await aside(hub)] == ["its case asks another hub"]


async def test_the_pseudo_case_of_another_site_cannot_be_taken(hub: Hub, site: Site) -> None:
    squatter = Site("MV OTHER", seed=2)
    await squatter.enrol(hub)
    taken = site.introduction()  # The id of the case can be computed by anybody.
    case_id = CaseId(taken.payload[3:13])
    await squatter.deliver(hub, squatter.entry(Actor(name="X", role=Role.MEDIC), case_id=case_id))
    assert "another site keeps its own" in (await aside(hub))[0].reason
    await site.deliver(hub, taken, site.story().headline)
    assert len(await hub.worklist.queue()) == 1


async def test_an_unknown_key_is_put_aside_with_what_to_do(hub: Hub, site: Site) -> None:
    story = site.story()
    stranger = X25519PrivateKey.generate().public_key().public_bytes_raw()
    await site.put(hub, site.seal(EntryBundle((story.text,)), recipient=stranger))
    await site.deliver(hub, site.introduction(), story.headline)
    assert "the site is asked to seal it again" in (await aside(hub))[0].reason
    assert len(await hub.worklist.queue()) == 1


async def test_a_seal_that_does_not_open_is_put_aside(hub: Hub, site: Site) -> None:
    story = site.story()
    sealed = site.seal(EntryBundle((story.text,)))
    broken = bytearray(sealed.sealed)
    broken[-1] ^= 1
    await site.put(
        hub,
        type(sealed)(bundle_id=sealed.bundle_id, recipient_key=sealed.recipient_key, sealed=bytes(broken)),
    )
    await site.deliver(hub, site.introduction(), story.headline)
    assert "does not open" in (await aside(hub))[0].reason
    assert len(await hub.worklist.queue()) == 1


async def test_an_author_introduced_later_frees_what_waited(hub: Hub, site: Site) -> None:
    story = site.story()
    await site.deliver(hub, story.headline, story.text)
    assert await hub.worklist.queue() == ()
    assert await count(hub, "held_entries") == 2
    await site.deliver(hub, site.introduction())
    (row,) = await hub.worklist.queue()
    assert not row.headline_only
    assert await count(hub, "held_entries") == 0
    assert await aside(hub) == ()


async def test_our_own_entry_waits_for_its_case(hub: Hub, site: Site, folder: object) -> None:
    story = site.story()
    site_signing = site.signing
    site.signing = load_keys(hub.folder.keys).signing
    seen = site.entry(
        Actor(name="Specialist on duty", role=Role.SPECIALIST),
        NewRecord(Seen(), kind=Kind.CASE_SEEN),
        case_id=story.case_id,
    )
    site.signing = site_signing
    await site.deliver(hub, seen)
    assert await count(hub, "held_entries") == 1
    await site.deliver(hub, site.introduction(), story.text)
    view = await show(hub, story)
    assert view.row.state == "opened by Specialist on duty"


async def test_a_layer_that_no_manifest_names_is_never_shown(hub: Hub, site: Site) -> None:
    story = site.story()
    stray = LayerBundle(story.case_id, Layer.STANDARD, b"not the picture")
    await site.deliver(hub, site.introduction(), story.text, story.manifest, stray, story.preview)
    view = await show(hub, story)
    assert view.layers_unnamed == 1
    with pytest.raises(NotFound):
        await hub.worklist.shown_blob(story.case_id, blob_hash(b"not the picture"))
    await hub.worklist.shown_blob(story.case_id, story.preview.blob)


async def test_a_layer_before_its_case_is_joined_when_the_case_comes(hub: Hub, site: Site) -> None:
    story = site.story()
    await site.deliver(hub, story.standard)
    with pytest.raises(NotFound):
        await hub.worklist.shown_blob(story.case_id, story.standard.blob)
    await site.deliver(hub, site.introduction(), story.text, story.manifest)
    view = await show(hub, story)
    assert view.media[0].banner.startswith("standard layer, lossy (quality 30)")
    assert await hub.worklist.read_blob(story.case_id, story.standard.blob) == story.standard.data


async def test_another_site_cannot_send_a_picture_ahead_into_a_case(hub: Hub, site: Site) -> None:
    story = site.story()
    other = Site("MV OTHER", seed=2)
    await other.enrol(hub)
    await other.deliver(hub, story.standard)  # Its case is not known yet, so nobody can say whose it is.
    await site.deliver(hub, site.introduction(), story.text, story.manifest)
    view = await show(hub, story)
    assert view.media[0].best is None
    assert view.layers_unnamed == 0


class StumblingSealer:
    """The real sealer, but for one bundle that our own code stumbles over."""

    def __init__(self, poison: bytes) -> None:
        self.poison = poison
        self.stumbles = 0

    def seal(self, plain: bytes, recipient: Prekey, context: SealContext) -> tuple[Suite, bytes]:
        return SEALER.seal(plain, recipient, context)

    def open(
        self, suite: Suite, sealed: bytes, keys: Mapping[bytes, X25519PrivateKey], context: SealContext
    ) -> bytes:
        if context.bundle_id == self.poison:
            self.stumbles += 1
            raise RecursionError("a parser that nobody thought would")
        return SEALER.open(suite, sealed, keys, context)

    def seal_small(self, plain: bytes, key: SmallKey, context: SmallContext) -> bytes:
        return SEALER.seal_small(plain, key, context)

    def open_small(self, sealed: bytes, key: SmallKey, context: SmallContext) -> bytes:
        return SEALER.open_small(sealed, key, context)


def ingest_with(hub: Hub, sealer: StumblingSealer) -> Ingest:
    return Ingest(
        hub.database,
        hub.custody,
        hub.sites,
        load_keys(hub.folder.keys),
        sealer,
        ObjectStore(hub.folder.objects),
        hub.changes,
        hub.clock,
    )


async def test_a_poison_bundle_is_put_aside_after_two_tries(
    hub: Hub, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    story = site.story()
    poison = site.seal(EntryBundle((story.text,)))
    await site.put(hub, poison)
    await site.put(hub, site.seal(EntryBundle((site.introduction(), story.headline))))
    sealer = StumblingSealer(poison.bundle_id)
    pair = hub.sites.directory.pairs[0]
    await ingest_with(hub, sealer).drain(pair)
    assert sealer.stumbles == 2
    (one,) = await aside(hub)
    assert one.reason == "opening it failed 2 times: RecursionError"
    assert len(await hub.worklist.queue()) == 1
    assert "a parser that nobody thought would" in caplog.text


async def test_a_bundle_that_ends_the_process_again_and_again_is_put_aside(hub: Hub, site: Site) -> None:
    story = site.story()
    killer = site.seal(EntryBundle((story.text,)))
    await site.put(hub, killer)
    pair = hub.sites.directory.pairs[0]
    for _ in range(DEATHS_MAX):
        await hub.database.note(lambda c: begin_opening(c, pair.number, killer.bundle_id))
    await site.deliver(hub, site.introduction(), story.headline)
    assert (await aside(hub))[0].reason == f"the hub ended {DEATHS_MAX} times while opening it"
    assert len(await hub.worklist.queue()) == 1


async def test_a_disk_that_refuses_loses_nothing(hub: Hub, site: Site) -> None:
    story = site.story()
    hub.folder.objects.rmdir()
    hub.folder.objects.touch()  # A file where the folder should be: every write below it is refused.
    with pytest.raises(OSError, match=r".*"):
        await site.deliver(hub, story.standard)
    assert await left_in_custody(hub, site) == 1
    hub.folder.objects.unlink()
    hub.folder.objects.mkdir()
    await site.deliver(hub, site.introduction(), story.text, story.manifest)
    assert (await show(hub, story)).media[0].best is not None
    assert await aside(hub) == ()


async def test_a_damaged_case_hides_no_other(hub: Hub, site: Site) -> None:
    first, second = site.story(complaint="chest pain"), site.story(complaint="burn")
    await site.deliver(hub, site.introduction(), first.headline, second.headline)
    await hub.database.write(
        lambda c: c.execute(
            "UPDATE entries SET payload = zeroblob(40) WHERE case_id = ?", (first.case_id,)
        ).fetchall()
    )
    await hub.database.write(lambda c: c.execute("UPDATE cases SET row = NULL").fetchall())
    rows = await Worklist(hub.database, hub.sites, ObjectStore(hub.folder.objects)).queue()
    assert {row.complaint.split()[0] for row in rows} == {"DAMAGED", "burn"}


async def test_a_case_that_is_changing_is_never_missing_from_the_queue(hub: Hub, site: Site) -> None:
    story = site.story()
    await site.deliver(hub, site.introduction(), story.headline)
    changing = True

    async def change() -> None:
        nonlocal changing
        for _ in range(40):
            await site.deliver(hub, site.entry(vitals(), case_id=story.case_id))
        changing = False

    async with asyncio.TaskGroup() as group:
        group.create_task(change())
        while changing:
            assert len(await hub.worklist.queue()) == 1


async def test_no_entry_uses_up_the_counters(hub: Hub, site: Site, doctor: Clinician) -> None:
    """Whoever writes must write above what is here, so one entry cannot take all there are."""
    story = site.story()
    await site.deliver_story(hub, story)
    known = site.counter - 1

    async def note(text: str, counter: int) -> None:
        written = write_entry(
            [NewRecord(Note(language="en", text=text))],
            case_id=story.case_id,
            patient_id=site.patient,
            author=site.medic,
            stamp=Stamp(counter, NOON_S),
            key=site.signing,
        )
        await site.deliver(hub, written)

    await note("the very last", COUNTER_MAX)
    await note("one too far", known + COUNTER_LEAP_MAX + 1)
    assert [each.reason for each in await aside(hub)] == [
        "its counter is further ahead than any honest one can be"
    ] * 2
    await note("as far as may be", known + COUNTER_LEAP_MAX)
    assert "as far as may be" in str((await hub.worklist.case(story.case_id)).notes)
    await hub.replies.advise(story.case_id, doctor, "Give oxygen.")


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_a_name_does_not_depend_on_what_came_last(hub: Hub, site: Site, order: tuple[int, ...]) -> None:
    story = site.story()
    said = [
        site.entry(Actor(name=name, role=Role.MEDIC), Note(language="en", text=name), case_id=story.case_id)
        for name in ("Medic", "Medic on watch", "First medic")
    ]
    await site.deliver(hub, story.text, *(said[index] for index in order))
    authors = {each.author for each in (await hub.worklist.case(story.case_id)).timeline}
    assert authors == {"First medic"}
