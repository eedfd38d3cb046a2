"""Digests: the same set gives the same sum in any order, and parts add up to the whole."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from protocol.ids import BundleId
from protocol.summary import DIGEST_BYTES, add_digests, digest

IDS = st.lists(st.binary(min_size=12, max_size=12).map(BundleId), max_size=20)


@given(IDS, IDS)
def test_disjoint_parts_add_up(left: list[BundleId], right: list[BundleId]) -> None:
    assert add_digests(digest(left), digest(right)) == digest([*reversed(left), *right])
    assert 0 <= digest([*left, *right]) < 1 << 8 * DIGEST_BYTES


def test_known_values() -> None:
    ones, twos = BundleId(b"\x01" * 12), BundleId(b"\x02" * 12)
    assert digest([]) == 0
    assert digest([ones, twos]) == 0x0303030303030303
    assert digest([BundleId(b"\xff" * 12), BundleId(bytes(7) + b"\x01" + bytes(4))]) == 0


@given(IDS, st.binary(min_size=12, max_size=12).map(BundleId))
def test_another_bundle_shows(ids: list[BundleId], another: BundleId) -> None:
    assert (digest([*ids, another]) == digest(ids)) == (another[:DIGEST_BYTES] == bytes(DIGEST_BYTES))
