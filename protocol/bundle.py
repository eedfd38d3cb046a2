"""Bundles: entries, or one media layer, packed for one mailbox at one priority; the unit of custody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from hashlib import blake2b
from typing import Final

from .clinical import BLOB_HASH_BYTES, Layer
from .compress import NO_DICTIONARY, compress, decompress
from .entry import SIGNATURE_BYTES, SignedEntry
from .errors import BundleRefused, InvalidRecord, MalformedInput
from .ids import BUNDLE_ID_BYTES, CASE_ID_BYTES, BundleId, CaseId
from .limits import BUNDLE_TEXT_BYTES_MAX, ENTRIES_PER_BUNDLE_MAX, ENTRY_BYTES_MAX, MEDIA_LAYER_BYTES_MAX
from .varint import decode_varint, encode_varint

PAIR_SECRET_BYTES: Final = 32


class Content(IntEnum):
    """First byte of a bundle's plain text."""

    ENTRIES = 1
    MEDIA_LAYER = 2


@dataclass(frozen=True, slots=True)
class EntryBundle:
    entries: tuple[SignedEntry, ...]


@dataclass(frozen=True, slots=True)
class LayerBundle:
    """The bytes of one media layer. A signed record names their hash; without it they are kept aside."""

    case_id: CaseId
    layer: Layer
    data: bytes

    @property
    def blob(self) -> bytes:
        return blob_hash(self.data)


BundleContent = EntryBundle | LayerBundle


def blob_hash(data: bytes) -> bytes:
    """BLAKE2b-128 of media bytes: what a manifest names."""
    return blake2b(data, digest_size=BLOB_HASH_BYTES, person=b"sf-blob").digest()


def bundle_id_of(content: BundleContent, pair_secret: bytes) -> BundleId:
    """Keyed hash over what is inside, before compression: the same content has the same id however it is
    sealed, and nobody outside the pair can confirm a guess of it."""
    digest = blake2b(key=pair_secret, digest_size=BUNDLE_ID_BYTES, person=b"sf-bundle")
    match content:
        case EntryBundle(entries):
            digest.update(bytes((Content.ENTRIES,)))
            for entry in entries:
                digest.update(entry.entry_id)
        case LayerBundle(case_id, layer, _):
            digest.update(bytes((Content.MEDIA_LAYER, layer)) + case_id + content.blob)
    return BundleId(digest.digest())


def pack(content: BundleContent) -> bytes:
    """Plain text of a bundle: content byte, codec byte, dictionary byte, then the content.

    Signatures stay outside the compressed part: they are random and would only disturb it.
    """
    match content:
        case EntryBundle(entries):
            if not 1 <= len(entries) <= ENTRIES_PER_BUNDLE_MAX:
                raise InvalidRecord(f"a bundle holds 1..{ENTRIES_PER_BUNDLE_MAX} entries, not {len(entries)}")
            return _pack_entries(entries)
        case LayerBundle(case_id, layer, data):
            if not 1 <= len(data) <= MEDIA_LAYER_BYTES_MAX:
                raise InvalidRecord(f"a media layer has 1..{MEDIA_LAYER_BYTES_MAX} bytes, not {len(data)}")
            return bytes((Content.MEDIA_LAYER, layer)) + case_id + data


def unpack(plain: bytes) -> BundleContent:
    """What a bundle holds; `BundleRefused` for anything that breaks a rule or a bound."""
    if len(plain) < 3:
        raise BundleRefused("the bundle is empty")
    try:
        if plain[0] == Content.ENTRIES:
            return _unpack_entries(plain[1], plain[2], plain[3:])
        if plain[0] == Content.MEDIA_LAYER:
            return _unpack_layer(plain[1], plain[2:])
    except BundleRefused:
        raise
    except MalformedInput as error:
        raise BundleRefused(str(error)) from error
    raise BundleRefused(f"bundle content of type {plain[0]} is not known here: update")


def _pack_entries(entries: Sequence[SignedEntry]) -> bytes:
    payloads = b"".join(encode_varint(len(entry.payload)) + entry.payload for entry in entries)
    if len(payloads) > BUNDLE_TEXT_BYTES_MAX + ENTRY_BYTES_MAX:
        raise InvalidRecord("too much text for one bundle; send it in parts")
    codec, packed = compress(payloads)
    signatures = b"".join(entry.signature for entry in entries)
    return bytes((Content.ENTRIES, codec, NO_DICTIONARY)) + encode_varint(len(entries)) + signatures + packed


def _unpack_entries(codec: int, dictionary: int, data: bytes) -> EntryBundle:
    count, position = decode_varint(data)
    if not 1 <= count <= ENTRIES_PER_BUNDLE_MAX:
        raise BundleRefused(f"a bundle claims {count} entries")
    packed_at = position + count * SIGNATURE_BYTES
    if packed_at > len(data):
        raise BundleRefused("the bundle is cut short")
    signatures = [data[at : at + SIGNATURE_BYTES] for at in range(position, packed_at, SIGNATURE_BYTES)]
    payloads = decompress(
        codec, dictionary, data[packed_at:], size_bytes_max=BUNDLE_TEXT_BYTES_MAX + ENTRY_BYTES_MAX
    )
    entries = []
    cursor = 0
    for signature in signatures:
        size, cursor = decode_varint(payloads, cursor)
        if size > ENTRY_BYTES_MAX or cursor + size > len(payloads):
            raise BundleRefused("an entry of the bundle is cut short or too large")
        entries.append(SignedEntry(payloads[cursor : cursor + size], signature))
        cursor += size
    if cursor != len(payloads):
        raise BundleRefused("there are bytes after the last entry")
    return EntryBundle(tuple(entries))


def _unpack_layer(layer: int, data: bytes) -> LayerBundle:
    if layer not in Layer.__members__.values():
        raise BundleRefused(f"media layer {layer} is not known here: update")
    if not CASE_ID_BYTES < len(data) <= CASE_ID_BYTES + MEDIA_LAYER_BYTES_MAX:
        raise BundleRefused("a media layer is empty or too large")
    return LayerBundle(CaseId(data[:CASE_ID_BYTES]), Layer(layer), data[CASE_ID_BYTES:])
