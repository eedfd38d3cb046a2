"""docs/records.md names every field of every kind as the code has it."""

from __future__ import annotations

from protocol.records import Kind
from tests.docs.record_tables import PAGE, page


def test_the_page_is_what_the_code_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "write it anew: python -m tests.docs.record_tables"


def test_every_kind_has_its_section() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for kind in Kind:
        assert f"\n## {int(kind)} {kind.name.lower().replace('_', ' ')}\n" in text
