"""Reads the documentation as data: tables, quoted names, links; and the suite's tests by name."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.architecture.checkout import ROOT

DOCS = ROOT / "docs"
_QUOTED = re.compile(r"`([^`]+)`")
_TEST = re.compile(r"[\w/]+\.py::\w+")
_RULE = re.compile(r"\|(?:-+\|)+")
_CELL_END = re.compile(r"(?<!\\)\|")
_CODE_BLOCK = re.compile(r"^```[\s\S]*?^```$|^(?: {4}.*\n)+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a page; `heading` is the nearest one above it."""

    heading: str
    rows: tuple[Mapping[str, str], ...]


def pages() -> list[Path]:
    """The README, the changelog and every page under docs/."""
    return [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]


def tables(text: str) -> list[Table]:
    """Every table of a page, in order."""
    found: list[Table] = []
    heading, lines = "", text.splitlines()
    for number, line in enumerate(lines):
        if line.startswith("#"):
            heading = line.lstrip("# ")
        elif _RULE.fullmatch(line):
            titles = _cells(lines[number - 1])
            body = itertools.takewhile(lambda row: row.startswith("|"), lines[number + 1 :])
            rows = tuple(dict(zip(titles, _cells(row), strict=True)) for row in body)
            found.append(Table(heading, rows))
    return found


def table_under(text: str, heading: str) -> Table:
    """The one table below `heading`."""
    (table,) = [table for table in tables(text) if table.heading == heading]
    return table


def quoted(text: str) -> list[str]:
    """Everything between back-ticks."""
    return _QUOTED.findall(text)


def named_tests(text: str) -> list[str]:
    """Every test that a text names, such as `protocol/test_fold.py::test_order`."""
    return [name for name in quoted(text) if _TEST.fullmatch(name)]


def prose(text: str) -> str:
    """A page without its blocks of code."""
    return _CODE_BLOCK.sub("\n", text)


@cache
def suite_tests() -> frozenset[str]:
    """Every test under tests/, by its path there and its name: functions, methods, and test cases that are
    assigned, as state machines are."""
    return frozenset(
        f"{module.relative_to(ROOT / 'tests')}::{name}"
        for module in (ROOT / "tests").rglob("*.py")
        for name in _test_names(module.read_text(encoding="utf-8"))
    )


def missing_tests(text: str) -> list[str]:
    """Tests that a text names and nobody wrote."""
    return [name for name in named_tests(text) if name not in suite_tests()]


def _test_names(code: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (
                target.id
                for target in node.targets
                if isinstance(target, ast.Name) and target.id.startswith("Test")
            )


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in _CELL_END.split(row.strip())[1:-1]]
