"""Training samples: the invented texts of one language in records as sites and hubs write them.

A sample is a list of parts: known bytes, then the number of unknown ones that follow (identifiers, times),
which become the blanks of phrases.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

import msgpack

from protocol.actors import Actor, Role
from protocol.basis import basis_of
from protocol.clinical import (
    AllergyState,
    CaseOpened,
    Closed,
    Headline,
    Note,
    Patient,
    Sex,
    Treatment,
    Vitals,
)
from protocol.codec import Primitive
from protocol.coding.strings import BEGIN, END
from protocol.header import Priority
from protocol.ids import RecordId
from protocol.orders import (
    Advice,
    Certainty,
    Comparison,
    Contingency,
    Evacuation,
    Order,
    OrderConfirmed,
    OrderGiven,
    Quantity,
    Reply,
)
from protocol.records import NewRecord, Reference, Relation, to_wire

LANGUAGES: Final = {1: "en", 2: "ko", 3: "es", 4: "tl"}
"""Book id to language; an id is never used again."""

_PUNCTUATION: Final = "¿¡°µ±≥≤²³→…\u2013\u2014\u2018\u2019\u201c\u201d"
_LETTERS: Final = "".join(map(chr, range(0x20, 0x7F))) + "áéíóúñüÁÉÍÓÚÑ" + _PUNCTUATION

Part = tuple[bytes, int]
Sample = tuple[Part, ...]

_NOW_S: Final = 1_800_000_000
_UNKNOWN_ID: Final = RecordId(bytes(16))


@dataclass(frozen=True, slots=True)
class Texts:
    """What one language folder holds."""

    notes: Sequence[str]
    replies: Sequence[str]
    phrases: Sequence[str]
    words: Sequence[str]


def texts_of(language: str) -> Texts:
    """The committed texts of a language, one item per line; words are parted by spaces."""
    folder = files(__package__) / "texts" / language
    notes, replies, phrases, words = (
        [line for line in (folder / name).read_text("utf-8").split("\n") if line]
        for name in ("notes.txt", "replies.txt", "phrases.txt", "words.txt")
    )
    return Texts(notes, replies, phrases, " ".join(words).split())


def letters_of(language: str) -> list[str]:
    """Characters that every book of the language must be able to write at a moderate price."""
    if language != "ko":
        return [*_LETTERS]
    syllables = map(chr, range(0xAC00, 0xD7A4))
    # A syllable outside KS X 1001 takes eight bytes in this encoding, and is rare.
    return [*_LETTERS, *(letter for letter in syllables if len(letter.encode("euc_kr")) == 2)]


def samples_of(language: str, texts: Texts) -> list[Sample]:
    """Entries around every text; the same for the same texts."""
    chance = random.Random(language)
    phrase = _Shuffled(texts.phrases, chance)
    bodies = [_consult(language, note, phrase, chance) for note in texts.notes]
    bodies += [_answer(reply, phrase, chance) for reply in texts.replies]
    bodies += [_small(phrase, chance) for _ in range(len(texts.notes) // 2)]
    return [tuple(_joined(_entry_parts(records, chance))) for records in bodies]


class _Shuffled:
    """Every phrase once in random order, then all again."""

    def __init__(self, phrases: Sequence[str], chance: random.Random) -> None:
        self._phrases, self._chance = phrases, chance
        self._left: list[str] = []

    def next(self, bytes_max: int = 400) -> str:
        if not self._left:
            self._left = self._chance.sample(self._phrases, len(self._phrases))
        phrase = self._left.pop()
        return phrase if len(phrase.encode()) <= bytes_max else self.next(bytes_max)

    def some(self, count_max: int) -> tuple[str, ...]:
        return tuple(self.next(100) for _ in range(self._chance.randint(0, count_max)))


def _consult(language: str, note: str, phrase: _Shuffled, chance: random.Random) -> list[NewRecord]:
    """What opens a case; some notes travel alone, as they do later in a case."""
    author = NewRecord(Actor(name=phrase.next(40), role=Role.MEDIC))
    written = NewRecord(Note(language=language, text=note))
    if chance.random() < 0.5:
        return [author, written]
    urgency = chance.choice(list(Priority)[:3])
    patient = Patient(
        code=f"P-{chance.randint(1, 9999):04d}",
        age_years=chance.randint(1, 90),
        sex=chance.choice((Sex.FEMALE, Sex.MALE)),
        weight_hg=chance.randint(40, 1100),
        weight_measured=chance.random() < 0.5,
        allergy_state=chance.choice(list(AllergyState)),
        allergies=phrase.some(2),
        medicines=phrase.some(3),
        history=phrase.some(3),
    )
    opened = CaseOpened(
        template=chance.choice(("general", "chest-pain", "wound", "skin", "child", "obstetric")),
        template_version=1,
        urgency=urgency,
        complaint=phrase.next(),
        question=phrase.next(),
        site=bytes(8),
        hub=bytes(8),
        plan_if_silent=phrase.next(),
        onset_s=_NOW_S,
    )
    given = Treatment(given_s=_NOW_S, what=phrase.next(), dose=phrase.next(60), route=phrase.next(60))
    return [author, *map(NewRecord, (patient, opened)), written, NewRecord(given)]


def _answer(text: str, phrase: _Shuffled, chance: random.Random) -> list[NewRecord]:
    """A structured reply whose free parts are the sentences of `text`."""
    sentences = text.replace(". ", ".\n").split("\n")
    third = -(-len(sentences) // 3)
    reply = Reply(
        basis=basis_of([]),
        assessment=" ".join(sentences[:third]),
        certainty=chance.choice(list(Certainty)),
        orders=tuple(_order(number, phrase, chance) for number in range(1, chance.randint(2, 5))),
        contingencies=tuple(
            _contingency(number, phrase, chance) for number in range(1, chance.randint(1, 3))
        ),
        recheck_every_min=chance.choice((15, 30, 60, 120, 240)),
        stop_rule=" ".join(sentences[third : 2 * third]) or phrase.next(),
        evacuation=chance.choice(list(Evacuation)),
        valid_for_min=chance.choice((60, 120, 360, 720, 1440)),
        follow_up=" ".join(sentences[2 * third :]) or phrase.next(),
    )
    answers = (Reference(Relation.ANSWERS, _UNKNOWN_ID),)
    doctor = NewRecord(Actor(name=phrase.next(40), role=Role.SPECIALIST))
    if chance.random() < 0.3:
        return [doctor, NewRecord(Advice(text=text[:1000]), answers)]
    return [doctor, NewRecord(reply, answers)]


def _order(number: int, phrase: _Shuffled, chance: random.Random) -> Order:
    listed = chance.random() < 0.7
    return Order(
        number=number,
        name=phrase.next(100),
        item=chance.randint(1, 60) if listed else None,
        list_version=chance.randint(1, 9) if listed else None,
        strength=phrase.next(60) if listed else None,
        dose=phrase.next(60),
        route=phrase.next(60),
        frequency=phrase.next(60) if chance.random() < 0.7 else None,
        details=phrase.next() if chance.random() < 0.2 else None,
        read_back=chance.random() < 0.3,
    )


def _contingency(number: int, phrase: _Shuffled, chance: random.Random) -> Contingency:
    return Contingency(
        number=number,
        quantity=chance.choice(list(Quantity)),
        comparison=chance.choice(list(Comparison)),
        threshold=chance.choice((8, 30, 85, 90, 95, 100, 120, 385, 390)),
        then=phrase.next(),
        order=chance.choice((None, 1, 2)),
    )


def _small(phrase: _Shuffled, chance: random.Random) -> list[NewRecord]:
    """Headlines, what became of orders, and the ends of cases."""
    vitals = Vitals(
        observed_s=_NOW_S,
        heart_rate_min=chance.randint(50, 140),
        respiratory_rate_min=chance.randint(10, 35),
        spo2_percent=chance.randint(84, 99),
        systolic_mmhg=chance.randint(85, 180),
        diastolic_mmhg=chance.randint(50, 110),
        temperature_decicelsius=chance.randint(355, 400),
    )
    headline = Headline(
        urgency=chance.choice(list(Priority)[:3]),
        complaint=phrase.next(100),
        age_years=chance.randint(1, 90),
        sex=chance.choice((Sex.FEMALE, Sex.MALE)),
        weight_hg=chance.randint(40, 1100),
        allergy_state=chance.choice(list(AllergyState)),
        news2=chance.randint(0, 12),
        news2_missing=chance.randint(0, 2),
        vitals=vitals,
        treatments=tuple(phrase.next(60) for _ in range(chance.randint(0, 2))),
        question=phrase.next(100),
        photo_count=chance.randint(0, 3),
    )
    about = (Reference(Relation.ABOUT, _UNKNOWN_ID),)
    others = (
        NewRecord(OrderGiven(order=1, given_s=_NOW_S, dose=phrase.next(60)), about),
        NewRecord(OrderConfirmed(order=1, read_back=phrase.next()), about),
        NewRecord(Closed(outcome=phrase.next())),
    )
    return [NewRecord(headline)] if chance.random() < 0.6 else [chance.choice(others)]


def _entry_parts(records: Sequence[NewRecord], chance: random.Random) -> Iterator[Part]:
    """The payload of an entry with these records."""
    offset_minutes = chance.choice((0, 0, -300, -180, 480, 480, 540, 540))
    heads: Sequence[Primitive] = (bytes(10), bytes(10), bytes(8), bytes(8))
    yield b"\x96", 0
    for head in heads:
        yield from _parts(head)
    yield from _parts([chance.randint(1, 60), _NOW_S, offset_minutes, chance.choice((0, 0, 0, 1, 2))])
    yield from _parts([to_wire(record) for record in records])


def _parts(value: Primitive) -> Iterator[Part]:
    """Canonical bytes of a value, with what cannot be known beforehand left blank."""
    packed: bytes = msgpack.packb(value, use_bin_type=True)
    if isinstance(value, bytes):
        yield packed[: -len(value)], len(value)
    elif isinstance(value, str):
        yield BEGIN + value.encode() + END, 0
    elif isinstance(value, int) and not isinstance(value, bool) and len(packed) > 1:
        yield packed[:1], len(packed) - 1
    elif isinstance(value, dict):
        yield packed[:1], 0
        for key, item in value.items():
            yield from _parts(key)
            yield from _parts(item)
    elif isinstance(value, list | tuple):
        yield msgpack.Packer().pack_array_header(len(value)), 0
        for item in value:
            yield from _parts(item)
    else:
        yield packed, 0


def _joined(parts: Iterator[Part]) -> Iterator[Part]:
    """The same bytes with a part ending only where something is blank."""
    known = b""
    for text, blank in parts:
        known += text
        if blank:
            yield known, blank
            known = b""
    if known:
        yield known, 0
