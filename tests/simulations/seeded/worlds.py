"""What tests of seeded worlds ask of their traces."""

from __future__ import annotations

import os
import subprocess
import sys


def counts(lines: list[str], *words: str) -> dict[str, int]:
    """In how many lines each stands."""
    return {each: sum(each in line for line in lines) for each in words}


def replayed(scenario: str, seed: int, hash_seed: str) -> str:
    """The last line of a replay: how many events, and their hash."""
    ran = subprocess.run(
        [sys.executable, "-m", "simulations.cli", "replay", str(seed), "--scenario", scenario, "--quiet"],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
        timeout=50,
    )
    return ran.stdout.splitlines()[-1]
