"""Databases without encryption, for worlds in which it would only cost time: nobody steals a simulated disk.

As with the seeds, the one place that every database passes is replaced: the product has no switch for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sync.stores import connection


@contextmanager
def plain_disks() -> Iterator[None]:
    """While the context lasts, every database that is opened is made, or was made, without a key."""
    encrypting = connection.key_pragmas
    connection.key_pragmas = _no_pragmas
    try:
        yield
    finally:
        connection.key_pragmas = encrypting


def _no_pragmas(key: bytes | None) -> tuple[str, ...]:
    return ()
