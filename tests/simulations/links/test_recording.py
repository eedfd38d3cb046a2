"""Recordings are read as they were made; a bad one is refused with its file, line and reason."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.links import Fate, LinkModel, ProfileError, RateStep, load_profile, read_recording

CSV = """\
# Driven along the north coast.
t_s,up_bit_s,down_bit_s
100,64000,256000
110,0,128000
115.5,32000,512000
"""
PROFILE = """\
name = "coast"
title = "Along the coast"
source = "Recorded on board."
mtu_bytes = 1400

[up]
trace = "coast.csv"
delay_ms = 90
queue_bytes = 65_536

[down]
trace = "coast.csv"
delay_ms = 90
queue_bytes = 65_536
"""


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_each_direction_has_its_column_and_time_begins_with_the_first_row(tmp_path: Path) -> None:
    path = written(tmp_path, "coast.csv", CSV)
    up = read_recording(path, shown_as="coast.csv", way="up")
    assert up.steps == (RateStep(0, 64_000), RateStep(10, 0), RateStep(15.5, 32_000))
    assert up.period_s == 21  # The last row holds as long as the one before it.
    assert read_recording(path, shown_as="coast.csv", way="down").steps[1] == RateStep(10, 128_000)


@pytest.mark.parametrize("began", ["0", "1700000000", "-5"])
def test_a_clock_may_have_counted_from_any_second_and_numbers_may_stand_in_quotes(
    tmp_path: Path, began: str
) -> None:
    text = f't_s,rate_bit_s\n"{began}","64000"\n{int(began) + 10}, 0\n'
    trace = read_recording(written(tmp_path, "a.csv", text), shown_as="a.csv", way="up")
    assert trace.steps == (RateStep(0, 64_000), RateStep(10, 0))


def test_one_column_serves_both_directions(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "t_s,rate_bit_s\n0,1000\n60,2000\n")
    ways = [read_recording(path, shown_as="a.csv", way=way) for way in ("up", "down")]
    assert ways[0] == ways[1]


def test_a_profile_names_a_recording_beside_it(tmp_path: Path) -> None:
    written(tmp_path, "coast.csv", CSV)
    profile = load_profile(str(written(tmp_path, "coast.toml", PROFILE)))
    assert profile.up.trace is not None
    assert profile.up.rate_bit_s == pytest.approx((64_000 * 10 + 32_000 * 5.5) / 21)
    assert profile.down.rate_bit_s > profile.up.rate_bit_s


def test_a_bare_recording_is_a_link(tmp_path: Path) -> None:
    profile = load_profile(str(written(tmp_path, "coast.csv", CSV)))
    assert profile.name == "coast"
    assert "assumption" in profile.source


def test_mahimahi_moments_let_one_packet_pass_each(tmp_path: Path) -> None:
    path = written(tmp_path, "drive.mahi", "5\n5\n10\n100\n")
    direction = load_profile(str(path)).up
    assert direction.rate_bit_s == pytest.approx(4 * 12_000 / 0.1)
    model = LinkModel(direction, seed=1)
    departs_ms = [round(model.offer(0.0, 1500).departs_s * 1000, 3) for _ in range(9)]
    assert departs_ms == [4.5, 5, 10, 100, 104.5, 105, 110, 200, 204.5]
    assert model.offer(0.2, 1500).fate is Fate.ARRIVES


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.csv", "t_s,rate_bit_s\n0,1000\n0,2000\n", "a.csv, line 3: its time does not come after"),
        ("a.csv", "t_s,rate_bit_s\n0,fast\n", "a.csv, line 2: expected a number, found 'fast'"),
        ("a.csv", "t_s,rate_bit_s\n0,-4\n", "a.csv, line 2: rate_bit_s is -4: it must lie"),
        ("a.csv", "t_s,rate_bit_s\n0,nan\n", "a.csv, line 2: expected a number, found nan"),
        ("a.csv", "t_s,rate_bit_s\n0,1,2\n", "a.csv, line 2: 3 values, and the header names 2"),
        ("a.csv", "time,rate\n0,1\n", "a.csv, line 1: the header must begin with t_s and name rate_bit_s"),
        ("a.csv", "t_s,rate_bit_s\n0,0\n5,0\n", "a.csv, line 3: the steps carry nothing"),
        ("a.csv", "", "a.csv, line 1: a header and at least one row are needed"),
        ("a.mahi", "5\nsix\n", "a.mahi, line 2: expected a whole number of milliseconds, found 'six'"),
        ("a.mahi", "5\n4\n", "a.mahi, line 2: 4 ms does not come after 5 ms"),
        ("a.mahi", "0\n", "a.mahi, line 1: no moment at which a packet could pass"),
        ("a.mahi", "9" * 13, "a.mahi, line 1: expected a whole number"),
        ("a.mahi", "1\n" + "7\n" * 900, "a.mahi, line 2: more than 416 packets in 7 ms"),
        ("a.mahi", "1\n999999999999\n", "a.mahi, line 2: 999999999999 ms is more than a year"),
        ("a.csv", "t_s,rate_bit_s\n0,1\nnan,1\n5,1\n", "a.csv, line 3: expected a number, found nan"),
        ("a.csv", 't_s,rate_bit_s\n0,"1\n', "a.csv, line 2: unexpected end of data"),
        ("a.csv", "t_s,rate_bit_s\n0," + "1" * 200_000, "a.csv, line 2: field larger than field limit"),
        ("a.csv", "t_s,rate_bit_s,rate_bit_s\n0,1,2\n", "a.csv, line 1: the header names a column twice"),
        ("a.csv", "t_s,rate_bit_s\n0,1\n40000000,1\n", "a.csv, line 3: at_s is 4e+07: it must lie"),
        ("a.csv", "t_s,rate_bit_s\n0,1\n# é", "a.csv, line 3: a recording is plain ASCII text"),
    ],
)
def test_a_bad_recording_is_refused_with_its_line(tmp_path: Path, name: str, text: str, says: str) -> None:
    path = written(tmp_path, name, text)
    with pytest.raises(ProfileError, match=re.escape(says)):
        read_recording(path, shown_as=name, way="up")


def test_a_recording_whose_name_cannot_be_that_of_a_link_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, f"{'a' * 121}.csv", CSV)
    with pytest.raises(ProfileError, match=r"name is 121 characters long: at most 120\. Rename the file"):
        load_profile(str(path))


def test_a_recording_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"coast\.csv cannot be read: No such file"):
        load_profile(str(written(tmp_path, "coast.toml", PROFILE)))


@given(
    text=st.text(alphabet="0123456789.,-\ne t_srabi", max_size=200), name=st.sampled_from(["a.csv", "a.mahi"])
)
def test_any_text_is_a_recording_or_refused(
    tmp_path_factory: pytest.TempPathFactory, text: str, name: str
) -> None:
    path = written(tmp_path_factory.mktemp("any"), name, text)
    with suppress(ProfileError):
        trace = read_recording(path, shown_as=name, way="up")
        assert trace.rate_bit_s_mean > 0
