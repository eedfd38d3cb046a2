"""Pictures as files: there whole or not at all, and never another's."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from protocol.bundle import blob_hash
from protocol.case_keys import CaseKey
from protocol.ids import CaseId
from sfhub.errors import NotFound, ObjectDamaged
from sfhub.storage.objects import ObjectStore

CASE, OTHER = (CaseKey(CaseId(b"case-----%d" % number), bytes(31) + b"%d" % number) for number in (1, 2))


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(tmp_path)


def test_what_was_put_is_got(store: ObjectStore) -> None:
    blob = store.put(CASE, b"picture")
    assert blob == blob_hash(b"picture")
    assert store.put(CASE, b"picture") == blob
    assert store.get(CASE, blob) == b"picture"


def test_a_picture_belongs_to_its_case_alone(store: ObjectStore) -> None:
    blob = store.put(CASE, b"picture")
    with pytest.raises(NotFound):
        store.get(OTHER, blob)


def test_a_flipped_bit_is_not_shown_and_heals_when_it_comes_again(store: ObjectStore, tmp_path: Path) -> None:
    blob = store.put(CASE, b"picture")
    path = tmp_path / CASE.case_id.hex() / blob.hex()
    path.write_bytes(b"pictuse")
    with pytest.raises(ObjectDamaged, match="Restore objects/"):
        store.get(CASE, blob)
    store.put(CASE, b"picture")
    assert store.get(CASE, blob) == b"picture"


def test_a_write_cut_off_leaves_nothing_that_is_taken_for_a_picture(
    store: ObjectStore, tmp_path: Path
) -> None:
    folder = tmp_path / CASE.case_id.hex()
    folder.mkdir()
    (folder / (blob_hash(b"picture").hex() + ".new")).write_bytes(b"pic")
    with pytest.raises(NotFound):
        store.get(CASE, blob_hash(b"picture"))
    assert store.get(CASE, store.put(CASE, b"picture")) == b"picture"
    assert [path.name for path in folder.iterdir()] == [blob_hash(b"picture").hex()]


def test_others_may_not_read_it(store: ObjectStore, tmp_path: Path) -> None:
    blob = store.put(CASE, b"picture")
    assert (tmp_path / CASE.case_id.hex()).stat().st_mode & 0o077 == 0
    assert (tmp_path / CASE.case_id.hex() / blob.hex()).stat().st_mode & 0o077 == 0


def test_what_names_no_case_erases_nothing(store: ObjectStore) -> None:
    blob = store.put(CASE, b"picture")
    with pytest.raises(ValueError, match="not the id of a case"):
        store.erase(CaseId(b""))
    assert store.get(CASE, blob) == b"picture"


def test_whoever_brings_a_picture_again_while_it_is_written_waits(store: ObjectStore, tmp_path: Path) -> None:
    """A call that was cancelled leaves its thread at work on the same file."""
    pictures = [b"picture %d" % number for number in range(40)]
    with ThreadPoolExecutor(8) as threads:
        blobs = list(
            threads.map(lambda data: store.put(CASE, data), [each for each in pictures for _ in range(4)])
        )
    assert [store.get(CASE, blob) for blob in blobs[::4]] == pictures
    assert len(list((tmp_path / CASE.case_id.hex()).iterdir())) == len(pictures)
