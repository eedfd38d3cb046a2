"""The envelope: which seal a content gets, exact sizes, and what cannot be passed off as something else."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol.bundle import BundleContent, EntryBundle, LayerBundle, bundle_id_of, pack
from protocol.clinical import Headline, Layer, Note
from protocol.errors import BundleRefused, SealBroken
from protocol.header import Priority, Suite
from protocol.ids import Incarnation, Mailbox, Pseudonym, seal_tag_of
from protocol.records import NewRecord
from protocol.reply_headline import ReplyHeadline
from protocol.sealing import HpkeSealer, Prekey, SealContext
from protocol.small_seal import (
    MESSAGE_OVERHEAD_BYTES,
    Direction,
    SmallContext,
    SmallKey,
    seal_small,
)
from sync.envelope import Envelope, SealedContent, enveloped_size_bytes, fits_enveloped
from sync.ports import Offer
from tests.protocol.cases import CASE, MEDIC
from tests.protocol.micros import HEADLINES, REPLIES, micro

SEALER = HpkeSealer(os.urandom)
OPENING = X25519PrivateKey.generate()
RECIPIENT = Prekey(OPENING.public_key().public_bytes_raw())
UP = Envelope(
    destination=Mailbox(b"the hub."),
    origin=Pseudonym(b"pair"),
    pair_secret=b"p" * 32,
    small=SmallKey(secret=b"s" * 32, direction=Direction.TO_HUB),
)
DOWN = replace(
    UP, destination=Mailbox(b"the site"), small=SmallKey(secret=b"s" * 32, direction=Direction.TO_SITE)
)
HEADLINE = micro(NewRecord(HEADLINES["en"]))
CONTENTS: dict[str, BundleContent] = {
    "text": EntryBundle((MEDIC.write(Note(language="en", text="Worse since noon."), counter=1),)),
    "layer": LayerBundle(CASE, Layer.PREVIEW, os.urandom(40_000)),
    "headline": HEADLINE,
}


def sealed(
    content: BundleContent, envelope: Envelope = UP, priority: Priority = Priority.URGENT
) -> SealedContent:
    return envelope.seal(content, priority=priority, recipient=RECIPIENT, sealer=SEALER)


def opened(
    bundle: SealedContent, envelope: Envelope = UP, priority: Priority = Priority.URGENT
) -> BundleContent:
    offer = Offer(
        incarnation=Incarnation(b"life"),
        sequence=1,
        bundle_id=bundle.bundle_id,
        seal_tag=seal_tag_of(bundle.sealed),
        priority=priority,
        dwell_code=20,
        recipient_key=bundle.recipient_key,
        size_bytes=len(bundle.sealed),
    )
    return envelope.open(offer, bundle.sealed, keys={RECIPIENT.short_id: OPENING}, sealer=SEALER)


@pytest.mark.parametrize("name", CONTENTS)
def test_what_is_sealed_opens_and_has_the_size_that_was_told(name: str) -> None:
    content = CONTENTS[name]
    bundle = sealed(content)
    assert opened(bundle) == content
    assert len(bundle.sealed) == enveloped_size_bytes(content)


@pytest.mark.parametrize("new", [*HEADLINES.values(), *REPLIES.values()])
def test_what_is_said_to_fit_is_no_longer_than_that_when_it_is_sealed(new: Headline | ReplyHeadline) -> None:
    content = micro(NewRecord(new))
    size_bytes = enveloped_size_bytes(content)
    # From where only packing tells to where it fits as it stands.
    for size_bytes_max in range(size_bytes - 2, len(content.payload) + 64):
        assert fits_enveloped(content, size_bytes_max) is (size_bytes <= size_bytes_max)


@pytest.mark.parametrize(
    ("name", "suite"), [("text", Suite.HPKE), ("layer", Suite.HPKE_STREAM), ("headline", Suite.SMALL)]
)
def test_each_content_has_its_suite(name: str, suite: Suite) -> None:
    assert sealed(CONTENTS[name]).sealed[0] == suite


def test_a_headline_sent_back_down_is_no_answer() -> None:
    with pytest.raises(SealBroken):
        opened(sealed(HEADLINE), DOWN)


def test_a_headline_in_another_class_does_not_open() -> None:
    with pytest.raises(SealBroken):
        opened(sealed(HEADLINE), priority=Priority.ROUTINE)


def test_a_headline_under_another_id_is_refused() -> None:
    other = micro(NewRecord(REPLIES["en"]))
    with pytest.raises(BundleRefused, match="does not hold what its id says"):
        opened(replace(sealed(HEADLINE), bundle_id=bundle_id_of(other, UP.pair_secret)))


def test_nothing_provisional_is_taken_from_under_the_other_seal() -> None:
    """It is made for a public key: anybody could have sealed it."""
    context = SealContext(
        destination=UP.destination,
        origin=UP.origin,
        recipient_key=RECIPIENT.short_id,
        bundle_id=bundle_id_of(HEADLINE, UP.pair_secret),
        priority=Priority.URGENT,
    )
    suite, body = SEALER.seal(pack(HEADLINE), RECIPIENT, context)
    forged = SealedContent(
        bundle_id=context.bundle_id, recipient_key=context.recipient_key, sealed=bytes((suite,)) + body
    )
    with pytest.raises(BundleRefused, match="came under the seal of what is signed"):
        opened(forged)


def test_the_small_profile_carries_nothing_but_provisional_records() -> None:
    context = SmallContext(destination=UP.destination, origin=UP.origin, priority=Priority.URGENT)
    body = seal_small(pack(CONTENTS["text"]), UP.small, context)
    odd = replace(sealed(CONTENTS["text"]), sealed=bytes((Suite.SMALL,)) + body)
    with pytest.raises(BundleRefused, match="carries provisional records alone"):
        opened(odd)


def test_a_message_of_its_own_says_the_same_under_the_same_id() -> None:
    bundle = sealed(HEADLINE)
    message = UP.message_of(bundle, Priority.URGENT)
    assert UP.open_message(message, sealer=SEALER) == (bundle.bundle_id, HEADLINE)
    assert len(message) == len(pack(HEADLINE)) + MESSAGE_OVERHEAD_BYTES <= len(pack(HEADLINE)) + 24


def test_a_message_of_another_pair_is_refused() -> None:
    other = replace(UP, origin=Pseudonym(b"riap"))
    with pytest.raises(BundleRefused, match="belongs to another pair"):
        other.open_message(UP.message_of(sealed(HEADLINE), Priority.URGENT), sealer=SEALER)


def test_only_a_headline_travels_as_a_message_of_its_own() -> None:
    with pytest.raises(ValueError, match="only what is sealed in the small profile"):
        UP.message_of(sealed(CONTENTS["text"]), Priority.URGENT)
