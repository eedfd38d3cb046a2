"""One distribution owns the six general import names; its wheel holds the product and nothing else."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest

from tests.architecture.checkout import PACKAGES, ROOT

DATA_SUFFIXES = (".toml", ".html", ".css", ".js", ".sql")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what is packaged, with one data file of each kind in a folder of each package."""
    copy = tmp_path_factory.mktemp("tree")
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE", ".gitignore"):
        shutil.copy(ROOT / name, copy)
    for folder in (*PACKAGES, "tests"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for package in PACKAGES:
        for suffix in DATA_SUFFIXES:
            planted = copy / package / "planted" / f"data{suffix}"
            planted.parent.mkdir(exist_ok=True)
            planted.write_text("data\n", encoding="utf-8")
    return copy


@pytest.fixture(scope="module")
def wheel(tree: Path) -> Path:
    """The wheel, built without an index from what the environment holds."""
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", "dist"]
    built = subprocess.run(command, cwd=tree, env=offline(), capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = (tree / "dist").glob("*.whl")
    return path


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def offline() -> dict[str, str]:
    return os.environ | {"PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def metadata(wheel: Path, name: str) -> str:
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(f"sf_telemed-0.1.0.dist-info/{name}").decode("utf-8")


def test_the_six_packages_lie_side_by_side() -> None:
    homes = {Path(str(importlib.import_module(package).__file__)).parent.parent for package in PACKAGES}
    assert homes == {ROOT}


def test_the_wheel_is_named_for_the_one_distribution(wheel: Path) -> None:
    assert wheel.name == "sf_telemed-0.1.0-py3-none-any.whl"


def test_everything_in_the_packages_is_in_the_wheel(tree: Path, names: set[str]) -> None:
    files = {
        str(path.relative_to(tree))
        for package in PACKAGES
        for path in (tree / package).rglob("*")
        if path.is_file()
    }
    planted = {f"{package}/planted/data{suffix}" for package in PACKAGES for suffix in DATA_SUFFIXES}
    assert planted <= files
    assert not files - names


def test_nothing_but_the_packages_is_in_the_wheel(names: set[str]) -> None:
    assert {name.split("/")[0] for name in names} == {*PACKAGES, "sf_telemed-0.1.0.dist-info"}


def test_the_metadata_forbids_an_upload_and_names_the_licence(wheel: Path) -> None:
    headers = HeaderParser().parsestr(metadata(wheel, "METADATA"))
    assert "Private :: Do Not Upload" in headers.get_all("Classifier", [])
    assert headers["License-Expression"] == "Apache-2.0"
    assert headers["Requires-Python"] == ">=3.11"


def test_the_console_scripts_are_declared(wheel: Path) -> None:
    declared = {line for line in metadata(wheel, "entry_points.txt").splitlines() if "=" in line}
    assert declared == {
        "sfnode = sfnode.cli:main",
        "sfhub = sfhub.cli:main",
        "sfsim = simulations.cli:main",
        "sftui = tui.app:main",
    }


@pytest.fixture
def installed(wheel: Path, tmp_path: Path) -> Path:
    """A folder into which the wheel is installed."""
    target = ["--no-deps", "--no-compile", "--target", str(tmp_path)]
    install = [sys.executable, "-m", "pip", "install", "--quiet", *target, str(wheel)]
    subprocess.run(install, env=offline(), capture_output=True, check=True)
    return tmp_path


def owners(folder: Path) -> dict[str, list[str]]:
    """The distributions that own each of our import names, with the folder on the path."""
    ask = "import importlib.metadata, json; print(json.dumps(importlib.metadata.packages_distributions()))"
    answer = subprocess.run(
        [sys.executable, "-P", "-c", ask],
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    everything: dict[str, list[str]] = json.loads(answer.stdout)
    return {package: sorted(everything[package]) for package in PACKAGES}


def test_no_other_distribution_owns_our_import_names(installed: Path) -> None:
    assert owners(installed) == {package: ["sf-telemed"] for package in PACKAGES}


def test_a_second_owner_of_an_import_name_is_seen(installed: Path) -> None:
    stranger = installed / "stranger-1.0.dist-info"
    stranger.mkdir()
    (stranger / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n", encoding="utf-8"
    )
    (stranger / "RECORD").write_text("protocol/__init__.py,,\n", encoding="utf-8")
    assert owners(installed)["protocol"] == ["sf-telemed", "stranger"]
