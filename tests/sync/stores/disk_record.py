"""What a process did to its files, as strace saw it, and the disks that a power cut may leave behind.

Written bytes are certain only once their file was synced; of those behind the last sync any sector may have
reached the disk or not, in any combination. A name is certain only once its folder was synced; of what
happened to the names of a folder since, a beginning has reached the disk.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

SECTOR_BYTES: Final = 512
TRACED: Final = (
    "pwrite64,ftruncate,fsync,fdatasync,unlink,unlinkat,write,openat,rename,renameat,renameat2,mkdir,mkdirat"
)
STRING_BYTES_MAX: Final = 1 << 20
"""Of one written buffer that strace prints; a longer one would be cut, and is refused here."""

_CALL: Final = re.compile(r"^(?:\[pid +)?(?P<pid>\d+)\]? +(?P<call>\w+)\((?P<rest>.*)$")
_DESCRIPTOR: Final = re.compile(r"^(?P<fd>\d+)<(?P<path>[^>]*)>(?P<rest>.*)$")
_NAME: Final = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_RETURNED: Final = re.compile(r"\) += (-?\d+)(?:<([^>]*)>)?[^=]*$")
_UNFINISHED: Final = re.compile(r"^(?P<pid>\d+) +(?P<head>.*) <unfinished \.\.\.>$")
_RESUMED: Final = re.compile(r"^(?P<pid>\d+) +<\.\.\. \w+ resumed>(?P<tail>.*)$")
_BUFFER: Final = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?, (\d+)(?:, (\d+))?\) += (-?\d+)')


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that was made if it was not there, and emptied if `empty`."""

    path: str
    empty: bool


@dataclass(frozen=True, slots=True)
class Made:
    """A folder."""

    path: str


@dataclass(frozen=True, slots=True)
class Renamed:
    path: str
    target: str


@dataclass(frozen=True, slots=True)
class Written:
    path: str
    offset: int | None
    """None: behind what is there."""
    data: bytes


@dataclass(frozen=True, slots=True)
class Truncated:
    path: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Synced:
    """A file, or a folder."""

    path: str


@dataclass(frozen=True, slots=True)
class Removed:
    path: str


@dataclass(frozen=True, slots=True)
class Said:
    """A line on standard output: somebody was told."""

    text: str


Event = Opened | Made | Renamed | Written | Truncated | Synced | Removed | Said


def read_record(log: Path, folder: Path) -> list[Event]:
    """The events of a log of `strace -f -y -xx`, in the order in which the calls returned."""
    return [event for line in _whole_calls(log) if (event := _event(line, str(folder))) is not None]


@dataclass(slots=True)
class _File:
    """What is certain of one file, and what was asked of it since it was last synced."""

    certain: bytearray = field(default_factory=bytearray)
    doubtful: list[Written | Truncated] = field(default_factory=list)

    def change(self, change: Written | Truncated) -> None:
        if isinstance(change, Written) and change.offset is None:
            change = Written(change.path, self._size(), change.data)
        self.doubtful.append(change)

    def sync(self) -> None:
        for change in self.doubtful:
            _change(self.certain, change)
        self.doubtful.clear()

    def survivor(self, survives: Callable[[], bool]) -> bytes:
        content = bytearray(self.certain)
        for change in self.doubtful:
            for piece in [change] if isinstance(change, Truncated) else _sectors(change):
                if survives():
                    _change(content, piece)
        return bytes(content)

    def _size(self) -> int:
        content = bytearray(self.certain)
        for change in self.doubtful:
            _change(content, change)
        return len(content)


