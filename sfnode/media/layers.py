"""What a picture becomes: layers that are sent apart, smallest first."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EncodedLayer:
    """One complete image file of a picture; whoever shows it says that it is lossy."""

    data: bytes
    width: int
    height: int
    quality: int
    codec: str = "avif"
    lossy: bool = True


@dataclass(frozen=True, slots=True)
class PhotoLayers:
    """The layers of one picture, and what a manifest says about the file they were made from."""

    preview: EncodedLayer
    standard: EncodedLayer
    source_sha256: bytes
    # As a person sees the picture: a photograph taken upright is higher than wide, however it was stored.
    source_width: int
    source_height: int
    # What the file carried beside its pixels: of "EXIF", "GPS", "XMP", "IPTC", "ICC" and "comment".
    metadata_removed: tuple[str, ...]
    # Sentences for the person who added the picture, such as that only its first frame was taken.
    notes: tuple[str, ...]
