"""Calls that simulated programs make to the system about files: steps of their life, which a disk may refuse.

Databases are not among them: their library is no Python, and their transactions are steps already.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from simulations.faults.files import is_left_alone
from simulations.virtual.network import HOST

from .life import Side
from .machine import Machine

_STEPS: Final = ("replace", "rename", "unlink")
"""Beside fsync: what changes a folder in one step."""

MachineOf = Callable[[str], Machine | None]


@contextmanager
def disk_calls(machine_of: MachineOf) -> Iterator[None]:
    """While the context lasts, files of these machines are on simulated disks. Not for two worlds at once."""
    calls = _Calls(machine_of)
    stand_ins: dict[str, Any] = {"open": calls.open, "fsync": calls.fsync}
    stand_ins |= {name: calls.step_of(getattr(os, name)) for name in _STEPS}
    before = {name: getattr(os, name) for name in stand_ins}
    for name, stand_in in stand_ins.items():
        setattr(os, name, stand_in)
    try:
        yield
    finally:
        for name, original in before.items():
            setattr(os, name, original)


class _Calls:
    """The system's calls, as a program of the host that runs meets them."""

    def __init__(self, machine_of: MachineOf) -> None:
        self._machine_of = machine_of
        self._open = os.open
        self._fsync = os.fsync

    def open(self, path: Any, flags: int, *arguments: Any, **named: Any) -> int:
        machine = self._owner(path)
        if machine is not None and flags & os.O_CREAT:
            machine.file_refusals.meet_open(str(path))
        return self._open(path, flags, *arguments, **named)

    def fsync(self, descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        machine = self._owner(path)
        if machine is None:
            self._fsync(descriptor)
            return
        machine.file_step(Side.BEFORE)
        machine.file_refusals.meet_sync(path, is_backup=path.is_relative_to(machine.backup_place))
        if machine.files is not None:
            machine.files.synced(path)
        machine.file_step(Side.AFTER)

    def step_of(self, call: Callable[..., None]) -> Callable[..., None]:
        """The call, as a step of the life of whoever makes it."""

        def stepped(path: Any, *arguments: Any, **named: Any) -> None:
            machine = self._owner(path)
            if machine is None:
                call(path, *arguments, **named)
                return
            machine.file_step(Side.BEFORE)
            call(path, *arguments, **named)
            machine.file_step(Side.AFTER)

        return stepped

    def _owner(self, path: Any) -> Machine | None:
        """Whose disk the file is on, if it is one that this model knows."""
        machine = self._machine_of(HOST.get())
        if machine is None or machine.files is None or is_left_alone(Path(path)):
            return None
        return machine if machine.has_on_its_disks(Path(path)) else None
