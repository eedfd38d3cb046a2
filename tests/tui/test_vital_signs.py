"""What is typed for a vital sign: read as meant, refused when impossible, asked about when improbable."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnode.domain.intake import vitals_sets
from sfnode.errors import ValueRefused
from tui.vital_signs import (
    BY_KEY,
    CONSCIOUSNESS,
    GLUCOSE,
    OXYGEN,
    PRESSURE,
    SIGNS,
    TEMPERATURE,
    Mistyped,
    Sign,
    improbable,
    read_sign,
    shown,
)


@pytest.mark.parametrize(
    ("sign", "typed", "values", "afterwards"),
    [
        (TEMPERATURE, "386", {"temperature_c": "38.6"}, "38.6"),
        (TEMPERATURE, "38,6", {"temperature_c": "38.6"}, "38.6"),
        (TEMPERATURE, "37", {"temperature_c": "37.0"}, "37.0"),
        (GLUCOSE, "5.4", {"glucose_mmol_l": "5.4"}, "5.4"),
        (PRESSURE, "098/60", {"systolic_mmhg": 98, "diastolic_mmhg": 60}, "98/60"),
        (PRESSURE, "98 60", {"systolic_mmhg": 98, "diastolic_mmhg": 60}, "98/60"),
        (PRESSURE, "98", {"systolic_mmhg": 98}, "98"),
        (OXYGEN, "a", {"on_oxygen": False}, "air"),
        (OXYGEN, "o", {"on_oxygen": True}, "oxy"),
        (OXYGEN, "oxy", {"on_oxygen": True}, "oxy"),
        (CONSCIOUSNESS, "v", {"consciousness": "V"}, "V"),
        (BY_KEY["heart_rate_min"], "118", {"heart_rate_min": 118}, "118"),
        (BY_KEY["heart_rate_min"], " ", {}, ""),
    ],
)
def test_a_sign_is_read_as_meant(sign: Sign, typed: str, values: dict[str, object], afterwards: str) -> None:
    assert read_sign(sign, typed) == values
    assert shown(sign, typed) == afterwards


@pytest.mark.parametrize(
    ("key", "typed"),
    [
        ("spo2_percent", "101"),
        ("glasgow_coma", "2"),
        ("glasgow_coma", "16"),
        ("pain", "11"),
        ("temperature_c", "505"),
        ("temperature_c", "9"),
        ("heart_rate_min", "1x"),
        ("heart_rate_min", "-5"),
        ("heart_rate_min", "11.5"),
        ("pressure", "60/98"),
        ("pressure", "1/2/3"),
        ("consciousness", "z"),
        ("on_oxygen", "5"),
    ],
)
def test_what_is_impossible_is_refused_and_stays_as_typed(key: str, typed: str) -> None:
    with pytest.raises(Mistyped):
        read_sign(BY_KEY[key], typed)
    assert shown(BY_KEY[key], typed) == typed


@given(st.sampled_from(SIGNS), st.text(alphabet="0123456789./ acvpuo-", min_size=1, max_size=7))
def test_what_is_read_is_what_a_record_can_hold(sign: Sign, typed: str) -> None:
    try:
        values = read_sign(sign, typed)
    except Mistyped:
        return
    if values:
        vitals_sets([values], now_s=0)


@given(st.sampled_from([sign for sign in SIGNS if sign.possible != (0, 0)]), st.integers(0, 600))
def test_what_is_refused_is_what_a_record_cannot_hold(sign: Sign, value: int) -> None:
    typed = f"{value}.0" if sign.decimals else str(value)
    name = "systolic_mmhg" if sign is PRESSURE else sign.key
    try:
        read_sign(sign, typed)
    except Mistyped:
        with pytest.raises(ValueRefused):
            vitals_sets([{name: typed if sign.decimals else value}], now_s=0)


@given(st.sampled_from(SIGNS), st.text(alphabet="0123456789./ acvpuo", min_size=1, max_size=7))
def test_what_a_field_shows_means_the_same(sign: Sign, typed: str) -> None:
    try:
        assert read_sign(sign, shown(sign, typed)) == read_sign(sign, typed)
    except Mistyped:
        with pytest.raises(Mistyped):
            read_sign(sign, typed)


def test_what_is_improbable_is_named() -> None:
    values = {"heart_rate_min": 250, "spo2_percent": 98, "systolic_mmhg": 40, "temperature_c": "36.5"}
    assert improbable(values) == ("HR 250", "BP 40")
