"""Keys at a site: its own monthly, the hub's newest, and none that the hub has revoked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol.actors import Actor, Role
from protocol.bundle import EntryBundle
from protocol.entry import SignedEntry, read_entry, write_entry
from protocol.header import Priority
from protocol.ids import CaseId, KeyId, PatientId, key_id_of
from protocol.keyring import DAY_S, ROTATE_AFTER_S
from protocol.orders import Advice
from protocol.prekeys import EpochKey, Revocation, RevocationReason, machine_of
from protocol.records import NewRecord
from protocol.sealing import HpkeSealer, Prekey
from protocol.stamps import Certainty, Stamp
from sfnode.services.outgoing import Outgoing
from sfnode.vault import keys
from sync.ports import Rank
from sync.stores.peer_keys import revocation_of
from tests.sfnode.services.post import Post, open_post, sent_case

NOBODY = PatientId(bytes(10))


@pytest.fixture
async def post(tmp_path: Path) -> AsyncIterator[Post]:
    async with open_post(tmp_path / "site") as post:
        yield post


async def site_case(post: Post) -> CaseId:
    return (await post.vault.hub(post.hub.address)).site_case


async def stated(
    post: Post, body: Any, *, key: Ed25519PrivateKey | None = None, counter: int = 50
) -> SignedEntry:
    """What the hub's machine, or another, says in the site's own case."""
    signing = key or post.hub.signing
    key_id = key_id_of(signing.public_key().public_bytes_raw())
    return write_entry(
        [NewRecord(Actor(name="Duty desk", role=Role.DESK)), NewRecord(body)],
        case_id=await site_case(post),
        patient_id=NOBODY,
        author=machine_of(key_id),
        stamp=Stamp(counter, 1_760_000_000),
        key=signing,
    )


async def hear(post: Post, entry: SignedEntry) -> str:
    """Why it was kept aside; empty when it stands."""
    ingested = await post.book.ingest(EntryBundle((entry,)), post.hub.address)
    return "".join(aside.reason for aside in ingested.quarantined)


def epoch_key(epoch: int, public_key: bytes | None = None) -> EpochKey:
    return EpochKey(epoch=epoch, public_key=public_key or bytes([epoch]) * 32, made_s=0)


async def statements(post: Post) -> list[tuple[Outgoing, EpochKey]]:
    """Keys that wait to be sealed for the hub."""
    found = []
    for row in await post.book.outbox():
        assert isinstance(row.content, EntryBundle)
        for signed in row.content.entries:
            bodies = [record.body for record in read_entry(signed).records]
            found += [(row, body) for body in bodies if isinstance(body, EpochKey)]
    return found


async def ring_epochs(post: Post) -> set[int]:
    return {key.epoch for key in (await post.vault.identity()).ring.keys}


# Our own.


async def test_a_month_makes_a_new_key_and_the_hub_is_told_once(post: Post) -> None:
    await post.book.keep_keys_current()
    assert (await ring_epochs(post), await statements(post)) == ({0}, [])
    post.clock.pass_time(ROTATE_AFTER_S)
    await post.book.keep_keys_current()
    await post.book.keep_keys_current()
    ((row, body),) = await statements(post)
    assert (row.priority, row.rank) == (Priority.URGENT, Rank.HEADLINE)
    ring = (await post.vault.identity()).ring
    assert (body.epoch, body.public_key) == (1, ring.newest.public)
    assert set(ring.private_keys) == {key.short_id for key in ring.keys}
    assert await ring_epochs(post) == {0, 1}


async def test_a_look_that_finds_nothing_to_do_changes_nothing(post: Post) -> None:
    await post.book.keep_keys_current()
    changes = post.vault.vault.database.changes
    post.clock.pass_time(DAY_S)
    await post.book.keep_keys_current()
    assert post.vault.vault.database.changes == changes


async def test_a_clock_that_is_not_set_moves_nothing(post: Post) -> None:
    await post.book.keep_keys_current()
    post.clock.pass_time(3 * ROTATE_AFTER_S)
    post.clock.grade = Certainty.UNSET
    await post.book.keep_keys_current()
    assert await ring_epochs(post) == {0}


async def test_a_clock_that_leaps_makes_one_key_at_each_leap_and_destroys_none(post: Post) -> None:
    await post.book.keep_keys_current()
    for leap in range(4):
        post.clock.pass_time(3650 * DAY_S)
        await post.book.keep_keys_current()
        await post.book.keep_keys_current()
        post.clock.pass_time(-3650 * DAY_S)
        await post.book.keep_keys_current()
        assert await ring_epochs(post) == set(range(leap + 2))


async def test_old_keys_go_after_their_grace_and_their_numbers_are_not_given_again(post: Post) -> None:
    for _ in range(20):
        await post.book.keep_keys_current()
        post.clock.pass_time(ROTATE_AFTER_S)
    held = await ring_epochs(post)
    assert 0 in held
    assert 1 not in held
    assert max(held) == 19
    await post.book.keep_keys_current()
    assert max(await ring_epochs(post)) == 20


async def test_the_newest_key_is_never_destroyed(post: Post) -> None:
    database = post.vault.directory._database
    await database.write(lambda connection: keys.destroy_key(connection, 0))
    assert await ring_epochs(post) == {0}


# The hub's.


async def test_the_newest_stated_key_is_sealed_for_in_whatever_order_they_come(post: Post) -> None:
    for number, epoch in enumerate((4, 2, 3)):
        assert await hear(post, await stated(post, epoch_key(epoch), counter=50 + 2 * number)) == ""
    await sent_case(post)
    view = await (await post.custody()).open_session()
    sealed_for = {bundle.offer.recipient_key for bundle in view.pending if bundle.rank is Rank.TEXT}
    assert sealed_for == {Prekey(bytes([4]) * 32).short_id}


async def test_a_key_stated_by_a_person_is_kept_aside(post: Post) -> None:
    entry = post.hub.sign([NewRecord(epoch_key(4))], case_id=await site_case(post), patient_id=NOBODY)
    assert "may not write a prekey" in await hear(post, entry)
    assert [
        key.epoch for key in await post.vault.directory.hub_keys(await post.vault.hub(post.hub.address))
    ] == [0]


async def test_a_key_stated_in_a_patients_case_is_kept_aside(post: Post) -> None:
    sent = await sent_case(post)
    entry = write_entry(
        [NewRecord(Actor(name="Duty desk", role=Role.DESK)), NewRecord(epoch_key(4))],
        case_id=sent.case_id,
        patient_id=sent.patient_id,
        author=machine_of(key_id_of(post.hub.signing.public_key().public_bytes_raw())),
        stamp=Stamp(90, 1_760_000_000),
        key=post.hub.signing,
    )
    assert "nowhere else" in await hear(post, entry)


# Keys that are gone.


async def test_what_does_not_open_is_asked_for_with_our_newest_key(post: Post) -> None:
    post.clock.pass_time(ROTATE_AFTER_S)
    await post.book.keep_keys_current()
    sent = await sent_case(post)
    lost = X25519PrivateKey.generate().public_key().public_bytes_raw()
    content = EntryBundle((sent.advice(post, "Give oxygen."),))
    sealed = post.hub.down.seal(
        content, priority=Priority.URGENT, recipient=Prekey(lost), sealer=HpkeSealer(lambda n: bytes(n))
    )
    await post.arrive(sealed, 1)
    await post.inbox.open_waiting()
    (asked,) = await (await post.custody()).unopened()
    assert asked.recipient_key == (await post.vault.identity()).ring.newest.short_id
    assert any("not lost: the hub is asked" in sentence for sentence in post.troubles)


async def test_a_new_seal_waits_for_a_key_that_the_hub_has_vouched_for(post: Post) -> None:
    """A key that only the session has named is sealed for by nobody."""
    await sent_case(post)
    custody = await post.custody()
    view = await custody.open_session()
    text = next(bundle.offer for bundle in view.pending if bundle.rank is Rank.TEXT)
    private = X25519PrivateKey.generate()
    new = Prekey(private.public_key().public_bytes_raw())
    await custody.note_rekey(text.incarnation, text.sequence, new.short_id)
    await post.outbox.seal_waiting()
    assert len(await custody.rekeys()) == 1
    assert any("not known here yet" in sentence for sentence in post.troubles)
    assert await hear(post, await stated(post, epoch_key(1, new.public_key))) == ""
    assert await post.outbox.seal_waiting() >= 1
    assert await custody.rekeys() == ()
    pending = {bundle.offer.bundle_id: bundle.offer for bundle in (await custody.open_session()).pending}
    again = pending[text.bundle_id]
    assert (again.recipient_key, again.seal_tag != text.seal_tag) == (new.short_id, True)
    sealed = await custody.read(again.sequence, 0, again.size_bytes)
    opened = post.hub.up.open(again, sealed, keys={new.short_id: private}, sealer=HpkeSealer(bytes))
    assert isinstance(opened, EntryBundle)


# Revoked.


def revocation(key: Ed25519PrivateKey, version: int, since: int = 0) -> Revocation:
    return Revocation(
        version=version,
        key_id=key_id_of(key.public_key().public_bytes_raw()),
        reason=RevocationReason.STOLEN,
        since=since,
    )


async def advise(post: Post, key: Ed25519PrivateKey, counter: int) -> str:
    """What becomes of advice signed with a hub's key."""
    sent = await sent_case(post)
    introduced = [
        NewRecord(Actor(name="Specialist on duty", role=Role.SPECIALIST)),
        NewRecord(Advice(text="Rest.")),
    ]
    entry = write_entry(
        introduced,
        case_id=sent.case_id,
        patient_id=sent.patient_id,
        author=post.hub.author,
        stamp=Stamp(counter, 1_760_000_000),
        key=key,
    )
    return await hear(post, entry)


