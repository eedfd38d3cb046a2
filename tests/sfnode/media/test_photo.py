"""From a file on the disk to layers ready to send, through the real worker process."""

from __future__ import annotations

import asyncio
import hashlib
import os
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from sfnode.media.budget import FILE_BYTES_MAX, PHOTO_BUDGET, READING_LIMITS, PhotoBudget
from sfnode.media.errors import (
    PhotoDamaged,
    PhotoFormatUnsupported,
    PhotoNotAFile,
    PhotoNotAnImage,
    PhotoNotFound,
    PhotoNotPermitted,
    PhotoReaderStopped,
    PhotoRefused,
    PhotoTimedOut,
    PhotoTooLarge,
    PhotoTooManyPixels,
    PhotoUnreadable,
)
from sfnode.media.exchange import MakeLayers
from sfnode.media.photo import layers_from_file
from sfnode.media.reader import ask_worker

from .pictures import (
    display_p3_profile,
    encoded,
    jpeg_that_claims,
    looks_like_quarters,
    only_pixels,
    phone_exif,
    pixel,
    png_of,
    quarters,
    slow_bmp,
    texture,
)

SMALL = PhotoBudget(preview_bytes_max=1_000, standard_bytes_max=4_000)


def written(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


async def test_a_phone_picture_becomes_two_clean_layers(tmp_path: Path) -> None:
    stored = quarters(900, 600).transpose(Image.Transpose.ROTATE_90)
    data = encoded(stored, "JPEG", exif=phone_exif(6, with_position=True), xmp=b"<x/>", quality=90)
    layers = await layers_from_file(written(tmp_path, "phone.jpg", data))

    assert (layers.source_width, layers.source_height) == (900, 600)
    assert layers.source_sha256 == hashlib.sha256(data).digest()
    assert layers.metadata_removed == ("EXIF", "GPS", "XMP")
    assert layers.notes == ()
    assert (layers.preview.width, layers.preview.height) == (256, 171)
    assert (layers.standard.width, layers.standard.height) == (900, 600)
    assert len(layers.preview.data) <= PHOTO_BUDGET.preview_bytes_max
    assert len(layers.standard.data) <= PHOTO_BUDGET.standard_bytes_max
    for layer in (layers.preview, layers.standard):
        assert only_pixels(layer.data)
        with Image.open(BytesIO(layer.data)) as decoded:
            assert decoded.size == (layer.width, layer.height)
            assert looks_like_quarters(decoded)


async def test_wide_colours_arrive_converted_and_without_their_profile(tmp_path: Path) -> None:
    data = encoded(Image.new("RGB", (64, 64), (200, 60, 50)), "PNG", icc_profile=display_p3_profile())
    layers = await layers_from_file(written(tmp_path, "p3.png", data), SMALL)
    assert layers.metadata_removed == ("ICC",)
    assert only_pixels(layers.standard.data)
    with Image.open(BytesIO(layers.standard.data)) as decoded:
        assert pixel(decoded, 32, 32)[0] >= 210


async def test_the_same_file_gives_the_same_layers(tmp_path: Path) -> None:
    path = written(tmp_path, "a.png", encoded(texture(300, 200), "PNG"))
    assert await layers_from_file(path, SMALL) == await layers_from_file(path, SMALL)


@pytest.mark.parametrize(
    ("name", "data", "refusal"),
    [
        ("text.jpg", b"Patient is a 54-year-old ...", PhotoNotAnImage),
        ("empty.jpg", b"", PhotoNotAnImage),
        ("cut.jpg", encoded(texture(300, 200), "JPEG")[:4_000], PhotoDamaged),
        ("88-megapixels.png", png_of(10_000, 8_800), PhotoTooManyPixels),
        ("900-megapixels.png", png_of(30_000, 30_000), PhotoTooManyPixels),
        ("promises.jpg", jpeg_that_claims(60_000, 60_000), PhotoTooManyPixels),
        ("phone.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(500), PhotoFormatUnsupported),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_is_no_usable_picture_is_refused(
    tmp_path: Path, name: str, data: bytes, refusal: type[PhotoRefused]
) -> None:
    with pytest.raises(refusal, match=rf"'{name}'.*The case is unchanged\."):
        await layers_from_file(written(tmp_path, name, data))


async def test_only_a_readable_file_is_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(PhotoNotAFile):
            await layers_from_file(path)
    file = written(tmp_path, "file", b"x")
    for path in (tmp_path / "none.jpg", file / "below.jpg", tmp_path / "nul\0.jpg"):
        with pytest.raises(PhotoNotFound):
            await layers_from_file(path)
    with pytest.raises(PhotoUnreadable):
        await layers_from_file(tmp_path / ("x" * 300))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
async def test_a_forbidden_file_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "secret.jpg", b"x")
    path.chmod(0)
    with pytest.raises(PhotoNotPermitted):
        await layers_from_file(path)


async def test_a_link_to_a_picture_is_followed(tmp_path: Path) -> None:
    written(tmp_path, "a.png", encoded(quarters(), "PNG"))
    (tmp_path / "link").symlink_to("a.png")
    assert (await layers_from_file(tmp_path / "link", SMALL)).source_width == 240


async def test_a_file_beyond_the_size_limit_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "huge.jpg", b"\xff\xd8\xff")
    os.truncate(path, FILE_BYTES_MAX + 1_000_000)
    with pytest.raises(PhotoTooLarge, match="65 MB; at most 64 MB"):
        await layers_from_file(path)


async def test_a_file_that_grows_beyond_the_limit_after_the_check_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "grown.jpg", b"\xff\xd8\xff")
    os.truncate(path, FILE_BYTES_MAX + 1)
    with path.open("rb") as file, pytest.raises(PhotoTooLarge, match="more than 64 MB"):
        await ask_worker(MakeLayers(SMALL), file.fileno(), READING_LIMITS, label="'grown.jpg'")


