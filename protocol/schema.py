"""How the fields of a record body map to small integer keys, declared beside each field.

A body is a frozen dataclass whose fields are made with `wire(key, type)`. Absent values are None or an empty
tuple and are left out; a unit never changes under a key, and a key is never used again for something else.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, Protocol, TypeVar

from .codec import Primitive
from .errors import InvalidRecord, MalformedInput
from .limits import TEXT_BYTES_MAX

CRITICAL_FIELD_MIN: Final = 64
"""Fields numbered from here up must be understood; a reader that does not know one says so."""


class FieldType(Protocol):
    """Turns one attribute into a primitive and back, refusing what does not fit."""

    def encode(self, value: Any) -> Primitive:
        """`InvalidRecord` when our own value cannot be held exactly."""

    def decode(self, value: Primitive) -> Any:
        """`MalformedInput` when an outside value is not of this type."""


@dataclass(frozen=True, slots=True)
class Text:
    """UTF-8 text, each character of which can be seen; of controls only the line feed; never clipped."""

    bytes_max: int = TEXT_BYTES_MAX

    def encode(self, value: Any) -> Primitive:
        if not isinstance(value, str) or not value:
            raise InvalidRecord("text is missing")
        try:
            size = len(value.encode())
        except UnicodeEncodeError as error:
            raise InvalidRecord("text holds bytes that are not UTF-8") from error
        if size > self.bytes_max:
            raise InvalidRecord(f"text of {size} bytes is longer than {self.bytes_max}; split it")
        if bad := _CONTROLS.search(value):
            raise InvalidRecord(f"text holds the control character U+{ord(bad[0]):04X}")
        if not value.isascii() and (bad := _UNSEEN.search(value)):
            raise InvalidRecord(f"text holds the invisible character U+{ord(bad[0]):04X}; type it again")
        return value

    def decode(self, value: Primitive) -> str:
        try:
            self.encode(value)
        except InvalidRecord as error:
            raise MalformedInput(str(error)) from error
        assert isinstance(value, str)
        return value


_CONTROLS: Final = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""C0 and C1 (terminal escapes), and the direction overrides that can reorder a dose on screen."""

_UNSEEN: Final = re.compile(
    "[\u00ad\u115f\u1160\u180e\u200b\u2028\u2029\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb"
    "\ufffe\uffff\U000e0000-\U000e007f]"
    "|(?<![^\x00-\x7f\u200c\u200d])[\u200c\u200d]"
)
"""What breaks a line or hides inside a dose: line and paragraph separators, soft hyphen, what has no width,
fillers, tags, and what is no character. The two joiners (U+200C, U+200D) shape Persian, the scripts of India
and many emoji, so they may follow a character outside ASCII: never a figure, a Latin letter or each other."""


@dataclass(frozen=True, slots=True)
class Shaped:
    """Text of one shape, such as a language code or a DICOM identifier."""

    pattern: str
    bytes_max: int

    def encode(self, value: Any) -> Primitive:
        text = Text(self.bytes_max).encode(value)
        if re.fullmatch(self.pattern, str(text), re.ASCII) is None:
            raise InvalidRecord(f"{value!r} does not have the shape of this field")
        return text

    def decode(self, value: Primitive) -> str:
        text = Text(self.bytes_max).decode(value)
        if re.fullmatch(self.pattern, text, re.ASCII) is None:
            raise MalformedInput("a text does not have the shape of its field")
        return text


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number in the field's fixed unit."""

    low: int
    high: int

    def encode(self, value: Any) -> Primitive:
        if not isinstance(value, int) or isinstance(value, bool) or not self.low <= value <= self.high:
            raise InvalidRecord(f"{value!r} is not a whole number of {self.low}..{self.high}")
        return value

    def decode(self, value: Primitive) -> int:
        if type(value) is not int or not self.low <= value <= self.high:  # A bool is an int, too.
            raise MalformedInput(f"a number is outside {self.low}..{self.high}")
        return value


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false; unknown is absence."""

    def encode(self, value: Any) -> Primitive:
        if not isinstance(value, bool):
            raise InvalidRecord(f"{value!r} is neither yes nor no")
        return value

    def decode(self, value: Primitive) -> bool:
        if not isinstance(value, bool):
            raise MalformedInput("a yes/no field holds something else")
        return value


@dataclass(frozen=True, slots=True)
class Raw:
    """Exactly this many bytes."""

    size_bytes: int

    def encode(self, value: Any) -> Primitive:
        if not isinstance(value, bytes) or len(value) != self.size_bytes:
            raise InvalidRecord(f"expected {self.size_bytes} bytes")
        return value

    def decode(self, value: Primitive) -> bytes:
        if not isinstance(value, bytes) or len(value) != self.size_bytes:
            raise MalformedInput(f"expected {self.size_bytes} bytes")
        return value


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a closed list."""

    choices: type[IntEnum]

    def encode(self, value: Any) -> Primitive:
        if not isinstance(value, self.choices):
            raise InvalidRecord(f"{value!r} is not a {self.choices.__name__}")
        return int(value)

    def decode(self, value: Primitive) -> IntEnum:
        if type(value) is not int:
            raise MalformedInput(f"a {self.choices.__name__} is not a number")
        try:
            return self.choices(value)
        except ValueError as error:
            raise MalformedInput(f"a {self.choices.__name__} is not a known choice") from error


