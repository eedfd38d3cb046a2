"""Shipped profiles load; a bad file is refused with its name, the line, the key and the reason."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.links import (
    DEFAULT_PROFILE,
    Cycle,
    Outage,
    ProfileError,
    Table,
    load_profile,
    parse_profile,
    profile_document,
    profile_names,
    read_profile,
)

GOOD = """\
name = "mine"
title = "A link of my own"
source = "Measured on board."
mtu_bytes = 1_400
outages = [{ start_s = 10, duration_s = 5 }, { start_s = 60.5, duration_s = 1 }]

[up]
rate_bit_s = 9_600
delay_ms = 700
queue_bytes = 8_192

[up.burst]
to_bad = 0.01
to_good = 0.2

[down]
rate_bit_s = 19_200
delay_ms = 650.5
jitter_ms = 20
loss = 0.01
queue_bytes = 16_384

[tariff]
usd_per_minute = 0.8

[cycle]
up_s = 300
down_s = 60
"""


def test_every_shipped_profile_loads_under_its_own_name_and_names_its_source() -> None:
    assert DEFAULT_PROFILE in profile_names()
    for name in profile_names():
        profile = load_profile(name)
        assert profile.name == name
        assert len(profile.source) > 40
        assert "  " not in profile.source


def test_the_default_link_is_the_thin_one_that_was_promised() -> None:
    profile = load_profile(DEFAULT_PROFILE)
    assert (profile.up.rate_bit_s, profile.down.rate_bit_s) == (22_000, 88_000)
    assert profile.rtt_ms == 900
    assert profile.up.loss_mean == profile.down.loss_mean == pytest.approx(0.005)


def test_a_file_of_ones_own_is_read_with_every_field(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(GOOD, encoding="utf-8")
    profile = load_profile(str(file))
    assert profile.up.burst is not None
    assert profile.up.burst.loss_bad == 1.0
    assert profile.outages == (Outage(10, 5), Outage(60.5, 1))
    assert profile.cycle == Cycle(300, 60)
    assert profile.down.delay_ms == 650.5
    assert profile.tariff.usd_per_minute == 0.8


@pytest.mark.parametrize("name", profile_names())
def test_a_profile_survives_its_document(name: str) -> None:
    profile = load_profile(name)
    document = json.loads(json.dumps(profile_document(profile)))
    assert read_profile(Table(document, text="", shown_as="copy")) == profile


def test_outages_and_cycles_survive_their_document() -> None:
    profile = parse_profile(GOOD, shown_as="mine.toml")
    document = json.loads(json.dumps(profile_document(profile)))
    assert read_profile(Table(document, text="", shown_as="copy")) == profile


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "delay_ms = 700",
            "delay_sm = 700",
            "mine.toml, line 7: up.delay_ms is missing: perhaps delay_sm is meant for it.",
        ),
        ("queue_bytes = 8_192", "queue_bytes = 8_192\nspeed = 1", "line 11: up.speed: unknown key"),
        ("[tariff]", "[tarif]", "line 23: tarif: unknown key; known here are cycle, down, mtu_bytes"),
        ("rate_bit_s = 9_600", "rate_bit_s = '9600'", "line 8: up.rate_bit_s: expected a number, found text"),
        ("rate_bit_s = 9_600", "rate_bit_s = -5", "line 8: up.rate_bit_s: rate_bit_s is -5: it must lie"),
        ("rate_bit_s = 9_600", "rate_bit_s = true", "found true or false"),
        ("loss = 0.01", "loss = nan", "line 20: down.loss: loss is nan"),
        (
            "mtu_bytes = 1_400",
            "mtu_bytes = 1400.0",
            "line 4: mtu_bytes: expected a whole number, found a num",
        ),
        ("mtu_bytes = 1_400", "mtu_bytes = 2000-01-01", "found a date"),
        ("to_bad = 0.01", "to_bad = 7", "line 13: up.burst.to_bad: to_bad is 7"),
        ('name = "mine"', "name = 3", "line 1: name: expected text, found a whole number"),
        ("down_s = 60", "down_s = 0", "line 28: cycle.down_s: down_s is 0"),
        (
            "start_s = 60.5",
            "start_s = 12",
            "line 5: outages[2].start_s: outages[2].start_s is 12: the outage",
        ),
        ("start_s = 10", "start_s = -1", "line 5: outages.start_s: start_s is -1"),
        ("[up]", "[up", "mine.toml is not valid TOML"),
        ('name = "mine"\n', "", "mine.toml, line 1: name is missing"),
        (
            'title = "A link of my own"',
            'title = "A \\u001b[31mlink"',
            "line 2: title: title is 'A \\x1b[31mlink'",
        ),
        ('name = "mine"', 'name = "../mine"', "line 1: name: name is '../mine': a name is on one line"),
        ("mtu_bytes = 1_400", f"mtu_bytes = {'9' * 400}", "line 4: mtu_bytes: a whole number of 1329 bits"),
        ("rate_bit_s = 9_600", f"rate_bit_s = {'9' * 400}", "line 8: up.rate_bit_s: a whole number of 1329"),
        ("mtu_bytes = 1_400", f"mtu_bytes = {'9' * 5_000}", "mine.toml is not valid TOML: Exceeds the limit"),
        ("mtu_bytes = 1_400", f"x = {'[' * 2_000}{']' * 2_000}", "not valid TOML: too many brackets"),
        (
            "[tariff]",
            "[up.trace]\nperiod_s = 9\nrates = [\n  [0, 1_000],\n  [1, true],\n]\n[tariff]",
            "line 27: up.trace.rates[2]: true and false are no rates",
        ),
        ("rate_bit_s = 9_600", '"rate_bit_s" = -5', "line 8: up.rate_bit_s: rate_bit_s is -5"),
    ],
)
def test_a_bad_file_is_refused_with_its_place_and_the_reason(old: str, new: str, says: str) -> None:
    assert GOOD.count(old) == 1, "the fault must be planted exactly once"
    with pytest.raises(ProfileError, match=re.escape(says)):
        parse_profile(GOOD.replace(old, new), shown_as="mine.toml")


def test_of_several_tables_the_one_with_the_fault_is_named() -> None:
    text = GOOD.replace(
        "outages = [{ start_s = 10, duration_s = 5 }, { start_s = 60.5, duration_s = 1 }]\n", ""
    )
    text += "[[outages]]\nstart_s = 1\nduration_s = 2\n[[outages]]\nstart_s = 9\nduration_s = -2\n"
    with pytest.raises(ProfileError, match=re.escape("line 33: outages.duration_s: duration_s is -2")):
        parse_profile(text, shown_as="mine.toml")


def test_a_file_may_begin_with_the_mark_of_some_editors(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert load_profile(str(tmp_path / "mine.toml")).name == "mine"


def test_invalid_toml_is_refused_with_its_line() -> None:
    with pytest.raises(ProfileError, match=r"mine\.toml is not valid TOML: .*line 2"):
        parse_profile('name = "x"\ntitle = \n', shown_as="mine.toml")


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ProfileError, match=r"no link profile named 'certus'.*certus-100, certus-700"):
        load_profile("certus")


def test_unreadable_files_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"gone\.toml cannot be read: No such file"):
        load_profile(str(tmp_path / "gone.toml"))
    (tmp_path / "latin.toml").write_bytes(b'name = "x"\ntitle = "\xe9"\n')
    with pytest.raises(ProfileError, match=r"latin\.toml, line 2: not UTF-8"):
        load_profile(str(tmp_path / "latin.toml"))
    (tmp_path / "huge.toml").write_bytes(b"#" * 1_000_001)
    with pytest.raises(ProfileError, match=r"huge\.toml is larger than"):
        load_profile(str(tmp_path / "huge.toml"))


@given(st.data())
def test_whatever_a_line_is_changed_into_the_outcome_is_a_profile_or_a_refusal(data: st.DataObject) -> None:
    lines = GOOD.splitlines()
    index = data.draw(st.integers(0, len(lines) - 1))
    lines[index] = data.draw(
        st.one_of(
            st.text(max_size=30),
            st.sampled_from(GOOD.splitlines()),
            st.sampled_from(
                ["up = 1", "outages = 3", "outages = [1]", "[[up]]", "[tariff.x]", "mtu_bytes = 1e400"]
            ),
        )
    )
    with suppress(ProfileError):
        profile = parse_profile("\n".join(lines), shown_as="fuzzed.toml")
        assert read_profile(Table(profile_document(profile), text="", shown_as="copy")) == profile
