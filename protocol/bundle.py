"""Bundles: entries, or one media layer, packed for one mailbox at one priority; the unit of custody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from hashlib import blake2b
from typing import Final

from .clinical import BLOB_HASH_BYTES, Layer
from .coding.strings import join_entries, split_entries
from .compress import DICTIONARIES, Codec, Packed, compress_by_phrases, compress_plainly, decompress
from .difference import BASE_ID_BYTES, can_be_base, history_named, history_of
from .entry import SIGNATURE_BYTES, SignedEntry
from .errors import BundleRefused, InvalidRecord, MalformedInput
from .ids import BUNDLE_ID_BYTES, CASE_ID_BYTES, BundleId, CaseId
from .limits import (
    BUNDLE_TEXT_BYTES_MAX,
    ENTRIES_PER_BUNDLE_MAX,
    ENTRY_BYTES_MAX,
    MEDIA_LAYER_BYTES_MAX,
)
from .micro import MicroBundle, is_correction, pack_micro, unpack_micro
from .micro_correction import pack_correction, unpack_correction
from .varint import decode_varint, encode_varint

PAIR_SECRET_BYTES: Final = 32
BASE_SAVING_BYTES_MIN: Final = 16


class Content(IntEnum):
    """First byte of a bundle's plain text."""

    ENTRIES = 1
    MEDIA_LAYER = 2
    MICRO = 3


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


BundleContent = EntryBundle | LayerBundle | MicroBundle


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
        case MicroBundle(payload):
            digest.update(bytes((Content.MICRO,)) + payload)
    return BundleId(digest.digest())


def pack(
    content: BundleContent,
    *,
    dictionaries: frozenset[int] = DICTIONARIES,
    base: SignedEntry | None = None,
) -> bytes:
    """Plain text of a bundle: content byte, codec byte, dictionary byte, then the content.

    `dictionaries` are those the reader is known to have, and `base` an entry it is known to hold: entries may
    then be written as their difference from it, and a provisional correction always is. Signatures are
    random, so they stay outside the packed part.
    """
    match content:
        case EntryBundle(entries):
            if not 1 <= len(entries) <= ENTRIES_PER_BUNDLE_MAX:
                raise InvalidRecord(f"a bundle holds 1..{ENTRIES_PER_BUNDLE_MAX} entries, not {len(entries)}")
            return _pack_entries(entries, dictionaries, base)
        case LayerBundle(case_id, layer, data):
            if not 1 <= len(data) <= MEDIA_LAYER_BYTES_MAX:
                raise InvalidRecord(f"a media layer has 1..{MEDIA_LAYER_BYTES_MAX} bytes, not {len(data)}")
            return bytes((Content.MEDIA_LAYER, layer)) + case_id + data
        case MicroBundle():
            return bytes((Content.MICRO,)) + _pack_micro(content, dictionaries, base)


def unpack(plain: bytes, *, base: SignedEntry | None = None) -> BundleContent:
    """What a bundle holds; `BundleRefused` for anything that breaks a rule or a bound.

    `BaseMissing` says which entry it is a difference from: look that up and unpack again with it as `base`.
    """
    if len(plain) < 3:
        raise BundleRefused("the bundle is empty")
    try:
        if plain[0] == Content.ENTRIES:
            return _unpack_entries(plain[1], plain[2], plain[3:], base)
        if plain[0] == Content.MEDIA_LAYER:
            return _unpack_layer(plain[1], plain[2:])
        if plain[0] == Content.MICRO:
            return _unpack_micro(plain[1:], base)
    except BundleRefused:
        raise
    except MalformedInput as error:
        raise BundleRefused(str(error)) from error
    raise BundleRefused(f"bundle content of type {plain[0]} is not known here: update")


def _pack_entries(
    entries: Sequence[SignedEntry], dictionaries: frozenset[int], base: SignedEntry | None
) -> bytes:
    payloads = [entry.payload for entry in entries]
    sized = b"".join(encode_varint(len(payload)) + payload for payload in payloads)
    if len(sized) > BUNDLE_TEXT_BYTES_MAX + ENTRY_BYTES_MAX:
        raise InvalidRecord("too much text for one bundle; send it in parts")
    forms = [compress_plainly(sized), *_coded(payloads, dictionaries, base)]
    codec, dictionary, packed = min(forms, key=_weight)
    signatures = b"".join(entry.signature for entry in entries)
    return bytes((Content.ENTRIES, codec, dictionary)) + encode_varint(len(entries)) + signatures + packed


