"""What the bench measures: the story's records, and a pair of ends to sign and seal them for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol.actors import Actor, Role
from protocol.basis import basis_of
from protocol.bundle import BundleContent
from protocol.clinical import AllergyState, CaseOpened, Consciousness, Headline, Note, Patient, Sex, Vitals
from protocol.entry import SignedEntry, write_entry
from protocol.header import Priority
from protocol.ids import ActorId, CaseId, PatientId, Pseudonym, mailbox_of
from protocol.orders import Comparison, Contingency, Evacuation, Order, Quantity, Reply
from protocol.records import NewRecord
from protocol.sealing import HpkeSealer, Prekey
from protocol.small_seal import Direction, SmallKey
from protocol.stamps import Stamp
from simulations.demo import story
from sync.envelope import Envelope, SealedContent

NOW_S: Final = 1_760_000_000
SITE: Final = mailbox_of(story.ORGANISATION, story.SITE)
HUB: Final = mailbox_of(story.ORGANISATION, story.HUB)
CASE_ID: Final = CaseId(os.urandom(10))
PATIENT_ID: Final = PatientId(os.urandom(10))
AUTHOR: Final = ActorId(os.urandom(8))
OPENING_KEY: Final = X25519PrivateKey.generate()
PREKEY: Final = Prekey(OPENING_KEY.public_key().public_bytes_raw())
SIGNING_KEY: Final = Ed25519PrivateKey.generate()
_DOCTOR: Final = ActorId(os.urandom(8))
_HUB_SIGNING_KEY: Final = Ed25519PrivateKey.generate()
SEALER: Final = HpkeSealer(os.urandom)
TO_HUB: Final = Envelope(
    destination=HUB,
    origin=Pseudonym(b"pair"),
    pair_secret=os.urandom(32),
    small=SmallKey(secret=os.urandom(32), direction=Direction.TO_HUB),
)


def signed(records: Sequence[NewRecord], *, author: Actor | None = None, counter: int = 1) -> SignedEntry:
    """One signed entry; given an `author`, the one that introduces them."""
    introduction = [] if author is None else [NewRecord(author)]
    return write_entry(
        [*introduction, *records],
        case_id=CASE_ID,
        patient_id=PATIENT_ID,
        author=AUTHOR,
        stamp=Stamp(counter, NOW_S + 60 * counter),
        key=SIGNING_KEY,
    )


def introduced(bodies: Sequence[Any], name: str = story.MEDIC) -> SignedEntry:
    """The first entry of a case: the bodies, and who writes."""
    return signed([NewRecord(body) for body in bodies], author=Actor(name=name, role=Role.MEDIC))


def answered(record: NewRecord, *, counter: int) -> SignedEntry:
    """The hub's entry: who speaks, and what he says."""
    return write_entry(
        [NewRecord(Actor(name=story.DOCTOR, role=Role.SPECIALIST)), record],
        case_id=CASE_ID,
        patient_id=PATIENT_ID,
        author=_DOCTOR,
        stamp=Stamp(counter, NOW_S + 1800),
        key=_HUB_SIGNING_KEY,
    )


def sealed(content: BundleContent, *, base: SignedEntry | None = None) -> SealedContent:
    """For the hub, as custody takes it."""
    return TO_HUB.seal(content, priority=Priority.URGENT, recipient=PREKEY, sealer=SEALER, base=base)


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
        history=("hypertension", "smoker, 30 pack-years"),
    )


def case_opened() -> CaseOpened:
    return CaseOpened(
        template="chest-pain",
        template_version=1,
        urgency=Priority.URGENT,
        complaint=story.COMPLAINT,
        question=story.QUESTION,
        site=SITE,
        hub=HUB,
        plan_if_silent=story.PLAN_IF_SILENT,
    )


def headline() -> Headline:
    """With everything that a headline can tell."""
    return Headline(
        urgency=Priority.URGENT,
        complaint=story.COMPLAINT,
        age_years=54,
        sex=Sex.MALE,
        weight_hg=880,
        allergy_state=AllergyState.LISTED,
        allergies=("penicillin (rash)",),
        news2=7,
        news2_missing=0,
        vitals=vitals()[-1],
        treatments=("Oxygen 6 l/min by mask", "Aspirin 300 mg chewed"),
        question=story.QUESTION,
        photo_count=3,
        latitude_centidegrees=1_121,
        longitude_centidegrees=-5_833,
        eta_min=840,
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
                dose="1 tablet (300 mg)",
                route="chewed",
                frequency="once, now",
            ),
            Order(
                number=2,
                name="Morphine",
                item=3,
                list_version=3,
                strength="10 mg/ml",
                dose="2.5 mg (0.25 ml)",
                route="intramuscular",
                frequency="once if pain is above 6 of 10",
                read_back=True,
            ),
            Order(
                number=3,
                name="Oxygen",
                item=5,
                list_version=3,
                dose="6 l/min by mask",
                frequency="only while SpO2 is below 90 %",
            ),
        ),
        contingencies=(
            Contingency(
                number=1,
                quantity=Quantity.SPO2,
                comparison=Comparison.BELOW,
                threshold=90,
                then="Give oxygen 6 l/min by mask, call the hub",
                order=3,
            ),
            Contingency(
                number=2,
                quantity=Quantity.SYSTOLIC,
                comparison=Comparison.BELOW,
                threshold=85,
                then="Raise both legs, no morphine, call the hub",
            ),
        ),
        recheck_every_min=15,
        stop_rule=str(story.REPLY["stop_rule"]),
        evacuation=Evacuation.NOW,
        valid_for_min=360,
        follow_up=str(story.REPLY["follow_up"]),
    )
