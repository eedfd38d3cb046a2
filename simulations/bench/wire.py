"""How many bytes the pieces of a consult take, beside JSON and plain zstd of the same content."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any, Final

import zstandard
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol.actors import Actor, Role
from protocol.basis import basis_of
from protocol.bundle import EntryBundle, bundle_id_of, pack
from protocol.clinical import (
    AllergyState,
    CaseOpened,
    Consciousness,
    Headline,
    Note,
    Patient,
    Sex,
    Vitals,
)
from protocol.entry import SignedEntry, write_entry
from protocol.header import BundleHeader, Priority, Suite, encode_header
from protocol.ids import ActorId, CaseId, Incarnation, PatientId, Pseudonym, mailbox_of, seal_tag_of
from protocol.orders import Comparison, Contingency, Evacuation, Order, Quantity, Reply
from protocol.records import NewRecord
from protocol.sealing import HpkeSealer, Prekey, SealContext
from protocol.stamps import Stamp
from simulations.demo import story

from .rows import Row

NOW_S: Final = 1_760_000_000
_SITE: Final = mailbox_of(story.ORGANISATION, story.SITE)
_HUB: Final = mailbox_of(story.ORGANISATION, story.HUB)
_PREKEY: Final = Prekey(X25519PrivateKey.generate().public_key().public_bytes_raw())
_SIGNING: Final = Ed25519PrivateKey.generate()


def wire_rows() -> list[Row]:
    """Sizes in bytes; `reference` is the same content as compact JSON, `bound` plain zstd-19 of that JSON."""
    text = [case_opened(), patient(), note(), *vitals()]
    pieces: dict[str, list[Any]] = {
        "note, sealed and signed": [note()],
        "20 sets of vitals, sealed and signed": vitals(),
        "text of a case, sealed and signed": text,
        "headline, sealed and signed": [headline()],
        "structured reply, sealed and signed": [reply()],
    }
    rows = [_row(name, bodies) for name, bodies in pieces.items()]
    rows.append(Row(name="seal and signature", value=_seal_bytes(), unit="B", bound=112))
    rows.append(Row(name="clear header outside a session", value=len(_header()), unit="B", bound=40))
    return rows


def sealed_text_bundle() -> tuple[bytes, SealContext, Suite, X25519PrivateKey]:
    """A text bundle of the story, with what opens it."""
    key = X25519PrivateKey.generate()
    prekey = Prekey(key.public_key().public_bytes_raw())
    content = EntryBundle((entry([case_opened(), patient(), note(), *vitals()]),))
    context = _context(content, prekey)
    suite, sealed = HpkeSealer(os.urandom).seal(pack(content), prekey, context)
    return sealed, context, suite, key


def public_key() -> bytes:
    """Of the device that signs the story's entries."""
    return _SIGNING.public_key().public_bytes_raw()


def entry(bodies: Sequence[Any]) -> SignedEntry:
    """The bodies as one signed entry of an introduced author."""
    author = Actor(name=story.MEDIC, role=Role.MEDIC)
    return write_entry(
        [NewRecord(author), *(NewRecord(body) for body in bodies)],
        case_id=CaseId(os.urandom(10)),
        patient_id=PatientId(os.urandom(10)),
        author=ActorId(os.urandom(8)),
        stamp=Stamp(1, NOW_S),
        key=_SIGNING,
    )


def note() -> Note:
    return Note(language="en", text=story.NOTE)


def vitals() -> list[Vitals]:
    return [
        Vitals(
            observed_s=row.observed_s,
            heart_rate_min=row.heart_rate_min,
            respiratory_rate_min=row.respiratory_rate_min,
            spo2_percent=row.spo2_percent,
            on_oxygen=row.on_oxygen,
            systolic_mmhg=row.systolic_mmhg,
            diastolic_mmhg=row.diastolic_mmhg,
            temperature_decicelsius=int(row.temperature_c.replace(".", "")),
            consciousness=Consciousness.ALERT,
            pain=row.pain,
        )
        for row in story.vitals_sets(NOW_S)
    ]


def patient() -> Patient:
    return Patient(
        code="P-0917",
        age_years=54,
        sex=Sex.MALE,
        weight_hg=880,
        allergy_state=AllergyState.NONE_KNOWN,
        medicines=("amlodipine 5 mg daily",),
        history=("hypertension", "smoker"),
    )


