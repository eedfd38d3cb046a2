"""Plays worlds on every core until there were enough, time is up or somebody stops it, and counts them.

Law: every number it prints is of worlds played to their end; a world that could not be is one that broke.
"""

from __future__ import annotations

import signal
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Final

import click

from .scenarios import SCENARIOS, replay_words
from .trace import Trace

SAY_EVERY_S: Final = 2.0
BATCH: Final = 20
"""Worlds that a process plays before it reports."""
BATCHES_PER_PROCESS: Final = 3
"""Handed out ahead, so that no core waits."""
CONSULTS_EVERY: Final = 50
"""One world in so many is one of whole sites: it takes as long as a hundred others."""
PARTLY: Final = ("pair", "recovery", "setbacks")
WORDS_MAX: Final = 400


def scenario_of(seed: int) -> str:
    """Which kind of world a soak makes of a seed."""
    return "consults" if seed % CONSULTS_EVERY == 0 else PARTLY[seed % len(PARTLY)]


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
    batches = _batches(from_seed, count)
    # Each process begins anew: whatever this one has imported or drawn is nothing to a world.
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_leave_interrupts)
    was_stopped = False
    try:
        _play_all(pool, batches, ends_s, tally, ahead=jobs * BATCHES_PER_PROCESS)
    except KeyboardInterrupt:
        was_stopped = True
    finally:
        pool.shutdown(cancel_futures=True)
    click.echo("", err=True)
    stopped = "stopped: " if was_stopped else ""
    click.echo(f"{stopped}from seed {from_seed}: {tally.words()}")
    return tally.broken


def _play_all(
    pool: ProcessPoolExecutor,
    batches: Iterator[range],
    ends_s: float | None,
    tally: _Tally,
    *,
    ahead: int,
) -> None:
    waiting: deque[Future[Batch]] = deque()
    has_more = True
    while waiting or has_more:
        while has_more and len(waiting) < ahead:
            seeds = next(batches, None) if ends_s is None or time.monotonic() < ends_s else None
            has_more = seeds is not None
            if seeds is not None:
                waiting.append(pool.submit(play_batch, seeds))
        finished, _ = wait(waiting, return_when=FIRST_COMPLETED)
        for future in finished:
            waiting.remove(future)
            tally.add(future.result())


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


def _leave_interrupts() -> None:
    """The parent ends its processes; a batch under way is finished."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
