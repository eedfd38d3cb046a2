"""A world in event mode: the product's sessions and policy where bytes move, and moments between."""

from .parts import Parts
from .policies import POLICIES
from .restoring import Faults
from .run import Progress, run_world, run_world_in_files

__all__ = ["POLICIES", "Faults", "Parts", "Progress", "run_world", "run_world_in_files"]
