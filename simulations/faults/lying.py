"""A disk that answers every sync at once and writes when it likes, in order: a power cut takes the newest.

Law: each database is left as it stood at one moment since the lie began. Not each at the same: they are
different files, and nothing that a lying disk confirmed orders one before the other.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sync.stores.transactions import Writer

KEPT_MAX: Final = 24
"""States of one database that are remembered, beside the first: a cache of some megabytes holds no more."""
_FILES: Final = ("", "-wal")


@dataclass(frozen=True, slots=True)
class _State:
    """One database at one moment."""

    number: int
    """How many changes of any database there had been."""
    contents: tuple[bytes, ...]


class LyingDisk:
    """What lay on it at each moment since it began to lie."""

    def __init__(self, root: Path) -> None:
        self._number = 0
        self._first: dict[str, _State] = {}
        self._states: dict[str, deque[_State]] = {}
        for path in sorted(root.glob("*.db")):
            self._remember(path)

    def wrote(self, writer: Writer) -> None:
        """A change was answered."""
        self._number += 1
        self._remember(writer.path)

    def tear(self, disk: Path, *, seed: int) -> int:
        """What a cut leaves in `disk`; how many databases went back."""
        draw = random.Random(f"lying/{seed}")
        moment = draw.randint(0, self._number)
        went_back = 0
        for name, states in sorted(self._states.items()):
            # Every other database is a little older than the rest.
            until = draw.randint(0, moment) if draw.random() < 0.5 else moment
            left = next((state for state in reversed(states) if state.number <= until), self._first[name])
            went_back += left is not states[-1]
            for suffix, content in zip(_FILES, left.contents, strict=True):
                (disk / f"{name}{suffix}").write_bytes(content)
        return went_back

    def _remember(self, path: Path) -> None:
        states = self._states.setdefault(path.name, deque(maxlen=KEPT_MAX))
        beside = [path.with_name(path.name + suffix) for suffix in _FILES]
        contents = tuple(each.read_bytes() if each.exists() else b"" for each in beside)
        if states and states[-1].contents[0] == contents[0]:
            # The file itself changes seldom; the same bytes are kept once.
            contents = states[-1].contents[0], *contents[1:]
        states.append(_State(self._number, contents))
        self._first.setdefault(path.name, states[-1])
