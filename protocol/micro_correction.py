"""A correction of a note that the reader holds, in a micro-bundle: the signed entry that states it, without
its signature, as a difference from the entry of that note.

Law: case, patient, author and key are those of the note's own entry, so that a correction cannot be filed
with another patient; and the entry that covers it is the very one that it was made from, since an entry's id
is a hash of what is rebuilt here.
"""

from __future__ import annotations

from .clinical import Note
from .codec import Primitive, decode, encode
from .coding.strings import join_entries, split_entries
from .compress import DICTIONARIES, Codec, compress_by_phrases, decompress
from .difference import BASE_ID_BYTES, can_be_base, history_named, history_of
from .entry import Entry, SignedEntry, read_entry
from .errors import InvalidRecord, MalformedInput
from .limits import CODED_BYTES_MAX, ENTRY_BYTES_MAX
from .micro import COVERS_BYTES, MicroBundle, read_micro
from .records import Record, Relation


def correction_of(signed: SignedEntry, base: SignedEntry) -> MicroBundle | None:
    """What may go ahead of `signed` to whoever holds `base`; None unless it is one note that corrects a note
    of that entry, by the same author with the same key, and short enough."""
    if not _corrects(read_entry(signed), read_entry(base)):
        return None
    micro = _unsigned(signed)
    try:
        pack_correction(micro, base)
    except (InvalidRecord, MalformedInput):
        return None
    return micro


def pack_correction(
    micro: MicroBundle, base: SignedEntry, *, dictionaries: frozenset[int] = DICTIONARIES
) -> bytes:
    """Codec byte, dictionary byte, the start of the base's id, and the entry in phrases after it.

    `InvalidRecord` when it is no correction of a note of `base`, or takes more than a reader allows.
    """
    payload = _entry_payload(micro, base)
    if _unsigned(SignedEntry(payload, b"")) != micro or not can_be_base(base):
        raise InvalidRecord("this provisional record is not a correction that its entry states")
    if not _corrects(read_entry(SignedEntry(payload, b"")), read_entry(base)):
        raise InvalidRecord("this provisional record does not correct a note of the entry that is held")
    packed = compress_by_phrases(join_entries([payload]), dictionaries=dictionaries, history=history_of(base))
    if packed is None:
        raise InvalidRecord("this correction cannot be written as a difference from its note")
    return bytes((packed.codec, packed.dictionary)) + base.entry_id[:BASE_ID_BYTES] + packed.data


def unpack_correction(dictionary: int, data: bytes, base: SignedEntry | None) -> MicroBundle:
    """The bundle that `pack_correction` packed, from behind its dictionary byte. `BaseMissing` names the
    entry that it takes; `MalformedInput` for what is no correction of it."""
    history, packed = history_named(data, base)
    assert base is not None  # `history_named` would have said so.
    joined = decompress(
        Codec.PHRASES_AFTER, dictionary, packed, size_bytes_max=CODED_BYTES_MAX, history=history
    )
    payloads = split_entries(joined)
    if len(payloads) != 1:
        raise MalformedInput("a provisional correction holds more than one entry")
    rebuilt = SignedEntry(payloads[0], b"")
    if not _corrects(read_entry(rebuilt), read_entry(base)):
        raise MalformedInput("a provisional correction is not one of a note that it is a difference from")
    micro = _unsigned(rebuilt)
    read_micro(micro)
    return micro


def _corrects(entry: Entry, base: Entry) -> bool:
    """Whether the entry is one note, by author and key of the base, in place of a note that stands there."""
    ours = (entry.case_id, entry.patient_id, entry.author, entry.signer)
    if ours != (base.case_id, base.patient_id, base.author, base.signer) or len(entry.records) != 1:
        return False
    notes = {record.record_id for record in base.records if isinstance(record.body, Note)}
    return _is_correction(entry.records[0]) and not notes.isdisjoint(
        entry.records[0].referred(Relation.SUPERSEDES)
    )


def _is_correction(record: Record) -> bool:
    return isinstance(record.body, Note) and all(ref.relation is Relation.SUPERSEDES for ref in record.refs)


def _unsigned(signed: SignedEntry) -> MicroBundle:
    """The entry's one record as a provisional one, covered by the entry."""
    entry = read_entry(signed)
    match decode(signed.payload, size_bytes_max=ENTRY_BYTES_MAX):
        case [_, _, _, _, [*stamp], [item]]:
            stated: list[Primitive] = [*stamp, item]
        case _:
            raise MalformedInput("a provisional correction is an entry of one record")
    identifiers = entry.case_id + entry.patient_id + entry.author + signed.entry_id[:COVERS_BYTES]
    return MicroBundle(identifiers + encode(stated))


def _entry_payload(micro: MicroBundle, base: SignedEntry) -> bytes:
    """The payload of the entry that the micro-bundle was made from, if the base's key signed it."""
    record = read_micro(micro).record
    match decode(micro.stated, size_bytes_max=ENTRY_BYTES_MAX):
        case [*stamp, item]:
            signer = read_entry(base).signer
            return encode([record.case_id, record.patient_id, record.author, signer, stamp, [item]])
    raise MalformedInput("a provisional record has a stamp and a record")
