"""NEWS2 against the published bands, edge by edge, and what a missing input means."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import news2 as site_news2
from protocol.clinical import Consciousness, Pregnancy, Vitals
from sfhub.domain.news2 import SCORE_MAX, applies, news2, stated

NORMAL = Vitals(
    observed_s=0,
    heart_rate_min=70,
    respiratory_rate_min=16,
    spo2_percent=98,
    on_oxygen=False,
    systolic_mmhg=120,
    temperature_decicelsius=370,
    consciousness=Consciousness.ALERT,
)

EDGES: dict[str, list[tuple[Any, int]]] = {
    "respiratory_rate_min": [(8, 3), (9, 1), (11, 1), (12, 0), (20, 0), (21, 2), (24, 2), (25, 3)],
    "spo2_percent": [(91, 3), (92, 2), (93, 2), (94, 1), (95, 1), (96, 0), (100, 0)],
    "systolic_mmhg": [(90, 3), (91, 2), (100, 2), (101, 1), (110, 1), (111, 0), (219, 0), (220, 3)],
    "heart_rate_min": [
        (40, 3),
        (41, 1),
        (50, 1),
        (51, 0),
        (90, 0),
        (91, 1),
        (110, 1),
        (111, 2),
        (130, 2),
        (131, 3),
    ],
    "temperature_decicelsius": [
        (350, 3),
        (351, 1),
        (360, 1),
        (361, 0),
        (380, 0),
        (381, 1),
        (390, 1),
        (391, 2),
    ],
    "on_oxygen": [(True, 2), (False, 0)],
    "consciousness": [(level, 0 if level is Consciousness.ALERT else 3) for level in Consciousness],
}


@pytest.mark.parametrize(
    ("field", "value", "points"), [(field, *edge) for field, edges in EDGES.items() for edge in edges]
)
def test_each_band_ends_where_the_table_says(field: str, value: Any, points: int) -> None:
    score = news2(replace(NORMAL, **{field: value}))
    assert (score.points, score.worst, score.missing) == (points, points, ())


def test_a_missing_input_is_at_its_worst_until_it_is_known() -> None:
    score = news2(replace(NORMAL, spo2_percent=None, on_oxygen=None, heart_rate_min=120))
    assert (score.points, score.worst, score.text) == (2, 7, "at least 2")
    assert score.missing == ("SpO2", "air or oxygen")


def test_nothing_measured_may_be_anything() -> None:
    assert news2(Vitals(observed_s=0)).worst == SCORE_MAX


def test_one_input_alone_at_3_is_said() -> None:
    assert news2(replace(NORMAL, heart_rate_min=131)).band == "low, one input 3"


def test_a_stated_score_counts_its_missing_inputs() -> None:
    assert (stated(5, 2).worst, stated(5, 0).text, stated(19, 3).worst) == (11, "5", SCORE_MAX)


@pytest.mark.parametrize(
    ("age", "pregnancy", "expected"),
    [
        (16, Pregnancy.NO, True),
        (15, Pregnancy.NO, False),
        (None, Pregnancy.UNKNOWN, True),
        (30, Pregnancy.YES, False),
    ],
)
def test_it_is_for_adults_who_are_not_pregnant(age: int | None, pregnancy: Pregnancy, expected: bool) -> None:
    assert applies(age, pregnancy) is expected


@given(
    st.builds(
        Vitals,
        observed_s=st.just(0),
        heart_rate_min=st.none() | st.integers(0, 400),
        respiratory_rate_min=st.none() | st.integers(0, 150),
        spo2_percent=st.none() | st.integers(0, 100),
        on_oxygen=st.none() | st.booleans(),
        systolic_mmhg=st.none() | st.integers(0, 400),
        temperature_decicelsius=st.none() | st.integers(100, 500),
        consciousness=st.none() | st.sampled_from(Consciousness),
    )
)
def test_the_site_counts_the_same(vitals: Vitals) -> None:
    """Medic and specialist must never read two scores of one set of readings."""
    here, there = news2(vitals), site_news2.news2(vitals, None)
    assert here.points == sum(points for _, points in there.points)
    assert len(here.missing) == len(there.missing)


_FIELDS = [field for field in EDGES if field != "consciousness"]


@given(st.sets(st.sampled_from(_FIELDS)), st.integers(0, 200))
def test_measuring_more_never_makes_it_worse_than_feared(absent: set[str], rate: int) -> None:
    full = replace(NORMAL, heart_rate_min=rate)
    unmeasured: dict[str, Any] = dict.fromkeys(absent)
    partial = replace(full, **unmeasured)
    assert news2(partial).points <= news2(full).points <= news2(partial).worst
