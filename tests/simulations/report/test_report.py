"""A report says what the results say, keeps to itself, and refuses files that are no results."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from simulations.report import WHOLE_STACK, ResultsError, RunResults, load_results, save_results
from simulations.report.command import compare, report
from simulations.report.figures import Curve, calibration, curve, spread, waits
from simulations.report.page import comparison_page, comparison_rows, report_page, unlike
from simulations.report.pictures import Plot, pictures
from simulations.report.plots import curves, span_words
from simulations.report.tables import kind_rows
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
        (lambda document: document.update(duration_s=0.0), "duration_s is 0.0"),
        (lambda document: document.update(duration_s=float("nan")), "duration_s is nan"),
        (lambda document: document["cases"]["rows"][0].__setitem__(4, float("nan")), "opened_s is nan"),
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
    (tmp_path / "deep.json").write_text("[" * 100_000)
    with pytest.raises(ResultsError, match="too many brackets"):
        load_results(tmp_path / "deep.json")


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
    nothing = spread([])
    assert (nothing.count, nothing.missing) == (0, 0)
    assert math.isnan(nothing.median or 0.0)


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


def picture(results: RunResults, heading: str) -> Plot:
    return next(each for each in pictures(results) if each.heading.startswith(heading))


def test_each_class_stands_beside_its_own_bound_and_each_way_apart() -> None:
    results = sample_results()
    emergencies = tuple(row for row in results.deliveries if row.priority == 0)
    alone = picture(replace(results, deliveries=emergencies), "Delivery, class 0")
    assert alone.svg == picture(results, "Delivery, class 0").svg
    assert "bound to the hub" in alone.svg
    assert "to the site" not in alone.svg
    back = tuple(replace(row, up=index % 2 == 0) for index, row in enumerate(emergencies))
    assert "bound to the site" in picture(replace(results, deliveries=back), "Delivery, class 0").svg
    never = tuple(replace(row, bound_s=None) for row in emergencies)
    dark = picture(replace(results, deliveries=never), "Delivery, class 0").svg
    assert "to the hub" in dark
    assert "bound" not in dark


def test_bytes_money_and_forecasts_are_drawn_with_their_units() -> None:
    results = sample_results()
    assert "10 kB</text>" in picture(results, "Bytes of a case").svg
    assert "USD 0.1</text>" in picture(results, "Money of a case").svg
    told = calibration(row for row in results.deliveries if row.priority == 0)
    assert f"{told.share:.0%} of 40 inside" in picture(results, "Forecasts").svg


def test_a_legend_takes_as_many_lines_as_its_names_need() -> None:
    short, long = (
        curves("t", [Curve(name, ((1.0, 1.0),)) for name in names], x_words="later")
        for names in (("a", "b"), ("a" * 40, "b" * 40, "c"))
    )
    assert 'viewBox="0 0 640 300"' in short
    assert 'viewBox="0 -18 640 318"' in long


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
    assert tags.names.count("svg") == 10
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
    assert page.count("Nothing of this kind happened") == 10


def test_the_commands_write_the_page_and_the_tables(tmp_path: Path) -> None:
    save_results(sample_results(), tmp_path / "a.json")
    save_results(sample_results(seed=2, policy="fastest first"), tmp_path / "b.json")
    done = CliRunner().invoke(report, [str(tmp_path / "a.json"), "--csv"])
    assert done.exit_code == 0, done.output
    assert len(done.output.split()) == 7
    assert (tmp_path / "a-cases.csv").read_text().splitlines()[0].startswith("case,site,kind,priority")
    assert (tmp_path / "a-violations.csv").read_text().splitlines() == ["property,at_s,words"]
    done = CliRunner().invoke(
        compare, [str(tmp_path / "a.json"), str(tmp_path / "b.json"), "--out", str(tmp_path / "both.html")]
    )
    assert done.exit_code == 0, done.output
    assert "reply at the site, median" in done.output
    # Two things at once: whoever reads the figures must not take them for the policy's alone.
    assert "differ in policy (cheapest first and fastest first), seed (1 and 2)" in done.output
    assert "policy cheapest first" in (tmp_path / "both.html").read_text()


def test_a_run_that_is_compared_with_itself_is_called_that(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    save_results(sample_results(), path)
    done = CliRunner().invoke(compare, [str(path), str(path)])
    assert done.exit_code == 0
    assert f"Both are the same run: trace {sample_results().trace_hash}." in done.output


def test_where_there_was_nothing_it_is_not_said_that_some_never_came() -> None:
    results = sample_results()
    calm = replace(results, deliveries=tuple(row for row in results.deliveries if row.priority))
    rows = {row.name: row.cells for row in comparison_rows(calm, results)}
    assert rows["emergency to the hub, median"][0] == "none"
    assert rows["emergency to the hub, median"][2] == ""
    assert rows["emergency to the site, median"] == ("none", "none", "")
    idle = replace(results, cases=tuple(row for row in results.cases if row.site))
    assert "not all came" in report_page(results)
    (harbour,) = (row for row in kind_rows(replace(idle, sites=idle.sites[:1])))
    assert harbour.cells[2:6] == ("none",) * 4


def test_fleets_of_different_size_are_not_compared_in_silence() -> None:
    one, larger = sample_results(), sample_results(sites=sample_results().sites * 2)
    assert unlike(one, larger) == "sites (6 and 12)"
    assert unlike(one, replace(one, policy="daily")) == ""


def test_a_comparison_says_which_run_is_which(tmp_path: Path) -> None:
    event = sample_results()
    whole = replace(event, played=WHOLE_STACK, trace_hash="11" * 16, notes=("Alarms are the product's own.",))
    save_results(event, tmp_path / "events.json")
    save_results(whole, tmp_path / "whole.json")
    names = [str(tmp_path / f"{name}.json") for name in ("events", "whole")]
    told = CliRunner().invoke(compare, names).stdout
    assert (
        f"first: {names[0]}: small-fleet, 6 sites, 30 days, policy cheapest first, seed 1, event mode" in told
    )
    assert f"second: {names[1]}: small-fleet" in told
    assert "whole stack, trace 1111" in told
    assert "  Alarms are the product's own.\n" in told
    page = comparison_page(event, whole)
    assert "whole stack: small-fleet, 6 sites" in page
    assert "Alarms are the product&#39;s own." in page
    assert "These runs differ" not in page
    assert "These runs differ in sites (6 and 0)" in comparison_page(event, replace(event, sites=()))


def test_a_change_of_thousands_of_per_cent_is_told_as_a_multiple() -> None:
    one = sample_results()
    slow = replace(one, cases=tuple(replace(row, opened_s=row.opened_s - 9e6) for row in one.cases))
    assert {row.name: row.cells for row in comparison_rows(one, slow)}["reply at the site, median"][
        2
    ].endswith("-fold")


def test_a_page_never_takes_the_place_of_results(tmp_path: Path) -> None:
    one, other = tmp_path / "one.json", tmp_path / "other.json"
    save_results(sample_results(), one)
    save_results(sample_results(seed=2), other)
    for command, out in (
        ((report, [one]), one),
        ((compare, [one, other]), tmp_path / "x" / ".." / "other.json"),
    ):
        done = CliRunner().invoke(command[0], [*map(str, command[1]), "--out", str(out)])
        assert done.exit_code == 1
        assert "is a file of results, and was kept. Choose another --out." in done.output
    assert load_results(one).seed == 1
    assert load_results(other).seed == 2


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
