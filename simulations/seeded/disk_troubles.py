"""Brings about what disks refuse, and mends it; tells what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from simulations.virtual.loop import virtual_loop

from .disk_acts import CutAtFile, DiskTrouble, LieAndCut, RefuseFiles, RefuseStatements
from .mishaps import Host, Mishaps

MOUNTED_AGAIN_S: Final = 3_600.0
"""Until somebody has looked after a disk that refuses."""


class DiskTroubles:
    """Of all machines of a world."""

    def __init__(
        self, hosts: Mapping[str, Host], mishaps: Mishaps, *, tell: Callable[[str, str], None]
    ) -> None:
        self._hosts = hosts
        self._mishaps = mishaps
        self._tell = tell

    async def befall(self, trouble: DiskTrouble) -> None:
        """One of them happens."""
        machine = self._hosts[trouble.machine].machine
        match trouble:
            case RefuseStatements(_, kind, times):
                machine.refusals.begin(kind, times)
                virtual_loop().call_later(MOUNTED_AGAIN_S, machine.refusals.mend)
            case RefuseFiles(_, kind, span_s):
                machine.file_refusals.begin(kind)
                virtual_loop().call_later(span_s, machine.file_refusals.mend)
            case CutAtFile(_, call, side, seed):
                machine.cut_at_file(call, side, power_cut_seed=seed)
            case LieAndCut():
                machine.lie()
                virtual_loop().call_later(trouble.span_s, self._cut, trouble)

    def _cut(self, lie: LieAndCut) -> None:
        machine = self._hosts[lie.machine].machine
        # Whatever stood there may be undone: for who remembers what was done there, it is another disk.
        self._mishaps.disk_exchanged(lie.machine)
        machine.crash(power_cut_seed=lie.seed)

    async def restart_liars(self) -> None:
        """Whose disk has lied is started again once more, as any machine is some day."""
        async with self._mishaps.at_work:
            for host in self._hosts.values():
                if host.machine.has_lied:
                    host.machine.crash()
                    await host.reboot()

    def tell_all(self) -> None:
        """What came of it, in the end."""
        for name, host in self._hosts.items():
            machine = host.machine
            if machine.refusals.struck:
                self._tell(name, "was refused by its disk")
            if machine.file_refusals.struck:
                self._tell(name, "could not write a file")
            for _ in machine.torn_files:
                self._tell(name, "lost a file or a name that no sync had confirmed")
