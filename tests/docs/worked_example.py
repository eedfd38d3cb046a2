"""The worked example of docs/wire-format-example.md: what is typed, and the bytes of each step.

`python -m tests.docs.worked_example` writes `tests/golden/example.json` anew. A seal holds randomness, and a
writer may pack otherwise: these two steps are only read.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol.bundle import EntryBundle, bundle_id_of, pack
from protocol.clinical import Consciousness, Note, Vitals
from protocol.entry import SignedEntry, read_entry, write_entry
from protocol.frames import Data, Offer, Stored
from protocol.framing import encode_frame
from protocol.header import BundleHeader, Priority, Suite, encode_header, prekey_id
from protocol.ids import (
    ActorId,
    CaseId,
    Incarnation,
    PatientId,
    Pseudonym,
    key_id_of,
    mailbox_of,
    seal_tag_of,
)
from protocol.ranges import RangeSet
from protocol.records import NewRecord
from protocol.sealing import HpkeSealer, Prekey, SealContext
from protocol.stamps import Stamp

GOLDEN: Final = Path(__file__).parent.parent / "golden" / "example.json"
SIGNING_KEY: Final = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
RECIPIENT: Final = X25519PrivateKey.from_private_bytes(b"k" * 32)
PUBLIC: Final = RECIPIENT.public_key().public_bytes_raw()
PAIR_SECRET: Final = b"p" * 32
HUB: Final = mailbox_of("Example Health", "Main desk")
INCARNATION: Final = Incarnation(b"life")
SEQUENCE: Final = 300
DWELL_CODE: Final = 21
WALL_S: Final = 1_760_000_000
NOTE: Final = Note(language="en", text="Fever, stiff neck. BP 98/60.")
VITALS: Final = Vitals(
    observed_s=WALL_S - 120,
    heart_rate_min=118,
    respiratory_rate_min=24,
    spo2_percent=94,
    on_oxygen=False,
    systolic_mmhg=98,
    diastolic_mmhg=60,
    temperature_decicelsius=396,
    consciousness=Consciousness.CONFUSED,
)


def entry() -> SignedEntry:
    """The medic's note and readings, signed."""
    return write_entry(
        [NewRecord(NOTE), NewRecord(VITALS)],
        case_id=CaseId(b"case-one-1"),
        patient_id=PatientId(b"patient-11"),
        author=ActorId(b"medic-01"),
        stamp=Stamp(17, WALL_S, 540),
        key=SIGNING_KEY,
    )


def context() -> SealContext:
    """What the seal binds."""
    return SealContext(
        destination=HUB,
        origin=Pseudonym(b"pair"),
        recipient_key=prekey_id(PUBLIC),
        bundle_id=bundle_id_of(EntryBundle((entry(),)), PAIR_SECRET),
        priority=Priority.URGENT,
    )


def header_of(sealed: bytes) -> BundleHeader:
    """Of the sealed bundle, outside a session."""
    bound = context()
    return BundleHeader(
        suite=Suite.HPKE,
        destination=bound.destination,
        origin=bound.origin,
        incarnation=INCARNATION,
        sequence=SEQUENCE,
        recipient_key=bound.recipient_key,
        bundle_id=bound.bundle_id,
        seal_tag=seal_tag_of(_carried(sealed)),
        priority=bound.priority,
        dwell_code=DWELL_CODE,
        size_bytes=len(_carried(sealed)),
    )


def _carried(sealed: bytes) -> bytes:
    """As custody keeps it."""
    return bytes((Suite.HPKE,)) + sealed


def frames_of(sealed: bytes) -> tuple[Offer, Data]:
    """Offer and bytes of the sealed bundle, inside a session: there the suite byte goes ahead of them."""
    bound, carried = context(), _carried(sealed)
    offer = Offer(
        handle=1,
        incarnation=None,
        sequence=SEQUENCE,
        bundle_id=bound.bundle_id,
        seal_tag=seal_tag_of(carried),
        priority=bound.priority,
        dwell_code=DWELL_CODE,
        recipient_key=bound.recipient_key,
        size_bytes=len(carried),
    )
    return offer, Data(handle=1, offset=0, data=carried)


def steps(plain: bytes, sealed: bytes) -> dict[str, str]:
    """Every step in hexadecimal, given those that another writer may make otherwise."""
    signed, bound = entry(), context()
    offer, data = frames_of(sealed)
    first, second = (record.record_id.hex() for record in read_entry(signed).records)
    return {
        "key-id": key_id_of(SIGNING_KEY.public_key().public_bytes_raw()).hex(),
        "payload": signed.payload.hex(),
        "record-1": first,
        "record-2": second,
        "entry-id": signed.entry_id.hex(),
        "signature": signed.signature.hex(),
        "plain": plain.hex(),
        "bundle-id": bound.bundle_id.hex(),
        "public-key": PUBLIC.hex(),
        "info": bound.info(Suite.HPKE).hex(),
        "sealed": sealed.hex(),
        "header": encode_header(header_of(sealed)).hex(),
        "offer": encode_frame(offer).hex(),
        "data": encode_frame(data).hex(),
        "stored": encode_frame(Stored(INCARNATION, RangeSet(((SEQUENCE, SEQUENCE + 1),)))).hex(),
    }


if __name__ == "__main__":
    packed = pack(EntryBundle((entry(),)))
    _, made = HpkeSealer(os.urandom).seal(packed, Prekey(PUBLIC), context())
    GOLDEN.write_text(json.dumps(steps(packed, made), indent=1) + "\n")
