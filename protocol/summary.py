"""Summaries at a cut: how two peers find out, in a few bytes, that they hold the same bundles."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from .ids import BundleId

DIGEST_BYTES: Final = 8
_MODULUS: Final = 1 << (8 * DIGEST_BYTES)


def digest(bundle_ids: Iterable[BundleId]) -> int:
    """Order-free sum of the first eight bytes of each id, modulo 2**64.

    Ids are already hashes keyed with a secret of the pair, so nobody else can choose ids that cancel out,
    and sums over disjoint ranges add up: `digest(a) + digest(b) == digest(a + b)` modulo 2**64.
    """
    return sum(int.from_bytes(bundle_id[:DIGEST_BYTES], "big") for bundle_id in bundle_ids) % _MODULUS


def add_digests(*digests: int) -> int:
    """The digest of the union of disjoint sets."""
    return sum(digests) % _MODULUS
