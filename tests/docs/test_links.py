"""Every relative link and picture of the documentation leads to something, and nothing points at a line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.architecture.checkout import ROOT
from tests.docs.pages import pages, prose

_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
_LINE_NUMBER = re.compile(r"\.(?:py|sql|toml|html):\d+|\blines? \d+")
_NAMES = [str(page.relative_to(ROOT)) for page in pages()]


def anchor_of(heading: str) -> str:
    """The fragment that a forge makes of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def broken_links(page: Path, text: str) -> list[str]:
    """Relative links of `text` that lead nowhere from `page`."""
    broken = []
    for link in _LINK.findall(prose(text)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, fragment = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (fragment and fragment not in _anchors(target)):
            broken.append(link)
    return broken


def _anchors(page: Path) -> set[str]:
    return {anchor_of(heading) for heading in _HEADING.findall(page.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("name", _NAMES)
def test_every_relative_link_and_picture_is_there(name: str) -> None:
    assert not broken_links(ROOT / name, (ROOT / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", _NAMES)
def test_no_page_points_at_a_line_of_code(name: str) -> None:
    assert not _LINE_NUMBER.findall((ROOT / name).read_text(encoding="utf-8"))


def test_the_readme_leads_to_every_page() -> None:
    linked = {
        link.partition("#")[0] for link in _LINK.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    }
    reached = {name for name in _NAMES if name in linked or f"{Path(name).parent}/" in linked}
    assert set(_NAMES) - reached <= {"README.md"}


def test_a_broken_link_is_seen() -> None:
    page = ROOT / "docs" / "risk.md"
    assert broken_links(page, "[a](nowhere.md) ![b](images/none.png) [c](risk.md#no-such-part)") == [
        "nowhere.md",
        "images/none.png",
        "risk.md#no-such-part",
    ]
    assert not broken_links(page, "[a](risk.md) [b](https://example.org/x) [c](../README.md)")
