"""Take from this process everything that reading a picture does not need, for good.

After `confine` it can open no file and no socket, write to no file, leave no core dump, and use only so much
memory and processor time. What it has open stays open: the picture comes in on one descriptor, the answer
leaves on another.
"""

from __future__ import annotations

import resource
from typing import Final

from .budget import ReadingLimits

# Between the signal that ends a worker out of processor time and the one that it could not even notice.
_CPU_GRACE_S: Final = 1


def confine(limits: ReadingLimits) -> None:
    """Give up what is not needed; there is no way back, so only a process made for one picture calls this."""
    _limit(resource.RLIMIT_AS, limits.memory_bytes_max)
    _limit(resource.RLIMIT_CPU, limits.cpu_s_max, grace=_CPU_GRACE_S)
    # No new descriptor: not for a file, not for the network.
    _limit(resource.RLIMIT_NOFILE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    # A core dump would be a copy of the picture on the disk.
    _limit(resource.RLIMIT_CORE, 0)


def _limit(what: int, most: int, *, grace: int = 0) -> None:
    """Set a limit that cannot be raised again; an administrator's lower one stays."""
    _, ceiling = resource.getrlimit(what)
    hard = most + grace if ceiling == resource.RLIM_INFINITY else min(most + grace, ceiling)
    resource.setrlimit(what, (min(most, hard), hard))
