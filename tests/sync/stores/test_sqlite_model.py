"""Whatever happens to a database store and to the reference store alike, they go on agreeing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from protocol.header import Priority
from protocol.ids import Incarnation, Pseudonym
from protocol.ranges import RangeSet
from sync.ports import AskedRekey, IncomingChunk, Moment, Rank
from sync.stores import MemoryStore
from sync.stores.database import Database, Execution
from sync.stores.sqlite import CUSTODY_SCHEMA, SqlitePairStore, SqliteStore

from .contract import OTHER, PEER, Store, add, chunk_of, numbers, offer_of, resealed, sealed_of

T = TypeVar("T")

LABELS = st.sampled_from("abcdefgh")
KEYS = st.sampled_from((b"k7", b"k8"))
NUMBERS = {label: number for number, label in enumerate("abcdefg", start=1)} | {"h": 7}
"""Numbers the peer gives its bundles; it was cloned, so it gave one of them twice."""
SIZE_BYTES = 100
SPANS = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), max_size=3)
"""Of sequence numbers, or of tens of bytes."""


def ranges(spans: list[tuple[int, int]], scale: int = 1) -> RangeSet:
    return RangeSet.of((start * scale, (start + length) * scale) for start, length in spans)


def lives() -> Callable[[], Incarnation]:
    names = count(0xA0)
    return lambda: Incarnation(next(names).to_bytes(4, "big"))


class TwoStores(RuleBasedStateMachine):
    """Runs every step on both stores and compares what they answer and what they then show."""

    @initialize()
    def open(self) -> None:
        self._runner = asyncio.Runner()
        # In memory where there is such a place: hundreds of commits, none of them to outlive a power cut.
        self._folder = TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
        self._new_incarnation = lives()
        self._now_s = 1000.0
        self._moments: list[tuple[Moment, Moment]] = []
        self._model = MemoryStore(lives(), wall_s=lambda: self._now_s)
        self._open_database()

    def teardown(self) -> None:
        self._runner.run(self._database.close())
        self._runner.close()
        self._folder.cleanup()

    @rule()
    def reopen(self) -> None:
        self._runner.run(self._database.close())
        self._open_database()

    @rule(
        label=LABELS, size=st.integers(1, 200), priority=st.sampled_from(Priority), rank=st.sampled_from(Rank)
    )
    def add(self, label: str, size: int, priority: Priority, rank: Rank) -> None:
        self._both(lambda store: add(store, label, size, priority=priority, rank=rank))

    @rule(label=LABELS, start=st.integers(0, SIZE_BYTES), length=st.integers(0, SIZE_BYTES))
    def receive(self, label: str, start: int, length: int) -> None:
        offer = offer_of(label, SIZE_BYTES, NUMBERS[label])
        chunk = chunk_of(offer, label, start, min(start + length, SIZE_BYTES))
        self._both(lambda store: store.persist([chunk]))

    @rule(labels=st.lists(LABELS, min_size=1, max_size=4))
    def receive_several_at_once(self, labels: list[str]) -> None:
        chunks = [chunk_of(offer_of(label, SIZE_BYTES, NUMBERS[label]), label, 50) for label in labels]
        self._both(lambda store: store.persist(chunks))

    @rule(label=LABELS)
    def receive_again_from_a_new_life(self, label: str) -> None:
        offers = (offer_of(label, SIZE_BYTES, NUMBERS[label]), offer_of(label, SIZE_BYTES, ord(label), OTHER))
        self._both(lambda store: store.persist([chunk_of(offer, label) for offer in offers]))

    @rule(label=LABELS)
    def receive_what_is_not_what_was_sealed(self, label: str) -> None:
        chunk = IncomingChunk(
            offer=offer_of(label, SIZE_BYTES, NUMBERS[label]), offset=0, data=bytes(SIZE_BYTES)
        )
        self._both(lambda store: store.persist([chunk]))

    @rule(sequence=st.integers(1, 9), spans=SPANS)
    def mark_receipted(self, sequence: int, spans: list[tuple[int, int]]) -> None:
        self._both(lambda store: store.mark_receipted(sequence, ranges(spans, 10)))

    @rule(spans=SPANS)
    def mark_stored(self, spans: list[tuple[int, int]]) -> None:
        self._both(lambda store: store.mark_stored(ranges(spans)))

    @rule(spans=SPANS)
    def mark_lost(self, spans: list[tuple[int, int]]) -> None:
        view = self._both(lambda store: store.open_session())
        for life in (view.incarnation, *(stream.incarnation for stream in view.former)):
            self._lose(life, ranges(spans))

    @rule()
    def renew(self) -> None:
        self._both(lambda store: store.renew_incarnation("restored"))

    @rule(sequence=st.integers(1, 9))
    def refuse(self, sequence: int) -> None:
        self._both(lambda store: store.note_refusal(sequence, "unknown key"))

    @rule(row=st.integers(0, 3), keep=st.booleans())
    def take_or_quarantine(self, row: int, keep: bool) -> None:
        waiting = self._both(lambda store: store.received_after(row, 1))
        if waiting and keep:
            self._both(lambda store: store.quarantine(waiting[0].row, "cannot be opened"))
        elif waiting:
            self._both(lambda store: store.take(waiting[0].row))

    @rule(row=st.integers(0, 3), key=KEYS)
    def ask_rekey(self, row: int, key: bytes) -> None:
        if waiting := self._both(lambda store: store.received_after(row, 1)):
            self._both(lambda store: store.ask_rekey(waiting[0].row, key, "its key is gone"))

    @rule(label=LABELS, sequence=st.integers(7, 20), key=KEYS)
    def receive_under_another_seal(self, label: str, sequence: int, key: bytes) -> None:
        sealing = f"{label} under {key!r}"
        offer = resealed(offer_of(label, SIZE_BYTES, 1), sealing, sequence)
        self._both(lambda store: store.persist([chunk_of(offer, sealing)]))

    @rule(sequence=st.integers(1, 9), key=KEYS)
    def be_asked_to_seal_again(self, sequence: int, key: bytes) -> None:
        view = self._both(lambda store: store.open_session())
        self._both(lambda store: store.note_rekey(view.incarnation, sequence, key))

    @rule(label=LABELS, key=KEYS)
    def seal_again(self, label: str, key: bytes) -> None:
        for asked in self._both(lambda store: store.rekeys())[:1]:
            self._reseal(asked, sealed_of(f"{label} for {key!r}", 50))

    @rule(sequences=SPANS, life=st.integers(0, 2), promise=st.booleans())
    def ask_back(self, sequences: list[tuple[int, int]], life: int, promise: bool) -> None:
        incarnation = (*self._lives(), OTHER, OTHER)[life]
        if promise:
            self._both(lambda store: store.mark_promised(incarnation, ranges(sequences)))
        else:
            self._both(lambda store: store.note_foreign(incarnation, ranges(sequences)))

    @rule(sequences=SPANS, life=st.sampled_from((PEER, OTHER)))
    def be_asked_back(self, sequences: list[tuple[int, int]], life: Incarnation) -> None:
        self._both(lambda store: store.note_return(life, ranges(sequences)))

    @rule(limit=st.integers(0, 2))
    def give_back(self, limit: int) -> None:
        given = [each.row for each in self._both(lambda store: store.to_return(limit))]
        self._both(lambda store: store.mark_returned([*given, 77]))

    @rule()
    def begin_backup(self) -> None:
        # A moment is drawn at random, so that the two stores never answer the same.
        self._moments.append(
            (
                self._runner.run(self._model.begin_backup()),
                self._runner.run(self._store.begin_backup()),
            )
        )

    @rule(which=st.integers(0, 5))
    def verify_backup(self, which: int) -> None:
        if self._moments:
            model, database = self._moments[which % len(self._moments)]
            noted = self._runner.run(self._model.note_backup(model))
            assert self._runner.run(self._store.note_backup(database)) == noted

    @rule(life=st.integers(0, 2), members=st.sets(st.integers(1, 9)))
    def be_told_what_is_safe(self, life: int, members: set[int]) -> None:
        incarnation = (*self._lives(), OTHER, OTHER)[life]
        self._both(lambda store: store.mark_safe(incarnation, numbers(*members)))

    @rule(passed_s=st.integers(0, 50), age_s=st.integers(0, 100), keep=st.integers(0, 3))
    def prune(self, passed_s: int, age_s: int, keep: int) -> None:
        self._now_s += passed_s
        before_s = self._now_s - age_s
        self._both(lambda store: store.prune(stored_before_s=before_s, keep_newest=keep))

    @rule(before_s=st.integers(0, 100), ahead_s=st.integers(-50, 50))
    def date_receipts(self, before_s: int, ahead_s: int) -> None:
        now_s = self._now_s + ahead_s
        self._both(lambda store: store.date_receipts(since_s=now_s - before_s, now_s=now_s))

    @rule(sequence=st.integers(1, 9), offset=st.integers(0, 200), size=st.integers(0, 200))
    def read(self, sequence: int, offset: int, size: int) -> None:
        self._both(lambda store: store.read(sequence, offset, size))

    @invariant()
    def they_show_the_same(self) -> None:
        view = self._both(lambda store: store.open_session())
        self._both(lambda store: store.received_after(0, 99))
        self._both(lambda store: store.rekeys())
        self._both(lambda store: store.unopened())
        self._both(lambda store: store.safe())
        self._both(lambda store: store.to_return(99))
        self._both(lambda store: store.without_bytes(99))
        self._both(lambda store: store.outgoing(numbers(1, 3)))
        for life in (view.incarnation, *(stream.incarnation for stream in view.former), PEER, OTHER):
            self._sum_up(life, RangeSet.of([(2, 5)]))

    def _lives(self) -> tuple[Incarnation, ...]:
        """Our incarnations of which the peer holds something, the current one first."""
        view = self._both(lambda store: store.open_session())
        return (view.incarnation, *(stream.incarnation for stream in view.former))

    def _reseal(self, asked: AskedRekey, sealed: bytes) -> None:
        self._both(
            lambda store: store.reseal(
                bundle_id=asked.bundle_id, recipient_key=asked.recipient_key, sealed=sealed
            )
        )

    def _lose(self, life: Incarnation, sequences: RangeSet) -> None:
        self._both(lambda store: store.mark_lost(life, sequences))

    def _sum_up(self, life: Incarnation, sequences: RangeSet) -> None:
        self._both(lambda store: store.digest(life, sequences))
        self._both(lambda store: store.received_digest(life, sequences))

    def _both(self, call: Callable[[Store], Awaitable[T]]) -> T:
        """The answer, which has to be the same."""

        async def run(store: Store) -> T:
            return await call(store)

        expected = self._runner.run(run(self._model))
        assert self._runner.run(run(self._store)) == expected
        return expected

    def _open_database(self) -> None:
        async def open_store() -> tuple[Database, SqlitePairStore]:
            database = await Database.open(
                Path(self._folder.name) / "spool.db", [CUSTODY_SCHEMA], execution=Execution.INLINE
            )
            stores = SqliteStore(database, new_incarnation=self._new_incarnation, wall_s=lambda: self._now_s)
            return database, await stores.pair(Pseudonym(b"pair"))

        self._database, self._store = self._runner.run(open_store())


TestTwoStores = TwoStores.TestCase
TestTwoStores.settings = settings(max_examples=25, stateful_step_count=30)
