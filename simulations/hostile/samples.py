"""Small true examples of everything that travels, the same on every run: mutations start from them."""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol.actors import Actor, Role
from protocol.advice import Await, Rekey, Return, Returning, Safe
from protocol.basis import basis_of
from protocol.bundle import BundleContent, EntryBundle, LayerBundle, bundle_id_of, pack
from protocol.clinical import CaseOpened, Consciousness, Headline, Layer, Note, Vitals
from protocol.compress import compress_by_phrases, compress_plainly
from protocol.entry import SignedEntry, read_entry, write_entry
from protocol.frames import (
    Bye,
    Data,
    DigestAsk,
    DigestTell,
    Frame,
    Have,
    Idle,
    KeptLast,
    RefusalReason,
    Refused,
    Stored,
    Whole,
)
from protocol.frames import Offer as OfferFrame
from protocol.framing import encode_frame
from protocol.header import BundleHeader, Priority, Suite, encode_header
from protocol.hello import Hello, PartialView, StreamView
from protocol.ids import ActorId, BundleId, CaseId, Incarnation, PatientId, Pseudonym, SealTag, mailbox_of
from protocol.micro import MicroBundle, write_micro
from protocol.micro_correction import correction_of
from protocol.orders import Order, Reply
from protocol.ranges import RangeSet
from protocol.records import NewRecord, Reference, Relation
from protocol.sealing import Prekey, SealContext
from protocol.stamps import Certainty, Stamp

WALL_S: Final = 1_760_000_000
SITE: Final = mailbox_of("Example", "site")
HUB: Final = mailbox_of("Example", "hub")
PAIR: Final = Pseudonym(b"pair")
SECRET: Final = bytes(range(32))
OPENING: Final = X25519PrivateKey.from_private_bytes(b"o" * 32)
PREKEY: Final = Prekey(OPENING.public_key().public_bytes_raw())
_SIGNING: Final = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
OURS: Final = Incarnation(b"ours")
OFFER: Final = OfferFrame(
    handle=1,
    incarnation=OURS,
    sequence=10,
    bundle_id=BundleId(b"bundle no.10"),
    seal_tag=SealTag(b"seal"),
    priority=Priority.URGENT,
    dwell_code=22,
    recipient_key=b"k1",
    size_bytes=1_000_000,
)
"""A bundle on its way."""
_WHOLE: Final = Whole(
    incarnation=OURS,
    sequence=11,
    bundle_id=BundleId(b"bundle no.11"),
    priority=Priority.EMERGENCY,
    dwell_code=22,
    recipient_key=b"k1",
    data=b"sealed, and all of it",
)
_CASE: Final = CaseId(b"case-one-1")
_PATIENT: Final = PatientId(b"patient-11")
_AUTHOR: Final = ActorId(b"author-1")


def entries() -> tuple[SignedEntry, ...]:
    """A site's case with readings, and a reply to it."""
    opened = CaseOpened(
        template="chest-pain",
        template_version=1,
        urgency=Priority.URGENT,
        complaint="Chest pain",
        question="Divert?",
        site=SITE,
        hub=HUB,
    )
    author = Actor(name="Medic on watch", role=Role.MEDIC)
    case = [opened, Note(language="ko", text="가슴 통증이 팔로 퍼짐"), *_vitals()]
    first = _entry([NewRecord(author), *map(NewRecord, case)], counter=1)
    order = Order(number=1, name="aspirin", item=7, list_version=3, strength="300 mg", dose="1 tablet")
    reply = Reply(basis=basis_of([]), assessment="Probable infarction.", orders=(order,))
    target = (Reference(Relation.ANSWERS, read_entry(first).records[1].record_id),)
    return first, _entry([NewRecord(reply, target)], counter=9)


def micro() -> MicroBundle:
    """A headline that goes ahead of its entry."""
    return write_micro(
        NewRecord(
            Headline(urgency=Priority.URGENT, complaint="Chest pain", age_years=54, vitals=_vitals()[0])
        ),
        case_id=_CASE,
        patient_id=_PATIENT,
        author=_AUTHOR,
        stamp=Stamp(8, WALL_S),
        covers=entries()[0].entry_id,
    )


def correction() -> MicroBundle:
    """A note of the case, put right ahead of the entry that signs it."""
    base = entries()[0]
    wrong = next(record for record in read_entry(base).records if isinstance(record.body, Note))
    edit = NewRecord(
        Note(language="ko", text="가슴 통증이 왼팔로 퍼짐"),
        (Reference(Relation.SUPERSEDES, wrong.record_id),),
    )
    ahead = correction_of(_entry([edit], counter=30), base)
    assert ahead is not None
    return ahead


