"""The way out of the vault: what custody holds afterwards, and that being cut short does no harm."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol.bundle import EntryBundle, LayerBundle
from protocol.entry import read_entry, verify_entry
from protocol.header import Suite
from protocol.micro import MicroBundle, read_micro
from protocol.ranges import RangeSet
from protocol.records import Kind
from protocol.sealing import HpkeSealer, Prekey, SealContext
from protocol.small_seal import SmallContext, SmallKey
from sfnode.services.outbox import Outbox
from sync.ports import OutgoingBundle
from tests.sfnode.services.post import Post, open_post
from tests.sfnode.services.station import new_case, photo_layers


class PowerCut(Exception):
    """The process ends here."""


class SealerUntil:
    """Seals so many bundles, then the process dies."""

    def __init__(self, left: int) -> None:
        self._left = left
        self._real = HpkeSealer(os.urandom)

    def seal(self, plain: bytes, recipient: Prekey, context: SealContext) -> tuple[Suite, bytes]:
        if not self._left:
            raise PowerCut
        self._left -= 1
        return self._real.seal(plain, recipient, context)

    def open(
        self, suite: Suite, sealed: bytes, keys: Mapping[bytes, X25519PrivateKey], context: SealContext
    ) -> bytes:
        return self._real.open(suite, sealed, keys, context)

    def seal_small(self, plain: bytes, key: SmallKey, context: SmallContext) -> bytes:
        if not self._left:
            raise PowerCut
        self._left -= 1
        return self._real.seal_small(plain, key, context)

    def open_small(self, sealed: bytes, key: SmallKey, context: SmallContext) -> bytes:
        return self._real.open_small(sealed, key, context)


async def send_a_case(post: Post) -> None:
    saved = await post.book.open_case(new_case(note="Crushing pain since 02:10."))
    await post.book.add_photo(saved.case_id, photo_layers(), caption="paper ECG")
    await post.book.send_case(saved.case_id)


async def in_custody(post: Post) -> tuple[OutgoingBundle, ...]:
    return await (await post.custody()).outgoing(RangeSet())


async def test_the_hub_can_open_and_verify_all_that_is_sealed(tmp_path: Path) -> None:
    async with open_post(tmp_path) as post:
        await send_a_case(post)
        count = await post.outbox.seal_waiting()
        bundles = await in_custody(post)
        assert count == len(bundles) >= 4
        custody, kinds, layers = await post.custody(), set(), 0
        keys = {Prekey(post.hub.opening.public_key().public_bytes_raw()).short_id: post.hub.opening}
        for bundle in bundles:
            sealed = await custody.read(bundle.offer.sequence, 0, bundle.offer.size_bytes)
            match post.hub.up.open(bundle.offer, sealed, keys=keys, sealer=HpkeSealer(os.urandom)):
                case EntryBundle(entries):
                    for entry in entries:
                        verify_entry(entry, post.hub.enrolled.signing)
                        kinds |= {record.kind for record in read_entry(entry).records}
                case LayerBundle():
                    layers += 1
                case MicroBundle() as micro:
                    kinds |= {read_micro(micro).record.kind}
        assert {Kind.ACTOR, Kind.CASE_OPENED, Kind.PATIENT, Kind.HEADLINE, Kind.NOTE, Kind.MEDIA} <= kinds
        assert layers == 2


async def test_sealing_again_adds_nothing(tmp_path: Path) -> None:
    async with open_post(tmp_path) as post:
        await send_a_case(post)
        await post.outbox.seal_waiting()
        before = await in_custody(post)
        assert await post.outbox.seal_waiting() == 0
        assert await in_custody(post) == before


@pytest.mark.parametrize("sealed_before_death", range(5))
async def test_a_process_that_dies_while_sealing_loses_and_doubles_nothing(
    tmp_path: Path, sealed_before_death: int
) -> None:
    async with open_post(tmp_path) as post:
        await send_a_case(post)
        dying = Outbox(post.vault, post.spool, sealer=SealerUntil(sealed_before_death), clock=post.clock)
        wanted = len(await post.book.outbox())
        with pytest.raises(PowerCut):
            await dying.seal_waiting()
        assert len(await in_custody(post)) == sealed_before_death
        assert await post.outbox.seal_waiting() == wanted - sealed_before_death
        bundles = await in_custody(post)
        assert len({bundle.offer.bundle_id for bundle in bundles}) == len(bundles) == wanted


async def test_death_between_custody_and_vault_is_made_good(tmp_path: Path) -> None:
    """Custody has the bundle and the casebook does not know: the second sealing is thrown away."""
    async with open_post(tmp_path) as post:
        await send_a_case(post)
        (first, *others) = await post.book.outbox()
        custody, hub = await post.custody(), await post.vault.hub(post.hub.address)
        sealed = post.hub.up.seal(
            first.content,
            priority=first.priority,
            recipient=Prekey(hub.opening),
            sealer=HpkeSealer(os.urandom),
        )
        offer = await custody.add(
            bundle_id=sealed.bundle_id,
            priority=first.priority,
            rank=first.rank,
            recipient_key=sealed.recipient_key,
            dwell_code=20,
            sealed=sealed.sealed,
        )
        await post.outbox.seal_waiting()
        bundles = await in_custody(post)
        assert len(bundles) == 1 + len(others)
        assert offer in [bundle.offer for bundle in bundles]
        assert await post.book.outbox() == ()


async def test_nothing_leaves_a_locked_vault_and_it_goes_on_when_it_is_opened(tmp_path: Path) -> None:
    async with open_post(tmp_path) as post:
        await send_a_case(post)
        await post.vault.lock()
        assert await post.outbox.seal_waiting() == 0
        assert await in_custody(post) == ()
        async with asyncio.TaskGroup() as group:
            running = group.create_task(post.outbox.run())
            await post.vault.unlock(b"correct horse")
            post.outbox.wake()
            while len(await in_custody(post)) < 4:  # noqa: ASYNC110 - it waits for another task's rows.
                await asyncio.sleep(0)
            running.cancel()


async def test_before_enrolment_the_vault_keeps_what_waits(tmp_path: Path) -> None:
    async with open_post(tmp_path, enrolled=False) as post:
        assert await post.outbox.seal_waiting() == 0
