"""A confined process can reach neither files nor network, and cannot use the machine up."""

from __future__ import annotations

import signal
import subprocess
import sys

from sfnode.media.budget import ReadingLimits


def confined(statements: str, limits: ReadingLimits) -> subprocess.CompletedProcess[str]:
    code = (
        "import errno, os, socket\n"
        "from sfnode.media.budget import ReadingLimits\n"
        "from sfnode.media.confinement import confine\n"
        f"confine({limits!r})\n"
        f"{statements}"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=50)


def test_no_file_and_no_socket_can_be_opened() -> None:
    for attempt in ("open('/etc/hostname')", "socket.socket()", "os.pipe()"):
        statements = f"try:\n    {attempt}\nexcept OSError as error:\n    print(errno.errorcode[error.errno])"
        assert confined(statements, ReadingLimits()).stdout == "EMFILE\n", attempt


def test_memory_has_an_end() -> None:
    limits = ReadingLimits(memory_bytes_max=200_000_000)
    statements = "try:\n    bytearray(300_000_000)\nexcept MemoryError:\n    print('no more')"
    assert confined(statements, limits).stdout == "no more\n"


def test_processor_time_has_an_end() -> None:
    assert confined("while True: pass", ReadingLimits(cpu_s_max=1)).returncode == -signal.SIGXCPU


def test_limits_cannot_be_raised_again() -> None:
    statements = (
        "import resource\n"
        "print([resource.getrlimit(what) for what in (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE)])"
    )
    assert confined(statements, ReadingLimits()).stdout == "[(0, 0), (0, 0)]\n"