def contents() -> tuple[BundleContent, ...]:
    """One bundle of each kind."""
    return EntryBundle(entries()), LayerBundle(_CASE, Layer.PREVIEW, bytes(range(256))), micro()


def bundles() -> tuple[bytes, ...]:
    """The plain text of each kind of bundle, and one that is written as a difference."""
    base = entries()[0]
    later = _entry([NewRecord(row) for row in _vitals()], counter=20)
    return (
        *signed_bundles(),
        pack(micro()),
        pack(EntryBundle((later,)), base=base),
        pack(correction(), base=base),
    )


def signed_bundles() -> tuple[bytes, ...]:
    """The plain text of those that are sealed to a prekey."""
    return tuple(pack(content) for content in (*contents()[:2], EntryBundle(entries()[1:])))


HISTORY: Final = b"what both ends of a pair hold already: Chest pain, aspirin 300 mg, 1 tablet"


def packed() -> tuple[bytes, ...]:
    """Codec byte, dictionary byte, data: one for each codec."""
    words = b"Chest pain since 02:10, aspirin 300 mg given. " * 3
    forms = [
        compress_plainly(bytes(200)),
        compress_by_phrases(words),
        compress_by_phrases(words, history=HISTORY),
    ]
    return b"\x00\x00stored", *(bytes(form[:2]) + form.data for form in forms if form is not None)


def bundle_id(content: BundleContent) -> BundleId:
    """Under the secret of this pair."""
    return bundle_id_of(content, SECRET)


def seal_context(named: BundleId) -> SealContext:
    """What a seal to `PREKEY` binds."""
    return SealContext(
        destination=HUB,
        origin=PAIR,
        recipient_key=PREKEY.short_id,
        bundle_id=named,
        priority=Priority.URGENT,
    )


def header() -> bytes:
    """The clear header of a bundle."""
    context = seal_context(bundle_id(contents()[0]))
    return encode_header(
        BundleHeader(
            suite=Suite.HPKE,
            destination=context.destination,
            origin=context.origin,
            incarnation=OURS,
            sequence=300,
            recipient_key=context.recipient_key,
            bundle_id=context.bundle_id,
            seal_tag=SealTag(b"seal"),
            priority=context.priority,
            dwell_code=21,
            size_bytes=2000,
        )
    )


def frames() -> tuple[bytes, ...]:
    """Every frame once."""
    held = RangeSet(((1, 4), (6, 7)))
    others: tuple[Frame, ...] = (
        OFFER,
        Data(1, 0, b"sealed bytes"),
        Have(1, RangeSet(((0, 12), (100, 300)))),
        Stored(OURS, held),
        DigestAsk(OURS, held),
        DigestTell(OURS, held, 7),
        KeptLast(),
        Refused(OURS, 7, RefusalReason.NO_ROOM),
        Safe(OURS, held),
        Rekey(OURS, 7, b"k2"),
        _WHOLE,
        Return(OURS, held),
        Returning(OURS, held),
        Await(),
        Idle(),
        Bye(),
    )
    return tuple(map(encode_frame, (_hello(), *others)))


def _hello() -> Hello:
    return Hello(
        generation=300,
        incarnation=Incarnation(b"them"),
        sequence_max=200,
        digest=1,
        views=(StreamView(OURS, RangeSet(((1, 4), (6, 7))), 2),),
        partials=(PartialView(OURS, 5, SealTag(b"seal"), RangeSet(((0, 4096), (8192, 9000)))),),
        credit_bytes=64 * 1024,
        wall_s=WALL_S,
        certainty=Certainty.SYNCED,
        stays_open=True,
    )


def _vitals() -> tuple[Vitals, ...]:
    return tuple(
        Vitals(
            observed_s=WALL_S + 900 * row,
            heart_rate_min=118 + row,
            spo2_percent=91 - row,
            systolic_mmhg=98,
            on_oxygen=False,
            consciousness=Consciousness.ALERT,
        )
        for row in range(3)
    )


def _entry(records: list[NewRecord], *, counter: int) -> SignedEntry:
    return write_entry(
        records,
        case_id=_CASE,
        patient_id=_PATIENT,
        author=_AUTHOR,
        stamp=Stamp(counter, WALL_S + counter, 540),
        key=_SIGNING,
    )
