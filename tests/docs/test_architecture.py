"""The table "To change X, look at Y": every symbol can be imported, every path is there."""

from __future__ import annotations

import pytest

from tests.architecture.checkout import PACKAGES, ROOT
from tests.docs.pages import DOCS, quoted, table_under
from tests.docs.symbols import resolve

TEXT = (DOCS / "architecture.md").read_text(encoding="utf-8")
ROWS = table_under(TEXT, "To change X, look at Y").rows
PLACES = sorted({place for row in ROWS for place in quoted(row["look at"])})
ALWAYS_FOUND = (
    "retry rule",
    "photo budget",
    "queue order",
    "session timeout",
    "template",
    "link profile",
    "NEWS2 table",
    "authority table",
    "contingency rule",
    "chunk size and pacing",
    "headline composition",
    "priorities",
)


@pytest.mark.parametrize("place", PLACES)
def test_every_place_is_there(place: str) -> None:
    if "/" in place:
        assert any((ROOT / place).iterdir())
    else:
        assert place.split(".")[0] in PACKAGES
        assert resolve(place) is not None


@pytest.mark.parametrize("what", ALWAYS_FOUND)
def test_what_people_look_for_is_in_the_table(what: str) -> None:
    assert [row for row in ROWS if row["to change"].startswith(what)]


def test_every_row_names_a_place() -> None:
    assert not [row for row in ROWS if not quoted(row["look at"])]


def test_the_packages_are_those_that_are_shipped() -> None:
    packages = [
        name for row in table_under(TEXT, "Packages and imports").rows for name in quoted(row["package"])
    ]
    assert sorted(packages) == sorted(PACKAGES)


@pytest.mark.parametrize(
    "symbol", ["sync.core.pacing.Nothing", "sfnode.no_such_module.THING", "nowhere.at.all"]
)
def test_a_symbol_that_is_missing_is_seen(symbol: str) -> None:
    with pytest.raises((ModuleNotFoundError, AttributeError)):
        resolve(symbol)
