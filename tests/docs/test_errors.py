"""docs/errors.md and the code name the same codes, sentences and exit statuses, and each row its test."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import TypeVar

import pytest

import sfhub
import sfnode
from sfhub.errors import HubError
from sfnode.api.client import CallRefused
from sfnode.api.methods import describe_fault
from sfnode.errors import NodeError
from sfnode.media.errors import PhotoRefused
from simulations.demo.stage import StageError
from simulations.emulator.errors import EmulatorError
from simulations.links.errors import LinkDescriptionError
from simulations.report import ResultsError
from simulations.whole.playable import NotPlayable
from simulations.world import WorldError
from tests.architecture.checkout import ROOT, product_modules
from tests.docs.pages import DOCS, missing_tests, named_tests, quoted, table_under, tables

Kind = TypeVar("Kind", NodeError, HubError, PhotoRefused)
TEXT = (DOCS / "errors.md").read_text(encoding="utf-8")
SITE, PICTURES, HUB, SOCKET, LINKS = (
    "At the site: sfnode",
    "Pictures",
    "At the hub: sfhub and the console",
    "On a local socket",
    "Emulated links and the demonstration: sfsim",
)
ROWS = [row for table in tables(TEXT) for row in table.rows]
SENTENCES = [row["the user reads"] for row in ROWS if "the user reads" in row]
# Rows that say in other words what is read, since it is another part's sentence.
_OTHERS_WORDS = re.compile(r"^(?:Reserved|The reader's own|The store's own|The reason)")
_STARTED_BY_IMPORT = {"sfnode.media.worker", "sfnode.cli.__main__", "sfhub.cli.__main__"}


def rows_under(heading: str, key: str = "code") -> dict[str, int]:
    """Code and exit status of each row of one table that has a code."""
    (table,) = [table for table in tables(TEXT) if table.heading.replace("`", "") == heading]
    return {quoted(row[key])[0]: int(row["exit"]) for row in table.rows if quoted(row[key])}


def load_all(package: ModuleType) -> None:
    """Import every module of a package, so that every subclass is known."""
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if module.name not in _STARTED_BY_IMPORT:
            importlib.import_module(module.name)


def kinds_of(root: type[Kind]) -> Iterator[type[Kind]]:
    """Every subclass that gives itself a code."""
    for kind in root.__subclasses__():
        if "code" in vars(kind):
            yield kind
        yield from kinds_of(kind)


def literal_faults(package: str) -> dict[str, int]:
    """Codes and statuses of faults that are written out where they happen."""
    found = {}
    for module in product_modules():
        if module.parts[0] == package:
            for node in ast.walk(ast.parse((ROOT / module).read_text(encoding="utf-8"))):
                match node:
                    case ast.Call(
                        func=ast.Name("Fault"),
                        args=[ast.Constant(str(code)), _, ast.Constant(int(status))],
                    ):
                        found[code] = status
    return found


@cache
def product_texts() -> tuple[str, ...]:
    """Every text in the product, with "…" where a value is filled in."""
    return tuple(
        text
        for module in product_modules()
        for node in ast.walk(ast.parse((ROOT / module).read_text(encoding="utf-8")))
        if (text := _text_of(node))
    )


def _text_of(node: ast.AST) -> str:
    match node:
        case ast.Constant(str(text)):
            return re.sub(r"\{[^{}]*\}", "…", text)
        case ast.JoinedStr(parts):
            return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts)
    return ""


def is_said(sentence: str) -> bool:
    """Whether some text of the product has all that `sentence` spells out, in that order."""
    pieces = [re.escape(piece) for piece in sentence.split("…") if piece.strip(" .")]
    pattern = re.compile(".*".join(pieces), re.DOTALL)
    return any(pattern.search(text) for text in product_texts())


def test_every_code_of_the_site_has_its_row_and_status() -> None:
    load_all(sfnode)
    # Another package may add kinds of its own to the tree; whether it is loaded is not this test's business.
    ours = [kind for kind in kinds_of(NodeError) if kind.__module__.startswith("sfnode.")]
    kinds = [kind for kind in ours if kind is not CallRefused]
    codes = {kind.code: kind.exit_code for kind in kinds}
    assert rows_under(SITE) == codes | literal_faults("sfnode")


def test_every_code_of_a_picture_has_its_row_and_status() -> None:
    refusals = [kind() for kind in kinds_of(PhotoRefused)]
    assert rows_under(PICTURES) == {each.code: describe_fault(each).exit_code for each in refusals}


def test_every_code_of_the_hub_has_its_row_and_status() -> None:
    load_all(sfhub)
    codes = {kind.code: kind.exit_code for kind in kinds_of(HubError)}
    assert rows_under(HUB) == codes | literal_faults("sfhub")


def test_every_code_of_a_local_socket_has_its_row_and_status() -> None:
    assert rows_under(SOCKET) == literal_faults("sync")


def test_every_error_of_the_simulations_has_its_row() -> None:
    kinds: list[type[Exception]] = [StageError, EmulatorError, ResultsError, NotPlayable]
    kinds += [*EmulatorError.__subclasses__(), *LinkDescriptionError.__subclasses__()]
    assert WorldError in kinds
    rows = rows_under(LINKS, "class")
    assert set(rows) == {kind.__name__ for kind in kinds}
    assert set(rows.values()) == {1}


def test_codes_are_used_once() -> None:
    load_all(sfnode)
    load_all(sfhub)
    of_site = [kind.code for kind in kinds_of(NodeError)] + [kind.code for kind in kinds_of(PhotoRefused)]
    of_hub = [kind.code for kind in kinds_of(HubError)]
    assert len(of_site) == len(set(of_site))
    assert len(of_hub) == len(set(of_hub))


@pytest.mark.parametrize("sentence", [each for each in SENTENCES if not _OTHERS_WORDS.match(each)])
def test_every_sentence_is_in_the_code(sentence: str) -> None:
    assert is_said(sentence)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["fault"][:50])
def test_every_row_names_a_test_that_is_there(row: dict[str, str]) -> None:
    assert named_tests(row["test"])
    assert not missing_tests(row["test"])


def test_the_faults_of_bad_input_are_all_there() -> None:
    faults = " ".join(
        row["fault"] for row in table_under(TEXT, "Bad input, and faults that need nobody").rows
    )
    for needed in (
        "Wrong enrolment code",
        "Burnt",
        "Truncated",
        "Flipped",
        "Oversized",
        "is none",
        "88 megapixels",
        "GPS",
        "SIGKILL during a save",
        "SIGKILL during an upload",
        "killed during ingest",
        "cut at any byte",
        "does not know",
    ):
        assert needed in faults


def test_a_sentence_that_nobody_says_is_seen() -> None:
    assert is_said("The passphrase does not open this vault. … Type it again.")
    assert not is_said("The passphrase does not open this vault. Call the doctor.")
