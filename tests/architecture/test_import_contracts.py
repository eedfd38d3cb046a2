"""Each import contract is seen to fire on a skeleton of the tree with one wrong import in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.checkout import PACKAGES, ROOT, pyproject

CONTRACTS = {contract["id"]: contract for contract in pyproject()["tool"]["importlinter"]["contracts"]}

UPWARD = [
    ("protocol", "sync"),
    ("protocol", "sfnode"),
    ("protocol", "sfhub"),
    ("protocol", "tui"),
    ("protocol", "simulations"),
    ("sync", "sfnode"),
    ("sync", "sfhub"),
    ("sync", "tui"),
    ("sync", "simulations"),
    ("sfnode", "tui"),
    ("sfnode", "simulations"),
    ("sfhub", "tui"),
    ("sfhub", "simulations"),
    ("tui", "simulations"),
]
UPWARD_IN_WORLDS = [
    ("simulations.virtual", "simulations.hosts"),
    ("simulations.virtual", "simulations.seeded"),
    ("simulations.hosts", "simulations.seeded"),
]
SIDEWAYS = [("sfnode", "sfhub"), ("sfhub", "sfnode")]
DOWNWARD = [(lower, upper) for upper, lower in UPWARD]
IMPURE = [
    (contract_id, source, module)
    for contract_id, contract in CONTRACTS.items()
    if contract["type"] == "forbidden"
    for number, source in enumerate(contract["source_modules"])
    for module in contract["forbidden_modules"][: None if number == 0 else 1]
]
"""Every module from the first package of a contract, which takes a second each; one from the others."""


@pytest.fixture
def skeleton(tmp_path: Path) -> Path:
    """The six packages with nothing in them, and the contracts."""
    for package in PACKAGES:
        for init in (ROOT / package).rglob("__init__.py"):
            empty = tmp_path / init.relative_to(ROOT)
            empty.parent.mkdir(parents=True, exist_ok=True)
            empty.touch()
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def plant(tree: Path, package: str, statement: str) -> None:
    (tree / package.replace(".", "/") / "planted.py").write_text(f"{statement}\n", encoding="utf-8")


def broken_imports(tree: Path, contract_id: str) -> list[str]:
    """The imports that break the contract, as the linter words them; [] if it is kept."""
    lint_imports = Path(sys.executable).with_name("lint-imports")
    outcome = subprocess.run(
        [lint_imports, "--no-cache", "--no-logo", "--contract", contract_id],
        cwd=tree,
        env=os.environ | {"COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    broken = [line.lstrip("- ") for line in outcome.stdout.splitlines() if line.startswith("- ")]
    kept = f"{CONTRACTS[contract_id]['name']} KEPT" in outcome.stdout
    assert (outcome.returncode == 0, kept) == (not broken, not broken), outcome.stdout + outcome.stderr
    return broken


@pytest.mark.parametrize("contract_id", CONTRACTS)
def test_a_skeleton_without_imports_keeps_the_contract(skeleton: Path, contract_id: str) -> None:
    assert broken_imports(skeleton, contract_id) == []


@pytest.mark.parametrize(("importer", "imported"), UPWARD + SIDEWAYS)
def test_an_upward_or_sideways_import_breaks_the_layers(skeleton: Path, importer: str, imported: str) -> None:
    plant(skeleton, importer, f"import {imported}")
    assert broken_imports(skeleton, "layers") == [f"{importer}.planted -> {imported} (l.1)"]


@pytest.mark.parametrize(("importer", "imported"), UPWARD_IN_WORLDS)
def test_an_upward_import_in_worlds_breaks_their_layers(skeleton: Path, importer: str, imported: str) -> None:
    plant(skeleton, importer, f"import {imported}")
    assert broken_imports(skeleton, "seeded-worlds") == [f"{importer}.planted -> {imported} (l.1)"]


def test_every_downward_import_is_allowed(skeleton: Path) -> None:
    for number, (importer, imported) in enumerate(DOWNWARD):
        (skeleton / importer / f"planted_{number}.py").write_text(f"import {imported}\n", encoding="utf-8")
    assert broken_imports(skeleton, "layers") == []


@pytest.mark.parametrize(("contract_id", "source", "module"), IMPURE)
def test_an_impure_import_breaks_its_contract(
    skeleton: Path, contract_id: str, source: str, module: str
) -> None:
    plant(skeleton, source, f"import {module}")
    assert broken_imports(skeleton, contract_id) == [f"{source}.planted -> {module} (l.1)"]


def test_every_contract_is_planted_against() -> None:
    assert set(CONTRACTS) == {"layers", "seeded-worlds"} | {contract_id for contract_id, _, _ in IMPURE}


def test_the_layers_name_every_package() -> None:
    named = {package.strip() for layer in CONTRACTS["layers"]["layers"] for package in layer.split("|")}
    assert named == set(PACKAGES)


def test_the_pure_packages_forbid_what_touches_the_world() -> None:
    least = {
        "asyncio",
        "time",
        "random",
        "socket",
        "threading",
        "logging",
        "os",
        "sqlite3",
        "aiosqlite",
        "aiohttp",
    }
    forbidden = {
        source: set(contract["forbidden_modules"])
        for contract in CONTRACTS.values()
        if contract["type"] == "forbidden"
        for source in contract["source_modules"]
    }
    assert {source for source, modules in forbidden.items() if least <= modules} == {
        "protocol",
        "sync.core",
        "sync.letters",
    }
