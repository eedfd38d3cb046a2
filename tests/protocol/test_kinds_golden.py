"""Golden wire vectors of every kind, with every field: a difference is a change of the wire format.

`python -m tests.protocol.test_kinds_golden` writes them anew, which needs a version decision.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol.codec import Primitive, decode, encode
from protocol.exchange_keys import ExchangeKey
from protocol.limits import RECORD_BYTES_MAX
from protocol.records import BODIES, SCHEMA_VERSION, Kind, NewRecord, from_wire, to_wire
from protocol.schema import Choice, FieldType, Flag, ListOf, Number, Raw, Shaped, Struct, Text
from protocol.stamps import Stamp
from tests.protocol.cases import CASE, MEDIC, PATIENT, WALL_S

VECTORS = Path(__file__).parent.parent / "golden" / "kinds.json"
SHAPES = ("KOR", "en", "1.2.840.10008", "CT", "+00 00 0000")
"""One of these fits each pattern of a field."""


def full_body(of: type[Any]) -> Any:
    """A body in which no field is absent."""
    return of(**{f.name: _value(f.name, f.metadata["type"]) for f in dataclasses.fields(of)})


def _value(name: str, of: FieldType) -> Any:
    if isinstance(of, ListOf):
        return (_value(name, of.item),)
    return _VALUES[type(of)](name, of)


def _shaped(_: str, of: Shaped) -> str:
    return next(shape for shape in SHAPES if re.fullmatch(of.pattern, shape))


def _public_key(_: str, __: ExchangeKey) -> bytes:
    return X25519PrivateKey.from_private_bytes(b"k" * 32).public_key().public_bytes_raw()


_VALUES: dict[type[Any], Callable[[str, Any], Any]] = {
    Text: lambda name, of: name.replace("_", " ")[: of.bytes_max],
    Shaped: _shaped,
    Number: lambda _, of: min(max(of.low, 1), of.high),
    Flag: lambda _, of: True,
    Raw: lambda _, of: bytes(range(of.size_bytes)),
    Choice: lambda _, of: next(iter(of.choices)),
    Struct: lambda _, of: full_body(of.of),
    ExchangeKey: _public_key,
}


def wire_of(kind: Kind) -> bytes:
    return encode(to_wire(NewRecord(full_body(BODIES[kind]), kind=kind)))


def read_vectors() -> dict[str, dict[str, Any]]:
    vectors: dict[str, dict[str, Any]] = json.loads(VECTORS.read_text())
    return vectors


def test_there_is_a_vector_for_every_kind() -> None:
    assert {name: vector["kind"] for name, vector in read_vectors().items()} == {
        kind.name: int(kind) for kind in Kind
    }


@pytest.mark.parametrize("kind", sorted(Kind), ids=lambda kind: kind.name)
def test_a_kind_is_written_and_read_as_its_vector_says(kind: Kind) -> None:
    vector = read_vectors()[kind.name]
    assert vector["version"] == SCHEMA_VERSION[kind]
    assert wire_of(kind).hex() == vector["item"]
    item: Primitive = decode(bytes.fromhex(vector["item"]), size_bytes_max=RECORD_BYTES_MAX)
    record = from_wire(CASE, PATIENT, MEDIC.actor, Stamp(7, WALL_S, 540), item)
    assert (record.kind, record.body, record.extra) == (kind, full_body(BODIES[kind]), ())
    assert record.record_id.hex() == vector["record_id"]


def write_vectors() -> None:
    vectors = {}
    for kind in sorted(Kind):
        item = wire_of(kind)
        fields = decode(item, size_bytes_max=RECORD_BYTES_MAX)
        record = from_wire(CASE, PATIENT, MEDIC.actor, Stamp(7, WALL_S, 540), fields)
        vectors[kind.name] = {
            "kind": int(kind),
            "version": SCHEMA_VERSION[kind],
            "item": item.hex(),
            "record_id": record.record_id.hex(),
        }
    VECTORS.write_text(json.dumps(vectors, indent=1) + "\n")


if __name__ == "__main__":
    write_vectors()
