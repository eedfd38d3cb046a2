"""Draw a 12-lead electrocardiogram as it leaves the machine: on pink millimetre paper, 25 mm/s, 10 mm/mV."""

from __future__ import annotations

import math
import random
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from .ecg_signal import lead_mv

_PX_PER_MM: Final = 8
_WIDTH_MM, _HEIGHT_MM = 280, 175
_MM_PER_S: Final = 25.0
_MM_PER_MV: Final = 10.0
_MARGIN_MM: Final = 15
_COLUMN_S: Final = 2.5
_ROWS: Final = (
    ("I", "aVR", "V1", "V4"),
    ("II", "aVL", "V2", "V5"),
    ("III", "aVF", "V3", "V6"),
)
_RHYTHM_LEAD: Final = "II"
_FIRST_ROW_MM: Final = 45
_ROW_PITCH_MM: Final = 35

_PAPER: Final = (255, 246, 243)
_FINE_LINE: Final = (250, 221, 217)
_BOLD_LINE: Final = (238, 170, 164)
_INK: Final = (24, 24, 40)


def ecg_paper(heart_rate_bpm: int, chance: random.Random) -> Image.Image:
    """A sheet with three rows of four leads and a rhythm strip below them."""
    sheet = Image.new("RGB", (_WIDTH_MM * _PX_PER_MM, _HEIGHT_MM * _PX_PER_MM), _PAPER)
    draw = ImageDraw.Draw(sheet)
    _draw_grid(draw)
    _draw_heading(draw, heart_rate_bpm)
    offset_s = chance.uniform(0.2, 0.5)
    for row, leads in enumerate((*_ROWS, (_RHYTHM_LEAD,))):
        baseline_mm = _FIRST_ROW_MM + row * _ROW_PITCH_MM
        _draw_calibration(draw, baseline_mm)
        for column, lead in enumerate(leads):
            start_s, end_s = column * _COLUMN_S, (column + 1) * _COLUMN_S
            if len(leads) == 1:
                end_s = len(_ROWS[0]) * _COLUMN_S
            _draw_lead(draw, lead, (start_s, end_s), baseline_mm, offset_s, heart_rate_bpm, chance)
    return sheet


def _draw_grid(draw: ImageDraw.ImageDraw) -> None:
    width, height = _WIDTH_MM * _PX_PER_MM, _HEIGHT_MM * _PX_PER_MM
    for line_mm, colour, thickness in ((1, _FINE_LINE, 1), (5, _BOLD_LINE, 2)):
        for x in range(0, width, line_mm * _PX_PER_MM):
            draw.line((x, 0, x, height), fill=colour, width=thickness)
        for y in range(0, height, line_mm * _PX_PER_MM):
            draw.line((0, y, width, y), fill=colour, width=thickness)


def _draw_heading(draw: ImageDraw.ImageDraw, heart_rate_bpm: int) -> None:
    left = _MARGIN_MM * _PX_PER_MM
    large, small = ImageFont.load_default(5.5 * _PX_PER_MM), ImageFont.load_default(4 * _PX_PER_MM)
    draw.text((left, 5 * _PX_PER_MM), f"12-lead ECG   rate {heart_rate_bpm}/min", fill=_INK, font=large)
    draw.text(
        (left, 13 * _PX_PER_MM),
        "25 mm/s   10 mm/mV   0.05-40 Hz   drawn by a program, no patient",
        fill=_INK,
        font=small,
    )


def _draw_calibration(draw: ImageDraw.ImageDraw, baseline_mm: float) -> None:
    """The pulse of 1 mV over 0.2 s that every machine prints before a row."""
    left_mm, top_mm = _MARGIN_MM - 9.0, baseline_mm - _MM_PER_MV
    corners_mm = [
        (left_mm, baseline_mm),
        (left_mm + 1.5, baseline_mm),
        (left_mm + 1.5, top_mm),
        (left_mm + 6.5, top_mm),
        (left_mm + 6.5, baseline_mm),
        (left_mm + 8, baseline_mm),
    ]
    _draw_curve(draw, corners_mm)


def _draw_lead(
    draw: ImageDraw.ImageDraw,
    lead: str,
    span_s: tuple[float, float],
    baseline_mm: float,
    offset_s: float,
    heart_rate_bpm: int,
    chance: random.Random,
) -> None:
    start_s, end_s = span_s
    points_mm = []
    samples = int((end_s - start_s) * _MM_PER_S * _PX_PER_MM / 2)
    for sample in range(samples):
        time_s = start_s + sample * 2 / (_MM_PER_S * _PX_PER_MM)
        wander_mv = 0.02 * math.sin(2 * math.pi * 0.22 * time_s) + chance.gauss(0, 0.006)
        value_mv = lead_mv(lead, time_s - offset_s, heart_rate_bpm) + wander_mv
        points_mm.append((_MARGIN_MM + time_s * _MM_PER_S, baseline_mm - value_mv * _MM_PER_MV))
    _draw_curve(draw, points_mm)
    left_mm = _MARGIN_MM + start_s * _MM_PER_S + 1.5
    font = ImageFont.load_default(5.5 * _PX_PER_MM)
    draw.text((left_mm * _PX_PER_MM, (baseline_mm - 17) * _PX_PER_MM), lead, fill=_INK, font=font)
    if start_s > 0:
        x = (_MARGIN_MM + start_s * _MM_PER_S) * _PX_PER_MM
        y = baseline_mm * _PX_PER_MM
        draw.line((x, y - 3 * _PX_PER_MM, x, y + 3 * _PX_PER_MM), fill=_INK, width=2)


def _draw_curve(draw: ImageDraw.ImageDraw, points_mm: list[tuple[float, float]]) -> None:
    points = [(x * _PX_PER_MM, y * _PX_PER_MM) for x, y in points_mm]
    draw.line(points, fill=_INK, width=4, joint="curve")
