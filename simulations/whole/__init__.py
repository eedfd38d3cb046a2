"""A fleet played on the whole product, in virtual time."""

from .playable import SITES_MAX, NotPlayable, require_playable
from .run import EQUAL_SIZE, REAL, run_whole
from .world import Playing

__all__ = ["EQUAL_SIZE", "REAL", "SITES_MAX", "NotPlayable", "Playing", "require_playable", "run_whole"]
