"""What a power cut leaves of a database: all that a sync confirmed, and of the rest any sectors.

Off until it is switched on: it reads every database anew after each commit that was synced.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Final

from sync.stores.transactions import Durability, Writer

SECTOR_BYTES: Final = 512
_FILES: Final = ("", "-wal")
"""Of one database, by what their names end in."""


class PowerCut:
    """The certain content of each file, beside the files themselves."""

    def __init__(self, *, watching: bool = False) -> None:
        self.watching = watching
        self._certain: dict[str, bytes] = {}
        self._main_changed_ns: dict[str, int] = {}
        self.synced: dict[str, int] = {}
        """How many commits that promise to outlive a cut have returned, by the name of the database."""

    def confirm(self, writer: Writer) -> None:
        """A commit of this writer has returned."""
        if writer.durability is Durability.POWER_CUT:
            self.synced[writer.path.name] = self.synced.get(writer.path.name, 0) + 1
        if not self.watching:
            return
        # A checkpoint syncs as it goes, whatever the commit promised: the file beside the log tells of it.
        changed_ns = writer.path.stat().st_mtime_ns
        has_checkpointed = self._main_changed_ns.get(writer.path.name) != changed_ns
        self._main_changed_ns[writer.path.name] = changed_ns
        if writer.durability is Durability.POWER_CUT or has_checkpointed:
            for suffix in _FILES:
                path = writer.path.with_name(writer.path.name + suffix)
                if path.exists():
                    self._certain[path.name] = path.read_bytes()

    def tear(self, abandoned: Path, disk: Path, *, seed: int) -> int:
        """Make `disk`, a copy of `abandoned`, what the cut left. Returns how many files lost something."""
        draw = random.Random(f"power/{seed}")
        lost = 0
        for name, certain in sorted(self._certain.items()):
            written = (abandoned / name).read_bytes() if (abandoned / name).exists() else b""
            left = torn(certain, written, draw)
            lost += left != written
            (disk / name).write_bytes(left)
        return lost


def torn(certain: bytes, written: bytes, draw: random.Random) -> bytes:
    """Sector by sector what was certain or what was written since."""
    survives_share = draw.choice((0.0, 0.5, 1.0))
    size_bytes = len(written) if draw.random() < survives_share else max(len(certain), 0)
    content = bytearray(certain[:size_bytes].ljust(size_bytes, b"\0"))
    for start in range(0, min(size_bytes, len(written)), SECTOR_BYTES):
        piece = written[start : start + SECTOR_BYTES]
        if content[start : start + len(piece)] != piece and draw.random() < survives_share:
            content[start : start + len(piece)] = piece
    return bytes(content[:size_bytes])
