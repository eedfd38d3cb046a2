"""Records: immutable facts of one case, to the wire and back, with all that newer software added to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from hashlib import blake2b
from typing import Any, Final

from . import orders
from .bodies import BODIES as BODIES
from .bodies import SCHEMA_VERSION as SCHEMA_VERSION
from .codec import Primitive, repack
from .errors import InvalidRecord, MalformedInput
from .ids import RECORD_ID_BYTES, ActorId, CaseId, PatientId, RecordId
from .kinds import CRITICAL_KIND_MIN as CRITICAL_KIND_MIN
from .kinds import Kind as Kind
from .limits import RECORD_BYTES_MAX, REFERENCES_PER_RECORD_MAX
from .schema import decode_fields, encode_fields, newer_fields
from .stamps import Stamp

_READABLE: Final[Mapping[int, tuple[type[Any], int]]] = {
    int(kind): (body, SCHEMA_VERSION[kind]) for kind, body in BODIES.items()
}
"""By plain number, as it comes from outside: body type and newest version."""


class Relation(IntEnum):
    """How a record refers to another."""

    ANSWERS = 1
    SUPERSEDES = 2
    VOIDS = 3
    ABOUT = 4


@dataclass(frozen=True, slots=True)
class Reference:
    relation: Relation
    record: RecordId


@dataclass(frozen=True, slots=True)
class UnknownBody:
    """A kind or version that this software does not know: kept and forwarded as it came."""

    values: Primitive
    critical: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One immutable fact. `kind` is a plain number so that unknown kinds survive."""

    case_id: CaseId
    patient_id: PatientId
    author: ActorId
    stamp: Stamp
    kind: int
    version: int
    refs: tuple[Reference, ...]
    body: Any
    extra: tuple[tuple[int, Primitive], ...] = ()
    """Fields newer than this software, kept."""
    extra_is_critical: bool = False
    """Whether such a field, at any depth, must be understood."""
    record_id: RecordId

    @property
    def needs_newer_software(self) -> bool:
        """Whether something in it must be understood and is not."""
        if isinstance(self.body, UnknownBody):
            return self.body.critical
        return self.extra_is_critical

    @property
    def order_key(self) -> tuple[int, bytes, bytes]:
        """Total order of records: counter, author, id; never a wall clock."""
        return (self.stamp.counter, self.author, self.record_id)

    def referred(self, relation: Relation) -> tuple[RecordId, ...]:
        """Ids of the records this one names under `relation`."""
        return tuple(ref.record for ref in self.refs if ref.relation is relation)


_KIND_OF: Final = {body: kind for kind, body in BODIES.items() if body is not orders.Seen}


@dataclass(frozen=True, slots=True)
class NewRecord:
    """What somebody wants to state, before it has an author and a stamp."""

    body: Any
    refs: tuple[Reference, ...] = ()
    kind: Kind | None = None
    """Needed only where several kinds share one body."""

    def resolved_kind(self) -> Kind:
        """The kind, taken from the body's type when it was not given."""
        kind = self.kind if self.kind is not None else _KIND_OF.get(type(self.body))
        if kind is None or BODIES[kind] is not type(self.body):
            raise InvalidRecord(f"a {type(self.body).__name__} does not say what kind of record it is")
        return kind


def to_wire(new: NewRecord) -> list[Primitive]:
    """`[kind, body]`, with references and version following only when they are not the default."""
    kind = new.resolved_kind()
    if len(new.refs) > REFERENCES_PER_RECORD_MAX:
        raise InvalidRecord(f"more than {REFERENCES_PER_RECORD_MAX} references")
    fields: list[Primitive] = [int(kind), encode_fields(new.body)]
    version = SCHEMA_VERSION[kind]
    if new.refs or version != 1:
        fields.append([[int(ref.relation), ref.record] for ref in new.refs])
    if version != 1:
        fields.append(version)
    return fields


def from_wire(
    case_id: CaseId, patient_id: PatientId, author: ActorId, stamp: Stamp, fields: Primitive
) -> Record:
    """The record that `fields` state; `MalformedInput` when they break a rule of the format."""
    if not isinstance(fields, list) or not 2 <= len(fields) <= 4:
        raise MalformedInput("a record is not a list of two to four items")
    kind, values = fields[0], fields[1]
    if not isinstance(kind, int) or isinstance(kind, bool) or not 0 <= kind <= 255:
        raise MalformedInput("a record's kind is not a number of 0..255")
    version = fields[3] if len(fields) == 4 else 1
    if not isinstance(version, int) or isinstance(version, bool) or not 1 <= version <= 255:
        raise MalformedInput("a record's version is not a number of 1..255")
    refs = _references(fields[2]) if len(fields) > 2 else ()
    identity = repack(
        [
            case_id,
            patient_id,
            author,
            stamp.counter,
            stamp.wall_s,
            stamp.offset_minutes,
            int(stamp.certainty),
            fields,
        ]
    )
    if len(identity) > RECORD_BYTES_MAX:
        raise MalformedInput(f"a record is larger than {RECORD_BYTES_MAX} bytes")
    body, extra, extra_is_critical = _body(kind, version, values)
    return Record(
        case_id=case_id,
        patient_id=patient_id,
        author=author,
        stamp=stamp,
        kind=kind,
        version=version,
        refs=refs,
        body=body,
        extra=extra,
        extra_is_critical=extra_is_critical,
        record_id=RecordId(blake2b(identity, digest_size=RECORD_ID_BYTES, person=b"sf-record").digest()),
    )


def _body(kind: int, version: int, values: Primitive) -> tuple[Any, tuple[tuple[int, Primitive], ...], bool]:
    """The body, what newer software added to it, and whether that must be understood."""
    of, newest = _READABLE.get(kind, (None, 0))
    if of is not None and not isinstance(values, dict):
        raise MalformedInput("a record's body is not a map")
    if of is None or version > newest or not isinstance(values, dict):
        return UnknownBody(values, critical=kind >= CRITICAL_KIND_MIN), (), False
    return decode_fields(of, values), *newer_fields(of, values)


def _references(values: Primitive) -> tuple[Reference, ...]:
    if not isinstance(values, list) or len(values) > REFERENCES_PER_RECORD_MAX:
        raise MalformedInput("a record's references are not a short list")
    refs = []
    for value in values:
        match value:
            case [int(relation), bytes(record)] if (
                relation in Relation.__members__.values() and len(record) == RECORD_ID_BYTES
            ):
                refs.append(Reference(Relation(relation), RecordId(record)))
            case _:
                raise MalformedInput("a record refers to something that is not a record")
    return tuple(refs)
