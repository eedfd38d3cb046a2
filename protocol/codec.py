"""Canonical MessagePack: one encoding per value, and a bounded walk before outside bytes become objects.

Values are None, bool, 64-bit integers, text, bytes, arrays, and maps with small integer keys in ascending
order. There are no floats, so that no value depends on rounding, and no extension types.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgpack

from .errors import InvalidRecord, MalformedInput
from .limits import CODEC_DEPTH_MAX, CODEC_ITEMS_MAX

Primitive = None | bool | int | str | bytes | Sequence["Primitive"] | Mapping[int, "Primitive"]

MAP_KEY_MAX: Final = 255


def encode(value: Primitive) -> bytes:
    """The one canonical encoding of `value`; `InvalidRecord` for anything outside the value space."""
    packed: bytes = msgpack.packb(_ordered(value), use_bin_type=True)
    return packed


def decode(data: bytes, *, size_bytes_max: int) -> Primitive:
    """The value of which `data` is the canonical encoding; `MalformedInput` for everything else.

    Arrays come back as lists and maps as dicts. Costs are bounded by `size_bytes_max`, `CODEC_DEPTH_MAX`
    and `CODEC_ITEMS_MAX` before much is built: 1 MB of empty arrays costs the stock decoder seconds.
    """
    if len(data) > size_bytes_max:
        raise MalformedInput(f"{len(data)} bytes where at most {size_bytes_max} are allowed")
    if len(data) > CODEC_ITEMS_MAX:  # An item takes a byte: a shorter message cannot hold too many.
        _walk(data)
    try:
        value: Primitive = msgpack.unpackb(data, raw=False, strict_map_key=False)
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        _walk(data)  # It says better what is wrong, as a rule.
        raise MalformedInput(f"not readable as a message: {error}") from error
    _check_levels(value)
    if repack(value) != data:
        raise MalformedInput("a key is repeated, or an item is longer than it needs to be")
    return value


def repack(value: Primitive) -> bytes:
    """The canonical encoding of a value that came from `decode`, without checking it again."""
    packed: bytes = msgpack.packb(value, use_bin_type=True)
    return packed


_CONTAINERS: Final = frozenset({list, dict})
_TYPES: Final = _CONTAINERS | {type(None), bool, int, str, bytes}


def _check_levels(value: Primitive) -> None:
    """Refuse what is built but not part of the format, one level of nesting after the other.

    Whole levels at a time: a call for each item would take several times as long.
    """
    level: list[Any] = [value]
    for _ in range(CODEC_DEPTH_MAX + 1):
        if not _TYPES.issuperset(map(type, level)):
            raise MalformedInput("an item type is not part of the format")
        containers = [item for item in level if type(item) in _CONTAINERS]
        if not containers:
            return
        level = []
        for container in containers:
            if type(container) is dict:
                _check_keys(container)
                level += container.values()
            else:
                level += container
    raise MalformedInput(f"nested deeper than {CODEC_DEPTH_MAX}")


def _check_keys(container: Mapping[Any, Primitive]) -> None:
    """A key that comes twice is found when the value is packed again."""
    keys = [*container]
    if not keys:
        return
    if {*map(type, keys)} != {int} or keys != sorted(keys):
        raise MalformedInput("map keys are not ascending integers")
    if keys[0] < 0 or keys[-1] > MAP_KEY_MAX:
        raise MalformedInput(f"a map key is not an integer of 0..{MAP_KEY_MAX}")


def _ordered(value: Primitive) -> object:
    """`value` with sorted maps, checked; msgpack already picks the shortest form of each item."""
    if value is None or isinstance(value, bool | str | bytes):
        return value
    if isinstance(value, int):
        if not -(1 << 63) <= value < 1 << 64:
            raise InvalidRecord(f"{value} does not fit 64 bits")
        return value
    if isinstance(value, Mapping):
        return {key: _ordered(value[key]) for key in sorted(value, key=_checked_key)}
    if isinstance(value, list | tuple):
        return [_ordered(item) for item in value]
    raise InvalidRecord(f"a {type(value).__name__} has no canonical encoding")


def _checked_key(key: object) -> int:
    if type(key) is int and 0 <= key <= MAP_KEY_MAX:
        return key
    raise InvalidRecord("a map key is not an integer of 0..255")


class _Head(NamedTuple):
    """What follows one head byte: leaf bytes, child items, or the width of a length that says how many."""

    size: int = 0
    children: int = 0
    length_width: int = 0
    children_per_length: int = 0


def _heads() -> dict[int, _Head]:
    """Every head byte of the format; floats, extensions and the reserved byte are not part of it."""
    leaf = {head: _Head() for head in (*range(0x80), *range(0xE0, 0x100), 0xC0, 0xC2, 0xC3)}
    maps = {0x80 + count: _Head(children=2 * count) for count in range(16)}
    arrays = {0x90 + count: _Head(children=count) for count in range(16)}
    texts = {0xA0 + size: _Head(size=size) for size in range(32)}
    integers = {head: _Head(size=1 << index % 4) for index, head in enumerate(range(0xCC, 0xD4))}
    leaves = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
    long_leaves = {head: _Head(length_width=width) for head, width in leaves.items()}
    long_arrays = {
        head: _Head(length_width=width, children_per_length=1) for head, width in ((0xDC, 2), (0xDD, 4))
    }
    long_maps = {
        head: _Head(length_width=width, children_per_length=2) for head, width in ((0xDE, 2), (0xDF, 4))
    }
    return leaf | maps | arrays | texts | integers | long_leaves | long_arrays | long_maps


_HEADS: Final = _heads()


def _walk(data: bytes) -> None:
    """Step over every item once, counting depth and items; nothing is built."""
    position = 0
    items = 1
    open_containers = [1]
    while open_containers:
        if open_containers[-1] == 0:
            open_containers.pop()
            continue
        open_containers[-1] -= 1
        position, children = _step(data, position)
        if children:
            items += children
            open_containers.append(children)
        if items > CODEC_ITEMS_MAX:
            raise MalformedInput(f"more than {CODEC_ITEMS_MAX} items")
        if len(open_containers) > CODEC_DEPTH_MAX + 1:
            raise MalformedInput(f"nested deeper than {CODEC_DEPTH_MAX}")
    if position != len(data):
        raise MalformedInput(f"{len(data) - position} bytes after the end of the message")


def _step(data: bytes, position: int) -> tuple[int, int]:
    """Position after the item head (and its bytes, if a leaf) and how many child items follow it."""
    if position >= len(data):
        raise MalformedInput("the message is cut short")
    head = _HEADS.get(data[position])
    if head is None:
        raise MalformedInput(f"item type 0x{data[position]:02x} is not part of the format")
    body = position + 1 + head.length_width
    size, children = head.size, head.children
    if head.length_width:
        length = int.from_bytes(data[position + 1 : body], "big")
        children = length * head.children_per_length
        size = 0 if head.children_per_length else length
    if body + size > len(data):
        raise MalformedInput("the message is cut short")
    return body + size, children
