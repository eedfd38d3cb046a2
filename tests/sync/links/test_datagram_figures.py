"""The short rows of the table, held to what they have reached; the long ones are printed by the module."""

from __future__ import annotations

from statistics import median

import pytest

from .datagram_figures import ROWS, SEEDS, Row

REACHED = {
    "2000+200 seconds": 9.75,
    "2000+200 overhead": 285,
    "2000+200 overhead, first contact": 285,
    "2000+200 overhead, after 150 each way": 290,
    "nothing new": 145,
    "nothing new, first contact": 142,
    "case A 2.4 kbit/s 1 %": 8.5,
    "case A 22/88 kbit/s": 1.4,
    "case A 128/256 kbit/s": 1.2,
    "case A 512 kbit/s 2 %": 0.8,
    "case C 512 kbit/s 2 %": 10.8,
    "case C 128 kbit/s 40/20": 61,
    "case C 128 kbit/s 40/20 bytes": 1.10,
    "case C 22 kbit/s gaps, to the bound": 1.055,
    "case C 22 kbit/s gaps bytes": 1.10,
    "case C text at hub": 0.65,
    "emergency behind 5 MB": 4.6,
    "emergency behind 5 MB, worst of eight": 5.4,
    "emergency behind 5 MB, link not told": 5.2,
}


@pytest.mark.parametrize("row", [row for row in ROWS if row.name in REACHED], ids=lambda row: row.name)
def test_a_row_is_as_good_as_it_was(row: Row) -> None:
    assert median(row.measure(seed) for seed in SEEDS[:3]) <= REACHED[row.name]


MODEM = [row for row in ROWS if row.name.startswith("100 kB")]


@pytest.mark.parametrize("row", MODEM, ids=lambda row: row.name)
def test_a_modem_is_used_to_nine_tenths(row: Row) -> None:
    assert row.measure(1) >= 92
