"""What both ends of a difference know: the entry that it is taken from, by the start of that entry's id."""

from __future__ import annotations

from typing import Final

from .coding.strings import join_entries
from .entry import SignedEntry, read_entry
from .errors import BaseMissing, BundleRefused
from .limits import CODED_BYTES_MAX

BASE_ID_BYTES: Final = 6
"""Enough of an entry's id to find it among those of one pair."""


def can_be_base(base: SignedEntry) -> bool:
    """Whether differences from it are allowed: a longer one would take its reader too many steps."""
    return len(base.payload) <= CODED_BYTES_MAX


def history_of(base: SignedEntry) -> bytes:
    """What both ends know: the base as it is written here, and the ids of its records, to be referred to."""
    return join_entries([base.payload]) + b"".join(record.record_id for record in read_entry(base).records)


def history_named(packed: bytes, base: SignedEntry | None) -> tuple[bytes, bytes]:
    """The history that `packed` was written after, and what is packed behind the name of its base.

    `BaseMissing` unless `base` is the entry that it names.
    """
    base_id, rest = packed[:BASE_ID_BYTES], packed[BASE_ID_BYTES:]
    if len(base_id) < BASE_ID_BYTES:
        raise BundleRefused("the bundle is cut short")
    if base is None or not base.entry_id.startswith(base_id):
        raise BaseMissing(base_id)
    if not can_be_base(base):
        raise BundleRefused("the bundle is a difference from an entry that is too large for that")
    return history_of(base), rest
