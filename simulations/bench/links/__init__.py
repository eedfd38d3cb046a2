"""Whole sessions over emulated links in real time, beside bound and peers; re-exports the public names."""

from .catalogue import scenarios
from .idle import idle_rows
from .measure import Choice, Measured, measure_scenarios
from .table import link_rows, side_by_side

__all__ = [
    "Choice",
    "Measured",
    "idle_rows",
    "link_rows",
    "measure_scenarios",
    "scenarios",
    "side_by_side",
]
