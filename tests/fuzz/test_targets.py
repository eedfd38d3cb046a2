"""The committed corpus again, and a short run of mutations: what fuzzing has found once stays mended."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.errors import MalformedInput
from protocol.ranges import decode_ranges
from tests.fuzz import corpus
from tests.fuzz.guided import fuzz, lines_reached, mutated
from tests.fuzz.targets import PROMISES, TARGETS, slug

EXAMPLES = 300


@pytest.mark.parametrize("target", TARGETS)
def test_the_corpus(target: str) -> None:
    inputs = corpus.read(target)
    assert "sample 1" in inputs
    for data in inputs.values():
        TARGETS[target](data)


@pytest.mark.parametrize("target", TARGETS)
def test_mutations_of_the_corpus(target: str) -> None:
    seeds = list(corpus.read(target).values())

    @settings(max_examples=EXAMPLES)
    @given(st.integers(0, 2**32))
    def run(seed: int) -> None:
        TARGETS[target](mutated(random.Random(seed), seeds))

    run()


def test_every_corpus_has_its_target_and_every_promise() -> None:
    assert {path.stem for path in corpus.FOLDER.iterdir()} == set(TARGETS)
    assert {slug(name) for name in PROMISES} <= set(TARGETS)


def test_the_fuzzer_finds_its_way_by_coverage() -> None:
    def guarded(data: bytes) -> None:
        with suppress(MalformedInput):
            ranges, _ = decode_ranges(data)
            if len(ranges.spans) == 3:
                raise ZeroDivisionError

    executions, breakage = fuzz(guarded, [b"\x01\x01\x01"], seconds=30)
    assert breakage is not None
    assert breakage.error == "ZeroDivisionError: "
    assert len(decode_ranges(breakage.data)[0].spans) == 3
    assert executions < 100_000


def test_a_run_that_finds_nothing_ends_in_time() -> None:
    executions, breakage = fuzz(TARGETS["varint"], [], seconds=0.05)
    assert executions > 0
    assert breakage is None


def test_lines_of_the_product_are_told_apart() -> None:
    assert lines_reached(TARGETS["varint"], b"\x01") < lines_reached(TARGETS["varint"], b"\x81\x01")
