"""docs/records.md as the code states it: `python -m tests.docs.record_tables` writes the page anew."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import Any

from protocol.codes import measure_codes
from protocol.exchange_keys import ExchangeKey
from protocol.records import BODIES, SCHEMA_VERSION, Kind
from protocol.schema import Choice, FieldType, Flag, ListOf, Number, Raw, Shaped, Struct, Text
from tests.docs.pages import DOCS

PAGE = DOCS / "records.md"
HEAD = """# Records, field by field

Written from the code by `python -m tests.docs.record_tables`; `tests/docs/test_records.py` holds it to the
code. How a record travels is in [wire-format.md](wire-format.md) §4. Keys are those of the body's map. A
field that may be absent is marked with a question mark: absent is "not stated", never zero and never "no". A
number is a whole number in the unit that its name ends with (`_s` seconds, of moments since 1970 UTC; `_min`
minutes; `_hg` 0.1 kg; `deci` tenths; `permille` thousandths). A unit never changes under a key. A value of a
choice that a reader does not know is refused, so a new value makes a new version of the kind. Field lists
follow common forms of tele-advice and need a clinician's review before use on patients.

Kinds from 128 up are critical.
"""


def page() -> str:
    """The whole page."""
    lines = [
        HEAD,
        *_kinds(),
        "## Parts of bodies",
        "",
        *_parts(),
        "## Choices",
        "",
        *_choices(),
        *_measures(),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _kinds() -> Iterator[str]:
    for kind in sorted(Kind):
        name = kind.name.lower().replace("_", " ")
        yield f"## {int(kind)} {name}"
        yield ""
        yield f"`{BODIES[kind].__module__}.{BODIES[kind].__name__}`, version {SCHEMA_VERSION[kind]}"
        yield ""
        yield from _fields(BODIES[kind])


def _fields(of: type[Any]) -> Iterator[str]:
    fields = sorted(dataclasses.fields(of), key=lambda field: int(field.metadata["key"]))
    if not fields:
        yield from ("No fields: what it says is its kind and what it refers to.", "")
        return
    yield from ("| key | field | value |", "|---|---|---|")
    for field in fields:
        absent = "" if field.default is dataclasses.MISSING else "?"
        yield f"| {field.metadata['key']} | `{field.name}`{absent} | {_type(field.metadata['type'])} |"
    yield ""


def _type(of: FieldType) -> str:
    match of:
        case ListOf(item=item, count_max=count):
            return f"list of 1 … {count}: {_type(item)}"
        case Shaped(pattern=pattern, bytes_max=size):
            shape = pattern.replace("|", "\\|")
            return f"text of the shape `{shape}`, at most {size} bytes"
        case Text(bytes_max=size):
            return f"text, at most {size} bytes"
        case Number(low=low, high=high):
            return f"{low} … {high}"
        case Choice(choices=choices):
            return f"choice `{choices.__name__}`"
        case Struct(of=nested):
            return f"map `{nested.__name__}`"
    return _plain(of)


def _plain(of: FieldType) -> str:
    match of:
        case Flag():
            return "true or false"
        case Raw(size_bytes=size):
            return f"{size} bytes"
        case ExchangeKey():
            return "32 bytes, an X25519 public key"
    raise TypeError(f"no words are known for {of!r}")


def _inner(of: type[Any]) -> Iterator[FieldType]:
    """Types of a body's fields, lists unpacked, nested bodies entered."""
    for field in dataclasses.fields(of):
        kind = field.metadata["type"]
        item = kind.item if isinstance(kind, ListOf) else kind
        yield item
        if isinstance(item, Struct):
            yield from _inner(item.of)


def _used() -> Iterable[FieldType]:
    return [each for kind in sorted(Kind) for each in _inner(BODIES[kind])]


def _parts() -> Iterator[str]:
    parts = {each.of.__name__: each.of for each in _used() if isinstance(each, Struct)}
    for name in sorted(parts):
        yield f"### {name}"
        yield ""
        yield from _fields(parts[name])


def _choices() -> Iterator[str]:
    lists = {_qualified(each.choices): each.choices for each in _used() if isinstance(each, Choice)}
    yield from ("| list | values |", "|---|---|")
    for name in sorted(lists):
        values = ", ".join(f"{int(value)} {value.name.lower().replace('_', ' ')}" for value in lists[name])
        yield f"| `{name}` | {values} |"
    yield ""


def _qualified(choices: type[IntEnum]) -> str:
    return f"{choices.__module__}.{choices.__name__}"


def _measures() -> Iterator[str]:
    yield from ("## Measures", "")
    yield "Codes of LOINC and units of UCUM, with their notices, are in `protocol/tables/measures.toml`."
    yield from ("", "| number | measure | LOINC | UCUM | steps in one unit |", "|---|---|---|---|---|")
    for measure, code in sorted(measure_codes().items()):
        loinc = ", ".join(code.loinc) or "none: own code `" + code.code + "`"
        yield f"| {int(measure)} | {code.display} | {loinc} | `{code.unit}` | {code.steps_per_unit} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
