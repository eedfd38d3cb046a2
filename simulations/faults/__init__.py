"""Faults of disks, for simulated machines; re-exports them."""

from .power import PowerCut
from .rot import flip_bits
from .space import Space

__all__ = ["PowerCut", "Space", "flip_bits"]
