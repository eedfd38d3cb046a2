"""What a second implementation would copy of the wire format's pages, numbers and bytes, is the code's."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from protocol import (
    channel,
    datagram_parts,
    datagrams,
    enrolment,
    limits,
    micro,
    prekeys,
    questions,
    short_hello,
)
from protocol.actors import Role
from protocol.bundle import BASE_SAVING_BYTES_MIN, Content, EntryBundle, unpack
from protocol.clinical import Layer
from protocol.compress import Codec
from protocol.frames import RefusalReason
from protocol.framing import FRAMES, SKIPPED_IN_A_ROW_MAX
from protocol.header import Suite, prekey_id
from protocol.hello import HELLO_PARTIAL_SPANS_MAX, HELLO_PARTIALS_MAX, HELLO_STREAMS_MAX
from protocol.records import BODIES, CRITICAL_KIND_MIN, Kind
from protocol.schema import CRITICAL_FIELD_MIN
from protocol.sealing import HpkeSealer
from protocol.small_seal import MESSAGE_OVERHEAD_BYTES, SMALL_OVERHEAD_BYTES, Direction
from sync.core.intake import FRAGMENTS_MAX
from sync.core.offering import WHOLES_BYTES_MAX
from sync.core.patience import KEEPALIVE_S
from sync.core.wire import FRAMES_PER_RECORD_MAX
from sync.driver import PREAMBLE_S
from sync.links import http, http_terms
from sync.links.datagram_schedule import REST_S, REST_SHARE
from sync.links.http_upload import FIRST_BYTES_S
from sync.links.udp_listener import FLIGHT_DATAGRAMS_MAX
from sync.links.udp_strays import STRAY_S, STRAYS_EACH_MAX
from sync.ports import REKEYS_MAX, RESEALS_MAX
from tests.architecture.checkout import ROOT
from tests.docs import worked_example
from tests.docs.pages import DOCS, tables
from tests.docs.second_reader import read_phrases, unmarked

PAGES: Final = ("wire-format", "wire-format-coding", "wire-format-sessions", "wire-format-example")
TEXT: Final = "\n".join((DOCS / f"{page}.md").read_text(encoding="utf-8") for page in PAGES)
PLAIN: Final = re.sub(r"(?<=\d) (?=\d)", "", " ".join(TEXT.split()))
_BLOCK: Final = re.compile(r"^ {4}([a-z][a-z0-9-]+) +(\S.*\n(?: {16}.*\n)*)", re.MULTILINE)
_IN_WORDS: Final = {2: "two", 3: "three", 4: "four", 8: "eight"}
_CODED_HEAD_BYTES: Final = 4 + 64
"""Content, codec, dictionary and number of a bundle with one entry, then its signature."""


def rows(first_title: str) -> list[list[str]]:
    """Cells of the one table whose first title is this."""
    (table,) = [table for table in tables(TEXT) if table.rows and next(iter(table.rows[0])) == first_title]
    return [list(row.values()) for row in table.rows]


def vectors(name: str) -> Mapping[str, Any]:
    """One file of golden vectors."""
    read: Mapping[str, Any] = json.loads((ROOT / "tests" / "golden" / name).read_text(encoding="utf-8"))
    return read


def shown() -> Mapping[str, str]:
    """The blocks of the worked example: name and bytes, without what stands behind a semicolon."""
    page = (DOCS / "wire-format-example.md").read_text(encoding="utf-8")
    return {name: re.sub(r";.*|\s", "", block) for name, block in _BLOCK.findall(page)}


def test_every_frame_has_its_row() -> None:
    assert {int(row[0], 16) for row in rows("type")} == set(FRAMES)


def test_every_kind_of_record_has_its_body() -> None:
    listed = re.findall(r"(\d+) ([a-z ]+?) \| `(\w+)`", TEXT)
    assert {(int(number), body) for number, _, body in listed} == {
        (int(kind), BODIES[kind].__name__) for kind in Kind
    }
    for number, name, _ in listed:
        assert Kind(int(number)).name == name.upper().replace(" ", "_")


def test_every_role_is_named() -> None:
    for role in Role:
        assert f"{int(role)} {role.name.lower()}" in PLAIN


def test_every_codec_has_its_row() -> None:
    assert {int(row[0]) for row in rows("codec")} == set(Codec)


def test_every_part_of_a_datagram_has_its_row() -> None:
    codes = {int(row[0], 16) for row in rows("code")}
    parts = {
        value
        for name, value in vars(datagram_parts).items()
        if isinstance(value, int)
        if re.fullmatch(r"_(ACKNOWLEDGED|CONTROL|DATA|END|PAIR|PING|CLOSING)\w*", name)
        if not name.endswith("_MAX")
    }
    assert codes == parts


@pytest.mark.parametrize(
    "said",
    [
        f"Kinds from {CRITICAL_KIND_MIN} up and fields from {CRITICAL_FIELD_MIN} up are critical",
        f"nesting deeper than {limits.CODEC_DEPTH_MAX} and more than {limits.CODEC_ITEMS_MAX} items",
        f"count ≤ {limits.RANGES_MAX}",
        f"An entry has at most {limits.ENTRY_BYTES_MAX} bytes and {limits.RECORDS_PER_ENTRY_MAX} records",
        f"a record at most {limits.RECORD_BYTES_MAX} bytes and {limits.REFERENCES_PER_RECORD_MAX} references",
        f"1: epoch 1..{prekeys.EPOCH_MAX}",
        f"keeps the {prekeys.PREKEYS_KEPT_MAX} newest",
        f"bounds the output at {(limits.BUNDLE_TEXT_BYTES_MAX + limits.ENTRY_BYTES_MAX) // 1024} KiB",
        f"Layers are {Layer.PREVIEW} preview, {Layer.STANDARD} standard, {Layer.FULL} full, "
        f"{Layer.REGION} region",
        f"hold at most {limits.CODED_BYTES_MAX} marked bytes",
        f"more than {limits.CODED_STEPS_MAX} steps",
        f"codec 3 only if it saves {BASE_SAVING_BYTES_MIN} bytes",
        f"has at most {limits.MICRO_BYTES_MAX - 3} bytes",
        f"`covers` is the first {micro.COVERS_BYTES} bytes",
        f"at most {questions.CODED_BYTES_MAX} bytes of body",
        f"Suite {Suite.HPKE} is HPKE base mode",
        f"suite {Suite.HPKE_STREAM} is used",
        f"Suite {Suite.SMALL} is AES-256-GCM-SIV",
        f"Direction is {Direction.TO_HUB} from site to hub, {Direction.TO_SITE} from hub to site",
        f"{1 + SMALL_OVERHEAD_BYTES} bytes more than the plain text. On a link that carries messages",
        f"{MESSAGE_OVERHEAD_BYTES} bytes more than the plain text: 0",
        f"entries {Content.ENTRIES:#04x} || codec",
        f"media layer {Content.MEDIA_LAYER:#04x} || layer",
        f"micro {Content.MICRO:#04x} || codec",
        f"dialer version {channel.VERSION} (1) || pseudonym (4) || dialer salt ({channel.SALT_BYTES})",
        f"octet || [pseudonym (4) || dialer salt ({datagrams.SALT_BYTES})]",
        f"octet || [listener salt ({datagrams.SALT_BYTES})]",
        f"greeting has exactly {channel.DIALER_PREAMBLE_BYTES} bytes",
        f"a body has at most {limits.FRAME_BYTES_MAX} bytes",
        f"More than {SKIPPED_IN_A_ROW_MAX} of them in a row",
        f"more than {FRAMES_PER_RECORD_MAX} frames that end in one record",
        f"in at most {FRAGMENTS_MAX} pieces with gaps",
        f"1 … {limits.CHUNK_BYTES_MAX} sealed bytes",
        f"n ≤ {HELLO_STREAMS_MAX}",
        f"m ≤ {HELLO_PARTIALS_MAX}",
        f"at most {HELLO_PARTIAL_SPANS_MAX} spans of one unfinished bundle",
        f"at most {limits.SESSION_CREDIT_BYTES} payload bytes may be without a receipt",
        f"without it, it is {short_hello.USUAL_CREDIT_BYTES}.",
        f"in minutes since {datetime.fromtimestamp(short_hello.CLOCK_BEGINS_S, UTC):%Y-%m-%d%H:%M} UTC",
        f"and at most {WHOLES_BYTES_MAX} bytes in all: what is offered can be overtaken",
        f"and then in every {_IN_WORDS[datagrams.INTRODUCED_EACH]}th;",
        f"whose name it is still looking up it keeps {_IN_WORDS[FLIGHT_DATAGRAMS_MAX]}, and of an "
        f"address that nobody called from yet {_IN_WORDS[STRAYS_EACH_MAX]} for {STRAY_S:.0f} s",
        f"until a datagram asks, but at most {REST_S:.0f} s",
        f"takes at most {REST_SHARE * REST_S:.1f} s by its own guess",
        f"{RefusalReason.OTHER} other, {RefusalReason.QUARANTINED} quarantined, "
        f"{RefusalReason.NO_ROOM} no room, {RefusalReason.CORRUPT} corrupt",
        f"for at most {REKEYS_MAX} bundles; it names the number",
        f"a bundle it has sealed again {RESEALS_MAX} times",
        f"sends IDLE again every {KEEPALIVE_S:.0f} seconds",
        f"no greeting within {PREAMBLE_S:.0f} s",
        f"wait up to {FIRST_BYTES_S} s",
        f"or after {http_terms.HOLD_S:.0f} s with nothing",
        f"no request of it is there for {http_terms.BETWEEN_TURNS_S:.0f} s",
        f"when it has said {http_terms.ANSWER_BYTES_MAX // 1024} KiB",
        f"for {_IN_WORDS[http.ANSWER_ROUND_TRIPS]} round trips (at least {http.ANSWER_S_MIN:.0f} s)",
        f"keeps up to {http.REPLAY_BYTES_MAX // 1024} KiB for that",
        f"what lies {datagrams.REPLAY_WINDOW} numbers or more behind the highest",
        f"at most {datagram_parts.RUNS_MAX} in all",
        f"A unit has 1 … {limits.LINE_UNIT_BYTES_MAX} bytes",
        f"at most {enrolment.MESSAGE_BYTES_MAX} bytes",
        f"`{enrolment._ALPHABET}`",
        f'"sf-sync/{channel.VERSION}/" || direction || "/" || phase || "/" || pseudonym',
        f'"sf-datagram/{datagrams.VERSION}/" || direction || "/" || phase || "/" || pseudonym',
        f"phase is `{channel.Phase.EARLY.value.decode()}` or `{channel.Phase.FRESH.value.decode()}`",
    ],
)
def test_a_number_is_the_codes_own(said: str) -> None:
    assert said in PLAIN


# The worked examples.


def test_the_worked_example_is_that_of_the_vectors() -> None:
    assert shown() == vectors("example.json")


def test_the_code_makes_each_step_of_the_worked_example() -> None:
    steps = vectors("example.json")
    plain, sealed = bytes.fromhex(steps["plain"]), bytes.fromhex(steps["sealed"])
    assert worked_example.steps(plain, sealed) == steps


def test_the_seal_of_the_worked_example_opens_to_its_entry() -> None:
    steps, keys = vectors("example.json"), {prekey_id(worked_example.PUBLIC): worked_example.RECIPIENT}
    sealed = bytes.fromhex(steps["sealed"])
    plain = HpkeSealer(os.urandom).open(Suite.HPKE, sealed, keys, worked_example.context())
    assert plain.hex() == steps["plain"]
    assert unpack(plain) == EntryBundle((worked_example.entry(),))


def test_the_example_of_the_small_profile_is_that_of_the_vectors() -> None:
    vector, digits = vectors("micro.json")["coded question"], re.sub(r"\s", "", TEXT)
    for part in ("payload", "sealed", "bundle_id"):
        assert vector[part] in digits


def test_the_example_of_a_correction_is_that_of_the_vectors() -> None:
    vector, digits = vectors("correction.json"), re.sub(r"\s", "", TEXT)
    for part in ("base_id", "entry_id", "plain", "bundle_id", "sealed"):
        assert vector[part] in digits


@pytest.mark.parametrize("name", ["text", "a zero inside"])
def test_the_examples_of_units_are_those_of_the_vectors(name: str) -> None:
    assert bytes.fromhex(vectors("line.json")[name]["line"]).hex(" ") in TEXT


# A reader that was written from the pages alone.


def test_what_is_in_phrases_can_be_read_from_the_page_alone() -> None:
    coded = {name: vector for name, vector in vectors("codecs.json").items() if vector.get("codec", 0) >= 2}
    assert len(coded) == 8
    for name, vector in coded.items():
        packed, history = bytes.fromhex(vector["packed"]), bytes.fromhex(vector["history"])
        assert read_phrases(packed, vector["dictionary"], history).hex() == vector["plain"], name


def test_the_worked_example_can_be_read_from_the_page_alone() -> None:
    steps = vectors("example.json")
    plain = bytes.fromhex(steps["plain"])
    assert [payload.hex() for payload in unmarked(read_phrases(plain[_CODED_HEAD_BYTES:], plain[2]))] == [
        steps["payload"]
    ]


def test_the_example_in_words_is_what_its_bytes_say() -> None:
    (said, coded) = re.findall(r"^`(Fever[^`]*)` in the English book|^ {4}(23 44 [0-9A-F ]+)$", TEXT, re.M)
    assert read_phrases(bytes.fromhex(coded[1]), 1).decode() == said[0]