async def test_a_name_that_would_steer_the_terminal_is_shown_harmless(tmp_path: Path) -> None:
    path = written(tmp_path, "a\n\x1b[2Jb\u202e.jpg", b"text")
    with pytest.raises(PhotoNotAnImage) as refused:
        await layers_from_file(path)
    assert str(refused.value).startswith("'a??[2Jb?.jpg' is not a picture.")


async def test_a_file_that_eats_processor_time_is_stopped(tmp_path: Path) -> None:
    path = written(tmp_path, "slow.bmp", slow_bmp(4_000, 3_000))
    with pytest.raises(PhotoTimedOut):
        await layers_from_file(path, limits=replace(READING_LIMITS, cpu_s_max=1))


async def test_a_worker_that_does_not_end_is_killed() -> None:
    reading, writing = os.pipe()
    try:
        with pytest.raises(PhotoTimedOut):
            await ask_worker(MakeLayers(SMALL), reading, replace(READING_LIMITS, wall_s_max=0.2), label="'x'")
        assert not children()
    finally:
        os.close(reading)
        os.close(writing)


async def test_a_caller_that_gives_up_leaves_no_worker_behind() -> None:
    reading, writing = os.pipe()
    try:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await ask_worker(MakeLayers(SMALL), reading, READING_LIMITS, label="'x'")
        assert not children()
    finally:
        os.close(reading)
        os.close(writing)


def children() -> list[int]:
    """Processes of this one that run the worker."""
    own = os.getpid()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if parent == own and b"sfnode.media.worker" in command:
            found.append(int(folder.name))
    return found


async def test_a_picture_that_needs_too_much_memory_stops_only_the_worker(tmp_path: Path) -> None:
    path = written(tmp_path, "wide.png", encoded(Image.new("RGB", (5_000, 4_000)), "PNG"))
    with pytest.raises(PhotoReaderStopped):
        await layers_from_file(path, limits=replace(READING_LIMITS, memory_bytes_max=100_000_000))


@pytest.mark.parametrize(
    "data",
    [
        png_of(10_000, 8_800),
        # Pillow allocates a WebP's canvas, here 2 x 120 MB, when it only opens the file.
        encoded(Image.new("RGB", (6_000, 5_000)), "WEBP", lossless=True, method=0),
    ],
    ids=["png of 88", "webp of 30"],
)
async def test_too_many_megapixels_are_refused_without_the_memory_for_them(
    tmp_path: Path, data: bytes
) -> None:
    path = written(tmp_path, "many", data)
    with pytest.raises(PhotoTooManyPixels):
        await layers_from_file(path, limits=replace(READING_LIMITS, memory_bytes_max=200_000_000))


async def test_a_picture_of_48_megapixels_is_taken(tmp_path: Path) -> None:
    path = written(tmp_path, "48.jpg", encoded(quarters(8_000, 6_000), "JPEG"))
    layers = await layers_from_file(path, SMALL)
    assert (layers.source_width, layers.source_height) == (8_000, 6_000)
    assert layers.notes == ("A picture of 8000 x 6000 pixels was read at 1/2 of its width and height.",)


async def test_several_callers_wait_for_each_other(tmp_path: Path) -> None:
    path = written(tmp_path, "a.png", encoded(quarters(), "PNG"))
    async with asyncio.TaskGroup() as callers:
        tasks = [callers.create_task(layers_from_file(path, SMALL)) for _ in range(3)]
    assert len({task.result().standard.data for task in tasks}) == 1


SAMPLE_FOLDER = os.environ.get("SF_TEST_MEDIA")
SAMPLES = sorted(Path(SAMPLE_FOLDER).glob("*.jpg")) if SAMPLE_FOLDER else []


@pytest.mark.skipif(not SAMPLES, reason="SF_TEST_MEDIA names no folder with real photographs")
@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
async def test_real_photographs(path: Path) -> None:
    layers = await layers_from_file(path)
    assert len(layers.preview.data) <= 3_000
    assert 16_000 <= len(layers.standard.data) <= 20_000
    assert only_pixels(layers.preview.data)
    assert only_pixels(layers.standard.data)
