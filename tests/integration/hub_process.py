"""A hub as its operators run it: the `sfhub` command and its server, as processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.sfnode.node_process import COMMAND_S, Ran

DOCTOR = "Specialist on duty"


@dataclass
class HubProcess:
    """One hub's folder, and the server that serves it."""

    data: Path
    port: int = 0
    server: subprocess.Popen[str] | None = None

    def found(self, name: str = "Duty desk") -> None:
        self.ask("init", "--organisation", "Example Telemedical Service", "--name", name)
        self.ask("clinician", "add", "--name", DOCTOR)

    def run(self, *arguments: str) -> Ran:
        ran = subprocess.run(
            self._command(arguments),
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            env=_environment(),
            check=False,
        )
        assert "Traceback" not in ran.stderr, ran.stderr
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    def ask(self, *arguments: str) -> Any:
        """A command that must succeed; its data."""
        ran = self.run("--json", *arguments)
        assert ran.status == 0, ran.err
        return json.loads(ran.out)

    def serve(self) -> None:
        """Returns when it listens; on the same port as before."""
        self.server = subprocess.Popen(
            self._command(("serve", "--listen", f"127.0.0.1:{self.port}")),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            env=_environment(),
        )
        assert self.server.stdout is not None
        line = self.server.stdout.readline()
        assert line.startswith("listening on http://127.0.0.1:"), line
        self.port = int(line.rpartition(":")[2])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self.server is not None:
            self.server.send_signal(number)
            self.server.wait(timeout=COMMAND_S)
            if self.server.stdout is not None:
                self.server.stdout.close()
            self.server = None

    def _command(self, arguments: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-m", "sfhub.cli", "--data", str(self.data), *arguments]


def _environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith(("SFHUB_", "COLUMNS"))}
