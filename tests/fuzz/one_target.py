"""One fuzzing process: one target, for some seconds, by atheris where it is installed.

`python -m tests.fuzz.one_target TARGET SECONDS FOLDER` takes what lies in FOLDER/corpus, adds what
reaches more, and leaves what broke the target as FOLDER/crash-*. Exit code 0: nothing found.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from .guided import INPUT_BYTES_MAX, fuzz

FOUND_EXIT_CODE = 77
"""What libFuzzer ends with, too."""
EXCEPTION_HEAD = " === Uncaught Python exception: ==="
"""The line that atheris writes before an exception."""


def has_atheris() -> bool:
    return importlib.util.find_spec("atheris") is not None


def _targets() -> Mapping[str, Callable[[bytes], None]]:
    targets: Mapping[str, Callable[[bytes], None]] = importlib.import_module("tests.fuzz.targets").TARGETS
    return targets


def by_atheris(name: str, seconds: float, folder: Path) -> None:
    """Never returns: libFuzzer ends the process."""
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["protocol", "sync"]):
        target = _targets()[name]
    options = [
        f"-max_total_time={seconds:.0f}",
        f"-max_len={INPUT_BYTES_MAX}",
        f"-artifact_prefix={folder}/",
        "-print_final_stats=1",
        "-verbosity=0",
    ]
    atheris.Setup([sys.argv[0], *options, str(folder / "corpus")], target)
    atheris.Fuzz()


def by_guided(name: str, seconds: float, folder: Path) -> int:
    seeds = [path.read_bytes() for path in sorted((folder / "corpus").iterdir())]
    executions, breakage = fuzz(_targets()[name], seeds, seconds=seconds)
    sys.stderr.write(f"stat::number_of_executed_units: {executions}\n")
    if breakage is None:
        return 0
    sys.stderr.write(f"{EXCEPTION_HEAD}\n{breakage.error}\n")
    (folder / f"crash-{hashlib.sha256(breakage.data).hexdigest()[:16]}").write_bytes(breakage.data)
    return FOUND_EXIT_CODE


if __name__ == "__main__":
    target_name, seconds_text, folder_text = sys.argv[1:]
    if has_atheris():
        by_atheris(target_name, float(seconds_text), Path(folder_text))
    sys.exit(by_guided(target_name, float(seconds_text), Path(folder_text)))
