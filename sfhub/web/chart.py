"""Small line charts of vitals: where the points lie; the template draws, the table beside has the numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from ..views import VitalsView

WIDTH: Final = 240.0
HEIGHT: Final = 56.0
MARGIN: Final = 5.0
POINTS_MAX: Final = 400
"""More than a screen can show apart; the newest are drawn."""


@dataclass(frozen=True, slots=True)
class Series:
    """One quantity as it is drawn; `normal` is the band that scores 0 in NEWS2."""

    label: str
    unit: str
    value: Callable[[VitalsView], float | None]
    normal: tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Everything in pixels of a picture WIDTH wide and HEIGHT high."""

    label: str
    unit: str
    latest: str
    latest_s: int
    lowest: str
    highest: str
    outside: bool
    """The latest value lies outside the band that scores 0."""
    line: str
    """`points` of a polyline."""
    dots: tuple[tuple[float, float], ...]
    band_top: float | None
    band_height: float


_SERIES: Final = (
    Series("HR", "/min", lambda view: view.heart_rate_min, (51, 90)),
    Series("RR", "/min", lambda view: view.respiratory_rate_min, (12, 20)),
    Series("SpO2", "%", lambda view: view.spo2_percent, (96, 100)),
    Series("BP", "mmHg", lambda view: view.systolic_mmhg, (111, 219)),
    Series(
        "Temp", "°C", lambda view: float(view.temperature_c) if view.temperature_c else None, (36.1, 38.0)
    ),
    Series("Pain", "of 10", lambda view: view.pain, None),
    Series(
        "Glucose", "mmol/L", lambda view: float(view.glucose_mmol_l) if view.glucose_mmol_l else None, None
    ),
)


def charts(vitals: Sequence[VitalsView]) -> tuple[Chart, ...]:
    """One chart for each quantity that was ever measured; `vitals` newest first."""
    drawn = [_chart(series, vitals) for series in _SERIES]
    return tuple(chart for chart in drawn if chart is not None)


def _chart(series: Series, vitals: Sequence[VitalsView]) -> Chart | None:
    measured = [
        (view.observed_s, value)
        for view in reversed(vitals[:POINTS_MAX])
        if (value := series.value(view)) is not None
    ]
    if not measured:
        return None
    values = [value for _, value in measured]
    low, high = _range(values, series.normal)
    began_s, ended_s = measured[0][0], measured[-1][0]

    def across(observed_s: int) -> float:
        share = (observed_s - began_s) / (ended_s - began_s) if ended_s > began_s else 1.0
        return round(MARGIN + share * (WIDTH - 2 * MARGIN), 1)

    def down(value: float) -> float:
        return round(HEIGHT - MARGIN - (value - low) / (high - low) * (HEIGHT - 2 * MARGIN), 1)

    dots = tuple((across(observed_s), down(value)) for observed_s, value in measured)
    band = series.normal
    return Chart(
        label=series.label,
        unit=series.unit,
        latest=_text(values[-1]),
        latest_s=ended_s,
        lowest=_text(min(values)),
        highest=_text(max(values)),
        outside=band is not None and not band[0] <= values[-1] <= band[1],
        line=" ".join(f"{x},{y}" for x, y in dots),
        dots=dots,
        band_top=down(min(band[1], high)) if band else None,
        band_height=round(down(max(band[0], low)) - down(min(band[1], high)), 1) if band else 0.0,
    )


def _range(values: Sequence[float], normal: tuple[float, float] | None) -> tuple[float, float]:
    """The values with some air; no outlier is clipped, the near edge of the normal band is in sight."""
    low, high = min(values), max(values)
    if normal:
        low, high = min(low, max(normal[0], low - 5)), max(high, min(normal[1], high + 5))
        low, high = min(low, normal[1]), max(high, normal[0])
    air = max(1.0, (high - low) * 0.1)
    return low - air, high + air


def _text(value: float) -> str:
    return f"{value:g}"
