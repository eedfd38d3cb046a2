"""How much a store may take in: receiving stops early, so that writing down care never has to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from protocol.header import Priority
from protocol.limits import BUNDLE_TEXT_BYTES_MAX

from .volume import MeasureVolume, volume_of

_MEBIBYTE: Final = 1 << 20
FREE_BYTES_MIN: Final[Mapping[Priority, int]] = {
    Priority.EMERGENCY: 16 * _MEBIBYTE,
    Priority.URGENT: 32 * _MEBIBYTE,
    Priority.ROUTINE: 64 * _MEBIBYTE,
    Priority.BULK: 256 * _MEBIBYTE,
}
"""Disk space that a bundle of this class must leave free. On a full disk SQLite cannot even delete, so the
last of it is kept for the people aboard; photos stop first."""
MEDIA_SHARE_MIN: Final = 0.10
"""Share of the disk that pictures nobody waits for leave free."""
TEXT_SHARE_MIN: Final = 0.05
"""Share of it below which text alone is taken in."""
SHARE_BYTES_MAX: Final = 1024 * _MEBIBYTE
"""No share is more than this: a tenth of a hub's disk is more than any reserve is for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Limits for what one peer may leave here."""

    received_bytes_max: int = 1 << 30
    """Sealed bytes of one peer that the application has not taken yet, unfinished ones counted whole."""
    free_bytes_min: Mapping[Priority, int] = field(default_factory=lambda: FREE_BYTES_MIN)
    measure: MeasureVolume = volume_of

    def admits(self, path: Path, priority: Priority, size_bytes: int, received_bytes: int) -> bool:
        """Whether one more bundle may be begun beside `received_bytes` that are here already."""
        if received_bytes + size_bytes > self.received_bytes_max:
            return False
        volume = self.measure(path)
        share = min(_share_min(priority, size_bytes) * volume.size_bytes, SHARE_BYTES_MAX)
        return volume.free_bytes - size_bytes >= max(share, self.free_bytes_min[priority])


def _share_min(priority: Priority, size_bytes: int) -> float:
    if size_bytes <= BUNDLE_TEXT_BYTES_MAX and priority is not Priority.BULK:
        return 0.0
    return TEXT_SHARE_MIN if priority <= Priority.URGENT else MEDIA_SHARE_MIN
