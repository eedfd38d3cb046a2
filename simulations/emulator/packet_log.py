"""Writes one CSV line per packet offered to a link, for figures that are computed afterwards."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TextIO

from simulations.links import Passage

from .errors import EmulatorError

HEADER = "time_s,direction,bytes,fate,departs_s,arrives_s\n"


class PacketLog:
    """A log file, or nothing at all without a path; times count from the opening of the link."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: TextIO | None = None

    def __enter__(self) -> PacketLog:
        if self._path is not None:
            try:
                self._file = self._path.open("w", encoding="ascii")
            except OSError as error:
                raise EmulatorError(
                    f"The packet log {self._path} cannot be written: {error.strerror}. Nothing was run."
                ) from error
            self._file.write(HEADER)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def record(self, now_s: float, direction: str, length_bytes: int, passage: Passage) -> None:
        if self._file is not None:
            self._file.write(
                f"{now_s:.6f},{direction},{length_bytes},{passage.fate},"
                f"{passage.departs_s:.6f},{passage.arrives_s:.6f}\n"
            )
