"""Picture files for tests: ordinary, odd and hostile, all made here."""

from __future__ import annotations

import random
import struct
import zlib
from io import BytesIO

from PIL import ExifTags, Image

RED, GREEN, BLUE, GREY = (210, 40, 40), (40, 170, 60), (40, 60, 200), (128, 128, 128)

# How a camera that was turned has stored an upright picture, by EXIF orientation.
STORED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def quarters(width: int = 240, height: int = 160) -> Image.Image:
    """Red, green, blue and grey quarters: no turn or flip of it looks the same."""
    picture = Image.new("RGB", (width, height), GREY)
    picture.paste(RED, (0, 0, width // 2, height // 2))
    picture.paste(GREEN, (width // 2, 0, width, height // 2))
    picture.paste(BLUE, (0, height // 2, width // 2, height))
    return picture


def looks_like_quarters(picture: Image.Image) -> bool:
    """Whether each quarter's middle has the colour it should, lossy coding forgiven."""
    wanted = {(1, 1): RED, (3, 1): GREEN, (1, 3): BLUE, (3, 3): GREY}
    return all(
        near(pixel(picture, x * picture.width // 4, y * picture.height // 4), colour)
        for (x, y), colour in wanted.items()
    )


def pixel(picture: Image.Image, x: int, y: int) -> tuple[int, int, int]:
    red, green, blue = picture.convert("RGB").crop((x, y, x + 1, y + 1)).tobytes()
    return red, green, blue


def near(found: tuple[int, ...], wanted: tuple[int, ...], apart: int = 14) -> bool:
    return all(abs(a - b) <= apart for a, b in zip(found, wanted, strict=True))


def texture(width: int, height: int, seed: int = 1) -> Image.Image:
    """A picture with detail at several sizes, so that its quality is limited by its bytes."""
    chance = random.Random(seed)
    picture = Image.new("RGB", (width, height), GREY)
    for cells in (4, 32, 128):
        grid = Image.frombytes("RGB", (cells, cells), chance.randbytes(cells * cells * 3))
        picture = Image.blend(picture, grid.resize((width, height), Image.Resampling.BICUBIC), 0.4)
    return picture


def encoded(picture: Image.Image, format_name: str, **options: object) -> bytes:
    file = BytesIO()
    picture.save(file, format_name, **options)
    return file.getvalue()


def phone_exif(orientation: int = 1, *, with_position: bool = False) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Example"
    exif[ExifTags.Base.Orientation] = orientation
    if with_position:
        position = exif.get_ifd(ExifTags.IFD.GPSInfo)
        position[ExifTags.GPS.GPSLatitudeRef] = "N"
        position[ExifTags.GPS.GPSLatitude] = (11.0, 12.0, 0.0)
    return exif


def jpeg_that_claims(width: int, height: int, *, progressive: bool = False) -> bytes:
    """A small JPEG whose header promises another size."""
    data = bytearray(encoded(quarters(), "JPEG", progressive=progressive))
    start = data.index(b"\xff\xc2" if progressive else b"\xff\xc0")
    data[start + 5 : start + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def png_of(width: int, height: int) -> bytes:
    """A one-bit PNG of that size, all black: 88 megapixels take about 11 kB."""
    packer = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    packed = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = _png_chunk(b"IHDR", header) + _png_chunk(b"IDAT", packed) + _png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def slow_bmp(width: int, height: int) -> bytes:
    """A run-length coded BMP in runs of one pixel, which Pillow decodes one by one in Python."""
    body = b"\x01\x07" * (width * height) + b"\x00\x01"
    offset = 14 + 40 + 256 * 4
    information = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(body), 0, 0, 256, 0)
    header = b"BM" + struct.pack("<IHHI", offset + len(body), 0, 0, offset)
    return header + information + bytes(256 * 4) + body


def display_p3_profile() -> bytes:
    """The smallest useful ICC profile with the wide colours of phone screens."""
    primaries = {
        b"rXYZ": (0.51512, 0.24120, -0.00105),
        b"gXYZ": (0.29198, 0.69225, 0.04189),
        b"bXYZ": (0.15710, 0.06657, 0.78407),
        b"wtpt": (0.96420, 1.0, 0.82491),
    }
    bodies = {name: b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(v * 65536) for v in xyz))
              for name, xyz in primaries.items()}  # fmt: skip
    gamma = b"curv\0\0\0\0" + struct.pack(">IHH", 1, round(2.2 * 256), 0)
    bodies |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), gamma)
    table, data = b"", b""
    start = 128 + 4 + 12 * len(bodies)
    for name, body in bodies.items():
        table += name + struct.pack(">II", start + len(data), len(body))
        data += body
    size = start + len(data)
    header = struct.pack(">I4sI4s4s4s", size, b"\0\0\0\0", 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    header = header.ljust(36, b"\0") + b"acsp"
    header = header.ljust(68, b"\0") + struct.pack(">3i", 63190, 65536, 54061)
    return header.ljust(128, b"\0") + struct.pack(">I", len(bodies)) + table + data


def avif_boxes(data: bytes) -> list[tuple[bytes, bytes]]:
    """Every box of an AVIF file that can hold other boxes or data, as (type, body), depth first."""
    found: list[tuple[bytes, bytes]] = []
    # Bytes between a container's head and its first inner box.
    containers = {b"meta": 4, b"iinf": 6, b"iprp": 0, b"ipco": 0}
    at = 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        assert 8 <= size <= len(data) - at
        body = data[at + 8 : at + size]
        found.append((kind, body))
        if kind in containers:
            found += avif_boxes(body[containers[kind] :])
        at += size
    return found


def only_pixels(avif: bytes) -> bool:
    """Whether an AVIF holds coded pixels, numbers that describe them, and nothing else."""
    boxes = avif_boxes(avif)
    items = {body[8:12] for kind, body in boxes if kind == b"infe"}
    colours = {body[:4] for kind, body in boxes if kind == b"colr"}
    kinds = {kind for kind, _ in boxes}
    described = {b"ftyp", b"meta", b"hdlr", b"pitm", b"iloc", b"iinf", b"infe", b"iprp", b"ipco"}
    described |= {b"ispe", b"pixi", b"av1C", b"colr", b"ipma", b"mdat"}
    return items == {b"av01"} and colours == {b"nclx"} and kinds <= described
