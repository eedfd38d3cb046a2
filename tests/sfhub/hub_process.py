"""The hub as its operator runs it: the real command in processes of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

COMMAND = (sys.executable, "-m", "sfhub.cli")
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "XDG_STATE_HOME": os.environ["XDG_STATE_HOME"],
}
ROOT = Path(__file__).parents[2]


def sfhub(data: Path, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """One command, run to its end."""
    return subprocess.run(
        [*COMMAND, "--data", str(data), *arguments],
        input=given,
        capture_output=True,
        timeout=30,
        check=False,
        cwd=ROOT,
        env=ENVIRONMENT,
    )


def result(data: Path, *arguments: str, given: bytes = b"") -> Any:
    """What a command that succeeds prints as JSON."""
    done = sfhub(data, *arguments, "--json", given=given)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


@contextmanager
def serving(data: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running server and its address; killed with SIGKILL at the end if it is still there."""
    process = subprocess.Popen(
        [*COMMAND, "--data", str(data), "serve", "--listen", "127.0.0.1:0", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=ENVIRONMENT,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("listening on "), line
        yield process, line.removeprefix("listening on ").strip()
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
