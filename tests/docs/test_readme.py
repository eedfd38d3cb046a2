"""The commands that the README gives for a hub and a node by hand, run as they stand."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path

from tests.architecture.checkout import ROOT

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS_MAX = 10
_BLOCK = re.compile(r"^## A hub and a node by hand$.*?^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PORT = "8470"
_WAIT = "& sleep 3"


def by_hand() -> tuple[str, list[str]]:
    """What prepares the shell, and the commands."""
    (block,) = _BLOCK.findall(TEXT)
    preparation, _, commands = block.partition("\n\n")
    return preparation, commands.splitlines()


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return str(server.getsockname()[1])


def test_there_are_few() -> None:
    assert len(by_hand()[1]) <= COMMANDS_MAX


def test_they_do_what_they_say(tmp_path: Path) -> None:
    preparation, commands = by_hand()
    pipe = tmp_path / "hub.out"
    script = (
        "\n".join((preparation, *commands)).replace("/tmp/sf-", f"{tmp_path}/").replace(_PORT, free_port())
    )
    assert script.count(_WAIT) == 1
    # A person waits a moment; a test knows when.
    script = script.replace(_WAIT, ">&9 & read -r listening <&9")
    ending = f"mkfifo {pipe}; exec 9<>{pipe}; trap 'sfnode stop; kill %1; wait' EXIT"
    look = 'sfhub case show "$CASE"'
    ran = subprocess.run(
        ["bash", "-euc", f"{ending}\n{script}\n{look}"],
        cwd=tmp_path,
        env={"PWD": str(ROOT), "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert re.search(r"^http://127\.0\.0\.1:\d+/login\?token=\S+$", ran.stdout, re.MULTILINE)
    assert "Fever, stiff neck" in ran.stdout
    assert "HR 118" in ran.stdout
