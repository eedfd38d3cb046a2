"""The demonstration's photographs look taken, fit the story, say SYNTHETIC, and repeat exactly."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from PIL import ExifTags, Image, ImageChops, ImageStat

from sfnode.media.photo import PHOTO_BUDGET, layers_from_file
from simulations.demo.camera import WATERMARK, CameraData, Shot, jpeg_file, photograph
from simulations.demo.ecg_signal import LEADS, lead_mv
from simulations.demo.monitor_screen import MonitorReading, monitor_screen
from simulations.demo.photographs import MONITOR_READING, Photograph, write_photographs

SEED = 11


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Photograph, ...]:
    return write_photographs(tmp_path_factory.mktemp("photographs"), SEED)


def test_three_files_of_the_size_of_phone_pictures(photographs: tuple[Photograph, ...]) -> None:
    assert [photo.path.name for photo in photographs] == [
        "ecg-paper.jpg",
        "monitor.jpg",
        "medicine-chest.jpg",
    ]
    assert len({photo.caption for photo in photographs}) == 3
    for photo in photographs:
        assert 150_000 <= photo.path.stat().st_size <= 600_000
        with Image.open(photo.path) as image:
            assert image.format == "JPEG"
            assert 1_600 <= max(image.size) <= 2_400


def test_they_carry_what_a_pipeline_must_take_care_of(photographs: tuple[Photograph, ...]) -> None:
    ecg, monitor, chest = (Image.open(photo.path) for photo in photographs)
    with ecg, monitor, chest:
        assert ecg.getexif().get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] == (11.0, 12.0, 0.0)
        assert "xmp" in monitor.info
        assert chest.getexif()[ExifTags.Base.Orientation] == 6
        assert chest.width > chest.height
        assert not monitor.getexif().get_ifd(ExifTags.IFD.GPSInfo)


def test_the_same_seed_gives_the_same_bytes(photographs: tuple[Photograph, ...], tmp_path: Path) -> None:
    again = write_photographs(tmp_path / "made", SEED)
    assert [photo.path.read_bytes() for photo in again] == [photo.path.read_bytes() for photo in photographs]


def test_another_seed_gives_other_noise() -> None:
    shot = Shot(60, 40, ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)), (0, 0, 0), (255, 255, 255), 60)
    one, two = (photograph(Image.new("RGB", (30, 20)), shot, random.Random(seed)) for seed in (1, 2))
    assert one.tobytes() != two.tobytes()


async def test_the_pipeline_takes_them_and_leaves_their_metadata(photographs: tuple[Photograph, ...]) -> None:
    removed = []
    for photo in photographs:
        layers = await layers_from_file(photo.path)
        removed.append(layers.metadata_removed)
        assert (
            PHOTO_BUDGET.preview_bytes_max * 0.85
            <= len(layers.preview.data)
            <= PHOTO_BUDGET.preview_bytes_max
        )
        assert (
            PHOTO_BUDGET.standard_bytes_max * 0.85
            <= len(layers.standard.data)
            <= PHOTO_BUDGET.standard_bytes_max
        )
        # Text and traces stay legible only above a certain size and quality.
        assert max(layers.standard.width, layers.standard.height) >= 1_024
        assert layers.standard.quality >= 20
    assert removed == [("EXIF", "GPS"), ("EXIF", "XMP"), ("EXIF",)]


def test_the_watermark_runs_across_the_whole_picture() -> None:
    assert WATERMARK == "SYNTHETIC"
    plain = Image.new("RGB", (300, 200), (120, 120, 120))
    whole = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    shots = [Shot(600, 400, whole, (0, 0, 0), (255, 255, 255), cover) for cover in (0, 90)]
    without, marked = (photograph(plain, shot, random.Random(1)) for shot in shots)
    box = ImageChops.difference(without, marked).point(lambda v: 255 * (v > 12)).getbbox()
    assert box is not None
    left, top, right, bottom = box
    assert right - left >= 0.8 * 600
    assert bottom - top >= 0.6 * 400


def test_a_turned_camera_stores_its_picture_lying() -> None:
    picture = Image.new("RGB", (20, 40))
    lying = jpeg_file(picture, CameraData(orientation=6))
    assert b"Exif" in lying
    assert len(jpeg_file(picture, CameraData())) < len(jpeg_file(picture, CameraData(with_xmp=True)))


@pytest.mark.parametrize("rate", [50, 72, 116, 130])
def test_the_ecg_shows_an_inferior_infarction(rate: int) -> None:
    """ST level 60 ms after the J point, against the PR segment, as it is read on paper."""
    st_mv = {lead: lead_mv(lead, 0.11, rate) - lead_mv(lead, -0.06, rate) for lead in LEADS}
    for lead in ("II", "III", "aVF"):
        assert st_mv[lead] >= 0.15, lead
    assert st_mv["III"] > st_mv["II"]
    for lead in ("I", "aVL"):
        assert st_mv[lead] <= -0.08, lead
    assert abs(st_mv["V4"]) < 0.15


@pytest.mark.parametrize("time_s", [-0.1, 0.0, 0.03, 0.1, 0.25])
def test_the_limb_leads_belong_to_one_heart(time_s: float) -> None:
    mv = {lead: lead_mv(lead, time_s, 90) for lead in LEADS}
    assert mv["II"] == pytest.approx(mv["I"] + mv["III"])
    assert mv["aVR"] + mv["aVL"] + mv["aVF"] == pytest.approx(0, abs=1e-9)


def test_the_beat_repeats_at_its_rate() -> None:
    for lead in LEADS:
        assert lead_mv(lead, 0.2, 120) == pytest.approx(lead_mv(lead, 0.7, 120))


def test_the_monitor_shows_the_reading_it_is_given() -> None:
    def changed(one: MonitorReading, other: MonitorReading) -> float:
        difference = ImageChops.difference(monitor_screen(one), monitor_screen(other))
        return sum(ImageStat.Stat(difference).sum)

    same = MonitorReading(116, 92, 103, 68, 23)
    assert same == MONITOR_READING
    assert changed(MONITOR_READING, same) == 0
    for other in (
        MonitorReading(117, 92, 103, 68, 23),
        MonitorReading(116, 84, 103, 68, 23),
        MonitorReading(116, 92, 99, 68, 23),
        MonitorReading(116, 92, 103, 61, 23),
        MonitorReading(116, 92, 103, 68, 24),
    ):
        assert changed(MONITOR_READING, other) > 10_000
    assert MONITOR_READING.mean_mmhg == 80
