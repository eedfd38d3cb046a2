"""What the worker answers is believed only as far as it fits the task."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import MalformedInput
from sfnode.media.budget import PHOTO_BUDGET, PhotoBudget, ReadingLimits
from sfnode.media.errors import PhotoDamaged, PhotoTooManyPixels
from sfnode.media.exchange import (
    LENGTH_BYTES,
    NOTES_MAX,
    MakeGreys,
    MakeLayers,
    framed_refusal,
    framed_result,
    layers_from_payload,
    layers_payload,
    parse_answer,
    parse_task,
    task_arguments,
)
from sfnode.media.layers import EncodedLayer, PhotoLayers

TASK = MakeLayers(PHOTO_BUDGET)
AVIF = b"\0\0\0\x20ftypavif" + bytes(300)
LAYERS = PhotoLayers(
    preview=EncodedLayer(AVIF, 256, 192, 41),
    standard=EncodedLayer(AVIF * 3, 1_280, 960, 55),
    source_sha256=bytes(range(32)),
    source_width=4_032,
    source_height=3_024,
    metadata_removed=("EXIF", "GPS"),
    notes=("Only the first of several frames was taken.",),
)


@pytest.mark.parametrize(
    "task",
    [TASK, MakeLayers(PhotoBudget(standard_bytes_max=80_000)), MakeGreys(columns=80, rows=24)],
    ids=["layers", "larger layers", "greys"],
)
def test_a_task_survives_the_command_line(task: MakeLayers | MakeGreys) -> None:
    limits = ReadingLimits(cpu_s_max=7, memory_bytes_max=123_456)
    assert parse_task(task_arguments(task, limits)) == (task, limits)


@pytest.mark.parametrize(
    "arguments", [["layers", "1", "2"], ["paint", "1", "2", "3", "4"], ["greys", "1", "x", "3", "4"]]
)
def test_other_words_are_no_task(arguments: list[str]) -> None:
    with pytest.raises(ValueError, match=r"no such task|invalid literal"):
        parse_task(arguments)


def body_of(framed: bytes) -> bytes:
    assert int.from_bytes(framed[:LENGTH_BYTES], "big") == len(framed) - LENGTH_BYTES
    return framed[LENGTH_BYTES:]


def test_layers_survive_the_pipe() -> None:
    body = body_of(framed_result(layers_payload(LAYERS)))
    assert layers_from_payload(parse_answer(body, TASK, label="'x'"), PHOTO_BUDGET) == LAYERS


def test_a_refusal_survives_the_pipe_and_gets_the_file_name() -> None:
    body = body_of(framed_refusal(PhotoTooManyPixels("10000 x 8800")))
    with pytest.raises(
        PhotoTooManyPixels, match=r"^'x\.png' has too many pixels .*\(10000 x 8800\)\. The case"
    ):
        parse_answer(body, TASK, label="'x.png'")


def test_an_unknown_refusal_is_no_answer() -> None:
    class PhotoOdd(PhotoDamaged):
        code = "photo-odd"

    with pytest.raises(MalformedInput):
        parse_answer(body_of(framed_refusal(PhotoOdd())), TASK, label="'x'")


@given(st.data())
def test_a_changed_answer_is_refused_or_still_within_the_budget(data: st.DataObject) -> None:
    body = bytearray(body_of(framed_result(layers_payload(LAYERS))))
    at = data.draw(st.integers(0, len(body) - 1))
    body[at] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(body)))
    try:
        layers = layers_from_payload(parse_answer(bytes(body[:end]), TASK, label="'x'"), PHOTO_BUDGET)
    except (MalformedInput, PhotoDamaged):
        return
    assert end == len(body)
    assert len(layers.preview.data) <= PHOTO_BUDGET.preview_bytes_max
    assert max(layers.standard.width, layers.standard.height) <= PHOTO_BUDGET.standard_side_px_max


@pytest.mark.parametrize(
    "lie",
    [
        replace(LAYERS, preview=replace(LAYERS.preview, data=AVIF * 10)),
        replace(LAYERS, preview=replace(LAYERS.preview, data=b"<html>" + bytes(100))),
        replace(LAYERS, preview=replace(LAYERS.preview, width=257)),
        replace(LAYERS, standard=replace(LAYERS.standard, height=0)),
        replace(LAYERS, standard=replace(LAYERS.standard, quality=101)),
        replace(LAYERS, source_sha256=b"short"),
        replace(LAYERS, source_width=0),
        replace(LAYERS, notes=("x",) * (NOTES_MAX + 1)),
    ],
    ids=["bytes", "format", "width", "height", "quality", "digest", "source", "notes"],
)
def test_layers_outside_the_task_are_refused(lie: PhotoLayers) -> None:
    with pytest.raises(MalformedInput):
        layers_from_payload(layers_payload(lie), PHOTO_BUDGET)


def test_notes_cannot_steer_a_terminal() -> None:
    layers = layers_from_payload(layers_payload(replace(LAYERS, notes=("\x1b[2Jgone",))), PHOTO_BUDGET)
    assert layers.notes == ("?[2Jgone",)


def test_an_answer_longer_than_the_task_allows_is_refused() -> None:
    with pytest.raises(MalformedInput):
        parse_answer(body_of(framed_result(bytes(40_000))), TASK, label="'x'")
