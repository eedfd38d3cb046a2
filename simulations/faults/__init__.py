"""Faults of disks, for simulated machines; re-exports them."""

from .power import PowerCut
from .rot import flip_bits
from .space import fill, make_room

__all__ = ["PowerCut", "fill", "flip_bits", "make_room"]
