"""Every key and item of a TOML text is found on its line, however it is written."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.links import profile_names
from simulations.links.places import Place, lines_by_place
from tests.architecture.checkout import ROOT

TEXT = """\
# [not] = a table
name = "x = 1 # no comment"
'odd key'.below = 'C:\\' # a comment
long = \"\"\"
[up]
loss = 1
\"\"\"
list = [ # of
  1, [2,
  3], "]", { a = 1, b.c = [4,
  5] },
]
[up]
rate = 1
[[sites]]
n = 1
[[sites.links]]
p = 1
[[sites.links]]
p = 2
[sites.links.terms]
t = 1
[[sites]]
n = 2
"""


def test_each_place_has_its_line() -> None:
    lines = lines_by_place(TEXT)
    assert lines["name",] == 2
    assert lines["odd key", "below"] == 3
    assert [lines["list", 1, 1], lines["list", 3, "b", "c", 0], lines["list", 3, "b", "c", 1]] == [10, 10, 11]
    assert [lines["up", "rate"], lines["sites", 0, "n"], lines["sites", 0, "links", 1, "p"]] == [14, 16, 20]
    assert [lines["sites", 0, "links", 1, "terms", "t"], lines["sites", 1, "n"]] == [22, 24]
    assert ("up", "loss") not in lines


def places(value: object, place: Place = ()) -> Iterator[Place]:
    """Of everything in a parsed document."""
    if place:
        yield place
    if isinstance(value, dict):
        for key, each in value.items():
            yield from places(each, (*place, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from places(each, (*place, index))


FILES = [f"profiles/{name}" for name in profile_names()] + ["worlds/small-fleet", "worlds/thousand"]


@pytest.mark.parametrize("name", FILES)
def test_nothing_that_the_parser_finds_has_no_line(name: str) -> None:
    text = (ROOT / "simulations" / f"{name}.toml").read_text(encoding="utf-8")
    assert set(places(tomllib.loads(text))) == set(lines_by_place(text))


@given(st.text(alphabet="ab=.[]{}\"'#,\n\\ 1", max_size=60))
def test_any_text_is_followed_or_given_up(text: str) -> None:
    lines = lines_by_place(text)
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())
