"""A soak counts what it played, names what broke, and ends when it is told to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from click.testing import CliRunner

from simulations.seeded import scenarios
from simulations.seeded.command import soak as soak_command
from simulations.seeded.soak import play_batch, scenario_of, soak_worlds


def test_every_kind_of_world_is_soaked() -> None:
    assert {scenario_of(seed) for seed in range(1, 101)} == set(scenarios.SCENARIOS)


def test_all_are_played_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert soak_worlds(from_seed=2, count=3, span_s=None, jobs=1) == 0
    assert "from seed 2: 3 worlds, 0 broke a law" in capsys.readouterr().out


def test_a_world_that_cannot_be_played_is_one_that_broke(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise ExceptionGroup("of tasks", [RuntimeError("the sea is too high")])

    monkeypatch.setitem(scenarios.SCENARIOS, "pair", stop)
    batch = play_batch(range(6, 7))
    assert scenario_of(6) == "pair"
    assert batch.played == 1
    assert "the sea is too high" in batch.broken[0]
    assert "seed=6 replay: sfsim replay 6 --scenario pair" in batch.broken[0]


def test_a_soak_of_no_number_of_hours_is_refused() -> None:
    refused = CliRunner().invoke(soak_command, ["--hours", "nan"])
    assert refused.exit_code == 2
    assert "nan is no number of hours" in refused.output


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_it_with_the_count_so_far(ending: signal.Signals) -> None:
    command = [
        sys.executable,
        "-m",
        "simulations.cli",
        "soak",
        "--count",
        "100000",
        "--jobs",
        "1",
        "--from-seed",
        "2",
    ]
    soak = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert soak.stderr is not None
    # The first progress: it has begun.
    while "worlds" not in (read := soak.stderr.read(24)):
        assert read, "it ended by itself"
    os.killpg(soak.pid, ending)
    told, said = soak.communicate(timeout=40)
    assert "stopping" in said
    assert "stopped: from seed 2: " in told
    assert soak.returncode == 0
