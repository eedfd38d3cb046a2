"""Disks of worlds that end at custody: all that outlives a crash, in memory or in a database file.

Law: whatever a store does to either it does in one step, and a copy is the disk of that moment.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Coroutine, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from protocol.header import Priority
from protocol.ids import BundleId, Incarnation, Pseudonym
from protocol.ranges import RangeSet
from sync.ports import Custody, PairStore
from sync.stores import MemoryState, MemoryStore
from sync.stores.database import Database, InlineThread
from sync.stores.sqlite import CUSTODY_SCHEMA, SqliteStore

from .disk_ledger import DiskLedger, Number

T = TypeVar("T")

PAIR: Final = Pseudonym(b"pair")
_FILES: Final = ("custody.db", "custody.db-wal")

NewIncarnation = Callable[[], Incarnation]


class Store(PairStore, Custody, Protocol):
    """Both sides of one pair's custody."""


Plant = Callable[[Store], None]
"""Plants a fault in a store at each start of its host."""


def nothing_planted(_: Store) -> None:
    """The product's, as it is."""


class Disk(Protocol):
    """One place's, read beside all programs; a `Ledger` as well."""

    taken: set[BundleId]
    """What the application has made its own."""

    def boot(self) -> Store:
        """The store that the next life of the programs works with."""

    def copy(self) -> Disk:
        """As it is now: a backup, a restored disk or a cloned card."""

    def close(self) -> None:
        """Nobody uses it any more."""

    def holds(self, bundle_id: BundleId) -> bool:
        """Whether a bundle of the peer's is whole here."""

    def numbers_of(self, bundle_id: BundleId) -> Sequence[Number]:
        """Under which numbers a bundle of the peer's is held here; none if it came only as the second one
        under a number, which counts for the first."""

    def given_out(self, incarnation: Incarnation) -> int:
        """The highest number of its own in one life, as far as it knows."""

    def offered(self) -> Sequence[BundleId]:
        """Every bundle of its own that it knows of."""

    def pending(self) -> Sequence[BundleId]:
        """Those that the peer is not known to hold."""

    def own_bundles(
        self, sequences: RangeSet, incarnation: Incarnation | None = None
    ) -> Sequence[tuple[BundleId, Priority]]: ...

    def untouched(self) -> Sequence[tuple[BundleId, Priority]]: ...

    def pruned(self) -> Sequence[BundleId]: ...

    def arrived(self, row: int) -> BundleId | None: ...


class MemoryDisk:
    """The product's store in memory, and what it keeps."""

    def __init__(
        self, new_incarnation: NewIncarnation, plant: Plant, state: MemoryState | None = None
    ) -> None:
        self.taken: set[BundleId] = set()
        self._new_incarnation = new_incarnation
        self._plant = plant
        self._state = state or MemoryState(new_incarnation())
        self._beside = MemoryStore(new_incarnation, state=self._state)
        """Never handed to a program, so that no fault is planted in it."""

    def boot(self) -> Store:
        store = MemoryStore(self._new_incarnation, state=self._state)
        self._plant(store)
        return store

    def copy(self) -> MemoryDisk:
        copied = MemoryDisk(self._new_incarnation, self._plant, deepcopy(self._state))
        copied.taken = set(self.taken)
        return copied

    def close(self) -> None:
        """There is nothing to close."""

    def holds(self, bundle_id: BundleId) -> bool:
        return self._beside.holds(bundle_id)

    def numbers_of(self, bundle_id: BundleId) -> Sequence[Number]:
        return [
            (life, number)
            for life, stream in self._state.streams.items()
            for number, held in stream.items()
            if held == bundle_id
        ]

    def given_out(self, incarnation: Incarnation) -> int:
        if incarnation == self._state.incarnation:
            return self._state.sequence_max
        return self._state.lives.get(incarnation, 0)

    def offered(self) -> Sequence[BundleId]:
        return [offer.bundle_id for offer in self._beside.all_offers()]

    def pending(self) -> Sequence[BundleId]:
        return [bundle.offer.bundle_id for bundle in done(self._beside.outgoing(RangeSet()))]

    def own_bundles(
        self, sequences: RangeSet, incarnation: Incarnation | None = None
    ) -> Sequence[tuple[BundleId, Priority]]:
        wanted = incarnation or self._state.incarnation
        return [
            (sent.offer.bundle_id, sent.offer.priority)
            for (life, number), sent in self._state.sent.items()
            if life == wanted and number in sequences and not sent.given_up
        ]

    def untouched(self) -> Sequence[tuple[BundleId, Priority]]:
        found = done(self._beside.outgoing(RangeSet()))
        return [(each.offer.bundle_id, each.offer.priority) for each in found if each.receipted is None]

    def pruned(self) -> Sequence[BundleId]:
        return [sent.offer.bundle_id for sent in self._state.sent.values() if not sent.has_bytes]

    def arrived(self, row: int) -> BundleId | None:
        """The application of these worlds says itself what it takes."""
        return None


class FileDisk:
    """The product's database and SQL, in files of one folder."""

    def __init__(self, root: Path, new_incarnation: NewIncarnation, plant: Plant, name: str) -> None:
        """In `root`/`name`, which is made, and its copies beside it."""
        self.taken: set[BundleId] = set()
        self._root = root
        self._new_incarnation = new_incarnation
        self._plant = plant
        self._folder = root / name
        self._copies = 0
        self._database: Database | None = None
        self._folder.mkdir()
        self._ledger = DiskLedger(lambda: self._folder / _FILES[0], PAIR)

    def boot(self) -> Store:
        self._let_go()
        path = self._folder / _FILES[0]
        self._database = done(Database.open(path, [CUSTODY_SCHEMA], execution=_OneStep))
        store = done(SqliteStore(self._database, new_incarnation=self._new_incarnation).pair(PAIR))
        self._plant(store)
        return store

    def copy(self) -> FileDisk:
        self._copies += 1
        name = f"{self._folder.name}.{self._copies}"
        copied = FileDisk(self._root, self._new_incarnation, self._plant, name)
        copied.taken = set(self.taken)
        for file in _FILES:
            if (self._folder / file).exists():
                shutil.copyfile(self._folder / file, self._root / name / file)
        return copied

    def close(self) -> None:
        self._ledger.close()
        self._let_go()

    def holds(self, bundle_id: BundleId) -> bool:
        return self._ledger.holds(bundle_id)

    def numbers_of(self, bundle_id: BundleId) -> Sequence[Number]:
        return self._ledger.numbers_of(bundle_id)

    def given_out(self, incarnation: Incarnation) -> int:
        return self._ledger.given_out(incarnation)

    def offered(self) -> Sequence[BundleId]:
        return self._ledger.offered()

    def pending(self) -> Sequence[BundleId]:
        return self._ledger.pending()

    def own_bundles(
        self, sequences: RangeSet, incarnation: Incarnation | None = None
    ) -> Sequence[tuple[BundleId, Priority]]:
        return self._ledger.own_bundles(sequences, incarnation)

    def untouched(self) -> Sequence[tuple[BundleId, Priority]]:
        return self._ledger.untouched()

    def pruned(self) -> Sequence[BundleId]:
        return self._ledger.pruned()

    def arrived(self, row: int) -> BundleId | None:
        """As of the disk in memory."""
        return None

    def _let_go(self) -> None:
        if self._database is not None:
            done(self._database.close())
            self._database = None


class _OneStep(InlineThread):
    """A transaction and its answer are one step, as in memory."""

    async def commit(self) -> None:
        self._worker.commit()


def done(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never waits, as those of both stores."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    raise RuntimeError("a store that works in one step waited for something")
