"""The rows as people read them, every way side by side, and as what `build/bench.json` keeps."""

from __future__ import annotations

from collections.abc import Sequence

from simulations.bench.rows import NotMeasured, Row
from simulations.demo.screen import table

from .measure import Measured
from .outcome import Outcome, figure_of
from .scenario import MORE_IS_BETTER, Figure, Finish, Scenario

_HEADS = ("", "time s", "x bound", "IP up B", "IP down B", "x payload", "")


def side_by_side(row: Measured) -> list[str]:
    """One table: a line for each way, and one for each that did not run."""
    scenario = row.scenario
    payload_bytes = scenario.payload_up_bytes + scenario.payload_down_bytes
    cells = [_cells(way, outcome, payload_bytes) for way, outcome in row.outcomes.items()]
    heads = ["", f"{scenario.title}{_bound_said(row)}"]
    lines = table(_HEADS, cells) if cells else []
    return [*heads, *lines, *(f"{way}: not run: {reason}." for way, reason in row.not_run.items())]


def link_rows(measured: Sequence[Measured]) -> list[Row | NotMeasured]:
    """Every figure by its row, way and unit; judged where something is asked."""
    rows: list[Row | NotMeasured] = []
    for row in measured:
        for way, outcome in row.outcomes.items():
            rows += _figures(row.scenario, way, outcome)
        rows += [NotMeasured(f"{row.scenario.name}: {way}", reason) for way, reason in row.not_run.items()]
    return rows


def _figures(scenario: Scenario, way: str, outcome: Outcome) -> list[Row | NotMeasured]:
    goals = {goal.figure: goal for goal in scenario.goals if goal.way == way}
    rows: list[Row | NotMeasured] = []
    for figure in dict.fromkeys((*goals, Figure.SECONDS, Figure.LINK_BYTES)):
        value, goal = figure_of(figure, outcome, scenario), goals.get(figure)
        name = f"{scenario.name}: {way}"
        if value is None:
            if goal is not None or figure is Figure.SECONDS:
                rows.append(NotMeasured(f"{name}: {figure.value}", outcome.reason or "not told by this run"))
            continue
        rows.append(
            Row(
                name=name,
                value=value,
                unit=figure.value,
                bound=outcome.bound_s if figure is Figure.SECONDS else None,
                reach=goal.reach if goal is not None else None,
                stretch=goal.stretch if goal is not None else None,
                more_is_better=figure in MORE_IS_BETTER,
            )
        )
    return rows


def _cells(way: str, outcome: Outcome, payload_bytes: int) -> tuple[str, ...]:
    time = ratio = "-"
    if outcome.seconds is not None:
        time = f"{outcome.seconds:.2f}"
        ratio = f"{outcome.seconds / outcome.bound_s:.2f}" if outcome.bound_s else "-"
    both_bytes = outcome.up_bytes + outcome.down_bytes
    times = f"{both_bytes / payload_bytes:.2f}" if payload_bytes and outcome.is_settled else "-"
    notes = [words for words in (outcome.reason, outcome.note) if words]
    if outcome.is_estimated:
        notes.append("bytes estimated")
    if not outcome.is_settled and outcome.seconds is not None:
        notes.append("bytes until then")
    return way, time, ratio, str(outcome.up_bytes), str(outcome.down_bytes), times, "; ".join(notes)


def _bound_said(row: Measured) -> str:
    runs = f"median of {len(row.seeds)} seeds" if len(row.seeds) > 1 else "one run"
    bounds = [outcome.bound_s for outcome in row.outcomes.values() if outcome.bound_s is not None]
    if row.scenario.finish is Finish.PARTED or not bounds:
        return f" ({runs})"
    return f" (bound {min(bounds):.2f} s, {runs})"