def _weight(form: Packed) -> int:
    """Its bytes; to depend on another entry must save some."""
    return len(form.data) + (BASE_SAVING_BYTES_MIN if form.codec is Codec.PHRASES_AFTER else 0)


def _coded(
    payloads: Sequence[bytes], dictionaries: frozenset[int], base: SignedEntry | None
) -> Iterator[Packed]:
    """The forms by phrases; they give back exactly these payloads."""
    try:
        joined = join_entries(payloads)
        history = b"" if base is None or not can_be_base(base) else history_of(base)
    except MalformedInput:
        return  # Not ours to judge: it travels as it is, and its reader refuses it.
    if coded := compress_by_phrases(joined, dictionaries=dictionaries):
        yield coded
    if base is None or not history:
        return
    after = compress_by_phrases(joined, dictionaries=dictionaries, history=history)
    if after is not None:
        yield after._replace(data=base.entry_id[:BASE_ID_BYTES] + after.data)


def _unpack_entries(codec: int, dictionary: int, data: bytes, base: SignedEntry | None) -> EntryBundle:
    count, position = decode_varint(data)
    if not 1 <= count <= ENTRIES_PER_BUNDLE_MAX:
        raise BundleRefused(f"a bundle claims {count} entries")
    packed_at = position + count * SIGNATURE_BYTES
    if packed_at > len(data):
        raise BundleRefused("the bundle is cut short")
    signatures = [data[at : at + SIGNATURE_BYTES] for at in range(position, packed_at, SIGNATURE_BYTES)]
    payloads = _unpack_payloads(codec, dictionary, data[packed_at:], base)
    if len(payloads) != count or any(len(payload) > ENTRY_BYTES_MAX for payload in payloads):
        raise BundleRefused("a bundle does not hold the entries it claims, or one is too large")
    return EntryBundle(tuple(map(SignedEntry, payloads, signatures)))


def _unpack_payloads(codec: int, dictionary: int, packed: bytes, base: SignedEntry | None) -> list[bytes]:
    history = b""
    if codec == Codec.PHRASES_AFTER:
        history, packed = history_named(packed, base)
    size_bytes_max = BUNDLE_TEXT_BYTES_MAX + ENTRY_BYTES_MAX
    plain = decompress(codec, dictionary, packed, size_bytes_max=size_bytes_max, history=history)
    return split_entries(plain) if codec in (Codec.PHRASES, Codec.PHRASES_AFTER) else _split_sized(plain)


def _split_sized(plain: bytes) -> list[bytes]:
    payloads: list[bytes] = []
    cursor = 0
    while cursor < len(plain):
        size, cursor = decode_varint(plain, cursor)
        if len(payloads) == ENTRIES_PER_BUNDLE_MAX or cursor + size > len(plain):
            raise BundleRefused("an entry of the bundle is cut short, or there are too many")
        payloads.append(plain[cursor : cursor + size])
        cursor += size
    return payloads


def _pack_micro(micro: MicroBundle, dictionaries: frozenset[int], base: SignedEntry | None) -> bytes:
    if not is_correction(micro):
        return pack_micro(micro)
    if base is None:
        raise InvalidRecord("a correction goes ahead unsigned only where the note that it corrects is held")
    return pack_correction(micro, base, dictionaries=dictionaries)


def _unpack_micro(data: bytes, base: SignedEntry | None) -> MicroBundle:
    if data[0] == Codec.PHRASES_AFTER:
        return unpack_correction(data[1], data[2:], base)
    return unpack_micro(data)


def _unpack_layer(layer: int, data: bytes) -> LayerBundle:
    if layer not in Layer.__members__.values():
        raise BundleRefused(f"media layer {layer} is not known here: update")
    if not CASE_ID_BYTES < len(data) <= CASE_ID_BYTES + MEDIA_LAYER_BYTES_MAX:
        raise BundleRefused("a media layer is empty or too large")
    return LayerBundle(CaseId(data[:CASE_ID_BYTES]), Layer(layer), data[CASE_ID_BYTES:])
