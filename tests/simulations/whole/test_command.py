"""`sfsim run --whole`: results for the report and for comparisons, refusals, and the status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from simulations.cli import main
from simulations.report import EVENT_MODE, WHOLE_STACK, load_results

WORLD = """
name = "tiny"
title = "One clinic"
source = "Made up for one test, and for nothing else at all."
days = 0.2
reply_bytes = 480
[[mixes]]
name = "busy"
source = "Made up for one test, and for nothing else at all."
cases_per_day = 10.0
urgency = [["emergency", 0.2], ["urgent", 0.2], ["routine", 0.6], ["bulk", 0.0]]
text_bytes = 800
photos = 0.5
photo_bytes = 20_000
follow_ups = 1.0
complaints = [["general", 1.0]]
[[sites]]
name = "clinic"
count = 1
mix = "busy"
region = "here"
[[sites.links]]
profile = "geo-clean"
every_s = 1800
[[clinicians]]
name = "general"
count = 2
from_hour = 0
until_hour = 0
reading_s = 300
"""


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_a_whole_run_is_reported_and_compared(tmp_path: Path) -> None:
    world = tmp_path / "tiny.toml"
    world.write_text(WORLD)
    whole, events, trace = tmp_path / "whole.json", tmp_path / "events.json", tmp_path / "trace.txt"
    played = invoke(
        "run", str(world), "--whole", "--seals", "real", "--out", str(whole), "--trace", str(trace)
    )
    assert played.exit_code == 0, played.output
    assert "no violation of" in played.output
    assert invoke("run", str(world), "--out", str(events)).exit_code == 0
    assert (load_results(events).played, load_results(whole).played) == (EVENT_MODE, WHOLE_STACK)
    assert load_results(whole).trace_hash in played.output
    # The trace counts seconds as the results do: whoever reads of a case finds it there.
    results = load_results(whole)
    lines = [line.split() for line in trace.read_text().splitlines()]
    sent_s = [float(line[0]) for line in lines if line[2:4] == ["case", "sent"]]
    assert sent_s == pytest.approx([case.opened_s for case in results.cases], abs=60)
    assert all(float(line[0]) > -4 * 3_600 for line in lines)

    page = tmp_path / "whole.html"
    assert invoke("report", str(whole), "--out", str(page)).exit_code == 0
    assert "Played: whole stack." in page.read_text()
    assert "Alarms are those that the product raised itself" in page.read_text()

    both = tmp_path / "both.html"
    compared = invoke("compare", str(events), str(whole), "--out", str(both))
    assert compared.exit_code == 0
    assert "<h1>event mode or whole stack?</h1>" in both.read_text()


def test_a_file_of_before_there_were_whole_runs_is_one_of_event_mode(tmp_path: Path) -> None:
    world, path = tmp_path / "tiny.toml", tmp_path / "events.json"
    world.write_text(WORLD)
    assert invoke("run", str(world), "--out", str(path)).exit_code == 0
    document = json.loads(path.read_text())
    del document["played"], document["notes"]
    path.write_text(json.dumps(document))
    assert load_results(path).played == EVENT_MODE


def test_what_cannot_be_played_is_refused_before_anything_runs(tmp_path: Path) -> None:
    many = invoke("run", "thousand", "--whole")
    assert many.exit_code == 1
    assert "Error: thousand has 1000 sites" in many.output
    nowhere = invoke("run", "small-fleet", "--whole", "--out", str(tmp_path / "no" / "where.json"))
    assert nowhere.exit_code == 1
    assert "its folder does not exist" in nowhere.output
    restored = invoke("run", "small-fleet", "--whole", "--hub-restores", "1")
    assert restored.exit_code == 2
    assert "No such option" in restored.output
