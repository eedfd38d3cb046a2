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

from simulations.faults.power import PowerCut
from simulations.faults.space import Space
from sync.stores.database import InlineThread
from sync.stores.transactions import Reader, Writer

from .clock import MachineClock
from .life import Life, Side
from .network import Network

_NOT_COPIED: Final = ("*-shm", "*.sock")
"""An index of shared memory is made anew from the log, and a socket is nothing without its process."""


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
        self.backups: list[Path] = []
        self.on_death: Callable[[], None] = lambda: None
        """Called when a life has ended by a crash."""

    @property
    def folder(self) -> Path:
        """The disk of this life, or of the next one."""
        return self._root / str(self._lives)

    def begin_life(self) -> None:
        """Before the programs start."""
        self.life = Life(self.name, self.network, self._owner)
        self.life.on_crash = self._leave_disk
        self.space = Space()
        self._threads = []

    def crash(self, *, power_cut_seed: int | None = None) -> None:
        """Now. A power cut takes with it, of what no sync had confirmed, whatever the seed says."""
        self._cut_seed = power_cut_seed
        self.life.crash()

    def crash_at(self, step: int, side: Side, *, power_cut_seed: int | None = None) -> None:
        """At one of the next durable steps."""
        self._cut_seed = power_cut_seed
        self.life.crash_at(step, side)

    def thread(self, worker: Writer | Reader) -> SteppedThread:
        """Where this life's transactions run."""
        self._threads.append(SteppedThread(worker, self.life, self.power, self.space))
        return self._threads[-1]

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
        abandoned = self.folder
        self._lives += 1
        copy_disk(abandoned, self.folder)
        if self._cut_seed is not None:
            self._torn += self.power.tear(abandoned, self.folder, seed=self._cut_seed)
            self.clock.start_again()
            self._cut_seed = None
        self.power = PowerCut(watching=self.power.watching)
        self.on_death()

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

    def __init__(self, worker: Writer | Reader, life: Life, power: PowerCut, space: Space) -> None:
        super().__init__(worker)
        self.worker = worker
        self._life = life
        self._power = power
        self._space = space

    async def start(self) -> None:
        await super().start()
        if isinstance(self.worker, Writer):
            self._power.confirm(self.worker)

    async def commit(self) -> None:
        if not isinstance(self.worker, Writer):
            if not self._life.alive:
                raise asyncio.CancelledError
            await super().commit()
            return
        self._life.step(Side.BEFORE)
        self._space.commit(self.worker)
        self._power.confirm(self.worker)
        self._life.step(Side.AFTER)
        await asyncio.sleep(0)

    def release(self) -> None:
        """Let go of the files."""
        self.worker.close()


def copy_disk(source: Path, target: Path) -> None:
    """All files as they are now."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(*_NOT_COPIED))
