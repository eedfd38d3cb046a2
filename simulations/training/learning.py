"""Finds the phrases of a book: which byte strings, and how frequent each is, make the samples shortest.

Expectation and maximisation: write every sample in the cheapest way by the counts of the others, count what
was used, repeat. A sample never counts for itself, so that what occurs in one text only earns nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import inf, log2
from typing import Final

from protocol.coding.phrases import PHRASE_BYTES_MAX, RESERVED, RESERVED_SLOTS, Phrase
from protocol.coding.symbols import SLOTS

from .candidates import Counts, Key, candidates, fixed_counts
from .samples import Sample

ROUNDS: Final = 4
SPELT_COUNT: Final = 0.1
"""For the pieces by which a listed word would be written if it were not listed."""
UNKNOWN_BYTE_BITS: Final = 24.0
"""A byte that no phrase holds is written as a blank of its own."""
KEPT_COUNT_MIN: Final = 0.05
"""What is used less does not earn its place in the file."""


def learn(samples: Sequence[Sample], words: Iterable[str], letters: Iterable[str]) -> list[Phrase]:
    """The phrases of a book; always the same for the same arguments."""
    listed = [f" {word}".encode() for word in sorted(set(words))]
    fixed = fixed_counts(listed, letters)
    counts = candidates(samples, listed)
    _add(counts, fixed)
    own: list[Counter[Key]] = [Counter() for _ in samples]
    for _ in range(ROUNDS):
        total = sum(counts.values())
        prices = {key: log2(total / count) for key, count in counts.items()}
        used: Counts = defaultdict(float)
        _add(used, fixed)
        for index, sample in enumerate(samples):
            others = {key: _price(counts.get(key, 0.0) - count, total) for key, count in own[index].items()}
            own[index] = Counter(_write(sample, prices | others))
            _add(used, own[index])
        for word in listed:
            spelt = _write_part(word, 0, prices | {(word, 0): inf})
            _add(used, dict.fromkeys(spelt, SPELT_COUNT))
        counts = used
    return _in_slots(counts)


def _add(counts: Counts, more: Mapping[Key, float]) -> None:
    for key, count in more.items():
        counts[key] += count


def _price(count: float, total: float) -> float:
    return log2(total / count) if count > 0 else inf


def _write(sample: Sample, prices: Mapping[Key, float]) -> list[Key]:
    """The cheapest way to write a sample."""
    return [key for text, blank in sample for key in _write_part(text, blank, prices)]


def _write_part(text: bytes, blank: int, prices: Mapping[Key, float]) -> list[Key]:
    """The cheapest phrases for `text`, the last of which leaves the blank."""
    costs, starts = [0.0], [0]
    for end in range(1, len(text) + 1):
        best, best_start = costs[-1] + UNKNOWN_BYTE_BITS, end - 1
        for start in range(max(0, end - PHRASE_BYTES_MAX), end):
            price = prices.get((text[start:end], 0))
            if price is not None and costs[start] + price < best:
                best, best_start = costs[start] + price, start
        costs.append(best)
        starts.append(best_start)
    end = len(text)
    keys = []
    if blank:
        choices = range(max(0, end - PHRASE_BYTES_MAX), end)
        end = min((*choices, end), key=lambda start: costs[start] + prices.get((text[start:], blank), inf))
        keys.append((text[end:], blank))
    while end:
        keys.append((text[starts[end] : end], 0))
        end = starts[end]
    return keys[::-1]


def _in_slots(counts: Counts) -> list[Phrase]:
    """Counts as shares of all slots: the frequent first, at least one slot each."""
    ranked = sorted(
        ((key, count) for key, count in counts.items() if count >= KEPT_COUNT_MIN),
        key=lambda item: (-item[1], item[0]),
    )
    usable = SLOTS - RESERVED_SLOTS
    spare = usable - len(ranked)
    total = sum(count for _, count in ranked)
    slots = [1 + int(count * spare / total) for _, count in ranked]
    slots[0] += usable - sum(slots)
    phrases = [Phrase(text, more, share) for ((text, more), _), share in zip(ranked, slots, strict=True)]
    return [Phrase(b"", RESERVED, RESERVED_SLOTS), *phrases]
