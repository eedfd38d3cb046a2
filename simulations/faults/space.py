"""A disk without room, as a store meets it: every change is refused until somebody has tidied up.

A limit on the pages of a database would not do: small changes find room in pages that are there.
"""

from __future__ import annotations

import errno

from sync.stores.errors import disk_error
from sync.stores.transactions import GROUP_MAX, Writer


class Space:
    """What is left on the disk of one life of a machine: room, or none."""

    def __init__(self) -> None:
        self.is_full = False
        self.refused = 0
        """Changes that found no room."""

    def commit(self, writer: Writer) -> None:
        """Make what waits durable, or refuse it as the product's writer does when the log cannot grow."""
        if not self.is_full:
            writer.commit()
            return
        for job in writer.next_group(GROUP_MAX):
            job.fail(disk_error(OSError(errno.ENOSPC, "no room"), writer.path))
            self.refused += 1
