"""On a machine that lacks something, make says in one plain sentence what, and leaves nothing half made."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.architecture.checkout import ROOT

# What a target may call before there is a Python: a machine with less than this has no make either.
COMMANDS = ("make", "sh", "mkdir", "touch", "sed", "rm", "find")

# What a Python of another kind answers, put before the code that it is asked to run.
AGED_3_9 = "import sys; sys.version_info = (3, 9, 18, 'final', 0)"
WITHOUT_VENV = "import sys; sys.version_info = (3, 12, 1, 'final', 0); sys.modules['ensurepip'] = None"

Machine = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The files that make reads, as after a fresh clone."""
    folder = tmp_path / "clone"
    shutil.copytree(ROOT / ".ci", folder / ".ci")
    for name in ("Makefile", "pyproject.toml", *(path.name for path in ROOT.glob("*.lock"))):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """The only folder of programs of a machine that has make and a shell, and no Python yet."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for command in COMMANDS:
        (folder / command).symlink_to(str(shutil.which(command)))
    return folder


@pytest.fixture
def make(clone: Path, programs: Path) -> Machine:
    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["make", *arguments],
            cwd=clone,
            env={"PATH": str(programs), "HOME": str(clone.parent), **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def install_python(programs: Path, name: str, prelude: str) -> Path:
    """A real Python that first does the prelude, and so is older or poorer than it is."""
    program = programs / name
    program.write_text(
        "#!/bin/sh\n"
        '[ "$1" = -c ] || { echo "no such module" >&2; exit 1; }\n'
        f'exec "{sys.executable}" -c "{prelude}\n$2"\n',
        encoding="utf-8",
    )
    program.chmod(0o755)
    return program


def sentence(outcome: subprocess.CompletedProcess[str]) -> str:
    """The one line that a failed make wrote of its own; make itself closes with the target it gave up."""
    assert outcome.returncode != 0
    lines = [line for line in outcome.stderr.splitlines() if not line.startswith("make: ***")]
    assert len(lines) == 1, outcome.stderr
    assert "Traceback" not in outcome.stdout
    return lines[0]


@pytest.mark.parametrize("target", ["demo", "test", "check", "test-peers", "fuzz", "bench", "lock"])
def test_no_python(make: Machine, clone: Path, target: str) -> None:
    assert sentence(make(target)) == (
        "Python 3.11 or newer is needed and none was found: install it"
        " (on Debian or Ubuntu: apt install python3 python3-venv) and run make again."
    )
    assert not (clone / ".venv").exists()


def test_old_python(make: Machine, programs: Path, clone: Path) -> None:
    install_python(programs, "python3", AGED_3_9)
    assert sentence(make("test")) == (
        "Python 3.11 or newer is needed and python3 is 3.9: install a newer one"
        " (on Debian or Ubuntu: apt install python3 python3-venv),"
        " or name one with PYTHON=/path/to/python3, and run make again."
    )
    assert not (clone / ".venv").exists()


def test_python_without_venv(make: Machine, programs: Path, clone: Path) -> None:
    install_python(programs, "python3", WITHOUT_VENV)
    assert sentence(make("demo")) == (
        "Python 3.12 is here without its venv module: install it"
        " (on Debian or Ubuntu: apt install python3.12-venv) and run make again."
    )
    assert not (clone / ".venv").exists()


def test_python_without_venv_is_nearer_than_an_old_one(make: Machine, programs: Path) -> None:
    install_python(programs, "python3.12", WITHOUT_VENV)
    install_python(programs, "python3", AGED_3_9)
    assert sentence(make("test")).startswith("Python 3.12 is here without its venv module")


def test_named_python_that_does_not_start(make: Machine) -> None:
    assert sentence(make("test", "PYTHON=/nowhere/python3")) == (
        "PYTHON=/nowhere/python3 does not start:"
        " name a Python 3.11 or newer, or leave PYTHON out, and run make again."
    )


def test_named_python_is_taken_alone(make: Machine, programs: Path) -> None:
    named = install_python(programs, "named python", AGED_3_9)
    (programs / "python3").symlink_to(sys.executable)
    assert f"{named} is 3.9" in sentence(make("test", f"PYTHON={named}"))


def test_environment_that_cannot_be_made(make: Machine, programs: Path) -> None:
    install_python(programs, "python3", "")
    assert sentence(make("test")).startswith("The Python environment .venv could not be made:")


def test_packages_that_cannot_be_downloaded(make: Machine, programs: Path, clone: Path) -> None:
    (programs / "python3").symlink_to(os.path.realpath(sys.executable))
    nothing = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    assert sentence(make("test", **nothing)) == (
        "The locked packages could not be installed: check the connection to your package index"
        " and run make again (build/environment.log has pip's own words)."
    )
    assert not list(clone.glob(".venv/*.stamp"))
    assert "No matching distribution" in (clone / "build/environment.log").read_text(encoding="utf-8")


def test_help_is_the_default_and_lists_every_target(make: Machine, clone: Path) -> None:
    outcome = make()
    assert (outcome.returncode, outcome.stderr) == (0, "")
    (phony,) = re.findall(r"^\.PHONY: (.*)$", (clone / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    listed = re.findall(r"^  ([a-z-]+) +\S", outcome.stdout, re.MULTILINE)
    assert sorted(listed) == sorted(phony.split())


def test_clean_leaves_the_environment_and_the_sources(make: Machine, clone: Path) -> None:
    kept = [clone / ".venv" / "__pycache__" / "kept", clone / "protocol" / "kept.py"]
    gone = [clone / "build" / "gone", clone / "protocol" / "__pycache__" / "gone.pyc"]
    for path in kept + gone:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert make("clean").returncode == 0
    assert [path.exists() for path in kept + gone] == [True, True, False, False]


@pytest.mark.parametrize("lock", sorted(path.name for path in ROOT.glob("*.lock")))
def test_every_locked_package_has_its_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    packages = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert packages
    assert not [package for package in packages if "--hash=sha256:" not in package]
    assert not re.search(r"://|--(?:extra-)?index-url|--find-links|--trusted-host", text)


def test_a_package_has_one_version_in_all_locks() -> None:
    pins = {
        pin
        for lock in ROOT.glob("*.lock")
        for pin in re.findall(r"^([a-z0-9._-]+)==(\S+)", lock.read_text(), re.M)
    }
    assert len(pins) == len({name for name, _ in pins})
