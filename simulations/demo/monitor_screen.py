"""Draw the screen of a bedside monitor with one set of vital signs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from .ecg_signal import lead_mv

_WIDTH, _HEIGHT = 1_760, 1_160
_BEZEL: Final = 60
_TRACE_RIGHT: Final = 1_130
_SWEEP_PX_PER_S: Final = 190
_BLACK: Final = (6, 9, 14)
_CASE: Final = (74, 79, 84)
_GREEN: Final = (70, 235, 110)
_CYAN: Final = (80, 215, 240)
_YELLOW: Final = (245, 220, 90)
_WHITE: Final = (236, 240, 244)


@dataclass(frozen=True, slots=True)
class MonitorReading:
    """The vital signs that the monitor shows; the paper ECG takes its rate from here too."""

    heart_rate_bpm: int
    spo2_percent: int
    systolic_mmhg: int
    diastolic_mmhg: int
    respiration_bpm: int

    @property
    def mean_mmhg(self) -> int:
        """Mean arterial pressure, as a cuff monitor estimates it."""
        return round((self.systolic_mmhg + 2 * self.diastolic_mmhg) / 3)


def monitor_screen(reading: MonitorReading) -> Image.Image:
    """The whole front of the monitor, its case included."""
    front = Image.new("RGB", (_WIDTH, _HEIGHT), _CASE)
    draw = ImageDraw.Draw(front)
    draw.rounded_rectangle((_BEZEL, _BEZEL, _WIDTH - _BEZEL, _HEIGHT - _BEZEL - 40), radius=14, fill=_BLACK)
    _draw_text(draw, (_BEZEL + 30, 80), "BED 1   demonstration   lead II   25 mm/s", 34, _WHITE)
    beats_per_s, breaths_per_s = reading.heart_rate_bpm / 60, reading.respiration_bpm / 60
    _draw_trace(draw, 330, _GREEN, lambda time_s: 120 * lead_mv("II", time_s + 0.4, reading.heart_rate_bpm))
    _draw_trace(draw, 600, _CYAN, lambda time_s: 105 * _pleth(time_s * beats_per_s))
    _draw_trace(draw, 850, _YELLOW, lambda time_s: 45 * math.sin(2 * math.pi * time_s * breaths_per_s))
    _draw_value(draw, 130, "HR /min", str(reading.heart_rate_bpm), _GREEN)
    _draw_value(draw, 390, "SpO2 %", str(reading.spo2_percent), _CYAN)
    _draw_value(draw, 650, "RR /min", str(reading.respiration_bpm), _YELLOW)
    pressure = f"{reading.systolic_mmhg}/{reading.diastolic_mmhg}"
    _draw_text(draw, (100, 935), "NIBP mmHg", 40, _WHITE)
    _draw_text(draw, (370, 885), pressure, 130, _WHITE)
    _draw_text(draw, (850, 925), f"({reading.mean_mmhg})", 76, _WHITE)
    return front


def _pleth(beats: float) -> float:
    """The pulse wave of the finger: a steep rise, a notch, a slow fall."""
    phase = beats % 1.0
    rise, notch = (phase - 0.30) / 0.10, (phase - 0.58) / 0.10
    return math.exp(-0.5 * rise**2) + 0.38 * math.exp(-0.5 * notch**2)


def _draw_trace(
    draw: ImageDraw.ImageDraw,
    baseline: int,
    colour: tuple[int, int, int],
    height_px: Callable[[float], float],
) -> None:
    left = _BEZEL + 30
    points = [(x, baseline - height_px((x - left) / _SWEEP_PX_PER_S)) for x in range(left, _TRACE_RIGHT, 2)]
    draw.line(points, fill=colour, width=5, joint="curve")


def _draw_value(
    draw: ImageDraw.ImageDraw, top: int, title: str, value: str, colour: tuple[int, int, int]
) -> None:
    _draw_text(draw, (_TRACE_RIGHT + 60, top), title, 44, colour)
    right = (_WIDTH - _BEZEL - 50, top + 20)
    draw.text(right, value, fill=colour, font=ImageFont.load_default(200), anchor="ra")


def _draw_text(
    draw: ImageDraw.ImageDraw, at: tuple[int, int], text: str, size: int, colour: tuple[int, int, int]
) -> None:
    draw.text(at, text, fill=colour, font=ImageFont.load_default(size))
