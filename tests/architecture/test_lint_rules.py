"""Each lint rule we chose is seen to fire on code that breaks it, and every exception to one says why."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.checkout import ROOT, product_modules, pyproject, suite_modules

MANY_BRANCHES = "\n".join(f"    if number == {n}:\n        return {n}" for n in range(13))
MANY_STATEMENTS = "\n".join(f"    number = number + {n}" for n in range(51))

# One piece of code for each family of [tool.ruff.lint] select.
BREAKS = {
    "E501": "name = '" + "x" * 110 + "'",
    "E711": "def known(name):\n    return name == None",
    "F401": "import json",
    "W291": "name = 1 ",
    "I001": "import sys\nimport os\nprint(os, sys)",
    "B006": "def gather(names=[]):\n    return names",
    "UP006": "from typing import List\nnames: List[str] = []",
    "ASYNC251": "import time\nasync def wait():\n    time.sleep(1)",
    "BLE001": "try:\n    pass\nexcept Exception:\n    name = 1",
    "S110": "try:\n    pass\nexcept Exception:\n    pass",
    "DTZ003": "import datetime\nnow = datetime.datetime.utcnow()",
    "T201": "print(1)",
    "PT011": "import pytest\nwith pytest.raises(ValueError):\n    int('x')",
    "PERF401": "names = []\nfor n in range(3):\n    if n:\n        names.append(n)",
    "RUF100": "name = 1  # noqa: E501 unneeded",
    "C901": f"def decide(number):\n{MANY_BRANCHES}",
    "PLR0912": f"def decide(number):\n{MANY_BRANCHES}",
    "PLR0915": f"def count(number):\n{MANY_STATEMENTS}",
}
# Each call that has a replacement of ours.
BANNED = {
    "time.time": "import time\nnow = time.time()",
    "datetime.datetime.now": "from datetime import UTC, datetime\nnow = datetime.now(UTC)",
    "datetime.datetime.utcnow": "import datetime\nnow = datetime.datetime.utcnow()",
    "asyncio.create_task": "import asyncio\nasync def start(work):\n    return asyncio.create_task(work)",
    "asyncio.ensure_future": "import asyncio\nasync def start(work):\n    return asyncio.ensure_future(work)",
    "asyncio.gather": "import asyncio\nasync def start(work):\n    await asyncio.gather(work)",
}
EXCEPTION = re.compile(r"#\s*(?:noqa|type:\s*ignore)\b(?P<rest>.*)", re.IGNORECASE)
REASONED = re.compile(r"^(?::\s*[A-Z]+[0-9]+(?:,\s*[A-Z]+[0-9]+)*|\[[a-z-]+(?:,\s*[a-z-]+)*\])\W+\w+")


def findings(code: str, folder: Path) -> list[dict[str, str]]:
    """What ruff says, under the checkout's settings, of a module with this code."""
    (folder / "planted.py").write_text(f"{code}\n", encoding="utf-8")
    ruff = Path(sys.executable).with_name("ruff")
    settings = ["--config", str(ROOT / "pyproject.toml"), "--no-cache", "--output-format", "json"]
    outcome = subprocess.run(
        [ruff, "check", *settings, "planted.py"], cwd=folder, capture_output=True, text=True, check=False
    )
    found: list[dict[str, str]] = json.loads(outcome.stdout)
    return found


@pytest.mark.parametrize("rule", BREAKS)
def test_the_rule_fires(rule: str, tmp_path: Path) -> None:
    assert rule in {finding["code"] for finding in findings(BREAKS[rule], tmp_path)}


@pytest.mark.parametrize("call", BANNED)
def test_a_banned_call_is_answered_with_what_to_use_instead(call: str, tmp_path: Path) -> None:
    (finding,) = [finding for finding in findings(BANNED[call], tmp_path) if finding["code"] == "TID251"]
    assert finding["message"].startswith(f"`{call}` is banned: ")
    assert "Clock" in finding["message"] or "TaskGroup" in finding["message"]


def test_every_chosen_rule_is_seen_to_fire() -> None:
    chosen = pyproject()["tool"]["ruff"]["lint"]["select"]
    assert [family for family in chosen if not any(rule.startswith(family) for rule in BREAKS)] == ["TID251"]
    assert set(BANNED) == set(pyproject()["tool"]["ruff"]["lint"]["flake8-tidy-imports"]["banned-api"])


def test_every_exception_to_a_rule_names_the_rule_and_says_why() -> None:
    bare = [
        f"{module}: {line.strip()}"
        for module in product_modules() + suite_modules()
        for line in (ROOT / module).read_text(encoding="utf-8").splitlines()
        if is_bare_exception(line)
    ]
    assert not bare


@pytest.mark.parametrize(
    "mark", ["noqa", "noqa: E501", "type: ignore", "type: ignore[misc]", "type: ignore any"]
)
def test_an_exception_without_rule_or_reason_is_seen(mark: str) -> None:
    assert is_bare_exception(f"name = 1  # {mark}")


@pytest.mark.parametrize("mark", ["noqa: E501, F401 - a link", "type: ignore[misc]  # untyped library"])
def test_an_exception_with_rule_and_reason_is_accepted(mark: str) -> None:
    assert not is_bare_exception(f"name = 1  # {mark}")


def is_bare_exception(line: str) -> bool:
    exception = EXCEPTION.search(line)
    return exception is not None and REASONED.match(exception["rest"]) is None
