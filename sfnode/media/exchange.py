"""What the node and its picture worker say to each other: a task in arguments, an answer on the pipe.

The worker has read bytes that anybody may have made, so its answer is checked like any outside message.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Final

from protocol.codec import Primitive, decode, encode
from protocol.errors import MalformedInput

from .budget import PhotoBudget, ReadingLimits
from .errors import REFUSALS, PhotoRefused, plain_text
from .layers import EncodedLayer, PhotoLayers

# Before the answer on the pipe: its length, big endian.
LENGTH_BYTES: Final = 4
# All of an answer but the layers or cells themselves.
ANSWER_OVERHEAD_BYTES_MAX: Final = 4_096

NOTES_MAX: Final = 8
NOTE_CHARS_MAX: Final = 160
_DIGEST_BYTES: Final = 32
_AVIF_START: Final = b"ftypavif"
_TAKEN: Final = ""


@dataclass(frozen=True, slots=True)
class MakeLayers:
    """The task of making the layers of a picture."""

    budget: PhotoBudget

    @property
    def answer_bytes_max(self) -> int:
        """The longest true answer."""
        return self.budget.preview_bytes_max + self.budget.standard_bytes_max + ANSWER_OVERHEAD_BYTES_MAX


@dataclass(frozen=True, slots=True)
class MakeGreys:
    """The task of shrinking a picture to one brightness for each character cell of a terminal."""

    columns: int
    rows: int

    @property
    def answer_bytes_max(self) -> int:
        """The longest true answer."""
        return self.columns * self.rows + ANSWER_OVERHEAD_BYTES_MAX


Task = MakeLayers | MakeGreys


def task_arguments(task: Task, limits: ReadingLimits) -> list[str]:
    """`task` and the limits that the worker sets itself, as command line arguments."""
    name, numbers = (
        ("layers", astuple(task.budget)) if isinstance(task, MakeLayers) else ("greys", astuple(task))
    )
    return [name, *map(str, (limits.cpu_s_max, limits.memory_bytes_max, *numbers))]


def parse_task(arguments: Sequence[str]) -> tuple[Task, ReadingLimits]:
    """The inverse of `task_arguments`; `ValueError` for anything else."""
    name, *words = arguments
    cpu_s, memory_bytes, *numbers = map(int, words)
    limits = ReadingLimits(cpu_s_max=cpu_s, memory_bytes_max=memory_bytes)
    match name, numbers:
        case "layers", [_, _, _, _, _]:
            return MakeLayers(PhotoBudget(*numbers)), limits
        case "greys", [columns, rows]:
            return MakeGreys(columns, rows), limits
        case _:
            raise ValueError(f"no such task: {name} with {len(numbers)} numbers")


def framed_result(payload: Primitive) -> bytes:
    """The answer of a task that was done."""
    return _framed([_TAKEN, payload])


def framed_refusal(refusal: PhotoRefused) -> bytes:
    """The answer of a task whose picture was refused."""
    return _framed([refusal.code, refusal.detail])


def parse_answer(body: bytes, task: Task, *, label: str) -> Primitive:
    """The payload of an answer; raises the refusal it tells of, or `MalformedInput` if it is no answer."""
    match decode(body, size_bytes_max=task.answer_bytes_max):
        case ["", payload]:
            return payload
        case [str(code), str(detail)] if code in REFUSALS:
            raise REFUSALS[code](detail, label=label)
        case _:
            raise MalformedInput("not an answer of the picture worker")


def layers_payload(layers: PhotoLayers) -> Primitive:
    """`layers` as the payload of an answer."""
    sizes = [layers.source_width, layers.source_height]
    images: list[Primitive] = [
        [layer.data, layer.width, layer.height, layer.quality] for layer in (layers.preview, layers.standard)
    ]
    return [images, layers.source_sha256, sizes, list(layers.metadata_removed), list(layers.notes)]


def layers_from_payload(payload: Primitive, budget: PhotoBudget) -> PhotoLayers:
    """The inverse of `layers_payload`; `MalformedInput` for anything that is not within `budget`."""
    match payload:
        case [
            [preview, standard],
            bytes(digest),
            [int(width), int(height)],
            [*metadata],
            [*notes],
        ] if len(digest) == _DIGEST_BYTES and width > 0 and height > 0:
            return PhotoLayers(
                preview=_layer(preview, budget.preview_bytes_max, budget.preview_side_px),
                standard=_layer(standard, budget.standard_bytes_max, budget.standard_side_px_max),
                source_sha256=digest,
                source_width=width,
                source_height=height,
                metadata_removed=_sentences(metadata),
                notes=_sentences(notes),
            )
        case _:
            raise MalformedInput("not the layers of a picture")


def _framed(answer: Primitive) -> bytes:
    body = encode(answer)
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def _layer(value: Primitive, bytes_max: int, side_px_max: int) -> EncodedLayer:
    match value:
        case [bytes(data), int(width), int(height), int(quality)] if (
            data.startswith(_AVIF_START, 4)
            and len(data) <= bytes_max
            and 1 <= width <= side_px_max
            and 1 <= height <= side_px_max
            and 0 <= quality <= 100
        ):
            return EncodedLayer(data=data, width=width, height=height, quality=quality)
        case _:
            raise MalformedInput("not a layer within its budget")


def _sentences(values: Sequence[Primitive]) -> tuple[str, ...]:
    if len(values) > NOTES_MAX:
        raise MalformedInput("too many notes")
    return tuple(plain_text(str(value), NOTE_CHARS_MAX) for value in values)
