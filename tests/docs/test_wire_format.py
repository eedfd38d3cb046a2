"""Numbers of docs/wire-format.md that a second implementation would copy are those of the code."""

from __future__ import annotations

import re

import pytest

from protocol import channel, enrolment, limits
from protocol.bundle import Content
from protocol.clinical import Layer
from protocol.frames import RefusalReason
from protocol.framing import FRAMES
from protocol.header import Suite
from protocol.hello import HELLO_PARTIAL_SPANS_MAX, HELLO_PARTIALS_MAX, HELLO_STREAMS_MAX
from protocol.records import BODIES, CRITICAL_KIND_MIN, Kind
from protocol.schema import CRITICAL_FIELD_MIN
from sync.core.patience import KEEPALIVE_S
from sync.driver import PREAMBLE_S
from sync.links.http import FIRST_BYTES_S
from tests.docs.pages import DOCS, tables

TEXT = (DOCS / "wire-format.md").read_text(encoding="utf-8")
PLAIN = re.sub(r"(?<=\d) (?=\d)", "", " ".join(TEXT.split()))


def rows(first_title: str) -> list[list[str]]:
    """Cells of the one table whose first title is this."""
    (table,) = [table for table in tables(TEXT) if table.rows and next(iter(table.rows[0])) == first_title]
    return [list(row.values()) for row in table.rows]


def test_every_frame_has_its_row() -> None:
    assert {int(row[0], 16) for row in rows("type")} == set(FRAMES)


def test_every_kind_of_record_has_its_body() -> None:
    listed = re.findall(r"(\d+) ([a-z ]+?) \| `(\w+)`", TEXT)
    assert {(int(number), body) for number, _, body in listed} == {
        (int(kind), BODIES[kind].__name__) for kind in Kind
    }
    for number, name, _ in listed:
        assert Kind(int(number)).name == name.upper().replace(" ", "_")


@pytest.mark.parametrize(
    "said",
    [
        f"Kinds from {CRITICAL_KIND_MIN} up and fields from {CRITICAL_FIELD_MIN} up are critical",
        f"nesting deeper than {limits.CODEC_DEPTH_MAX} and more than {limits.CODEC_ITEMS_MAX} items",
        f"count ≤ {limits.RANGES_MAX}",
        f"bounds the output at {(limits.BUNDLE_TEXT_BYTES_MAX + limits.ENTRY_BYTES_MAX) // 1024} KiB",
        f"Layers are {Layer.PREVIEW} preview, {Layer.STANDARD} standard, {Layer.FULL} full",
        f"Suite {Suite.HPKE} is HPKE base mode",
        f"suite {Suite.HPKE_STREAM} is used",
        f"entries {Content.ENTRIES:#04x} || codec",
        f"media layer {Content.MEDIA_LAYER:#04x} || layer",
        f"dialer version {channel.VERSION} (1) || pseudonym (4) || dialer salt ({channel.SALT_BYTES})",
        f"a body has at most {limits.FRAME_BYTES_MAX} bytes",
        f"1 … {limits.CHUNK_BYTES_MAX} sealed bytes",
        f"n ≤ {HELLO_STREAMS_MAX}",
        f"m ≤ {HELLO_PARTIALS_MAX}",
        f"at most {HELLO_PARTIAL_SPANS_MAX} spans of one unfinished bundle",
        f"at most {limits.SESSION_CREDIT_BYTES} payload bytes may be without a receipt",
        f"{RefusalReason.OTHER} other, {RefusalReason.QUARANTINED} quarantined, "
        f"{RefusalReason.NO_ROOM} no room, {RefusalReason.CORRUPT} corrupt",
        f"sends IDLE again every {KEEPALIVE_S:.0f} seconds",
        f"no greeting within {PREAMBLE_S:.0f} s",
        f"wait up to {FIRST_BYTES_S} s",
        f"at most {enrolment.MESSAGE_BYTES_MAX} bytes",
        f"`{enrolment._ALPHABET}`",
        f'"sf-sync/{channel.VERSION}/" || direction || "/" || phase || "/" || pseudonym',
        f"phase is `{channel.Phase.EARLY.value.decode()}` or `{channel.Phase.FRESH.value.decode()}`",
    ],
)
def test_a_number_is_the_codes_own(said: str) -> None:
    assert said in PLAIN
