"""Golden wire vectors: a difference here is a change of the wire format and needs a version decision.

`python -m tests.protocol.test_golden` writes them anew. Seals hold randomness: their vectors are only opened.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol.basis import basis_of
from protocol.bundle import EntryBundle, LayerBundle, bundle_id_of, pack, unpack
from protocol.clinical import (
    AllergyState,
    CaseOpened,
    Consciousness,
    Headline,
    Layer,
    Media,
    MediaLayer,
    Note,
    Patient,
    Pregnancy,
    Sex,
    Treatment,
    Vitals,
)
from protocol.entry import SignedEntry, read_entry, verify_entry
from protocol.header import BundleHeader, Priority, Suite, decode_header, encode_header, prekey_id
from protocol.ids import Incarnation, Pseudonym, RecordId, seal_tag_of
from protocol.orders import (
    Capability,
    CapabilityItem,
    Certainty,
    Comparison,
    Contingency,
    Evacuation,
    Order,
    OrderGiven,
    Quantity,
    Reply,
)
from protocol.records import NewRecord, Reference, Relation
from protocol.sealing import HpkeSealer, Prekey, SealContext
from tests.protocol.cases import CASE, HUB, MEDIC, SITE, SPECIALIST, URGENT, WALL_S

VECTORS = Path(__file__).parent.parent / "golden" / "bundles.json"
SECRET = b"p" * 32
RECIPIENT = X25519PrivateKey.from_private_bytes(b"k" * 32)
PUBLIC = RECIPIENT.public_key().public_bytes_raw()
TARGET = (Reference(Relation.ABOUT, RecordId(bytes(range(16)))),)

VITALS = Vitals(
    observed_s=WALL_S,
    heart_rate_min=118,
    respiratory_rate_min=24,
    spo2_percent=91,
    on_oxygen=False,
    systolic_mmhg=98,
    diastolic_mmhg=60,
    temperature_decicelsius=386,
    consciousness=Consciousness.ALERT,
    glasgow_coma=15,
    pain=7,
    glucose_decimmol_l=54,
)
LAYER = MediaLayer(layer=Layer.PREVIEW, blob=bytes(16), size_bytes=2900, width=256, height=192, quality=40)
SITE_BODIES = (
    Patient(
        code="P-1",
        age_years=54,
        sex=Sex.MALE,
        weight_hg=825,
        weight_measured=False,
        pregnancy=Pregnancy.NOT_APPLICABLE,
        allergy_state=AllergyState.LISTED,
        allergies=("penicillin (rash)",),
        medicines=("amlodipine 5 mg daily",),
        history=("hypertension",),
    ),
    CaseOpened(
        template="chest-pain",
        template_version=1,
        urgency=URGENT,
        complaint="Chest pain",
        question="Divert?",
        site=SITE,
        hub=HUB,
        reply_wanted_by_s=WALL_S + 3600,
        plan_if_silent="Aspirin and rest.",
        onset_s=WALL_S - 5400,
    ),
    Headline(urgency=URGENT, complaint="Chest pain", age_years=54, news2=10, vitals=VITALS, photo_count=3),
    Note(language="ko", text="가슴 통증이 팔로 퍼짐"),
    VITALS,
    Treatment(given_s=WALL_S, what="aspirin", dose="300 mg", route="chewed"),
    Media(caption="paper ECG", source=bytes(16), layers=(LAYER,)),
    Capability(version=3, items=(CapabilityItem(item=7, name="aspirin", strength="300 mg", quantity=40),)),
    NewRecord(OrderGiven(order=1, given_s=WALL_S, dose="300 mg"), TARGET),
)
REPLY = Reply(
    basis=basis_of([]),
    assessment="Probable inferior infarction.",
    certainty=Certainty.PROBABLE,
    orders=(
        Order(
            number=1,
            name="aspirin",
            item=7,
            list_version=3,
            strength="300 mg",
            dose="1 tablet",
            read_back=True,
        ),
    ),
    contingencies=(
        Contingency(
            number=1,
            quantity=Quantity.SPO2,
            comparison=Comparison.BELOW,
            threshold=90,
            then="oxygen",
            order=1,
        ),
    ),
    recheck_every_min=15,
    stop_rule="Stop if systolic below 90.",
    evacuation=Evacuation.PREPARE,
    valid_for_min=360,
)


def contents() -> dict[str, EntryBundle | LayerBundle]:
    return {
        "site entry of every kind": EntryBundle((MEDIC.write(*SITE_BODIES, counter=1),)),
        "reply": EntryBundle((SPECIALIST.write(NewRecord(REPLY, TARGET), counter=40),)),
        "media layer": LayerBundle(CASE, Layer.PREVIEW, bytes(range(256))),
    }


def context_of(content: EntryBundle | LayerBundle) -> SealContext:
    return SealContext(
        destination=HUB,
        origin=Pseudonym(b"orig"),
        recipient_key=prekey_id(PUBLIC),
        bundle_id=bundle_id_of(content, SECRET),
        priority=URGENT,
    )


def header_of(content: EntryBundle | LayerBundle, suite: Suite, sealed: bytes) -> BundleHeader:
    context = context_of(content)
    return BundleHeader(
        suite=suite,
        destination=context.destination,
        origin=context.origin,
        incarnation=Incarnation(b"life"),
        sequence=300,
        recipient_key=context.recipient_key,
        bundle_id=context.bundle_id,
        seal_tag=seal_tag_of(bytes((suite,)) + sealed),
        priority=Priority.URGENT,
        dwell_code=21,
        size_bytes=1 + len(sealed),
    )


def test_what_we_write_is_what_the_vectors_say() -> None:
    vectors = json.loads(VECTORS.read_text())
    assert set(vectors) == set(contents())
    for name, content in contents().items():
        vector = vectors[name]
        assert bundle_id_of(content, SECRET).hex() == vector["bundle_id"], name
        if isinstance(content, EntryBundle):
            assert [entry.payload.hex() for entry in content.entries] == vector["payloads"], name
            assert [entry.signature.hex() for entry in content.entries] == vector["signatures"], name


def test_old_vectors_are_still_read() -> None:
    keys = {prekey_id(PUBLIC): RECIPIENT}
    signers = {author.signer.key_id: author.signer.public_key for author in (MEDIC, SPECIALIST)}
    for name, vector in json.loads(VECTORS.read_text()).items():
        header_bytes, sealed = bytes.fromhex(vector["header"]), bytes.fromhex(vector["sealed"])
        header, size = decode_header(header_bytes + sealed)
        assert size == len(header_bytes) <= 40, name
        assert encode_header(header) == header_bytes, name
        assert header.seal_tag == seal_tag_of(bytes((header.suite,)) + sealed), name
        assert header.size_bytes == 1 + len(sealed), name
        content = unpack(HpkeSealer(os.urandom).open(header.suite, sealed, keys, SealContext.of(header)))
        assert content == contents()[name], name
        for signed in content.entries if isinstance(content, EntryBundle) else ():
            verify_entry(signed, signers[read_entry(signed).signer])


def test_record_ids_are_pinned() -> None:
    vectors = json.loads(VECTORS.read_text())
    for name, vector in vectors.items():
        for payload, ids in zip(vector.get("payloads", ()), vector.get("record_ids", ()), strict=True):
            entry = read_entry(SignedEntry(bytes.fromhex(payload), bytes(64)))
            assert [record.record_id.hex() for record in entry.records] == ids, name


def write_vectors() -> None:
    vectors = {}
    for name, content in contents().items():
        suite, sealed = HpkeSealer(os.urandom).seal(pack(content), Prekey(PUBLIC), context_of(content))
        vector: dict[str, object] = {
            "bundle_id": bundle_id_of(content, SECRET).hex(),
            "header": encode_header(header_of(content, suite, sealed)).hex(),
            "sealed": sealed.hex(),
        }
        if isinstance(content, EntryBundle):
            vector["payloads"] = [entry.payload.hex() for entry in content.entries]
            vector["signatures"] = [entry.signature.hex() for entry in content.entries]
            vector["record_ids"] = [
                [r.record_id.hex() for r in read_entry(e).records] for e in content.entries
            ]
        vectors[name] = vector
    VECTORS.write_text(json.dumps(vectors, indent=1) + "\n")


if __name__ == "__main__":
    write_vectors()
