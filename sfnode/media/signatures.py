"""Tell a file's format by its first bytes, so that only the one decoder it needs ever sees it."""

from __future__ import annotations

from typing import Final

from .errors import PhotoFormatUnsupported, PhotoNotAnImage

# (offset, magic, Pillow's name of the format). BMP, WebP and the AVIF family need a closer look, below.
_READ: Final = (
    (0, b"\xff\xd8\xff", "JPEG"),
    (0, b"\x89PNG\r\n\x1a\n", "PNG"),
    (0, b"GIF87a", "GIF"),
    (0, b"GIF89a", "GIF"),
    (0, b"II*\x00", "TIFF"),
    (0, b"MM\x00*", "TIFF"),
)
_KNOWN_BUT_NOT_READ: Final = (
    (0, b"%PDF", "PDF document"),
    (128, b"DICM", "DICOM"),
    (0, b"\x00\x00\x00\x0cjP  ", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (0, b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"8BPS", "Photoshop"),
    (0, b"II+\x00", "BigTIFF"),
    (0, b"MM\x00+", "BigTIFF"),
    (0, b"PK\x03\x04", "ZIP archive"),
    (0, b"<svg", "SVG drawing"),
    (0, b"\x1aE\xdf\xa3", "video"),
)
_BMP_HEADER_BYTES: Final = frozenset({12, 40, 52, 56, 64, 108, 124})
_AVIF_BRANDS: Final = frozenset({b"avif", b"avis"})
_HEIC_BRANDS: Final = frozenset({b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs"})
_FTYP_BRANDS_MAX: Final = 32


def picture_format(data: bytes) -> str:
    """Pillow's name for the allowed format of `data`; `PhotoRefused` for every other content."""
    for offset, magic, name in _READ:
        if data.startswith(magic, offset):
            return name
    if data.startswith(b"BM") and int.from_bytes(data[14:18], "little") in _BMP_HEADER_BYTES:
        return "BMP"
    if data.startswith(b"RIFF") and data.startswith(b"WEBP", 8):
        return "WEBP"
    if data.startswith(b"ftyp", 4):
        return _iso_media_format(data)
    for offset, magic, name in _KNOWN_BUT_NOT_READ:
        if data.startswith(magic, offset):
            raise PhotoFormatUnsupported(name)
    raise PhotoNotAnImage("" if data else "it is empty")


def webp_canvas(data: bytes) -> tuple[int, int] | None:
    """Width and height as the header of a WebP file states them, or None if it states none.

    Pillow's WebP decoder allocates the whole canvas when it opens a file, so we must look first.
    """
    chunk, body = data[12:16], data[20:30]
    if len(body) < 10:
        return None
    if chunk == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if chunk == b"VP8 ":
        sides = int.from_bytes(body[6:8], "little"), int.from_bytes(body[8:10], "little")
        return sides[0] & 0x3FFF, sides[1] & 0x3FFF
    if chunk == b"VP8L":
        packed = int.from_bytes(body[1:5], "little")
        return 1 + (packed & 0x3FFF), 1 + (packed >> 14 & 0x3FFF)
    return None


def _iso_media_format(data: bytes) -> str:
    box_bytes = min(int.from_bytes(data[:4], "big"), 16 + 4 * _FTYP_BRANDS_MAX)
    brands = {data[start : start + 4] for start in (8, *range(16, box_bytes, 4))}
    if brands & _AVIF_BRANDS:
        return "AVIF"
    raise PhotoFormatUnsupported("HEIC" if brands & _HEIC_BRANDS else "video")
