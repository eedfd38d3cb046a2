"""Rates and sizes in the units that people who buy links use."""

from __future__ import annotations


def rate_words(bit_s: float) -> str:
    if bit_s >= 1_000_000:
        return f"{bit_s / 1_000_000:.3g} Mbit/s"
    return f"{bit_s / 1_000:.3g} kbit/s"


def size_words(size_bytes: int) -> str:
    for unit, size in (("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 10_000)):
        if size_bytes >= size:
            return f"{size_bytes / (1_000 if unit == 'kB' else size):.4g} {unit}"
    return f"{size_bytes} B"
