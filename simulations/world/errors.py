"""What can be wrong with the description of a world, in words for the person who wrote it."""

from __future__ import annotations

from simulations.links import LinkDescriptionError


class WorldError(LinkDescriptionError):
    """A world cannot be simulated; the message names the file, the place in it and the reason."""
