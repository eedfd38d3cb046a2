"""Bodies of every kind, drawn from the types of their fields."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import strategies as st

from protocol.errors import InvalidRecord
from protocol.exchange_keys import ExchangeKey
from protocol.records import BODIES, Kind
from protocol.schema import Choice, FieldType, Flag, ListOf, Number, Raw, Shaped, Struct, Text

TEXT_LETTERS_MAX = 24
LIST_ITEMS_MAX = 3
HIDDEN = "\u115f\u1160\u2028\u2029\u3164\uffa0"
"""Letters and separators by their category, which no text may hold."""
_LETTERS = st.characters(
    codec="utf-8",
    categories=("L", "N", "P", "S", "Zs"),
    include_characters="\n가ñ",
    exclude_characters=HIDDEN,
    max_codepoint=0xFFFF,
)


def bodies_of(of: type[Any]) -> st.SearchStrategy[Any]:
    """Bodies of one type: fields that may be absent are absent in some, and no rule of the type is broken."""
    return _drawn(of).filter(lambda body: body is not None)


def any_body() -> st.SearchStrategy[tuple[Kind, Any]]:
    """A kind and a body of it."""
    return st.sampled_from(sorted(BODIES)).flatmap(
        lambda kind: bodies_of(BODIES[kind]).map(lambda body: (kind, body))
    )


def _drawn(of: type[Any]) -> st.SearchStrategy[Any]:
    """A body, or None where the type's own rule refuses what was drawn."""
    required: dict[str, st.SearchStrategy[Any]] = {}
    optional: dict[str, st.SearchStrategy[Any]] = {}
    for field in dataclasses.fields(of):
        values = _values(field.metadata["type"], may_be_empty=field.default == ())
        if field.default is dataclasses.MISSING:
            required[field.name] = values
        else:
            optional[field.name] = values
    return st.fixed_dictionaries(required, optional=optional).map(_built(of, tuple(required)))


def _built(of: type[Any], required: Iterable[str]) -> Callable[[dict[str, Any]], Any]:
    def build(values: dict[str, Any]) -> Any:
        """With all that was drawn, else with what there must be, else nothing."""
        for drawn in (values, {name: values[name] for name in required}):
            try:
                return of(**drawn)
            except InvalidRecord:
                continue
        return None

    return build


def _values(of: FieldType, *, may_be_empty: bool = False) -> st.SearchStrategy[Any]:
    if isinstance(of, ListOf):
        least, most = (0 if may_be_empty else 1), min(of.count_max, LIST_ITEMS_MAX)
        return st.lists(_values(of.item), min_size=least, max_size=most).map(tuple)
    return _VALUES[type(of)](of)


def _shaped(of: Shaped) -> st.SearchStrategy[str]:
    texts = st.from_regex(of.pattern, fullmatch=True)
    return texts.filter(lambda text: text.isascii() and len(text) <= of.bytes_max)


def _text(of: Text) -> st.SearchStrategy[str]:
    texts = st.text(_LETTERS, min_size=1, max_size=TEXT_LETTERS_MAX)
    return texts.filter(lambda text: len(text.encode()) <= of.bytes_max)


def _public_key(_: ExchangeKey) -> st.SearchStrategy[bytes]:
    private = st.binary(min_size=32, max_size=32).map(X25519PrivateKey.from_private_bytes)
    return private.map(lambda key: key.public_key().public_bytes_raw())


_VALUES: dict[type[Any], Callable[[Any], st.SearchStrategy[Any]]] = {
    Shaped: _shaped,
    Text: _text,
    Number: lambda of: st.integers(of.low, of.high),
    Flag: lambda of: st.booleans(),
    Raw: lambda of: st.binary(min_size=of.size_bytes, max_size=of.size_bytes),
    Choice: lambda of: st.sampled_from(of.choices),
    Struct: lambda of: bodies_of(of.of),
    ExchangeKey: _public_key,
}
