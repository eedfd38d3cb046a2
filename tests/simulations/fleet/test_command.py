"""`sfsim run` plays a world, writes its results, and says with its status whether a law was broken."""

from __future__ import annotations

import signal
from dataclasses import replace
from hashlib import blake2b
from importlib.resources import files
from pathlib import Path

import pytest
from click import ClickException
from click.testing import CliRunner, Result

from simulations.cli import main
from simulations.fleet.asking import status_of, summary, told, unwinding_when_terminated
from simulations.report import ViolationRow, load_results
from simulations.report.figures import waits
from tests.architecture.checkout import ROOT


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


def test_a_run_writes_down_its_events_and_is_the_same_with_them(tmp_path: Path) -> None:
    out, trace = tmp_path / "mine.json", tmp_path / "trace.txt"
    options = ("small-fleet", "--kind", "island", "--days", "1", "--out", str(out))
    assert invoke(*options).exit_code == 0
    plain = load_results(out)
    assert invoke(*options, "--trace", str(trace)).exit_code == 0
    assert load_results(out).trace_hash == plain.trace_hash
    lines = trace.read_text(encoding="utf-8").splitlines()
    digest = blake2b("".join(f"{line}\n" for line in lines).encode(), digest_size=16).hexdigest()
    assert digest == plain.trace_hash
    assert any(" queued bundle=" in line for line in lines)
    refused = invoke(*options, "--trace", str(tmp_path / "no" / "trace.txt"))
    assert "its folder does not exist. Nothing was run. Choose another --trace." in refused.output


def test_a_long_run_shows_how_far_it_is(tmp_path: Path) -> None:
    result = invoke("small-fleet", "--days", "0.2", "--out", str(tmp_path / "mine.json"))
    assert "small-fleet, 0.2 days" in result.stderr


def test_one_kind_of_site_is_played_on_another_link(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    bgan = (ROOT / "simulations" / "profiles" / "bgan.toml").read_text(encoding="utf-8")
    mine.write_text(bgan.replace('name = "bgan"', 'name = "mine"'), encoding="utf-8")
    out = tmp_path / "out.json"
    result = invoke("small-fleet", "--kind", "ship", "--link", str(mine), "--days", "1", "--out", str(out))
    assert result.exit_code == 0, result.output
    results = load_results(out)
    assert results.world == "small-fleet-on-mine"
    assert {(row.kind, row.links) for row in results.sites} == {("ship", "mine")}
    assert len(results.sites) == 8


def test_more_looks_bring_replies_sooner_and_cost_more(tmp_path: Path) -> None:
    runs = []
    for name, looks in (("rarely", ()), ("often", ("--look-every", "300"))):
        out = tmp_path / f"{name}.json"
        options = ("--kind", "post", "--link", "bgan", "--days", "10", *looks, "--out", str(out))
        assert invoke("small-fleet", *options).exit_code == 0
        runs.append(load_results(out))
    rarely, often = runs
    assert often.world == "small-fleet-on-bgan-each-300-s"
    assert often.sites[0].usd > 2 * rarely.sites[0].usd
    waits_s = [waits(run.cases).link_down_s for run in runs]
    assert 0 < waits_s[1] < 300 < waits_s[0]


def test_a_link_of_messages_is_played(tmp_path: Path) -> None:
    out = tmp_path / "mine.json"
    options = ("--kind", "island", "--link", "iridium-sbd", "--days", "4", "--out", str(out))
    result = invoke("small-fleet", *options)
    assert result.exit_code == 0, result.output
    results = load_results(out)
    assert {row.links for row in results.sites} == {"iridium-sbd"}
    assert any(row.link == "iridium-sbd" for row in results.deliveries)


def test_a_kind_or_a_link_that_cannot_be_is_refused(tmp_path: Path) -> None:
    unknown = invoke("small-fleet", "--kind", "barge")
    assert unknown.exit_code == 1
    assert "has no sites of the kind 'barge'. There are ship, trawler, island" in unknown.output
    scrap = tmp_path / "scrap.toml"
    sbd = (files("simulations") / "profiles" / "iridium-sbd.toml").read_text()
    scrap.write_text(sbd.replace("down_bytes_max = 270", "down_bytes_max = 100"))
    too_short = invoke("small-fleet", "--link", str(scrap))
    assert too_short.exit_code == 1
    assert "messages carry 100 bytes; a letter of the product takes 160 at least" in too_short.output
    assert "There is no link profile named 'sat'" in invoke("small-fleet", "--link", "sat").output


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
    known = "Known are blackout, outposts, small-fleet, thousand"
    assert f"There is no world named 'big-fleet'. {known}" in unknown.output
    nowhere = invoke("small-fleet", "--days", "0.1", "--out", str(tmp_path / "no" / "x.json"))
    assert nowhere.exit_code == 1
    assert "cannot be written" in nowhere.output
    many = invoke("thousand", "--custody", "files", "--out", str(tmp_path / "x.json"))
    assert many.exit_code == 1
    assert "1000 sites are too many for custody in files, of which 100 have room." in many.output
    for wrong in (("--days", "0"), ("--sites", "0"), ("--policy", "best"), ("--seed", "x")):
        assert invoke("small-fleet", *wrong).exit_code == 2


def test_a_violation_is_named_and_is_the_status(tmp_path: Path) -> None:
    out = tmp_path / "mine.json"
    invoke("small-fleet", "--days", "0.1", "--out", str(out))
    results = load_results(out)
    broken = replace(
        results, violations=(ViolationRow(property="A law", at_s=1.0, words="A law is broken."),)
    )
    assert "VIOLATED: A law is broken." in list(summary(broken, processor_s=1.0))
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


def test_two_variants_of_a_world_do_not_write_over_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    options = ("small-fleet", "--kind", "care home", "--days", "0.1")
    for more in ((), ("--policy", "daily"), ("--site-restores", "1"), ("--link", "bgan")):
        assert invoke(*options, *more).exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "small-fleet-care-home-0.1-days-1-0-restores-1.json",
        "small-fleet-care-home-0.1-days-1.json",
        "small-fleet-care-home-0.1-days-daily-1.json",
        "small-fleet-on-bgan-care-home-0.1-days-1.json",
    ]
    (note,) = load_results(tmp_path / "small-fleet-care-home-0.1-days-1-0-restores-1.json").notes
    assert note == "Disks went back to backups in this run: one of a site 1 times, the hub's 0 times."


