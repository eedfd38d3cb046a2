"""Write the three photographs of the demonstration: a paper ECG, a monitor and a medicine-chest list.

They are drawn, never taken: no patient exists, and each says SYNTHETIC across its whole width.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image

from .camera import CameraData, Shot, jpeg_file, photograph
from .ecg_paper import ecg_paper
from .medicine_sheet import medicine_sheet
from .monitor_screen import MonitorReading, monitor_screen

# Chest pain for an hour: a fast pulse, a falling pressure, a little short of oxygen.
MONITOR_READING: Final = MonitorReading(
    heart_rate_bpm=116, spo2_percent=92, systolic_mmhg=103, diastolic_mmhg=68, respiration_bpm=23
)

_ECG_SHOT: Final = Shot(
    width=2_000,
    height=1_400,
    corners=((0.035, 0.06), (0.955, 0.035), (0.975, 0.955), (0.02, 0.935)),
    surface=(92, 74, 60),
    watermark=(60, 90, 160),
    watermark_cover=46,
)
_MONITOR_SHOT: Final = Shot(
    width=2_000,
    height=1_400,
    corners=((0.06, 0.05), (0.95, 0.085), (0.935, 0.945), (0.045, 0.965)),
    surface=(118, 122, 120),
    watermark=(255, 255, 255),
    watermark_cover=58,
)
_LIST_SHOT: Final = Shot(
    width=1_680,
    height=2_240,
    corners=((0.05, 0.035), (0.94, 0.05), (0.97, 0.965), (0.025, 0.955)),
    surface=(70, 92, 88),
    watermark=(170, 60, 60),
    watermark_cover=52,
)


@dataclass(frozen=True, slots=True)
class Photograph:
    """One written file, and what a medic would say it shows."""

    path: Path
    caption: str


def write_photographs(
    folder: Path, seed: int, reading: MonitorReading = MONITOR_READING
) -> tuple[Photograph, ...]:
    """Write three JPEG files into `folder`, which is made if need be; the same seed gives the same bytes.

    Monitor and ECG show the heart rate of `reading`. The files carry what phones add: a position in the
    first, XMP in the second, an orientation to be applied in the third.
    """
    chance = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)

    def written(name: str, caption: str, picture: Image.Image, camera: CameraData) -> Photograph:
        path = folder / name
        path.write_bytes(jpeg_file(picture, camera))
        return Photograph(path, caption)

    ecg = photograph(ecg_paper(reading.heart_rate_bpm, chance), _ECG_SHOT, chance)
    monitor = photograph(monitor_screen(reading), _MONITOR_SHOT, chance)
    sheet = photograph(medicine_sheet(), _LIST_SHOT, chance)
    return (
        written("ecg-paper.jpg", "12-lead ECG on paper", ecg, CameraData(with_position=True)),
        written("monitor.jpg", "Bedside monitor", monitor, CameraData(with_xmp=True)),
        written("medicine-chest.jpg", "List of the medicine chest", sheet, CameraData(orientation=6)),
    )
