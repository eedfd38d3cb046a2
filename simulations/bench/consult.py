"""One consult to be carried: text, photographs and reply as we seal them, and as JSON for everybody else."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from protocol.basis import basis_of
from protocol.bundle import EntryBundle, LayerBundle
from protocol.clinical import Layer
from protocol.entry import SignedEntry, read_entry
from protocol.kinds import Kind
from protocol.orders import Reply
from protocol.records import NewRecord, Reference, Relation

from . import content
from .consult_files import Consult, compact_json

PHOTOGRAPH_BYTES: Final = (303_000, 156_000, 115_000)
"""Three photographs of a phone. What a camera has compressed once looks like chance to every program here, so
chance stands in for it."""

Answer = tuple[Reply, bytes]
"""A reply, and the same as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carriage:
    """What crosses a link in one consult."""

    text: bytes
    photographs: tuple[bytes, ...]
    reply: bytes
    text_json: bytes
    plain_photographs: tuple[bytes, ...]
    reply_json: bytes

    def without_photographs(self) -> Carriage:
        return replace(self, photographs=(), plain_photographs=())


def carriage_of(
    consult: Consult | None, answer: Answer | None, photographs: Sequence[bytes] | None
) -> Carriage:
    """The story's consult and photographs of chance bytes, or what is given in their place."""
    entry, text_json = text_of(consult)
    bundle, asked, reply_json = reply_of(answer)
    plain = tuple(photographs) if photographs is not None else _chance_photographs()
    return Carriage(
        text=content.sealed(EntryBundle((entry,))).sealed,
        photographs=tuple(_sealed_photograph(data) for data in plain),
        reply=content.sealed(bundle, base=asked).sealed,
        text_json=text_json,
        plain_photographs=plain,
        reply_json=reply_json,
    )


def text_of(consult: Consult | None) -> tuple[SignedEntry, bytes]:
    """The first entry of the case, and the same as JSON."""
    if consult is not None:
        return content.introduced(consult.bodies, name=consult.medic), consult.json_bytes
    bodies = (content.case_opened(), content.patient(), content.note(), *content.vitals())
    return content.introduced(bodies), json_of(bodies)


def reply_of(answer: Answer | None) -> tuple[EntryBundle, SignedEntry, bytes]:
    """The hub's entry to a site that holds the case, the entry it answers, and the reply as JSON.

    As the hub writes it: who speaks, what he had seen, what he answers.
    """
    body, data = (content.reply(), json_of([content.reply()])) if answer is None else answer
    asked, _ = text_of(None)
    records = read_entry(asked).records
    opened = next(record for record in records if record.kind == Kind.CASE_OPENED)
    answering = NewRecord(
        replace(body, basis=basis_of(records)), refs=(Reference(Relation.ANSWERS, opened.record_id),)
    )
    return EntryBundle((content.answered(answering, counter=len(records) + 1),)), asked, data


def json_of(bodies: Sequence[Any]) -> bytes:
    """What a JSON interface would carry: the fields that are there, by name."""
    return compact_json([_as_json(body) for body in bodies])


def _as_json(body: Any) -> dict[str, object]:
    named = {name: getattr(body, name) for name in body.__dataclass_fields__}
    return {name: _plain(value) for name, value in named.items() if value not in (None, ())}


def _plain(value: Any) -> object:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return value.hex()
    return _as_json(value) if hasattr(value, "__dataclass_fields__") else value


def _sealed_photograph(data: bytes) -> bytes:
    return content.sealed(LayerBundle(content.CASE_ID, Layer.FULL, data)).sealed


def _chance_photographs() -> tuple[bytes, ...]:
    chance = random.Random("photographs")
    return tuple(chance.randbytes(size) for size in PHOTOGRAPH_BYTES)
