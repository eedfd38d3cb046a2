"""Micro-bundles: exact, small, and nothing but what may go unsigned."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.actors import Party
from protocol.bundle import Content, bundle_id_of, pack, unpack
from protocol.clinical import Headline, Note, Vitals
from protocol.codec import encode
from protocol.compress import Codec
from protocol.errors import AuthorityRefused, BaseMissing, BundleRefused, InvalidRecord, MalformedInput
from protocol.header import Priority
from protocol.ids import EntryId, Mailbox, Pseudonym, RecordId
from protocol.limits import MICRO_BYTES_MAX
from protocol.micro import COVERS_BYTES, MicroBundle, check_sender, read_micro
from protocol.questions import Answer, Question
from protocol.records import Kind, NewRecord, Reference, Relation
from protocol.reply_headline import FirstOrder, ReplyHeadline
from protocol.schema import encode_fields
from protocol.small_seal import Direction, SmallContext, SmallKey, open_small, seal_small
from protocol.stamps import Stamp

from .bodies import HIDDEN
from .cases import CASE, MEDIC, PATIENT, WALL_S
from .micros import ENTRY, HEADLINES, REPLIES, VITALS, micro

VECTORS = Path(__file__).parent.parent / "golden" / "micro.json"
SECRET = b"p" * 32
KEYS = {
    Party.SITE: SmallKey(secret=b"s" * 32, direction=Direction.TO_HUB),
    Party.HUB: SmallKey(secret=b"s" * 32, direction=Direction.TO_SITE),
}
CONTEXT = SmallContext(destination=Mailbox(b"d" * 8), origin=Pseudonym(b"pair"), priority=Priority.EMERGENCY)
CODED = Question(code=212, answer_within_min=30)
ANSWER = NewRecord(Answer(code=212, number=1_250), (Reference(Relation.ANSWERS, RecordId(bytes(range(16)))),))
SAID = {
    **{f"headline {language}": (Party.SITE, NewRecord(said)) for language, said in HEADLINES.items()},
    **{f"reply headline {language}": (Party.HUB, NewRecord(said)) for language, said in REPLIES.items()},
    "headline of two words": (
        Party.SITE,
        NewRecord(Headline(urgency=Priority.URGENT, complaint="chest pain")),
    ),
    "coded question": (Party.HUB, NewRecord(CODED)),
    "coded answer": (Party.SITE, ANSWER),
}


@pytest.mark.parametrize("name", SAID)
def test_what_was_written_is_read(name: str) -> None:
    party, new = SAID[name]
    written = micro(new)
    unpacked = unpack(pack(written))
    assert unpacked == written
    said = read_micro(written)
    check_sender(said, party)
    assert (said.record.body, said.record.refs) == (new.body, new.refs)
    assert (said.record.case_id, said.record.patient_id, said.record.author) == (CASE, PATIENT, MEDIC.actor)
    assert said.record.stamp == Stamp(17, WALL_S, 540)
    assert said.covers == ENTRY[:COVERS_BYTES]


TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["C"], exclude_characters=HIDDEN), min_size=1, max_size=30
)
BODIES = st.builds(
    Headline,
    urgency=st.sampled_from(Priority),
    complaint=TEXTS,
    question=st.none() | TEXTS,
    treatments=st.lists(TEXTS, max_size=4).map(tuple),
    vitals=st.none()
    | st.builds(
        Vitals,
        observed_s=st.integers(0, 2**40),
        spo2_percent=st.none() | st.integers(0, 100),
        on_oxygen=st.none() | st.booleans(),
        heart_rate_min=st.none() | st.integers(0, 400),
        glucose_decimmol_l=st.none() | st.integers(0, 1000),
    ),
) | st.builds(
    ReplyHeadline,
    orders=st.lists(
        st.builds(FirstOrder, number=st.integers(1, 24), name=TEXTS, dose=st.none() | TEXTS), max_size=4
    ).map(tuple),
    stop_rule=st.none() | TEXTS,
)


@settings(max_examples=60, deadline=None)
@given(BODIES, st.integers(0, 2**40))
def test_any_content_comes_back_exactly(body: Headline | ReplyHeadline, counter: int) -> None:
    written = micro(NewRecord(body), counter)
    assert unpack(pack(written)) == written
    assert read_micro(written).record.body == body


def test_identifiers_that_look_like_marks_come_back_exactly() -> None:
    for mark in (b"\xc1\xfe", b"\xc1\xff", b"\xc1\xfd"):
        written = micro(
            NewRecord(Answer(code=9, options=(1,)), (Reference(Relation.ANSWERS, RecordId(mark * 8)),))
        )
        odd = MicroBundle(mark * 17 + written.payload[34:])
        assert unpack(pack(odd)) == odd


def test_a_field_of_newer_software_survives() -> None:
    body = {**encode_fields(HEADLINES["en"]), 50: "newer"}
    written = MicroBundle(
        micro(NewRecord(HEADLINES["en"])).payload[:34] + encode([17, WALL_S, 540, 0, [7, body]])
    )
    assert unpack(pack(written)) == written
    assert read_micro(written).record.extra == ((50, "newer"),)


# Sizes: sealed, as custody keeps it and a session carries it.

LARGEST = {"headline en": 320, "headline ko": 320, "reply headline en": 250, "reply headline ko": 250}


@pytest.mark.parametrize("name", LARGEST)
def test_a_full_one_fits_its_satellite_message(name: str) -> None:
    party, new = SAID[name]
    sealed = seal_small(pack(micro(new)), KEYS[party], CONTEXT)
    suite_and_pseudonym_bytes = 5
    assert len(sealed) + suite_and_pseudonym_bytes <= LARGEST[name]


@pytest.mark.parametrize("name", ["coded question", "coded answer"])
def test_a_coded_question_or_answer_has_forty_bytes_of_content_at_most(name: str) -> None:
    assert len(encode(encode_fields(SAID[name][1].body))) <= 40


def test_what_is_not_coded_must_be_signed() -> None:
    for body in (
        Question(text="When did it begin?"),
        Answer(code=3, text="Since two in the night, he says, or three."),
    ):
        with pytest.raises(InvalidRecord, match="must be signed"):
            micro(NewRecord(body))


# What is refused.


@pytest.mark.parametrize("body", [Note(language="en", text="Worse."), VITALS])
def test_other_kinds_must_be_signed(body: object) -> None:
    with pytest.raises(InvalidRecord, match="must be signed"):
        micro(NewRecord(body))
    forged = MicroBundle(
        micro(NewRecord(CODED)).payload[:34]
        + encode([1, WALL_S, 0, 0, [int(NewRecord(body).resolved_kind()), encode_fields(body)]])
    )
    with pytest.raises(BundleRefused, match="must be signed, and came without"):
        unpack(pack(forged))


@pytest.mark.parametrize(("party", "name"), [(Party.SITE, "reply headline en"), (Party.HUB, "headline en")])
def test_neither_end_may_say_what_is_the_other_s_to_say(party: Party, name: str) -> None:
    with pytest.raises(AuthorityRefused, match=f"a {party.name.lower()} may not send a"):
        check_sender(read_micro(micro(SAID[name][1])), party)


def test_a_version_that_cannot_be_read_is_refused() -> None:
    newer = MicroBundle(
        micro(NewRecord(CODED)).payload[:34] + encode([1, WALL_S, 0, 0, [7, {1: 9}, [], 200]])
    )
    with pytest.raises(MalformedInput, match="must be signed"):
        read_micro(newer)


@given(st.integers(0, 1_000))
def test_a_cut_or_padded_bundle_is_refused(size: int) -> None:
    packed = pack(micro(NewRecord(HEADLINES["en"])))
    if size < len(packed):
        with pytest.raises(BundleRefused):
            unpack(packed[:size])
    with pytest.raises(BundleRefused):
        unpack(packed + bytes(size % 7 + 1))


@pytest.mark.parametrize("codec", [Codec.STORED, Codec.ZSTD, Codec.PHRASES, Codec.PHRASES_AFTER, 9])
@pytest.mark.parametrize("dictionary", [0, 1, 200])
@given(noise=st.binary(max_size=300))
@settings(max_examples=15, deadline=None)
def test_noise_is_refused_and_nothing_else(codec: int, dictionary: int, noise: bytes) -> None:
    # A difference names what it is taken from, whatever comes behind.
    error = BaseMissing if codec == Codec.PHRASES_AFTER else BundleRefused
    with pytest.raises(error):
        unpack(bytes((Content.MICRO, codec, dictionary)) + bytes(34) + noise)


def test_a_bomb_is_refused() -> None:
    bomb = zstandard.ZstdCompressor().compress(bytes(2_000_000))[4:]
    with pytest.raises(BundleRefused):
        unpack(bytes((Content.MICRO, Codec.ZSTD, 0)) + bytes(34) + bomb)
    with pytest.raises(BundleRefused):
        unpack(bytes((Content.MICRO, Codec.STORED, 0)) + bytes(34) + bytes(MICRO_BYTES_MAX))


def test_text_that_is_too_long_is_refused_when_it_is_written() -> None:
    orders = tuple(FirstOrder(number=n, name="n" * 120, dose="d" * 120, route="r" * 120) for n in range(1, 5))
    with pytest.raises(InvalidRecord, match="too large; shorten it"):
        micro(NewRecord(ReplyHeadline(orders=orders)))


# Which entry takes its place.


def test_it_is_covered_by_the_entry_whose_id_it_names() -> None:
    said = read_micro(micro(NewRecord(HEADLINES["en"])))
    assert said.is_covered_by([EntryId(b"x" * 32), ENTRY])
    assert not said.is_covered_by([EntryId(ENTRY[:5] + b"x" * 27)])
    assert not said.is_covered_by([])


def test_every_byte_of_it_is_in_its_id() -> None:
    one, other = micro(NewRecord(CODED)), micro(NewRecord(CODED), 18)
    assert bundle_id_of(one, SECRET) == bundle_id_of(unpack(pack(one)), SECRET)
    assert bundle_id_of(one, SECRET) != bundle_id_of(other, SECRET) != bundle_id_of(one, b"q" * 32)
    assert one.micro_id != other.micro_id


# Golden vectors. `python -m tests.protocol.test_micro` writes them anew.


def vectors() -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = {}
    for name, (party, new) in SAID.items():
        written = micro(new)
        plain = pack(written)
        found[name] = {
            "kind": Kind(read_micro(written).record.kind).name,
            "direction": int(KEYS[party].direction),
            "payload": written.payload.hex(),
            "plain": plain.hex(),
            "sealed": seal_small(plain, KEYS[party], CONTEXT).hex(),
            "bundle_id": bundle_id_of(written, SECRET).hex(),
        }
    return found


def test_the_wire_has_not_changed() -> None:
    assert vectors() == json.loads(VECTORS.read_text())


def test_every_vector_opens_to_what_was_said() -> None:
    for name, vector in json.loads(VECTORS.read_text()).items():
        party, new = SAID[name]
        content = unpack(open_small(bytes.fromhex(vector["sealed"]), KEYS[party], CONTEXT))
        assert isinstance(content, MicroBundle)
        assert content.payload.hex() == vector["payload"]
        assert read_micro(content).record.body == new.body


if __name__ == "__main__":
    VECTORS.write_text(json.dumps(vectors(), indent=2) + "\n")
