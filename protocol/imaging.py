"""Bodies of records about images: a study and where its full set is, and what a specialist asks to see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .clinical import BLOB_HASH_BYTES, Layer, PictureRegion
from .errors import InvalidRecord
from .header import Priority
from .schema import Choice, ListOf, Number, Raw, Shaped, Struct, Text, wire
from .stamps import WALL_S_MAX

SERIES_MAX: Final = 32
KEY_IMAGES_MAX: Final = 64
_LINE: Final = Text(400)
_WORD: Final = Text(120)
_UID: Final = Shaped(r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))+", 64)
"""A DICOM unique identifier (PS3.5 section 9.1)."""
_CODE: Final = Shaped("[A-Z0-9_ ]{1,16}", 16)
"""A DICOM code string, such as a modality."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSeries:
    uid: str = wire(1, _UID)
    modality: str = wire(2, _CODE)
    images: int = wire(3, Number(1, 65535))
    description: str | None = wire(4, _WORD, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyImage:
    """One image that its sender chose to show; what is sent of it is windowed and lossy, and says so."""

    uid: str = wire(1, _UID)
    series: int = wire(2, Number(1, SERIES_MAX))
    """Position of its series in the study's list, from 1."""
    media: bytes | None = wire(3, Raw(BLOB_HASH_BYTES), default=None)
    """`source` of the media record that carries it, when one does."""
    window: str | None = wire(4, _WORD, default=None)
    """Such as "lung" or "bone", or centre and width."""
    caption: str | None = wire(5, _LINE, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagingStudy:
    """What was imaged, which images matter, and where the full set can be had."""

    uid: str = wire(1, _UID)
    description: str = wire(2, _LINE)
    performed_s: int | None = wire(3, Number(0, WALL_S_MAX), default=None)
    series: tuple[ImageSeries, ...] = wire(4, ListOf(Struct(ImageSeries), SERIES_MAX))
    key_images: tuple[KeyImage, ...] = wire(5, ListOf(Struct(KeyImage), KEY_IMAGES_MAX), default=())
    full_set_at: str | None = wire(6, _LINE, default=None)
    """Where the full set lies: the device aboard, a disc in the ship's safe, an archive's address."""
    full_set_bytes: int | None = wire(7, Number(0, 2**50), default=None)
    report: str | None = wire(8, Text(4000), default=None)

    def __post_init__(self) -> None:
        if any(image.series > len(self.series) for image in self.key_images):
            raise InvalidRecord("a key image belongs to a series that the study does not list")


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaRequest:
    """A specialist asks for bytes, not for "another photo": a layer, or a region of what is known."""

    reason: str = wire(1, _LINE)
    media: bytes | None = wire(2, Raw(BLOB_HASH_BYTES), default=None)
    """`source` of the photograph asked about; absent when a new one is wanted."""
    layer: Layer | None = wire(3, Choice(Layer), default=None)
    region: PictureRegion | None = wire(4, Struct(PictureRegion), default=None)
    image_uid: str | None = wire(5, _UID, default=None)
    how: str | None = wire(6, _LINE, default=None)
    """How to take a new one: view, distance, light, ruler."""
    priority: Priority | None = wire(7, Choice(Priority), default=None)
