"""Programs that meet a disk which is really full: one of memory, mounted for them alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

CAN_MOUNT: Final = os.geteuid() == 0 and shutil.which("unshare") is not None
"""Only root may mount one."""
_MOUNT: Final = 'mount -t tmpfs -o "size=$0" none "$1" && exec "$2" "$3" "$1"'
_ROOT: Final = Path(__file__).parents[1]


def run_on_small_disk(program: str, folder: Path, *, size_mib: int) -> subprocess.CompletedProcess[str]:
    """The Python file `program`, with `folder` as its argument, which is a disk of this size to it alone."""
    return subprocess.run(
        ["unshare", "-m", "sh", "-c", _MOUNT, f"{size_mib}m", str(folder), sys.executable, program],
        env={"PYTHONPATH": str(_ROOT), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