@dataclass(slots=True)
class Disk:
    """Files and names as they certainly are, and what was done to them since they were last synced."""

    root: str
    names: dict[str, _File | None] = field(default_factory=dict)
    """As the process sees them; None is a folder."""
    certain: dict[str, _File | None] = field(default_factory=dict)
    doubtful: dict[str, list[tuple[str, _File | None, bool]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """By folder: a name, what it stands for, and whether it was given or taken."""

    @classmethod
    def holding(cls, folder: Path) -> Disk:
        """A disk on which all that is in the folder is certain."""
        disk = cls(str(folder))
        for path in folder.rglob("*"):
            disk.certain[str(path)] = _File(bytearray(path.read_bytes())) if path.is_file() else None
        disk.names = dict(disk.certain)
        return disk

    def apply(self, event: Event) -> None:
        """The next thing that happened."""
        match event:
            case Opened(path, empty):
                self._open(path, empty)
            case Made(path):
                self._name(path, None)
            case Written(path) | Truncated(path):
                self._file(path).change(event)
            case Synced(path):
                self._sync(path)
            case Renamed(path, target):
                self._name(target, self.names[path])
                self._unname(path)
            case Removed(path):
                self._unname(path)

    def after_power_cut(self, survives: Callable[[], bool], folder: Path) -> None:
        """Write the files as a power cut may leave them; `survives` says so for each sector and change."""
        names = dict(self.certain)
        for changes in self.doubtful.values():
            for path, file, is_given in changes:
                if not survives():
                    break
                names.pop(path, None)
                if is_given:
                    names[path] = file
        for path in sorted(names):  # A folder comes before what is in it.
            place = folder / Path(path).relative_to(self.root)
            if not place.parent.is_dir():
                continue  # Its folder did not reach the disk.
            if (file := names[path]) is None:
                place.mkdir(mode=0o700)
            else:
                place.touch(mode=0o600)
                place.write_bytes(file.survivor(survives))

    def _open(self, path: str, empty: bool) -> None:
        if path not in self.names:
            self._name(path, _File())
        elif empty:
            self._file(path).change(Truncated(path, 0))

    def _sync(self, path: str) -> None:
        if path != self.root and (file := self.names[path]) is not None:
            file.sync()
            return
        for name, file, is_given in self.doubtful.pop(path, []):
            self.certain.pop(name, None)
            if is_given:
                self.certain[name] = file

    def _name(self, path: str, file: _File | None) -> None:
        self.names[path] = file
        self.doubtful[str(Path(path).parent)].append((path, file, True))

    def _unname(self, path: str) -> None:
        file = self.names.pop(path)
        self.doubtful[str(Path(path).parent)].append((path, file, False))

    def _file(self, path: str) -> _File:
        file = self.names[path]
        if file is None:
            raise IsADirectoryError(path)
        return file


def _sectors(written: Written) -> Iterator[Written]:
    start_at = written.offset or 0
    for start in range(0, len(written.data), SECTOR_BYTES):
        yield Written(written.path, start_at + start, written.data[start : start + SECTOR_BYTES])


def _change(content: bytearray, change: Written | Truncated) -> None:
    if isinstance(change, Truncated):
        del content[change.size_bytes :]
        content.extend(bytes(change.size_bytes - len(content)))
        return
    start = change.offset or 0
    content.extend(bytes(max(0, start + len(change.data) - len(content))))
    content[start : start + len(change.data)] = change.data


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
    returned = _RETURNED.search(line)
    if found is None or returned is None or int(returned[1]) < 0:
        return None  # Not a call, one that failed, or one that the tracer's death left without a result.
    call, rest = found["call"], found["rest"]
    event = _of_names(call, rest) if _DESCRIPTOR.match(rest) is None else _of_descriptor(call, rest, returned)
    if event is None or isinstance(event, Said):
        return event
    paths = [event.path, event.target] if isinstance(event, Renamed) else [event.path]
    is_ours = all(path == folder or path.startswith(folder + "/") for path in paths)
    return event if is_ours and not event.path.endswith("-shm") else None


def _of_names(call: str, rest: str) -> Event | None:
    """What is done to a name. `AT_FDCWD` stands before it in the newer calls."""
    named = [bytes.fromhex(name.replace("\\x", "")).decode() for name in _NAME.findall(rest)]
    match call.removesuffix("2").removesuffix("at"):
        case "open" if "O_CREAT" in rest:
            return Opened(named[0], "O_TRUNC" in rest)
        case "mkdir":
            return Made(named[0])
        case "rename":
            return Renamed(named[0], named[1])
        case "unlink":
            return Removed(named[0])
        case _:
            return None


def _of_descriptor(call: str, rest: str, returned: re.Match[str]) -> Event | None:
    found = _DESCRIPTOR.match(rest)
    if found is None:
        return None
    if call == "write" and found["fd"] == "1":
        return Said(_data(rest)[0].decode())
    path = found["path"]
    path = bytes.fromhex(path.replace("\\x", "")).decode() if path.startswith("\\x") else path
    if not path.startswith("/"):
        return None  # A pipe or a socket.
    match call:
        case "pwrite64":
            data, offset = _data(rest)
            return Written(path, offset, data)
        case "write":
            return Written(path, None, _data(rest)[0])
        case "ftruncate":
            return Truncated(path, int(found["rest"].removeprefix(", ").partition(")")[0]))
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
