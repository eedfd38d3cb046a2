"""docs/risk.md has every hazard, every hazard has controls, and every control its test."""

from __future__ import annotations

import pytest

from tests.docs.pages import DOCS, missing_tests, named_tests, tables

TEXT = (DOCS / "risk.md").read_text(encoding="utf-8")
HAZARDS = (
    "Wrong patient",
    "Stale reply",
    "Acting on provisional orders",
    "Contradiction",
    "Lost, late or duplicated reply",
    "Unit mix-up",
    "Wrong clock",
    "Unheard alarm",
    "Shared device",
    "Stolen device",
    "Truncated text",
    "Wrong attachment",
    "Stale queue",
    "Price over care",
)
CONTROLS = {table.heading: table.rows for table in tables(TEXT)}


def test_every_hazard_has_its_controls() -> None:
    assert tuple(CONTROLS) == HAZARDS
    assert all(CONTROLS.values())


@pytest.mark.parametrize("hazard", HAZARDS)
def test_every_control_names_tests_that_are_there(hazard: str) -> None:
    for row in CONTROLS[hazard]:
        assert named_tests(row["test"]), row["control"]
        assert not missing_tests(row["test"]), row["control"]


@pytest.mark.parametrize("hazard", HAZARDS)
def test_every_hazard_says_what_is_left(hazard: str) -> None:
    section = TEXT.split(f"## {hazard}\n")[1].split("\n## ")[0]
    assert "\n**Left.** " in section
