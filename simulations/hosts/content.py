"""What bundles hold in worlds that end at custody: bytes that follow from a label, and who can open them."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from protocol.header import Priority
from protocol.ids import BUNDLE_ID_BYTES, BundleId
from sync.ports import Rank

KEY: Final = b"k1"
NEW_KEY: Final = b"k2"
_REKEYED_EVERY: Final = 12
"""One bundle in so many was sealed for a key that its reader no longer has."""
_BLOCK_BYTES: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedLabel:
    """A bundle as `Custody.add` takes it."""

    bundle_id: BundleId
    priority: Priority
    rank: Rank
    recipient_key: bytes
    sealed: bytes


class Content:
    """All bundles that a world's schedule speaks of, by label and by id."""

    def __init__(self, *, rekeys: bool = True) -> None:
        """`rekeys`: some of them are sealed for a key that their reader no longer has."""
        self._rekeys = rekeys
        self._known: dict[str, tuple[int, Priority]] = {}
        self._labels: dict[BundleId, str] = {}

    def name(self, label: str, size_bytes: int, priority: Priority) -> BundleId:
        """Make a bundle known before anybody adds it."""
        self._known[label] = size_bytes, priority
        bundle_id = _id_of(label)
        self._labels[bundle_id] = label
        return bundle_id

    def of(self, label: str, recipient_key: bytes = KEY) -> SealedLabel:
        size_bytes, priority = self._known[label]
        return SealedLabel(
            bundle_id=_id_of(label),
            priority=priority,
            rank=Rank.TEXT,
            recipient_key=recipient_key,
            sealed=_bytes_of(f"{label}/{recipient_key.hex()}", size_bytes),
        )

    def resealed(self, bundle_id: BundleId, recipient_key: bytes) -> SealedLabel:
        """The same content for another key."""
        return self.of(self._labels[bundle_id], recipient_key)

    def returned(self, bundle_id: BundleId) -> SealedLabel:
        """The same content once more, as its reader gives it back to an author who lost it."""
        label = self._labels[bundle_id]
        size_bytes, priority = self._known[label]
        returned = f"{label}, returned"
        self.name(returned, size_bytes, priority)
        return self.of(returned, self.key_wanted(_id_of(returned)))

    def returned_id(self, bundle_id: BundleId) -> BundleId:
        """Under which `returned` goes."""
        return _id_of(f"{self._labels[bundle_id]}, returned")

    def label_of(self, bundle_id: bytes) -> str:
        return self._labels.get(BundleId(bundle_id), bundle_id.hex())

    def key_wanted(self, bundle_id: BundleId) -> bytes:
        """The key its reader still has."""
        return NEW_KEY if self._rekeys and bundle_id[0] % _REKEYED_EVERY == 0 else KEY

    def is_genuine(self, bundle_id: BundleId, sealed: bytes) -> bool:
        """Whether this is what its author sealed, for the key that its reader has."""
        label = self._labels.get(bundle_id)
        return label is not None and sealed == self.of(label, self.key_wanted(bundle_id)).sealed


def _id_of(label: str) -> BundleId:
    return BundleId(blake2b(label.encode(), digest_size=BUNDLE_ID_BYTES).digest())


def _bytes_of(label: str, size_bytes: int) -> bytes:
    blocks = (
        blake2b(f"{label}/{block}".encode()).digest() for block in range(size_bytes // _BLOCK_BYTES + 1)
    )
    return b"".join(blocks)[:size_bytes]
