"""A simulated machine: a folder as its disk, a clock, and one life of the product's programs after another.

A crash leaves the files as they are at that moment, in the middle of whatever was under way; the next life
starts on a copy of them, so that nothing the dead one still does can touch it.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from simulations.faults.file_refusals import FileRefusals
from simulations.faults.files import FileSyncs
from simulations.faults.lying import LyingDisk
from simulations.faults.power import PowerCut
from simulations.faults.refusals import Refusals
from simulations.faults.space import Space
from simulations.virtual.network import Network
from sync.stores.database import InlineThread
from sync.stores.transactions import Reader, Writer

from .clock import MachineClock
from .life import Life, Side

_NOT_COPIED: Final = ("*-shm", "*.sock")
"""An index of shared memory is made anew from the log, and a socket is nothing without its process."""

BACKUPS: Final = "backups"
"""The folder, beside the disks of a machine, where programs on it keep theirs."""


class Machine:
    """The disk and the lives; what runs on it is for its heirs to say."""

    def __init__(self, name: str, root: Path, *, network: Network, owner: asyncio.TaskGroup) -> None:
        """Its first disk is `root`/1, which must exist."""
        self.name = name
        self.clock = MachineClock()
        self.network = network
        self.life: Life
        self.power = PowerCut()
        self.space = Space()
        self._root = root
        self._owner = owner
        self._lives = 1
        self._cut_seed: int | None = None
        self._threads: list[SteppedThread] = []
        self._torn = 0
        self.power_cuts = 0
        self.refusals = Refusals()
        self.file_refusals = FileRefusals()
        self.files: FileSyncs | None = None
        self._lying: LyingDisk | None = None
        self.has_lied = False
        """What it confirmed then may be lost: it is no breach of a law, as long as somebody notices."""
        self._is_watched_closely = False
        self._cut_at_file: tuple[int, Side, int] | None = None
        self._is_leaving_disk = False
        self.torn_files: tuple[str, ...] = ()
        """Names of files other than databases that power cuts have left otherwise than they were written."""
        self.backups: list[Path] = []
        self.on_death: Callable[[], None] = lambda: None
        """Called when a life has ended by a crash."""

    @property
    def folder(self) -> Path:
        """The disk of this life, or of the next one."""
        return self._root / str(self._lives)

    def has_on_its_disks(self, path: Path) -> bool:
        """Whether the file is on the disk of this life, or where the machine keeps its backups; not while the
        disk itself is at work."""
        if self._is_leaving_disk:
            return False
        return path.is_relative_to(self.folder) or path.is_relative_to(self.backup_place)

    @property
    def backup_place(self) -> Path:
        """Another disk, for backups that the program itself makes."""
        return self._root / BACKUPS

    def begin_life(self) -> None:
        """Before the programs start."""
        self.life = Life(self.name, self.network, self._owner)
        self.life.on_crash = self._leave_disk
        self.space = Space()
        self._threads = []
        if self._is_watched_closely:
            self.files = FileSyncs(self.folder)

    def watch_closely(self) -> None:
        """From its next life on its single statements may fail, and files other than databases may tear."""
        self._is_watched_closely = True
        self.power.watching = True

    def lie(self) -> None:
        """From now on its disk answers every sync at once, and writes later. It ends with a power cut."""
        self._lying = LyingDisk(self.folder)
        self.has_lied = True
        if self.files is not None:
            self.files.lies = True

    def crash(self, *, power_cut_seed: int | None = None) -> None:
        """Now. A power cut takes with it, of what no sync had confirmed, whatever the seed says."""
        self._cut_seed = power_cut_seed
        self.life.crash()

    def crash_at(self, step: int, side: Side, *, power_cut_seed: int | None = None) -> None:
        """At one of the next durable steps."""
        self._cut_seed = power_cut_seed
        self.life.crash_at(step, side)

    def cut_at_file(self, call: int, side: Side, *, power_cut_seed: int) -> None:
        """The power goes at that side of one of the next calls about a file that is no database."""
        self._cut_at_file = call, side, power_cut_seed

    def mend(self) -> None:
        """No crash is due any more, and its disk refuses nothing."""
        self.life.crash_never()
        self.refusals.mend()
        self.file_refusals.mend()
        self._cut_at_file = None

    def file_step(self, side: Side) -> None:
        """Such a call begins or has ended: a step of this life as well."""
        if self._cut_at_file is not None and side is Side.BEFORE:
            call, at, seed = self._cut_at_file
            self._cut_at_file = (call - 1, at, seed) if call > 1 else None
            if call == 1:
                self.crash_at(1, at, power_cut_seed=seed)
        self.life.step(side)

    def thread(self, worker: Writer | Reader) -> SteppedThread:
        """Where this life's transactions run."""
        if self._is_watched_closely:
            # The product opens its databases itself; this is the only place where all of them pass by.
            worker._connect = self.refusals.connecting(worker._connect)
        self._threads.append(SteppedThread(worker, self, self.life))
        return self._threads[-1]

    def wrote(self, writer: Writer) -> None:
        """A change has been answered."""
        self.power.confirm(writer)
        if self._lying is not None:
            self._lying.wrote(writer)

    def back_up(self) -> Path:
        """A copy of the whole disk, as it is."""
        copy = self._root / f"backup-{len(self.backups)}"
        copy_disk(self.folder, copy)
        self.backups.append(copy)
        return copy

    def replace_disk(self, source: Path) -> None:
        """The machine is off; its disk becomes a copy of another."""
        self._lives += 1
        self.clock.start_again()
        copy_disk(source, self.folder)

    def _leave_disk(self) -> None:
        self._is_leaving_disk = True
        abandoned = self.folder
        self._lives += 1
        copy_disk(abandoned, self.folder)
        if self._cut_seed is not None:
            self._tear(abandoned, self._cut_seed)
            self.clock.start_again()
            self._cut_seed = None
        self.power = PowerCut(watching=self.power.watching)
        self._is_leaving_disk = False
        self.on_death()

    def _tear(self, abandoned: Path, seed: int) -> None:
        self.power_cuts += 1
        if self._lying is None:
            self._torn += self.power.tear(abandoned, self.folder, seed=seed)
        else:
            self._torn += self._lying.tear(self.folder, seed=seed)
            self._lying = None
        if self.files is not None:
            self.torn_files += self.files.tear(self.folder, seed=seed)

    def take_torn(self) -> int:
        """How many files power cuts have torn since this was asked last."""
        torn, self._torn = self._torn, 0
        return torn

    def clear_away(self) -> None:
        """After a life: close what a dead program left open, and drop its disk."""
        for thread in self._threads:
            thread.release()


class SteppedThread(InlineThread):
    """Each transaction is a durable step of a life, and happens in the caller's own step."""

    def __init__(self, worker: Writer | Reader, machine: Machine, life: Life) -> None:
        super().__init__(worker)
        self.worker = worker
        self._machine = machine
        self._life = life
        self._space = machine.space

    async def start(self) -> None:
        await super().start()
        if isinstance(self.worker, Writer):
            self._machine.wrote(self.worker)

    async def commit(self) -> None:
        if not isinstance(self.worker, Writer):
            if not self._life.alive:
                raise asyncio.CancelledError
            await super().commit()
            return
        self._life.step(Side.BEFORE)
        self._space.commit(self.worker)
        self._machine.wrote(self.worker)
        self._life.step(Side.AFTER)
        await asyncio.sleep(0)

    def release(self) -> None:
        """Let go of the files."""
        self.worker.close()


def copy_disk(source: Path, target: Path) -> None:
    """All files as they are now."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(*_NOT_COPIED))