def case_opened() -> CaseOpened:
    return CaseOpened(
        template="chest-pain",
        template_version=1,
        urgency=Priority.URGENT,
        complaint=story.COMPLAINT,
        question=story.QUESTION,
        site=_SITE,
        hub=_HUB,
        plan_if_silent=story.PLAN_IF_SILENT,
    )


def headline() -> Headline:
    return Headline(
        urgency=Priority.URGENT,
        complaint=story.COMPLAINT,
        age_years=54,
        sex=Sex.MALE,
        weight_hg=880,
        allergy_state=AllergyState.NONE_KNOWN,
        news2=7,
        news2_missing=0,
        vitals=vitals()[-1],
        question=story.QUESTION,
        photo_count=3,
    )


def reply() -> Reply:
    """The doctor's answer of the story, typed."""
    return Reply(
        basis=basis_of([]),
        assessment=str(story.REPLY["assessment"]),
        orders=(
            Order(
                number=1,
                name="Aspirin",
                item=1,
                list_version=3,
                strength="300 mg",
                dose="1 tablet",
                route="chewed",
            ),
            Order(
                number=2,
                name="Morphine",
                item=3,
                list_version=3,
                strength="10 mg/ml",
                dose="2.5 mg",
                read_back=True,
            ),
            Order(number=3, name="Oxygen", item=5, list_version=3, dose="6 l/min by mask"),
        ),
        contingencies=(
            Contingency(
                number=1,
                quantity=Quantity.SPO2,
                comparison=Comparison.BELOW,
                threshold=90,
                then="Oxygen",
                order=3,
            ),
            Contingency(
                number=2,
                quantity=Quantity.SYSTOLIC,
                comparison=Comparison.BELOW,
                threshold=85,
                then="Raise legs",
            ),
        ),
        recheck_every_min=15,
        stop_rule=str(story.REPLY["stop_rule"]),
        evacuation=Evacuation.NOW,
        valid_for_min=360,
        follow_up=str(story.REPLY["follow_up"]),
    )


def _row(name: str, bodies: Sequence[Any]) -> Row:
    content = EntryBundle((entry(bodies),))
    _, sealed = HpkeSealer(os.urandom).seal(pack(content), _PREKEY, _context(content, _PREKEY))
    plain = json.dumps(
        [_as_json(body) for body in bodies], separators=(",", ":"), ensure_ascii=False
    ).encode()
    return Row(
        name=name,
        value=len(sealed),
        unit="B",
        reference=len(plain),
        bound=len(zstandard.ZstdCompressor(level=19).compress(plain)),
    )


def _as_json(body: Any) -> dict[str, object]:
    """What a JSON interface would carry: the fields that are there, by name."""
    named = {name: getattr(body, name) for name in body.__dataclass_fields__}
    return {name: _plain(value) for name, value in named.items() if value not in (None, ())}


def _plain(value: Any) -> object:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return value.hex()
    return _as_json(value) if hasattr(value, "__dataclass_fields__") else value


def _context(content: EntryBundle, prekey: Prekey) -> SealContext:
    return SealContext(
        destination=_HUB,
        origin=Pseudonym(b"pair"),
        recipient_key=prekey.short_id,
        bundle_id=bundle_id_of(content, bytes(32)),
        priority=Priority.URGENT,
    )


def _seal_bytes() -> float:
    content = EntryBundle((entry([note()]),))
    plain = pack(content)
    _, sealed = HpkeSealer(os.urandom).seal(plain, _PREKEY, _context(content, _PREKEY))
    return len(sealed) - len(plain) + len(content.entries[0].signature)


def _header() -> bytes:
    content = EntryBundle((entry([note()]),))
    context = _context(content, _PREKEY)
    header = BundleHeader(
        suite=Suite.HPKE,
        destination=context.destination,
        origin=context.origin,
        incarnation=Incarnation(b"life"),
        sequence=300,
        recipient_key=context.recipient_key,
        bundle_id=context.bundle_id,
        seal_tag=seal_tag_of(b""),
        priority=context.priority,
        dwell_code=21,
        size_bytes=20_000,
    )
    return encode_header(header)
