"""The one check that every figure of a link description passes."""

from __future__ import annotations


def require_range(name: str, value: float, low: float, high: float) -> None:
    """Raises `ValueError` that names the figure; also for NaN, which compares false with everything."""
    if not low <= value <= high:
        raise ValueError(f"{name} is {value:g}: it must lie between {low:g} and {high:g}")
