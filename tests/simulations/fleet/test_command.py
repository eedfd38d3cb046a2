"""`sfsim run` plays a world, writes its results, and says with its status whether a law was broken."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from click.testing import CliRunner, Result

from simulations.cli import main
from simulations.fleet.command import status_of, summary
from simulations.report import ViolationRow, load_results


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["run", *arguments])


def test_a_world_is_played_and_its_results_are_written(tmp_path: Path) -> None:
    out = tmp_path / "mine.json"
    result = invoke("small-fleet", "--days", "0.5", "--sites", "6", "--seed", "5", "--out", str(out))
    assert result.exit_code == 0, result.output
    results = load_results(out)
    assert (results.seed, len(results.sites), results.duration_s) == (5, 7, 43_200)
    assert results.trace_hash in result.output
    assert "no violation of 7 properties was seen" in result.output
    assert str(out) in result.output


def test_a_long_run_shows_how_far_it_is(tmp_path: Path) -> None:
    result = invoke("small-fleet", "--days", "0.2", "--out", str(tmp_path / "mine.json"))
    assert "small-fleet, 0.2 days" in result.stderr


def test_faults_are_played(tmp_path: Path) -> None:
    out = tmp_path / "mine.json"
    options = ("--site-restores", "2", "--hub-restores", "1", "--days", "1", "--out", str(out))
    result = invoke("small-fleet", *options)
    assert result.exit_code == 0, result.output
    plain = tmp_path / "plain.json"
    invoke("small-fleet", "--days", "1", "--out", str(plain))
    assert load_results(out).trace_hash != load_results(plain).trace_hash


def test_what_cannot_be_is_refused_in_words(tmp_path: Path) -> None:
    unknown = invoke("big-fleet", "--out", str(tmp_path / "x.json"))
    assert unknown.exit_code == 1
    assert "There is no world named 'big-fleet'. Known are blackout, small-fleet, thousand" in unknown.output
    nowhere = invoke("small-fleet", "--days", "0.1", "--out", str(tmp_path / "no" / "x.json"))
    assert nowhere.exit_code == 1
    assert "cannot be written" in nowhere.output
    for wrong in (("--days", "0"), ("--sites", "0"), ("--policy", "best"), ("--seed", "x")):
        assert invoke("small-fleet", *wrong).exit_code == 2


def test_a_violation_is_named_and_is_the_status(tmp_path: Path) -> None:
    out = tmp_path / "mine.json"
    invoke("small-fleet", "--days", "0.1", "--out", str(out))
    results = load_results(out)
    broken = replace(
        results, violations=(ViolationRow(property="A law", at_s=1.0, words="A law is broken."),)
    )
    assert "VIOLATED: A law is broken." in list(summary(broken))
    assert (status_of(results), status_of(broken)) == (0, 1)


def test_where_nothing_can_be_written_nothing_is_run(tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    kept.write_text("earlier")
    for out, words in (
        (tmp_path, "it is a folder"),
        (tmp_path / "none" / "x.json", "its folder does not exist"),
        (kept / "x.json", "its folder does not exist"),
    ):
        result = invoke("small-fleet", "--days", "0.2", "--out", str(out))
        assert (result.exit_code, words in result.output) == (1, True), result.output
        assert "small-fleet, 0.2 days" not in result.output
    assert kept.read_text() == "earlier"


def test_an_unknown_world_names_the_known_ones_once() -> None:
    result = invoke("nowhere")
    assert result.exit_code == 1
    assert result.output.count("small-fleet") == 1
    assert ".." not in result.output