async def replace_hub_key(post: Post) -> Ed25519PrivateKey:
    """The hub lost its keys and enrols the site with new ones; the former key."""
    former, post.hub.signing = post.hub.signing, Ed25519PrivateKey.generate()
    post.hub.secret = bytes(10)
    await post.enrolment.enrol("http://hub.example", post.hub.code, again=post.hub.address)
    return former


async def test_what_a_revoked_hub_key_signed_is_kept_aside(post: Post) -> None:
    former = await replace_hub_key(post)
    assert await advise(post, former, 500) == ""
    assert await hear(post, await stated(post, revocation(former, 1))) == ""
    assert await advise(post, former, 600) == "it is signed with a key that the hub revoked as stolen"
    assert await advise(post, post.hub.signing, 700) == ""


async def test_a_counter_lets_what_is_older_through(post: Post) -> None:
    former = await replace_hub_key(post)
    assert await hear(post, await stated(post, revocation(former, 1, since=600))) == ""
    assert await advise(post, former, 500) == ""
    assert "revoked as stolen" in await advise(post, former, 600)


async def test_an_older_version_of_the_list_changes_nothing(post: Post) -> None:
    former = await replace_hub_key(post)
    assert await hear(post, await stated(post, revocation(former, 7), counter=60)) == ""
    assert await hear(post, await stated(post, revocation(former, 6, since=9_999), counter=62)) == ""
    assert "revoked as stolen" in await advise(post, former, 600)


async def test_a_former_key_cannot_revoke_the_present_one(post: Post) -> None:
    former = await replace_hub_key(post)
    entry = await stated(post, revocation(post.hub.signing, 99), key=former)
    assert await hear(post, entry) == "only the hub's present key revokes another"
    assert await advise(post, post.hub.signing, 700) == ""


async def test_a_key_may_revoke_itself(post: Post) -> None:
    former = await replace_hub_key(post)
    assert await hear(post, await stated(post, revocation(former, 1), key=former)) == ""
    assert "revoked as stolen" in await advise(post, former, 600)
    signer: KeyId = key_id_of(former.public_key().public_bytes_raw())
    database = post.vault.directory._database
    kept = await database.read(lambda connection: revocation_of(connection, signer, by=post.hub.address))
    assert kept == revocation(former, 1)