def test_a_kind_of_any_name_gives_a_file_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    kind = "camp / north " + "x" * 300
    own = (ROOT / "simulations" / "worlds" / "small-fleet.toml").read_text(encoding="utf-8")
    Path("own.toml").write_text(own.replace('name = "island"\ncount', f'name = "{kind}"\ncount'))
    result = invoke("own.toml", "--kind", kind, "--days", "0.1")
    assert result.exit_code == 0, result.output
    assert Path(f"small-fleet-camp-north-{'x' * 29}-0.1-days-1.json").exists()


def test_results_and_trace_are_two_files(tmp_path: Path) -> None:
    out = tmp_path / "mine.json"
    result = invoke("small-fleet", "--days", "0.1", "--out", str(out), "--trace", str(out))
    assert result.exit_code == 1
    assert "is where the results go. Nothing was run. Choose another --trace." in result.output
    assert not out.exists()


def test_storms_that_take_no_link_of_a_region_are_told(tmp_path: Path) -> None:
    out = tmp_path / "mine.json"
    same = invoke("small-fleet", "--days", "0.1", "--out", str(out))
    assert "Storms over" not in same.output
    result = invoke("small-fleet", "--kind", "island", "--link", "bgan", "--days", "0.1", "--out", str(out))
    assert "and this run has none of these storms." in result.output
    assert "no site there has such a link" in load_results(out).notes[0]


def test_what_was_computed_is_said_even_where_it_cannot_be_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "mine.json"
    invoke("small-fleet", "--days", "0.1", "--out", str(out))
    results = load_results(out)
    with pytest.raises(ClickException, match="The run is lost: play it again with another --out"):
        told(results, tmp_path / "gone" / "mine.json", processor_s=1.0)
    assert results.trace_hash in capsys.readouterr().out


def test_a_request_to_terminate_unwinds_a_run() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as ended, unwinding_when_terminated():
        signal.raise_signal(signal.SIGTERM)
    assert ended.value.code == 143
    assert signal.getsignal(signal.SIGTERM) is before


def test_one_command_line_asks_for_one_kind_of_run(tmp_path: Path) -> None:
    both = invoke("small-fleet", "--whole", "--real", "lan", "--out", str(tmp_path / "x.json"))
    assert both.exit_code == 2
    assert "--real and --whole are two different runs: leave one of them out." in both.output
    unknown = invoke("small-fleet", "--whole", "--custody", "files")
    assert unknown.exit_code == 2
    assert "Try 'main run --whole --help'" in unknown.output


def test_an_unknown_world_names_the_known_ones_once() -> None:
    result = invoke("nowhere")
    assert result.exit_code == 1
    assert result.output.count("small-fleet") == 1
    assert ".." not in result.output
