"""All runs of the rows: which take place here, how many at once, and what each gave."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from simulations.emulator import EmulatorError, namespace_obstacle
from simulations.emulator.link import ModeName
from simulations.peers import PEERS, Peer

from .ours import measure_ours
from .outcome import Outcome, middle
from .scenario import HTTP, UDP, Scenario
from .theirs import measure_peer

WAYS: Final = (UDP, HTTP)
QUICK_S: Final = 60.0
"""A run of `make bench` that takes longer is broken off, and said to be."""
AT_ONCE: Final = 4
"""On links so slow that their programs only wait, they do not disturb each other."""
SLOW_BIT_S: Final = 30_000.0
_BUSY_BIT_S: Final = 1_000_000.0
"""From here on a run keeps the machine busy; between the two only peers share it, as nobody judges them."""

Measuring = Callable[[int, Path], Awaitable[Outcome]]
Progress = Callable[[str], None]
"""Told of every run, so that nobody has to wonder whether it still goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What whoever asks wants measured."""

    is_full: bool = False
    mode: ModeName = "namespace"
    with_peers: bool = True
    seeds_max: int | None = None


@dataclass(slots=True)
class Measured:
    """A row and what each way gave; a way that did not run is named with the reason."""

    scenario: Scenario
    seeds: tuple[int, ...]
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    not_run: dict[str, str] = field(default_factory=dict)


async def measure_scenarios(
    chosen: Sequence[Scenario], choice: Choice, *, progress: Progress, done: Callable[[Measured], None]
) -> list[Measured]:
    """One row after another, each told to `done`; what cannot run here is said so, and stops no other."""
    obstacle = namespace_obstacle() if choice.mode == "namespace" else None
    measured = []
    for number, scenario in enumerate(chosen, 1):
        row = Measured(scenario, _seeds(scenario, choice))
        if obstacle is not None:
            why = f"{obstacle}; `--mode relay` measures without, with estimated bytes"
            row.not_run = dict.fromkeys(WAYS, why)
        elif not choice.is_full and (scenario.bound_s(1) or 0.0) >= QUICK_S - 10:
            row.not_run = dict.fromkeys(WAYS, "takes more than a minute; make bench-full runs it")
        else:
            progress(f"row {number} of {len(chosen)}: {scenario.title}")
            await _measure(row, choice, progress)
        measured.append(row)
        done(row)
    return measured


async def _measure(row: Measured, choice: Choice, progress: Progress) -> None:
    """Every way and seed of one row, side by side where the link is slow."""
    runs: dict[str, list[Outcome]] = {}
    rate_bit_s = row.scenario.link.up.rate_bit_s

    async def take(turn: asyncio.Semaphore, way: str, seed: int, measuring: Measuring) -> None:
        async with turn:
            if way in row.not_run:
                return
            outcome: Outcome | None = None
            try:
                with tempfile.TemporaryDirectory(prefix="sf-bench-") as folder:
                    outcome = await measuring(seed, Path(folder))
            except* (EmulatorError, TimeoutError) as failures:
                row.not_run[way] = _first(failures)
            if outcome is None:
                return
            took = "not done" if outcome.seconds is None else f"{outcome.seconds:.2f} s"
            progress(f"    {way}, seed {seed}: {took}")
            runs.setdefault(way, []).append(outcome)

    ways = _ways(row, choice)
    for is_ours, alone_from_bit_s in ((True, SLOW_BIT_S), (False, _BUSY_BIT_S)):
        turn = asyncio.Semaphore(1 if rate_bit_s >= alone_from_bit_s else AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for way, seeds, measuring in ways:
                for seed in seeds if (way in WAYS) is is_ours else ():
                    group.create_task(take(turn, way, seed, measuring))
    row.outcomes = {way: middle(runs[way]) for way, _, _ in ways if way in runs and way not in row.not_run}


def _ways(row: Measured, choice: Choice) -> list[tuple[str, tuple[int, ...], Measuring]]:
    scenario = row.scenario
    limit_s = scenario.limit_s if choice.is_full else min(scenario.limit_s, QUICK_S)

    def ours(way: str) -> Measuring:
        return lambda seed, folder: measure_ours(
            scenario, way, seed, mode=choice.mode, limit_s=limit_s, folder=folder
        )

    ways = [(way, row.seeds, ours(way)) for way in WAYS]
    if scenario.peer_case is None or not choice.with_peers:
        return ways
    # One seed tells enough of a peer in a hurry; its figures are not judged.
    seeds = row.seeds if choice.is_full else row.seeds[:1]
    for peer in PEERS:
        if (obstacle := peer.obstacle()) is not None:
            row.not_run[peer.name] = obstacle
        else:
            ways.append((peer.name, seeds, _theirs(scenario, peer, choice, limit_s)))
    return ways


def _theirs(scenario: Scenario, peer: Peer, choice: Choice, limit_s: float) -> Measuring:
    case = scenario.peer_case
    if case is None:
        raise ValueError(f"{scenario.name} has nothing for a peer")
    return lambda seed, folder: measure_peer(
        scenario, peer, case, seed, mode=choice.mode, limit_s=limit_s, folder=folder
    )


def _first(failures: BaseExceptionGroup[BaseException]) -> str:
    """What went wrong first, in its own words."""
    first: BaseException = failures
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return str(first).rstrip(".") or "an end did not start in time"


def _seeds(scenario: Scenario, choice: Choice) -> tuple[int, ...]:
    is_busy = scenario.link.up.rate_bit_s >= _BUSY_BIT_S
    seeds = scenario.seeds if choice.is_full or not is_busy else scenario.seeds[:1]
    return seeds[: choice.seeds_max]
