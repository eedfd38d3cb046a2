"""Statements of keys: their bodies survive the wire, and the newest key that its owner has is sealed for."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.actors import Actor, Party, Role
from protocol.authority import Signer, check_authority
from protocol.entry import Entry, read_entry, write_entry
from protocol.errors import AuthorityRefused, InvalidRecord
from protocol.ids import CaseId, Mailbox, PatientId, key_id_of
from protocol.prekeys import EpochKey, KnownKey, Revocation, RevocationReason, machine_of, newest_of
from protocol.records import NewRecord
from protocol.schema import encode_fields
from protocol.stamps import Stamp

KEY = Ed25519PrivateKey.generate()
KEY_ID = key_id_of(KEY.public_key().public_bytes_raw())
PLACE = Mailbox(b"hub mbox")
STATED = EpochKey(epoch=3, public_key=b"p" * 32, made_s=1_700_000_000)
REVOKED = Revocation(
    version=2, key_id=b"stolen k", reason=RevocationReason.STOLEN, since=40, remark="taken ashore"
)


def entry_of(role: Role, body: object) -> Entry:
    return read_entry(
        write_entry(
            [NewRecord(Actor(name="Main desk", role=role)), NewRecord(body)],
            case_id=CaseId(bytes(10)),
            patient_id=PatientId(bytes(10)),
            author=machine_of(KEY_ID),
            stamp=Stamp(7, 1_700_000_000),
            key=KEY,
        )
    )


@pytest.mark.parametrize("body", [STATED, REVOKED])
def test_statements_survive_the_wire(body: object) -> None:
    assert entry_of(Role.DESK, body).records[1].body == body


@pytest.mark.parametrize(
    ("party", "role", "body", "stands"),
    [
        (Party.HUB, Role.DESK, STATED, True),
        (Party.HUB, Role.DESK, REVOKED, True),
        (Party.SITE, Role.STATION, STATED, True),
        (Party.SITE, Role.STATION, REVOKED, False),
        (Party.SITE, Role.DESK, REVOKED, False),
        (Party.HUB, Role.STATION, STATED, False),
        (Party.SITE, Role.MEDIC, STATED, False),
        (Party.HUB, Role.SPECIALIST, STATED, False),
        (Party.HUB, Role.SPECIALIST, REVOKED, False),
    ],
)
def test_only_the_machine_of_the_place_states_keys(
    party: Party, role: Role, body: object, stands: bool
) -> None:
    signer = Signer(KEY_ID, KEY.public_key().public_bytes_raw(), PLACE, party)
    entry = entry_of(role, body)
    if stands:
        check_authority(entry, signer=signer, actors={}, members=())
    else:
        with pytest.raises(AuthorityRefused):
            check_authority(entry, signer=signer, actors={}, members=())


def test_a_revocation_covers_what_is_not_older() -> None:
    assert [REVOKED.covers(counter) for counter in (0, 39, 40, 99)] == [False, False, True, True]
    everything = Revocation(version=1, key_id=b"12345678", reason=RevocationReason.LOST, since=0)
    assert everything.covers(0)


@pytest.mark.parametrize("epoch", [0, -1, 65_536])
def test_an_epoch_has_its_bounds(epoch: int) -> None:
    with pytest.raises(InvalidRecord):
        encode_fields(EpochKey(epoch=epoch, public_key=b"p" * 32, made_s=0))


def test_the_newest_that_is_not_gone_is_sealed_for() -> None:
    zero, three, five = (KnownKey(epoch=epoch, public_key=bytes([epoch]) * 32) for epoch in (0, 3, 5))
    assert newest_of([five, zero, three]) is five
    gone = KnownKey(epoch=5, public_key=five.public_key, gone=True)
    assert newest_of([zero, gone, three]) is three
    assert newest_of([gone]) is gone
    assert newest_of([]) is None


def test_of_two_keys_of_one_epoch_the_later_statement_counts() -> None:
    earlier = KnownKey(epoch=4, public_key=b"a" * 32, order=(7, b"z"))
    later = KnownKey(epoch=4, public_key=b"b" * 32, order=(8, b"a"))
    assert newest_of([later, earlier]) is later
