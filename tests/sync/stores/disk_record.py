"""What a process wrote to its files, as strace saw it, and the disks that a power cut may leave behind.

Written bytes are certain only once the file was synced; of those behind the last sync any sector may have
reached the disk or not, in any combination.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

SECTOR_BYTES: Final = 512
TRACED: Final = "pwrite64,ftruncate,fsync,fdatasync,unlink,write"
STRING_BYTES_MAX: Final = 1 << 20
"""Of one written buffer that strace prints; a longer one would be cut, and is refused here."""

_CALL: Final = re.compile(
    r"^(?:\[pid +)?(?P<pid>\d+)\]? +(?P<call>\w+)\("
    r"(?:(?P<fd>\d+)<(?P<path>[^>]*)>|\"(?P<unlinked>[^\"]*)\")(?P<rest>.*)$"
)
_UNFINISHED: Final = re.compile(r"^(?P<pid>\d+) +(?P<head>.*) <unfinished \.\.\.>$")
_RESUMED: Final = re.compile(r"^(?P<pid>\d+) +<\.\.\. \w+ resumed>(?P<tail>.*)$")
_BUFFER: Final = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?, (\d+)(?:, (\d+))?\) += (-?\d+)')


@dataclass(frozen=True, slots=True)
class Written:
    path: str
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Truncated:
    path: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Synced:
    path: str


@dataclass(frozen=True, slots=True)
class Removed:
    path: str


@dataclass(frozen=True, slots=True)
class Said:
    """A line on standard output: somebody was told."""

    text: str


Event = Written | Truncated | Synced | Removed | Said


def read_record(log: Path, folder: Path) -> list[Event]:
    """The events of a log of `strace -f -y -xx`, in the order in which the calls returned."""
    return [event for line in _whole_calls(log) if (event := _event(line, str(folder))) is not None]


@dataclass(slots=True)
class Disk:
    """Files as they certainly are, and what was asked of them since they were last synced."""

    certain: dict[str, bytearray] = field(default_factory=dict)
    doubtful: dict[str, list[Written | Truncated]] = field(default_factory=lambda: defaultdict(list))

    def apply(self, event: Event) -> None:
        """The next thing that happened."""
        match event:
            case Written(path) | Truncated(path):
                self.doubtful[path].append(event)
            case Synced(path):
                content = self.certain.setdefault(path, bytearray())
                for change in self.doubtful.pop(path, []):
                    _change(content, change)
            case Removed(path):
                self.certain.pop(path, None)
                self.doubtful.pop(path, None)

    def after_power_cut(self, survives: Callable[[], bool], folder: Path) -> None:
        """Write the files as a power cut may leave them; `survives` says so for each sector and change."""
        for path in self.certain.keys() | self.doubtful.keys():
            content = bytearray(self.certain.get(path, b""))
            for change in self.doubtful.get(path, []):
                if isinstance(change, Truncated):
                    if survives():
                        _change(content, change)
                    continue
                for piece in _sectors(change):
                    if survives():
                        _change(content, piece)
            (folder / Path(path).name).write_bytes(content)


def _sectors(written: Written) -> Iterator[Written]:
    for start in range(0, len(written.data), SECTOR_BYTES):
        yield Written(written.path, written.offset + start, written.data[start : start + SECTOR_BYTES])


def _change(content: bytearray, change: Written | Truncated) -> None:
    if isinstance(change, Truncated):
        del content[change.size_bytes :]
        content.extend(bytes(change.size_bytes - len(content)))
        return
    end = change.offset + len(change.data)
    content.extend(bytes(max(0, end - len(content))))
    content[change.offset : end] = change.data


def _whole_calls(log: Path) -> Iterator[str]:
    """Each call on one line: strace splits those that others overtake."""
    begun: dict[str, str] = {}
    with log.open() as lines:
        for line in lines:
            line = line.rstrip("\n")
            if found := _UNFINISHED.match(line):
                begun[found["pid"]] = f"{found['pid']} {found['head']}"
            elif found := _RESUMED.match(line):
                yield begun.pop(found["pid"]) + found["tail"]
            else:
                yield line


def _event(line: str, folder: str) -> Event | None:
    found = _CALL.match(line)
    if found is None or ") " not in line.rpartition("=")[0]:
        return None  # Not a call on a file, or one that the tracer's death left without a result.
    call, path, rest = found["call"], found["path"] or "", found["rest"]
    if call == "write" and found["fd"] == "1":
        return Said(_data(rest)[0].decode())
    if call == "unlink":
        unlinked = bytes.fromhex(found["unlinked"].replace("\\x", "")).decode()
        return Removed(unlinked) if unlinked.startswith(folder) and rest.endswith(" 0") else None
    path = bytes.fromhex(path.replace("\\x", "")).decode() if path.startswith("\\x") else path
    if not path.startswith(folder + "/") or path.endswith("-shm") or " = -1 " in rest[-60:]:
        return None
    match call:
        case "pwrite64":
            data, offset = _data(rest)
            return Written(path, offset, data)
        case "ftruncate":
            return Truncated(path, int(rest.removeprefix(", ").partition(")")[0]))
        case "fsync" | "fdatasync":
            return Synced(path)
        case _:
            return None


def _data(rest: str) -> tuple[bytes, int]:
    found = _BUFFER.search(rest)
    if found is None or found[2] or int(found[5]) != int(found[3]):
        raise ValueError(f"strace shows a write that cannot be replayed: {rest[-80:]}")
    return bytes.fromhex(found[1].replace("\\x", "")), int(found[4] or 0)


def cut_points(events: Sequence[Event], count: int) -> Sequence[int]:
    """`count` places in a record, spread evenly over all that happened after the store was first open."""
    opened = next(i for i, event in enumerate(events) if isinstance(event, Said) and "opened" in event.text)
    return [opened + 1 + (len(events) - opened - 2) * i // (count - 1) for i in range(count)]
