"""Faults of disks, for simulated machines; re-exports them."""

from .file_refusals import FileRefusal, FileRefusals
from .files import FileSyncs
from .lying import LyingDisk
from .power import PowerCut
from .refusals import Refusal, Refusals
from .rot import flip_bits
from .space import Space

__all__ = [
    "FileRefusal",
    "FileRefusals",
    "FileSyncs",
    "LyingDisk",
    "PowerCut",
    "Refusal",
    "Refusals",
    "Space",
    "flip_bits",
]
