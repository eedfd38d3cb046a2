"""The product's modules keep their shape: short, named for what they hold, and finished."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.architecture.checkout import ROOT, product_modules

MODULE_LINES_MAX = 500
FUNCTION_LINES_MAX = 60

# Names that say nothing of what is inside, so that everything ends up there.
EMPTY_NAMES = {"base", "common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}
UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX|HACK|NotImplementedError)\b")

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


def functions(code: str) -> list[FunctionNode]:
    return [node for node in ast.walk(ast.parse(code)) if isinstance(node, FunctionNode)]


def long_functions(code: str) -> list[str]:
    lengths = [(node.name, (node.end_lineno or node.lineno) - node.lineno + 1) for node in functions(code)]
    return [f"{name}: {lines} lines" for name, lines in lengths if lines > FUNCTION_LINES_MAX]


def unfinished_lines(code: str) -> list[str]:
    return [line.strip() for line in code.splitlines() if UNFINISHED.search(line)]


def names_exports(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["__all__"]


def more_than_re_exports(code: str) -> list[str]:
    allowed = ast.Import | ast.ImportFrom | ast.Expr
    return [
        ast.unparse(node)
        for node in ast.parse(code).body
        if not isinstance(node, allowed) and not names_exports(node)
    ]


@pytest.fixture(scope="module")
def product() -> dict[Path, str]:
    return {module: (ROOT / module).read_text(encoding="utf-8") for module in product_modules()}


def offenders(product: dict[Path, str], found: Callable[[str], list[str]]) -> dict[str, list[str]]:
    return {str(module): findings for module, code in product.items() if (findings := found(code))}


def test_a_module_can_be_read_in_one_sitting(product: dict[Path, str]) -> None:
    lines = {str(module): len(code.splitlines()) for module, code in product.items()}
    assert not {module: count for module, count in lines.items() if count > MODULE_LINES_MAX}


def test_a_function_fits_on_a_screen(product: dict[Path, str]) -> None:
    assert not offenders(product, long_functions)


def test_nothing_is_left_unfinished(product: dict[Path, str]) -> None:
    assert not offenders(product, unfinished_lines)


def test_a_name_says_what_is_inside(product: dict[Path, str]) -> None:
    assert not [str(module) for module in product if EMPTY_NAMES & set(module.with_suffix("").parts)]


def test_a_module_says_what_it_is_responsible_for(product: dict[Path, str]) -> None:
    assert not [str(module) for module, code in product.items() if not ast.get_docstring(ast.parse(code))]


def test_an_init_only_re_exports(product: dict[Path, str]) -> None:
    inits = {module: code for module, code in product.items() if module.name == "__init__.py"}
    assert not offenders(inits, more_than_re_exports)


def test_the_measures_see_what_they_measure() -> None:
    body = "\n".join("    pass" for _ in range(FUNCTION_LINES_MAX))
    assert long_functions(f"async def run():\n{body}") == [f"run: {FUNCTION_LINES_MAX + 1} lines"]
    assert long_functions(f"class A:\n  def run():\n{body}\n  def run(): pass") == [
        f"run: {FUNCTION_LINES_MAX + 1} lines"
    ]
    assert unfinished_lines("# TODO later\nraise NotImplementedError\n") == [
        "# TODO later",
        "raise NotImplementedError",
    ]
    assert more_than_re_exports('"""Doc."""\nfrom .a import b\n__all__ = ["b"]\nlimit = 1\n') == ["limit = 1"]
