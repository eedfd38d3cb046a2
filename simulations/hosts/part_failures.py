"""Hears of the parts that failed, logged it and were started again: here that is no success."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class _Telling(logging.Handler):
    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__(logging.ERROR)
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        self._tell(self.format(record))


@contextmanager
def failures_told(tell: Callable[[str], None]) -> Iterator[None]:
    """`tell` is called with each error that the product logs while the context lasts."""
    handler = _Telling(tell)
    logger = logging.getLogger()
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
