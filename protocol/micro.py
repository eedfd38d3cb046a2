"""Micro-bundles: one provisional record that nobody signed, small enough for one satellite message.

Law: it is the word of the other end of a pair and not of a person. It names case, patient and the signed
entry that will state the same, and gives way to that entry; it is never folded in with what was signed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from types import MappingProxyType
from typing import Final

from .actors import Party
from .catalogue import fits_a_message
from .codec import Primitive, decode, encode
from .coding.strings import join_entries, split_entries
from .compress import Codec, Packed, compress_by_phrases, compress_plainly, decompress
from .errors import AuthorityRefused, InvalidRecord, MalformedInput
from .ids import ACTOR_ID_BYTES, CASE_ID_BYTES, PATIENT_ID_BYTES, ActorId, CaseId, EntryId, PatientId
from .limits import MICRO_BYTES_MAX
from .questions import Answer, Question
from .records import Kind, NewRecord, Record, Reference, Relation, UnknownBody, from_wire, to_wire
from .stamps import Stamp, check_stamp

MICRO_ID_BYTES: Final = 16
COVERS_BYTES: Final = 6
"""Of an entry id: a chance hit among the entries of one case is one in 10**14."""
MICRO_SENDERS: Final[Mapping[int, Party]] = MappingProxyType(
    {
        Kind.HEADLINE: Party.SITE,
        Kind.NOTE: Party.SITE,
        Kind.ANSWER: Party.SITE,
        Kind.QUESTION: Party.HUB,
        Kind.REPLY_HEADLINE: Party.HUB,
    }
)
"""The kinds that may travel like this, and which end of a pair may say them; questions and answers only where
they are coded, notes only as corrections of a note that the reader holds (`protocol.micro_correction`)."""

_PACKED_HEAD_BYTES: Final = 3
"""Content, codec and dictionary byte."""
_PAYLOAD_BYTES_MAX: Final = MICRO_BYTES_MAX - _PACKED_HEAD_BYTES
_PATIENT_AT: Final = CASE_ID_BYTES
_AUTHOR_AT: Final = _PATIENT_AT + PATIENT_ID_BYTES
_COVERS_AT: Final = _AUTHOR_AT + ACTOR_ID_BYTES
_STATED_AT: Final = _COVERS_AT + COVERS_BYTES
_VITALS_FIELD: Final = 11
"""Of a headline's body."""


@dataclass(frozen=True, slots=True)
class MicroBundle:
    """A provisional record as it is kept and forwarded: its bytes, in one piece.

    Case, patient, author, the first bytes of the covering entry's id, then the canonical encoding of
    `[counter, wall, offset, certainty, record]`.
    """

    payload: bytes

    @property
    def stated(self) -> bytes:
        """All but the identifiers: stamp and record."""
        return self.payload[_STATED_AT:]

    @property
    def micro_id(self) -> bytes:
        """What it is kept under: `MICRO_ID_BYTES` of a hash of all of it."""
        return blake2b(self.payload, digest_size=MICRO_ID_BYTES, person=b"sf-micro").digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionalRecord:
    """What a micro-bundle says."""

    record: Record
    covers: bytes

    def is_covered_by(self, entry_ids: Iterable[EntryId]) -> bool:
        """Whether a signed entry that states it is among these."""
        return any(entry_id.startswith(self.covers) for entry_id in entry_ids)


def write_micro(
    new: NewRecord,
    *,
    case_id: CaseId,
    patient_id: PatientId,
    author: ActorId,
    stamp: Stamp,
    covers: EntryId,
) -> MicroBundle:
    """`InvalidRecord` if the record may not travel like this, or is too large to."""
    kind = new.resolved_kind()
    if not _may_be_unsigned(kind, new.body, new.refs):
        raise InvalidRecord(f"such a {kind.name.lower()} record must be signed")
    stated: list[Primitive] = [
        stamp.counter,
        stamp.wall_s,
        stamp.offset_minutes,
        int(stamp.certainty),
        to_wire(new),
    ]
    micro = MicroBundle(case_id + patient_id + author + covers[:COVERS_BYTES] + encode(stated))
    if len(micro.payload) > _PAYLOAD_BYTES_MAX:
        raise InvalidRecord(f"a provisional record of {len(micro.payload)} bytes is too large; shorten it")
    try:
        read_micro(micro)
    except MalformedInput as error:
        raise InvalidRecord(str(error)) from error
    return micro


