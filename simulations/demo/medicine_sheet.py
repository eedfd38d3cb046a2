"""Draw the typed list of a ship's medicine chest: what is aboard, how much, and until when it may be used."""

from __future__ import annotations

from typing import Final

from PIL import Image, ImageDraw, ImageFont

_WIDTH, _HEIGHT = 1_500, 2_000
_MARGIN: Final = 80
_TABLE_TOP: Final = 330
_ROW_PITCH: Final = 88
_PAPER: Final = (250, 249, 244)
_INK: Final = (28, 28, 34)
_RULE: Final = (150, 150, 156)

_COLUMNS: Final = (("Medicine and strength", 80), ("Form", 850), ("Qty", 1_100), ("Expiry", 1_240))
_ROWS: Final = (
    ("Aspirin 300 mg", "tablet", "40", "2028-03"),
    ("Glyceryl trinitrate 400 mcg", "spray", "2", "2027-11"),
    ("Clopidogrel 75 mg", "tablet", "28", "2028-09"),
    ("Morphine 10 mg/ml, 1 ml", "ampoule", "10", "2027-06"),
    ("Naloxone 400 mcg/ml, 1 ml", "ampoule", "5", "2028-06"),
    ("Metoclopramide 10 mg", "tablet", "20", "2028-01"),
    ("Atropine 600 mcg/ml, 1 ml", "ampoule", "10", "2028-02"),
    ("Adrenaline 1 mg/ml, 1 ml", "ampoule", "10", "2027-08"),
    ("Furosemide 10 mg/ml, 2 ml", "ampoule", "5", "2028-03"),
    ("Oxygen 10 l, with mask", "cylinder", "3", "2029-05"),
    ("Paracetamol 500 mg", "tablet", "100", "2029-01"),
    ("Ibuprofen 400 mg", "tablet", "60", "2028-10"),
    ("Amoxicillin 500 mg", "capsule", "42", "2028-05"),
    ("Salbutamol 100 mcg", "inhaler", "2", "2028-07"),
    ("Sodium chloride 0.9 %, 500 ml", "bag", "6", "2028-08"),
)


def medicine_sheet() -> Image.Image:
    """One sheet of paper, portrait."""
    sheet = Image.new("RGB", (_WIDTH, _HEIGHT), _PAPER)
    draw = ImageDraw.Draw(sheet)
    title, body = ImageFont.load_default(66), ImageFont.load_default(46)
    draw.text((_MARGIN, 90), "MEDICINE CHEST - LIST 3", fill=_INK, font=title)
    draw.text((_MARGIN, 190), "Counted by the medic. Demonstration, no real ship.", fill=_INK, font=body)
    for heading, left in _COLUMNS:
        draw.text((left, _TABLE_TOP), heading, fill=_INK, font=body, stroke_width=1, stroke_fill=_INK)
    for number, row in enumerate(_ROWS, start=1):
        top = _TABLE_TOP + number * _ROW_PITCH
        draw.line((_MARGIN, top - 14, _WIDTH - _MARGIN, top - 14), fill=_RULE, width=2)
        for (_, left), text in zip(_COLUMNS, row, strict=True):
            draw.text((left, top), text, fill=_INK, font=body)
    return sheet