@dataclass(frozen=True, slots=True)
class ListOf:
    """Up to `count_max` values of one type; empty and absent are the same."""

    item: FieldType
    count_max: int

    def encode(self, value: Any) -> Primitive:
        if not isinstance(value, tuple) or len(value) > self.count_max:
            raise InvalidRecord(f"a list has more than {self.count_max} items")
        return [self.item.encode(item) for item in value]

    def decode(self, value: Primitive) -> tuple[Any, ...]:
        if not isinstance(value, list) or not 1 <= len(value) <= self.count_max:
            raise MalformedInput(f"a list does not have 1..{self.count_max} items")
        return tuple(self.item.decode(item) for item in value)


@dataclass(frozen=True, slots=True)
class Struct:
    """A nested body."""

    of: type[Any]

    def encode(self, value: Any) -> Primitive:
        if not isinstance(value, self.of):
            raise InvalidRecord(f"{value!r} is not a {self.of.__name__}")
        return encode_fields(value)

    def decode(self, value: Primitive) -> Any:
        if not isinstance(value, Mapping):
            raise MalformedInput(f"a {self.of.__name__} is not a map")
        return decode_fields(self.of, value)


def wire(key: int, of: FieldType, **keywords: Any) -> Any:
    """A dataclass field that travels under `key`; give `default=None` (or `()`) when it may be absent."""
    return dataclasses.field(metadata={"key": key, "type": of}, **keywords)


Body = TypeVar("Body")

_FIELDS_OF: Final[dict[type[Any], dict[int, tuple[str, FieldType]]]] = {}
"""Filled once per body type; the set of types is closed."""


def _fields(of: type[Any]) -> dict[int, tuple[str, FieldType]]:
    """Name and type for each key, ascending."""
    if of not in _FIELDS_OF:
        found = {
            field.metadata["key"]: (field.name, field.metadata["type"]) for field in dataclasses.fields(of)
        }
        _FIELDS_OF[of] = dict(sorted(found.items()))
    return _FIELDS_OF[of]


_READERS_OF: Final[dict[type[Any], dict[int, tuple[str, Callable[[Primitive], Any], int, int]]]] = {}
"""The same at hand: name, the function that reads it, and the bounds of a number (none fits elsewhere)."""


def _readers(of: type[Any]) -> dict[int, tuple[str, Callable[[Primitive], Any], int, int]]:
    readers: dict[int, tuple[str, Callable[[Primitive], Any], int, int]] = {}
    for key, (name, field_type) in _fields(of).items():
        low, high = (field_type.low, field_type.high) if isinstance(field_type, Number) else (1, 0)
        readers[key] = (name, field_type.decode, low, high)
    _READERS_OF[of] = readers
    return readers


def encode_fields(body: object) -> dict[int, Primitive]:
    """The body as a map of integer keys; `InvalidRecord` names the field that does not fit."""
    out: dict[int, Primitive] = {}
    for key, (name, of) in _fields(type(body)).items():
        value = getattr(body, name)
        if value is None or value == ():
            continue
        try:
            out[key] = of.encode(value)
        except InvalidRecord as error:
            raise InvalidRecord(f"{name}: {error}") from error
    return out


def decode_fields(of: type[Body], values: Mapping[int, Primitive]) -> Body:
    """A body of type `of`; keys it does not know are left alone, `MalformedInput` names a bad field."""
    known: dict[str, Any] = {}
    readers = _READERS_OF.get(of) or _readers(of)
    key = 0
    try:
        for key, value in values.items():
            if key in readers:
                name, decode, low, high = readers[key]
                # A number as most are: asking the field type costs as much as all the rest.
                known[name] = value if type(value) is int and low <= value <= high else decode(value)
    except MalformedInput as error:
        raise MalformedInput(f"{readers[key][0]}: {error}") from error
    try:
        return of(**known)
    except (TypeError, InvalidRecord) as error:
        raise MalformedInput(f"a {of.__name__} lacks a field it must have") from error


def newer_fields(
    of: type[Any], values: Mapping[int, Primitive]
) -> tuple[tuple[tuple[int, Primitive], ...], bool]:
    """Keys of `values` that this version of `of` does not know, kept so that they survive; and whether such
    a field, here or deeper, must be understood."""
    known = _fields(of)
    if values.keys() <= known.keys():
        return (), bool(_nested_of(of)) and has_unknown_critical(of, values)
    extra = tuple((key, values[key]) for key in sorted(values) if key not in known)
    return extra, has_unknown_critical(of, values)


def has_unknown_critical(of: type[Any], values: Mapping[int, Primitive]) -> bool:
    """Whether a field that must be understood is not known here, however deep it stands."""
    unknown = values.keys() - _fields(of).keys()
    if unknown and max(unknown) >= CRITICAL_FIELD_MIN:
        return True
    return any(
        has_unknown_critical(nested, each)
        for key, nested in _nested_of(of)
        if key in values
        for each in _each_map(values[key])
    )


_NESTED_OF: Final[dict[type[Any], tuple[tuple[int, type[Any]], ...]]] = {}
"""Filled once per body type, as `_FIELDS_OF` is."""


def _nested_of(of: type[Any]) -> tuple[tuple[int, type[Any]], ...]:
    """Keys whose values are bodies themselves, or lists of such."""
    if of not in _NESTED_OF:
        items = {
            key: field_type.item if isinstance(field_type, ListOf) else field_type
            for key, (_, field_type) in _fields(of).items()
        }
        _NESTED_OF[of] = tuple((key, item.of) for key, item in items.items() if isinstance(item, Struct))
    return _NESTED_OF[of]


def _each_map(value: Primitive) -> Iterator[Mapping[int, Primitive]]:
    for each in value if isinstance(value, list) else (value,):
        if isinstance(each, Mapping):
            yield each
