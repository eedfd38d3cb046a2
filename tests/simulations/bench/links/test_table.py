"""What was measured is shown beside what was asked; what was not measured is named with its reason."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from simulations.bench.links.measure import Choice, Measured, measure_scenarios
from simulations.bench.links.outcome import Outcome, middle
from simulations.bench.links.scenario import Figure, Finish, Goal, Parcel, Scenario
from simulations.bench.links.table import link_rows, side_by_side
from simulations.bench.rows import NotMeasured, Row, write_rows
from simulations.links import DirectionProfile, LinkProfile

DIRECTION = DirectionProfile(rate_bit_s=8_000, delay_ms=100, queue_bytes=8_192)
ROW = Scenario(
    name="row",
    title="a row",
    link=LinkProfile("test", "Test link", "Made for tests.", DIRECTION, DIRECTION, 1_500),
    rounds=((Parcel(name="text", sealed=bytes(1_000)),),),
    finish=Finish.EXCHANGED,
    goals=(
        Goal(way="udp", figure=Figure.SECONDS, reach=2.0, stretch=1.3),
        Goal(way="udp", figure=Figure.OVERHEAD_BYTES, reach=100),
        Goal(way="udp", figure=Figure.TIMES_BYTES, reach=1.2),
    ),
)
OUTCOME = Outcome(seconds=1.5, bound_s=1.2, up_bytes=1_100, down_bytes=40)


def measured(**outcomes: Outcome) -> Measured:
    return Measured(ROW, (1,), dict(outcomes), {"rsync": "rsync is not installed"})


def rows(**outcomes: Outcome) -> dict[str, Row]:
    return {row.unit: row for row in link_rows([measured(**outcomes)]) if isinstance(row, Row)}


def test_each_way_has_its_line_and_an_absent_one_its_reason() -> None:
    lines = side_by_side(measured(udp=OUTCOME))
    assert lines[1] == "a row (bound 1.20 s, one run)"
    assert lines[4].split() == ["udp", "1.50", "1.25", "1100", "40", "1.14"]
    assert lines[-1] == "rsync: not run: rsync is not installed."


def test_figures_are_judged_by_what_was_asked() -> None:
    judged = rows(udp=OUTCOME)
    assert (judged["s"].verdict, judged["s"].bound) == ("reached", 1.2)
    assert (judged["B beyond the payload"].value, judged["B beyond the payload"].verdict) == (140, "MISSED")
    assert (judged["x the payload, up"].value, judged["x the payload, up"].verdict) == (1.1, "reached")


def test_a_run_that_ended_early_tells_no_bytes() -> None:
    told = link_rows([measured(udp=replace(OUTCOME, is_settled=False))])
    assert [row.name for row in told if isinstance(row, NotMeasured)] == [
        "row: udp: B beyond the payload",
        "row: udp: x the payload, up",
        "row: rsync",
    ]


def test_the_median_of_seeds_counts_a_run_that_was_not_done_as_endless() -> None:
    never = replace(OUTCOME, seconds=None, reason="not done in 60 s", twice_bytes=7)
    assert middle([OUTCOME, never, replace(OUTCOME, seconds=3.0)]).seconds == 3.0
    lost = middle([OUTCOME, never, never])
    assert (lost.seconds, lost.reason, lost.twice_bytes) == (None, "not done in 60 s", 7)


def test_what_was_not_measured_is_in_the_file_too(tmp_path: Path) -> None:
    write_rows(link_rows([measured(udp=OUTCOME)]), tmp_path / "bench.json")
    kept = json.loads((tmp_path / "bench.json").read_text())
    assert {"name": "row: rsync", "not_measured": "rsync is not installed"} in kept
    assert kept[0]["verdict"] == "reached"


async def test_a_row_of_minutes_is_left_to_the_full_bench() -> None:
    slow = replace(ROW, rounds=((Parcel(name="text", sealed=bytes(100_000)),),))
    shown: list[Measured] = []
    (row,) = await measure_scenarios([slow], Choice(mode="relay"), progress=lambda _: None, done=shown.append)
    assert shown == [row]
    assert row.outcomes == {}
    assert set(row.not_run.values()) == {"takes more than a minute; make bench-full runs it"}
