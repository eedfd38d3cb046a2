"""`make fuzz`: every target for its share of the time, each in a process of its own, then what was found."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from tests.architecture.checkout import ROOT

from . import corpus
from .one_target import EXCEPTION_HEAD, has_atheris
from .targets import TARGETS

FOLDER = ROOT / "build" / "fuzz"
BROKEN_BY = "*-*"
"""Inputs that broke a target: crash-..., and libFuzzer's timeout-... and oom-..."""
SECONDS_MIN = 1
LATE_S = 60
"""How long a process may go on after its time: an input is at work, and only then the clock is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one process did."""

    target: str
    executions: int
    broken_by: tuple[Path, ...]
    complaint: str

    @property
    def line(self) -> str:
        found = "nothing found" if not self.complaint else f"BROKEN: {self.complaint}"
        return f"  {self.target:<34}{self.executions:>10} inputs  {found}"


def fuzz_target(name: str, seconds: float) -> Outcome:
    """Run one target; what it reached is kept for the next time."""
    folder = FOLDER / name
    (folder / "corpus").mkdir(parents=True, exist_ok=True)
    for data in corpus.read(name).values():
        (folder / "corpus" / sha256(data).hexdigest()[:16]).write_bytes(data)
    for stale in folder.glob(BROKEN_BY):
        stale.unlink()
    process = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.one_target", name, f"{seconds:.0f}", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=seconds + LATE_S,
        check=False,
    )
    (folder / "last.log").write_text(process.stdout + process.stderr, encoding="utf-8")
    counted = re.findall(r"number_of_executed_units: (\d+)", process.stderr)
    complaint = "" if process.returncode == 0 else _complaint(process.stdout + process.stderr)
    return Outcome(
        target=name,
        executions=int(counted[-1]) if counted else 0,
        broken_by=tuple(sorted(folder.glob(BROKEN_BY))),
        complaint=complaint,
    )


def _complaint(log: str) -> str:
    """The exception's own line, if there is one: a crash of the interpreter leaves none."""
    _, _, behind = log.partition(EXCEPTION_HEAD + "\n")
    return behind.partition("\n")[0] or "see last.log"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="for all targets together")
    parser.add_argument("--target", default="all", choices=["all", *TARGETS])
    chosen = parser.parse_args()
    names = list(TARGETS) if chosen.target == "all" else [chosen.target]
    seconds = max(SECONDS_MIN, chosen.seconds / len(names))
    engine = "atheris" if has_atheris() else "tests/fuzz/guided.py (atheris is not installed)"
    sys.stdout.write(f"{len(names)} targets, {seconds:.0f} s each, by {engine}\n")
    broken = []
    for name in names:
        outcome = fuzz_target(name, seconds)
        sys.stdout.write(outcome.line + "\n")
        sys.stdout.flush()
        broken += [outcome] if outcome.complaint else []
    for outcome in broken:
        for path in outcome.broken_by:
            line = corpus.found_line(path.read_bytes(), outcome.complaint)
            sys.stdout.write(f"\nAdd to tests/fuzz/corpus/{outcome.target}.hex once it is mended:\n{line}\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
