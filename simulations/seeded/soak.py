"""Plays worlds on every core until there were enough, time is up or somebody stops it, and counts them.

Law: every number it prints is of worlds played to their end; a world that could not be is one that broke.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from types import FrameType
from typing import Final

import click

from simulations.virtual.trace import Trace

from .scenarios import SCENARIOS, replay_words

SAY_EVERY_S: Final = 2.0
BATCH: Final = 20
"""Worlds that a process plays before it reports."""
BATCHES_PER_PROCESS: Final = 3
"""Handed out ahead, so that no core waits."""
WHOLE_EVERY: Final = 100
WHOLE: Final = {
    0: "consults",
    1: "upheavals",
    30: "failing-disks",
    50: "consults",
    51: "upheavals",
    60: "strangers",
    80: "dear-links",
    90: "proxies",
}
"""Of so many worlds these are of whole sites, by what is left of their seed: each takes as long as thirty
others."""
PARTLY: Final = ("pair", "recovery", "setbacks", "versions", "turns", "airwaves")
WORDS_MAX: Final = 400
_ENDING: Final = frozenset({signal.SIGINT, signal.SIGTERM})


def scenario_of(seed: int) -> str:
    """Which kind of world a soak makes of a seed."""
    return WHOLE.get(seed % WHOLE_EVERY) or PARTLY[seed % len(PARTLY)]


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of some worlds."""

    played: int
    broken: tuple[str, ...]
    """A sentence for each that broke a law, with the words that show it again."""


@dataclass(slots=True)
class _Tally:
    """Of all that was played so far."""

    began_s: float = field(default_factory=time.monotonic)
    said_s: float = 0.0
    played: int = 0
    broken: int = 0

    def add(self, batch: Batch) -> None:
        self.played += batch.played
        self.broken += len(batch.broken)
        for words in batch.broken:
            click.echo(f"\n{words}")

    def say(self) -> None:
        """How far it is, from the first seconds on, but not too often."""
        now_s = time.monotonic()
        if now_s - self.said_s >= SAY_EVERY_S:
            self.said_s = now_s
            click.echo(f"\r{self.words()}", nl=False, err=True)

    def words(self) -> str:
        span_s = max(time.monotonic() - self.began_s, 1e-3)
        return f"{self.played} worlds, {self.broken} broke a law, {self.played / span_s:.1f} a second"


def soak_worlds(*, from_seed: int, count: int | None, span_s: float | None, jobs: int) -> int:
    """How many worlds broke a law; tells of each, and of the progress. An interrupt ends it early."""
    tally = _Tally()
    ends_s = None if span_s is None else tally.began_s + span_s
    interrupt = _Interrupt()
    # Each process begins anew: whatever this one has imported or drawn is nothing to a world.
    with interrupt, ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        _play_all(pool, _batches(from_seed, count), ends_s, tally, interrupt, jobs * BATCHES_PER_PROCESS)
        pool.shutdown(cancel_futures=True)
    click.echo("", err=True)
    stopped = "stopped: " if interrupt.has_come else ""
    click.echo(f"{stopped}from seed {from_seed}: {tally.words()}")
    return tally.broken


class _Interrupt:
    """Remembers that somebody pressed Ctrl-C, or asked to terminate: raised anywhere, it would tear the pool
    in the middle of its work and hang it."""

    def __init__(self) -> None:
        self.has_come = False

    def __enter__(self) -> None:
        self._before = [(each, signal.signal(each, self._note)) for each in _ENDING]

    def __exit__(self, *_: object) -> None:
        for each, handler in self._before:
            signal.signal(each, handler)

    @contextmanager
    def kept_from_children(self) -> Iterator[None]:
        """A process that is started meanwhile never hears of an interrupt: it ends with its parent."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.has_come = True


def _play_all(
    pool: ProcessPoolExecutor,
    batches: Iterator[range],
    ends_s: float | None,
    tally: _Tally,
    interrupt: _Interrupt,
    ahead: int,
) -> None:
    waiting: set[Future[Batch]] = set()
    has_more = True
    while (waiting or has_more) and not interrupt.has_come:
        with interrupt.kept_from_children():
            while has_more and len(waiting) < ahead:
                seeds = next(batches, None) if ends_s is None or time.monotonic() < ends_s else None
                has_more = seeds is not None
                if seeds is not None:
                    waiting.add(pool.submit(play_batch, seeds))
        finished, waiting = wait(waiting, timeout=SAY_EVERY_S, return_when=FIRST_COMPLETED)
        for future in finished:
            tally.add(future.result())
        tally.say()
    if interrupt.has_come:
        click.echo("\rstopping: worlds that are being played come to their end first", err=True)


def _batches(from_seed: int, count: int | None) -> Iterator[range]:
    seed = from_seed
    while count is None or seed < from_seed + count:
        end = seed + BATCH if count is None else min(seed + BATCH, from_seed + count)
        yield range(seed, end)
        seed = end


def play_batch(seeds: range) -> Batch:
    """In a process of its own."""
    broken = [words for seed in seeds if (words := _broken(scenario_of(seed), seed)) is not None]
    return Batch(len(seeds), tuple(broken))


def _broken(scenario: str, seed: int) -> str | None:
    try:
        violations = SCENARIOS[scenario](seed, Trace()).violations
    except Exception as error:  # noqa: BLE001 - Recorded with its seed; the other worlds go on.
        violations = [f"the world stopped: {first_cause(error)!r}"]
    return f"{violations[0][:WORDS_MAX]}\n{replay_words(scenario, seed)}" if violations else None


def first_cause(error: BaseException) -> BaseException:
    """What lies inside groups of errors."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
