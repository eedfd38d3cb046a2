"""A node as its users run it: the `sfnode` command and its daemon, as processes of their own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from protocol.actors import Role
from sfnode.config import LinkSettings, SiteSettings, write_settings
from sfnode.vault.keyfile import Stretching
from sfnode.vault.vault import Vault

PASSPHRASE = "correct horse 7"
COMMAND_S = 120
"""No bound of ours: a process that hangs is to end some time, and one that starves is not to fail a test."""
NEW_CASE = (
    *("case", "new", "--template", "chest-pain", "--urgency", "urgent", "--complaint", "Chest pain"),
    *("--question", "May I give aspirin?", "--patient-code", "P-0917", "--age", "54", "--sex", "m"),
    *("--no-known-allergies", "--onset", "2026-11-22T02:10Z"),
)
VITALS = ("--hr", "118", "--rr", "24", "--spo2", "91", "--on-air", "--bp", "98/60", "--temp", "38.6")


@dataclass(frozen=True)
class Ran:
    """One finished command."""

    status: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Following:
    """Events of a node as a script reads them."""

    process: subprocess.Popen[str]

    def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first event from now on that is wanted."""
        for line in _output(self.process):
            event: dict[str, Any] = json.loads(line)
            if wanted(event):
                return event
        raise LookupError("the daemon ended before such an event")


@dataclass
class NodeProcess:
    """One data folder, and whatever processes serve it."""

    data: Path
    passphrase_file: Path
    served: list[subprocess.Popen[str]] = field(default_factory=list)

    @classmethod
    def at(cls, folder: Path) -> NodeProcess:
        folder.mkdir(parents=True, exist_ok=True)
        passphrase_file = folder / "passphrase"
        passphrase_file.write_text(PASSPHRASE + "\n")
        return cls(folder / "data", passphrase_file)

    def run(self, *arguments: str, stdin: str = "") -> Ran:
        """One command, without a terminal and without the passphrase."""
        ran = subprocess.run(
            self._command(arguments),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            env=_environment(),
            check=False,
        )
        assert "Traceback" not in ran.stderr, ran.stderr
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    def ask(self, *arguments: str) -> Any:
        """A command that must succeed, with the passphrase at hand; its data."""
        ran = self.run("--json", "--passphrase-file", str(self.passphrase_file), *arguments)
        assert ran.status == 0, ran.err
        return ran.data

    def found(self) -> None:
        """As `init` does, but with a passphrase that costs nothing to try: each test has to."""

        async def create() -> None:
            vault = await Vault.create(
                self.data,
                PASSPHRASE.encode(),
                site_name="MV EXAMPLE",
                person_name="Medic on watch",
                role=Role.MEDIC,
                stretching=Stretching(memory_kib=64, passes=1, lanes=1),
            )
            await vault.close()

        asyncio.run(create())
        self.set_link(LinkSettings())

    def set_link(self, link: LinkSettings) -> None:
        """For the next daemon."""
        write_settings(self.data / "site.toml", SiteSettings(site="MV EXAMPLE", link=link))

    def serve(self, *options: str, unlocked: bool = False) -> subprocess.Popen[str]:
        """A daemon in the foreground; returns when it is ready."""
        passphrase = ("--passphrase-file", str(self.passphrase_file)) if unlocked else ()
        daemon = subprocess.Popen(
            self._command(("serve", *passphrase, *options)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=_environment(),
        )
        self.served.append(daemon)
        line = _output(daemon).readline()
        assert line.startswith("ready: "), line
        return daemon

    @contextmanager
    def follow(self, *options: str) -> Iterator[Following]:
        """`sfnode watch`."""
        process = subprocess.Popen(
            self._command(("watch", "--json", *options)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            env=_environment(),
        )
        following = Following(process)
        try:
            following.until(lambda event: event["event"] == "status")
            yield following
        finally:
            process.terminate()
            process.wait(timeout=COMMAND_S)
            _output(process).close()

    def kill(self, daemon: subprocess.Popen[str]) -> None:
        daemon.send_signal(signal.SIGKILL)
        daemon.wait()
        _output(daemon).close()

    def stop(self) -> None:
        """Whatever serves the folder, however it was started."""
        self.run("stop")
        for daemon in self.served:
            daemon.wait(timeout=COMMAND_S)
            _output(daemon).close()

    def _command(self, arguments: Sequence[str]) -> list[str]:
        return [sys.executable, "-m", "sfnode.cli", "--data", str(self.data), *arguments]


def _output(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdout is not None
    return process.stdout


def _environment() -> dict[str, str]:
    """A user's, without what would change the outcome."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("SFNODE_", "COLUMNS"))}
