"""Each law of docs/invariants.md names code that is there and a test that is there."""

from __future__ import annotations

import pytest

from tests.docs.pages import DOCS, missing_tests, named_tests, quoted, tables
from tests.docs.symbols import resolve

TEXT = (DOCS / "invariants.md").read_text(encoding="utf-8")
LAWS = [row for table in tables(TEXT) for row in table.rows if "law" in row]
_PORTS = {"PairStore", "Custody"}


def in_full(name: str) -> str:
    """The two ports are named so often that the page leaves their module out."""
    return f"sync.ports.{name}" if name.split(".")[0] in _PORTS else name


@pytest.mark.parametrize("row", LAWS, ids=lambda row: row["law"][:60])
def test_the_code_that_keeps_it_is_there(row: dict[str, str]) -> None:
    assert quoted(row["kept by"])
    for name in quoted(row["kept by"]):
        assert resolve(in_full(name)) is not None


@pytest.mark.parametrize("row", LAWS, ids=lambda row: row["law"][:60])
def test_the_test_that_proves_it_is_there(row: dict[str, str]) -> None:
    assert named_tests(row["proven by"])
    assert not missing_tests(row["proven by"])


def test_decisions_and_laws_name_tests_that_are_there() -> None:
    texts = [page.read_text(encoding="utf-8") for page in DOCS.rglob("*.md")]
    assert not [name for text in texts for name in missing_tests(text)]


def test_a_test_that_nobody_wrote_is_seen() -> None:
    written, unwritten = "test_the_state_tells_the_story", "test_nobody_wrote_this"
    text = f"`protocol/test_fold.py::{written}`, `protocol/test_fold.py::{unwritten}`"
    assert missing_tests(text) == [f"protocol/test_fold.py::{unwritten}"]
