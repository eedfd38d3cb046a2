"""A report says what the results say, keeps to itself, and refuses files that are no results."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from simulations.report import ResultsError, load_results, save_results
from simulations.report.command import compare, report
from simulations.report.figures import calibration, curve, spread, waits
from simulations.report.page import comparison_page, report_page
from simulations.report.plots import span_words
from tests.simulations.report.sample import sample_results, violated


def test_results_survive_their_file(tmp_path: Path) -> None:
    results = sample_results(violations=violated(["twice"]))
    save_results(results, tmp_path / "run.json")
    assert load_results(tmp_path / "run.json") == results
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda document: document.update(format="x"), "was not written by sfsim run"),
        (lambda document: document.pop("seed"), "is damaged or of another version: 'seed'"),
        (lambda document: document.update(seed="1"), "seed is '1'"),
        (lambda document: document["cases"]["columns"].__setitem__(0, "x"), "unknown column 'x'"),
        (lambda document: document["cases"]["rows"][0].pop(), "is damaged or of another version"),
        (lambda document: document["cases"]["rows"][0].__setitem__(4, "soon"), "opened_s is 'soon'"),
        (lambda document: document["queue"].update(rows=3), "is damaged or of another version"),
    ],
)
def test_what_are_no_results_is_refused(tmp_path: Path, change, says: str) -> None:  # type: ignore[no-untyped-def]  # a lambda of any document.
    path = tmp_path / "run.json"
    save_results(sample_results(), path)
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    with pytest.raises(ResultsError, match=re.escape(says)):
        load_results(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="cannot be read: No such file"):
        load_results(tmp_path / "gone.json")
    (tmp_path / "half.json").write_text('{"format":')
    with pytest.raises(ResultsError, match="is not valid JSON"):
        load_results(tmp_path / "half.json")


def test_what_never_came_counts_in_every_figure() -> None:
    taken = spread([1.0, 2.0, 3.0, None])
    assert (taken.count, taken.missing, taken.median, taken.tenth_worst, taken.worst) == (
        4,
        1,
        2.0,
        None,
        None,
    )
    assert curve("", [1.0, 3.0, None, None]).points[-1] == (3.0, 0.5)
    assert spread([]).median is None


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=2_000))
def test_a_thinned_curve_ends_where_the_values_do(values: list[float]) -> None:
    points = curve("", list(values)).points
    assert len(points) <= 202
    assert points[-1] == (max(values), 1.0)
    assert [share for _, share in points] == sorted(share for _, share in points)


def test_link_and_people_are_told_apart() -> None:
    results = sample_results()
    split = waits(results.cases)
    assert split.cases == 199
    answered = [case for case in results.cases if case.reply_stored_s is not None]
    total_s = sum(case.reply_stored_s - case.opened_s for case in answered if case.reply_stored_s) / 199
    assert split.link_up_s + split.people_s + split.link_down_s == pytest.approx(total_s)


def test_a_forecast_is_judged_by_the_share_inside() -> None:
    rows = sample_results().deliveries
    told = calibration(rows)
    assert told.told == 200
    assert told.inside + told.early + told.late == 200
    late = [replace(row, forecast_high_s=0.0) for row in rows if row.forecast_high_s is not None]
    assert calibration(late).share == 0
    assert calibration([]).share is None


class Tags(HTMLParser):
    """What a page refers to, and which elements it has."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.outside: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.outside += [value or "" for name, value in attrs if name in ("src", "href")]


def test_a_page_is_whole_in_itself_and_says_what_was_seen() -> None:
    results = sample_results()
    page = report_page(results)
    tags = Tags(page)
    assert "script" not in tags.names
    assert tags.outside == []
    assert tags.names.count("svg") == 4
    assert f"no violation was seen of {len(results.checked)} properties" in page
    assert all(f"<li>{each}.</li>" in page for each in results.checked)
    assert all(f"<td>{row.kind}</td>" in page for row in results.sites)
    assert all(f"<td>{alarm.cause}</td>" in page for alarm in results.alarms)
    assert "physical bound" in page
    assert results.trace_hash in page


def test_violations_are_shown_first_and_nothing_watched_is_not_called_safe() -> None:
    page = report_page(sample_results(violations=violated(["bundle <7> twice"])))
    assert "No: 1 violations" in page
    assert "bundle &lt;7&gt; twice" in page
    assert "no violation" not in report_page(sample_results(checked=()))


def test_names_cannot_become_markup() -> None:
    results = sample_results(world="<script>alert(1)</script>", policy='"><b>')
    for page in (report_page(results), comparison_page(results, replace(results, policy="<i>"))):
        assert not {"script", "b", "i"} & set(Tags(page).names)


def test_a_run_in_which_nothing_happened_has_a_page_too() -> None:
    page = report_page(sample_results(cases=0, queue=(), sites=()))
    assert page.count("Nothing of this kind happened") == 4


def test_the_commands_write_the_page_and_the_tables(tmp_path: Path) -> None:
    save_results(sample_results(), tmp_path / "a.json")
    save_results(sample_results(seed=2, policy="fastest first"), tmp_path / "b.json")
    done = CliRunner().invoke(report, [str(tmp_path / "a.json"), "--csv"])
    assert done.exit_code == 0, done.output
    assert len(done.output.split()) == 7
    assert (tmp_path / "a-cases.csv").read_text().splitlines()[0].startswith("case,site,kind,priority")
    done = CliRunner().invoke(
        compare, [str(tmp_path / "a.json"), str(tmp_path / "b.json"), "--out", str(tmp_path / "both.html")]
    )
    assert done.exit_code == 0, done.output
    assert "reply at the site, median" in done.output
    # Two things at once: whoever reads the figures must not take them for the policy's alone.
    assert "differ in policy (cheapest first and fastest first), seed (1 and 2)" in done.output
    assert "policy cheapest first" in (tmp_path / "both.html").read_text()


def test_the_commands_refuse_in_one_sentence(tmp_path: Path) -> None:
    done = CliRunner().invoke(report, [str(tmp_path / "gone.json")])
    assert done.exit_code == 1
    assert "gone.json cannot be read" in done.output
    save_results(sample_results(), tmp_path / "a.json")
    done = CliRunner().invoke(report, [str(tmp_path / "a.json"), "--out", str(tmp_path / "no" / "a.html")])
    assert done.exit_code == 1
    assert "cannot be written: No such file" in done.output


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0144, "14.4 ms"),
        (0.5, "0.5 s"),
        (59, "59 s"),
        (90, "1.5 min"),
        (3_600, "1 h"),
        (80_000, "22.2 h"),
        (604_800, "7 d"),
    ],
)
def test_times_are_said_in_the_unit_that_suits_them(seconds: float, words: str) -> None:
    assert span_words(seconds) == words