def read_micro(micro: MicroBundle) -> ProvisionalRecord:
    """What it says; `MalformedInput` when it breaks a rule of the format."""
    payload = micro.payload
    if not _STATED_AT < len(payload) <= _PAYLOAD_BYTES_MAX:
        raise MalformedInput(f"a provisional record does not have {len(payload)} bytes")
    match decode(payload[_STATED_AT:], size_bytes_max=MICRO_BYTES_MAX):
        case [counter, wall_s, offset, certainty, fields]:
            pass
        case _:
            raise MalformedInput("a provisional record does not have the five parts it must have")
    record = from_wire(
        CaseId(payload[:_PATIENT_AT]),
        PatientId(payload[_PATIENT_AT:_AUTHOR_AT]),
        ActorId(payload[_AUTHOR_AT:_COVERS_AT]),
        check_stamp(counter, wall_s, offset, certainty),
        fields,
    )
    if not _may_be_unsigned(record.kind, record.body, record.refs):
        raise MalformedInput(f"such a record of kind {record.kind} must be signed, and came without")
    return ProvisionalRecord(record=record, covers=payload[_COVERS_AT:_STATED_AT])


def _may_be_unsigned(kind: int, body: object, refs: Sequence[Reference]) -> bool:
    if isinstance(body, Question | Answer):
        return body.code is not None and fits_a_message(body)
    if kind == Kind.NOTE and not (refs and all(ref.relation is Relation.SUPERSEDES for ref in refs)):
        return False
    return kind in MICRO_SENDERS and not isinstance(body, UnknownBody)


def check_sender(provisional: ProvisionalRecord, party: Party) -> None:
    """`AuthorityRefused` unless this end of a pair may say such a thing."""
    kind = Kind(provisional.record.kind)
    if MICRO_SENDERS[kind] is not party:
        what = kind.name.lower().replace("_", " ")
        raise AuthorityRefused(f"a {party.name.lower()} may not send a {what}")


def is_correction(micro: MicroBundle) -> bool:
    """Whether it states a note in place of others."""
    match decode(micro.stated, size_bytes_max=MICRO_BYTES_MAX):
        case [_, _, _, _, [Kind.NOTE, _, [_, *_], *_]]:
            return True
    return False


def pack_micro(micro: MicroBundle) -> bytes:
    """Codec byte, dictionary byte, the identifiers as they are, and the packed rest."""
    stated = micro.stated
    packed = min((compress_plainly(stated), *_by_phrases(stated)), key=lambda form: len(form.data))
    return bytes((packed.codec, packed.dictionary)) + micro.payload[:_STATED_AT] + packed.data


def unpack_micro(data: bytes) -> MicroBundle:
    """The bundle that `pack_micro` packed; `MalformedInput` for what is none."""
    head_at = 2
    stated_at = head_at + _STATED_AT
    if len(data) <= stated_at:
        raise MalformedInput("a micro-bundle is cut short")
    codec, dictionary = data[0], data[1]
    if codec == Codec.PHRASES_AFTER:
        raise MalformedInput("this micro-bundle is a difference from an entry")
    plain = decompress(codec, dictionary, data[stated_at:], size_bytes_max=MICRO_BYTES_MAX)
    stated = _closed(plain) if codec == Codec.PHRASES else plain
    micro = MicroBundle(data[head_at:stated_at] + stated)
    read_micro(micro)
    if is_correction(micro):
        raise MalformedInput("a correction that nobody signed came without the note that it corrects")
    return micro


def _by_phrases(stated: bytes) -> tuple[Packed, ...]:
    """The form in phrases, where it gives back exactly these bytes."""
    try:
        opened = _opened(stated)
        if _closed(opened) != stated:
            return ()  # An identifier looks like a mark.
    except MalformedInput:
        return ()
    coded = compress_by_phrases(opened)
    return () if coded is None else (coded,)


def _opened(stated: bytes) -> bytes:
    """With marked strings, and a headline's readings as a row of their own at the end: rows of vital signs
    have a code that knows what is usual."""
    match decode(stated, size_bytes_max=MICRO_BYTES_MAX):
        case [counter, wall_s, offset, certainty, [Kind.HEADLINE, dict(body), *rest]] if (
            _VITALS_FIELD in body
        ):
            others = {key: value for key, value in body.items() if key != _VITALS_FIELD}
            record: list[Primitive] = [int(Kind.HEADLINE), others, *rest]
            row: list[Primitive] = [int(Kind.VITALS), body[_VITALS_FIELD]]
            stated = encode([counter, wall_s, offset, certainty, record, row])
    return join_entries([stated])


def _closed(opened: bytes) -> bytes:
    parts = split_entries(opened)
    if len(parts) != 1:
        raise MalformedInput("a micro-bundle holds more than one record")
    match decode(parts[0], size_bytes_max=MICRO_BYTES_MAX):
        case [counter, wall_s, offset, certainty, [Kind.HEADLINE, dict(body), *rest], [Kind.VITALS, row]]:
            record: list[Primitive] = [int(Kind.HEADLINE), body | {_VITALS_FIELD: row}, *rest]
            return encode([counter, wall_s, offset, certainty, record])
    return parts[0]
