"""What is kept of other sides' keys: any order of statements ends in the same, and the list stays bounded."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.entry import read_entry, write_entry
from protocol.ids import CaseId, KeyId, PatientId, key_id_of
from protocol.prekeys import (
    PREKEYS_KEPT_MAX,
    EpochKey,
    Revocation,
    RevocationReason,
    machine_of,
    newest_of,
)
from protocol.records import NewRecord, Record
from protocol.stamps import Stamp
from sync.stores.connection import Connection, connect
from sync.stores.migrations import migrate
from sync.stores.peer_keys import (
    PEER_KEYS_SCHEMA,
    Vouching,
    keep_prekey,
    keep_revocation,
    known_keys,
    note_gone_key,
    revocation_of,
    revocations,
)

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
SIGNER = key_id_of(KEY.public_key().public_bytes_raw())
OTHER = KeyId(bytes(len(SIGNER)))
BY = Vouching(SIGNER, b"e" * 32)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    made = connect(tmp_path / "keys.db", None)
    migrate(made, [PEER_KEYS_SCHEMA], tmp_path / "keys.db")
    yield made
    made.close()


def stated(epoch: int, *, counter: int = 0) -> Record:
    signed = write_entry(
        [NewRecord(EpochKey(epoch=epoch, public_key=epoch.to_bytes(32, "big"), made_s=0))],
        case_id=CaseId(bytes(10)),
        patient_id=PatientId(bytes(10)),
        author=machine_of(SIGNER),
        stamp=Stamp(counter or epoch, 0),
        key=KEY,
    )
    return read_entry(signed).records[0]


def item(version: int, since: int) -> Revocation:
    return Revocation(
        version=version, key_id=SIGNER, reason=RevocationReason.LOST, since=since, remark="at sea"
    )


def test_the_key_of_the_enrolment_is_known_before_any_was_stated(connection: Connection) -> None:
    assert [key.public_key for key in known_keys(connection, BY)] == [BY.enrolled]


@pytest.mark.parametrize("order", list(itertools.permutations((1, 2, 3))))
def test_the_newest_stated_key_counts_in_whatever_order_they_come(
    connection: Connection, order: tuple[int, ...]
) -> None:
    for epoch in (*order, *order):
        keep_prekey(connection, SIGNER, stated(epoch))
    newest = newest_of(known_keys(connection, BY))
    assert newest is not None
    assert newest.epoch == 3
    assert len(known_keys(connection, BY)) == 4


def test_what_another_signer_states_is_not_believed(connection: Connection) -> None:
    keep_prekey(connection, OTHER, stated(9))
    assert [key.epoch for key in known_keys(connection, BY)] == [0]


def test_a_signer_that_states_without_end_keeps_its_newest_only(connection: Connection) -> None:
    for epoch in range(1, PREKEYS_KEPT_MAX + 10):
        keep_prekey(connection, SIGNER, stated(epoch))
    epochs = {key.epoch for key in known_keys(connection, BY)}
    assert epochs == {0, *range(10, PREKEYS_KEPT_MAX + 10)}


def test_a_key_that_is_gone_is_passed_over_until_it_is_asked_for(connection: Connection) -> None:
    for epoch in (1, 2):
        keep_prekey(connection, SIGNER, stated(epoch))
    by_epoch = {key.epoch: key for key in known_keys(connection, BY)}
    note_gone_key(connection, BY, gone_key=by_epoch[2].short_id, asked=by_epoch[1])
    left = newest_of(known_keys(connection, BY))
    assert left is not None
    assert left.epoch == 1
    note_gone_key(connection, BY, gone_key=by_epoch[1].short_id, asked=by_epoch[2])
    left = newest_of(known_keys(connection, BY))
    assert left is not None
    assert left.epoch == 2


def test_the_key_of_the_enrolment_can_be_gone_too(connection: Connection) -> None:
    keep_prekey(connection, SIGNER, stated(1))
    by_epoch = {key.epoch: key for key in known_keys(connection, BY)}
    note_gone_key(connection, BY, gone_key=by_epoch[0].short_id, asked=by_epoch[1])
    assert {key.epoch: key.gone for key in known_keys(connection, BY)} == {0: True, 1: False}


@pytest.mark.parametrize("versions", [(1, 2), (2, 1), (2, 2, 1)])
def test_of_two_items_about_one_key_the_higher_version_counts(
    connection: Connection, versions: tuple[int, ...]
) -> None:
    for version in versions:
        keep_revocation(connection, item(version, since=version * 10), now_s=100.0 + version)
    assert revocation_of(connection, SIGNER) == item(2, since=20)
    assert revocation_of(connection, OTHER) is None
    (kept,) = revocations(connection).values()
    assert kept.noted_s == 100.0 + versions[0]
